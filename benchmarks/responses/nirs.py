"""Known haemodynamic responses in real fNIRS at rest, with injected movement: cases, estimates."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.common.calm import all_calm
from neurofuse.fusion.confounds import add_confounds, confounds, fit_glm
from neurofuse.io import build, mark_bad, read, stream_dataset, to_optical_density
from neurofuse.io.optics.absorption import haemoglobin_to_density
from neurofuse.io.quality.channels import channel_quality
from neurofuse.io.recording import with_stream
from neurofuse.models.training.corpus import CONTACT
from neurofuse.models.training.split import subject_files
from neurofuse.synth import inject

LENGTH, LEAST = 600.0, 350.0  # s of a recording, at most and at least
PEAK = {"hbo": 0.8e-6, "hbr": -0.3e-6}  # mol/L at the largest of the response to one event
STIMULUS = 5.0  # s
APART = (18.0, 36.0)  # s between onsets of a sequence
ESTIMATORS = ("ols", "ar", "robust")
SEQUENCES = ("a", "b", "c", "d")  # of events, drawn apart; a channel responds to one at most
SHARE = 0.5  # of the channels that respond
RATE = 2.0  # Hz of the analysis
SLOWEST = 0.01  # Hz of the cosines of drift
SEVERITIES = (0.2, 0.5, 1.0)
SEED = 61


@dataclass(frozen=True)
class Case:
    """A participant at rest with responses, before and after movements were injected.

    Attributes
    ----------
    participant : str
    severity : float
        Of the injected movement; 0: none.
    truth, moving : Recording
        fNIRS with responses; the same with movement.
    events : DataFrame
        `onset` [s], `duration` [s] and `trial_type`, one of `SEQUENCES`.
    size : array (sequence, channel)
        1 where channels respond to a sequence, else 0; of channels in `channel`.
    channel : array (channel,) of int
        Those that are analysed: long and not bad.
    """

    participant: str
    severity: float
    truth: xr.DataTree
    moving: xr.DataTree
    events: pd.DataFrame
    size: np.ndarray
    channel: np.ndarray


@cache
def rests(part: str) -> tuple[tuple[str, xr.DataTree], ...]:
    """Participant and fNIRS at rest, of everyone who was recorded long enough."""
    found = []
    for kind in ("nirs", "nirs_still"):
        for participant, files in subject_files(part, kind).items():
            for path in files:
                recording = mark_bad(read(path))
                node = stream_dataset(recording, "nirs")
                if node.sizes["time"] / float(node.attrs["rate"]) >= LEAST:
                    found.append((participant, _calmest(recording)))
    return tuple(found)


def _calmest(recording: xr.DataTree) -> xr.DataTree:
    """The calmest stretch in optical density, channels of poor contact marked bad."""
    weak = channel_quality(recording, "nirs").sci.values < CONTACT
    node = stream_dataset(to_optical_density(recording), "nirs")
    node = node.assign_coords(bad=("channel", node.bad.values | weak))
    rate = float(node.attrs["rate"])
    count = min(node.sizes["time"], int(LENGTH * rate))
    rows = node.od.values[~node.bad.values].reshape(-1, node.sizes["time"])
    calm = np.r_[0, np.cumsum(all_calm(rows, rate, "nirs"))]
    first = int(np.argmax(calm[count:] - calm[: len(calm) - count]))
    node = node.isel(time=slice(first, first + count))
    return build(nirs=node.assign_coords(time=np.arange(count) / rate))


def calm_share(recording: xr.DataTree) -> float:
    """Share of the time in which nearly all channels of a recording at rest are calm."""
    node = stream_dataset(recording, "nirs")
    rows = node.od.values[~node.bad.values].reshape(-1, node.sizes["time"])
    return float(all_calm(rows, float(node.attrs["rate"]), "nirs").mean())


def cases(part: str) -> Iterator[Case]:
    """Each participant at rest with responses, without movement and at each severity of it."""
    for number, (participant, rest) in enumerate(rests(part)):
        rng = np.random.default_rng([SEED, number, 0])
        truth, events, size, channel = with_responses(rest, rng)
        yield Case(participant, 0.0, truth, truth, events, size, channel)
        for severity in SEVERITIES:
            moving = inject(truth, seed=SEED + number, severity=severity)[1]
            yield Case(participant, severity, truth, moving, events, size, channel)


def with_responses(
    rest: xr.DataTree, rng: np.random.Generator
) -> tuple[xr.DataTree, pd.DataFrame, np.ndarray, np.ndarray]:
    """The recording with responses, the events, and of a `Case` its sizes and channels.

    Four sequences instead of one: intervals of channels that share systemic activity are right or
    wrong together, and each sequence tries them anew.
    """
    node = stream_dataset(rest, "nirs")
    time = node.time.values
    parts = []
    for sequence in SEQUENCES:
        onset = np.cumsum(rng.uniform(*APART, int(time[-1] / APART[0])))
        onset = onset[onset < time[-1] - APART[0]]
        parts.append(pd.DataFrame({"onset": onset, "trial_type": sequence}))
    events = pd.concat(parts, ignore_index=True).assign(duration=STIMULUS)
    channel = np.flatnonzero(~node.bad.values & ~node.short.values)
    responding = rng.permutation(len(channel))[: round(SHARE * len(channel))]
    size = np.zeros((len(SEQUENCES), len(channel)))
    size[rng.integers(len(SEQUENCES), size=len(responding)), responding] = 1.0
    course = np.zeros((node.sizes["channel"], time.size))
    course[channel] = size.T @ np.stack(list(courses(time, events).values()))
    hbo, hbr = (peak * course for peak in PEAK.values())
    added = haemoglobin_to_density(hbo, hbr, node.wavelength.values, node.distance.values)
    dims = ("channel", "wavelength", "time")
    od = node.od.transpose(*dims).values + added
    return with_stream(rest, "nirs", node.assign(od=(dims, od))), events, size, channel


def courses(time: np.ndarray, events: pd.DataFrame) -> dict[str, np.ndarray]:
    """The expected course (time,) of each sequence; the response to one event has the peak 1."""
    from nilearn.glm.first_level import compute_regressor

    one = np.array([[0.0], [STIMULUS], [1.0]])
    peak = compute_regressor(one, "spm", np.arange(0, 40, 0.05), oversampling=20)[0].max()
    found = {}
    for sequence in SEQUENCES:
        own = events[events.trial_type == sequence]
        given = np.stack([own.onset, own.duration, np.ones(len(own))])
        found[sequence] = compute_regressor(given, "spm", time, oversampling=20)[0][:, 0] / peak
    return found


def design_matrix(recording: xr.DataTree, events: pd.DataFrame) -> pd.DataFrame:
    """Responses to the sequences, slow cosines and a constant, at `RATE`."""
    seconds = stream_dataset(recording, "nirs").time.values
    time = np.arange(0, seconds[-1] - seconds[0], 1 / RATE)
    design = pd.DataFrame(courses(time, events), pd.Index(time, name="time"))
    for k in range(1, int(2 * time[-1] * SLOWEST) + 1):
        design[f"drift_{k}"] = np.cos(np.pi * k * (np.arange(time.size) + 0.5) / time.size)
    return design.assign(constant=1.0)


def estimates(case: Case, cleaned: xr.DataTree, confounded: bool) -> pd.DataFrame:
    """Estimates of a cleaned case: one row a channel, kind of haemoglobin, sequence and estimator.

    `size` is the true one, `beta`, `low` and `high` the estimate and its interval, all over the
    true peak. `confounded`: with short channels and the weights of the cleaned recording.
    """
    design = design_matrix(cleaned, case.events)
    if confounded:
        frame = confounds(cleaned)["nirs"]
        short = [name for name in frame if name.startswith("short_channel_")]
        design = add_confounds(design, frame, short)
    names = stream_dataset(cleaned, "nirs").channel.values[case.channel].astype(str)
    size = {
        (sequence, name): case.size[row, column]
        for row, sequence in enumerate(SEQUENCES)
        for column, name in enumerate(names)
    }
    found = []
    for estimator in ESTIMATORS:
        table: Any = fit_glm(cleaned, design, estimator=estimator, weighted=confounded)
        table = table[table.column.isin(SEQUENCES) & table.channel.isin(names)]
        peak = table.kind.map(PEAK)
        low, high = table.low / peak, table.high / peak
        rows = table[["channel", "kind", "column"]].assign(
            estimator=estimator,
            size=[size[key] for key in zip(table.column, table.channel, strict=True)],
            beta=table.beta / peak,
            low=np.minimum(low, high),
            high=np.maximum(low, high),
        )
        found.append(rows)
    return pd.concat(found, ignore_index=True)
