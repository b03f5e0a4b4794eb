"""Known event-related potentials in real EEG at rest, with injected movement: cases, averages."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.confounds import epoch_weights
from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io import build, mark_bad, read, stream_dataset
from neurofuse.io.recording import with_stream
from neurofuse.models.training.split import subject_files
from neurofuse.synth import inject

LENGTH, START = 150.0, 15.0  # s
PEAK = 7e-6  # V of the P300 over its electrode
LATENCY, WIDTH, REACH = 0.35, 0.08, 0.07  # s, s (SD), m (SD)
AT = "Pz"
APART = (1.2, 1.8)  # s between onsets
EPOCH = (-0.2, 0.8)  # s about an onset
BAND = (0.5, 20.0)  # Hz of the average
REJECTED = 100e-6  # V from peak to peak, above which a trial is rejected
SEVERITIES = (0.2, 0.5, 1.0)
SEED = 67


@dataclass(frozen=True)
class Case:
    """A participant at rest with ERPs, before and after movements were injected.

    Attributes
    ----------
    participant : str
    severity : float
    rest, truth, moving : Recording
        EEG at rest, with ERPs, and with movement on top.
    onset : array (trial,)
        [s].
    """

    participant: str
    severity: float
    rest: xr.DataTree
    truth: xr.DataTree
    moving: xr.DataTree
    onset: np.ndarray


def cases(part: str) -> Iterator[Case]:
    """Each participant at rest, at each severity of movement."""
    for number, (participant, files) in enumerate(subject_files(part, "eeg").items()):
        rest = _rest(next(path for path in files if "rest" in path.name))
        truth, onset = with_erps(rest, np.random.default_rng([SEED, number]))
        for severity in SEVERITIES:
            moving = inject(truth, seed=SEED + number, severity=severity)[1]
            yield Case(participant, severity, rest, truth, moving, onset)


def with_erps(rest: xr.DataTree, rng: np.random.Generator) -> tuple[xr.DataTree, np.ndarray]:
    """The recording with an ERP after each onset, and the onsets (trial,) [s]."""
    node = stream_dataset(rest, "eeg")
    time = node.time.values
    onset = np.cumsum(rng.uniform(*APART, int(LENGTH / APART[0]))) + 1.0
    onset = onset[onset < time[-1] - 1.5]
    peak = node.position.sel(channel=AT).values
    away = np.linalg.norm(node.position.values - peak, axis=-1)
    size = PEAK * np.exp(-((away / REACH) ** 2) / 2)
    course = sum(np.exp(-(((time - o - LATENCY) / WIDTH) ** 2) / 2) for o in onset)
    added = size[:, None] * course
    return with_stream(rest, "eeg", node.assign(eeg=node.eeg + added)), onset


def _rest(path: Path) -> xr.DataTree:
    node = stream_dataset(mark_bad(read(path)), "eeg")
    node = node.isel(channel=(node.ch_type.values == "eeg") & ~node.bad.values)
    first = round(START * float(node.attrs["rate"]))
    node = node.isel(time=slice(first, first + round(LENGTH * float(node.attrs["rate"]))))
    return build(node.assign_coords(time=np.arange(node.sizes["time"]) / float(node.attrs["rate"])))


def _offsets(rate: float) -> np.ndarray:
    return np.arange(round(EPOCH[0] * rate), round(EPOCH[1] * rate) + 1)


def figures(case: Case, cleaned: xr.DataTree) -> dict[str, dict[str, float]]:
    """By how trials are averaged: `error` [V] of the average, `size`, and `inside`.

    `error` is the root mean square over channels and samples against the ERP that was added. `size`
    is that of the ERP in the average over the true one, and `inside` the same in an average of the
    trials in which the channel moves; both against the same average without movement, so that the
    brain's own activity is no error.
    """
    given, truth = epochs(cleaned, case.onset), epochs(case.truth, case.onset)
    added = (truth - epochs(case.rest, case.onset)).mean(0)
    weight = epoch_weights(cleaned, case.onset, *EPOCH)
    every = np.ones(weight.shape)
    moves = _trials(stream_dataset(case.moving, "eeg").motion.values, case).any(-1)
    samples = np.asarray(stream_dataset(case.moving, "eeg").eeg.values, float)
    large = np.ptp(_trials(samples, case), axis=-1).max(1, keepdims=True) > REJECTED
    ways = {"all trials": (every, every)}
    if "uncertainty" in stream_dataset(cleaned, "eeg"):
        ways["weighted"] = (weight.values, every)
        ways["weighted, in full size"] = (weight.values, weight.kept.values)
    elif cleaned is case.moving:
        ways["trials rejected"] = (every * ~large, every)
    found = {}
    for name, (counts, kept) in ways.items():
        error = average(given, counts, kept) - added
        found[name] = {"error": float(np.sqrt((error**2).mean()))}
        for figure, those in (("size", every), ("inside", moves)):
            chosen = counts * those
            off = average(given, chosen, kept) - average(truth, chosen, every)
            there = chosen.any(0)
            energy = float((added[there] ** 2).sum())
            if energy > 0:
                found[name][figure] = 1 + float((off * added)[there].sum()) / energy
    return found


def average(trials: np.ndarray, weight: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Weighted average (channel, sample) of trials; 0 in a channel in which none counts."""
    total = (weight * kept).sum(0)
    summed = (weight[..., None] * trials).sum(0)
    return summed / np.where(total > 0, total, np.inf)[:, None]


def _trials(rows: np.ndarray, case: Case) -> np.ndarray:
    """Rows (channel, time) of a case cut into trials (trial, channel, sample)."""
    node = stream_dataset(case.moving, "eeg")
    rate = float(node.attrs["rate"])
    first = np.round((case.onset - float(node.time[0])) * rate).astype(int)
    return rows[:, first[:, None] + _offsets(rate)].transpose(1, 0, 2)


def epochs(recording: xr.DataTree, onset: np.ndarray) -> np.ndarray:
    """Trials (trial, channel, sample) [V] in `BAND`, less their mean before the onset."""
    node = stream_dataset(recording, "eeg")
    rate = float(node.attrs["rate"])
    rows = bandpass(np.asarray(node.eeg.values, float), rate, *BAND)
    at = _offsets(rate)
    first = np.round((onset - float(node.time[0])) * rate).astype(int)
    found = rows[:, first[:, None] + at].transpose(1, 0, 2)
    return found - found[..., at < 0].mean(-1, keepdims=True)
