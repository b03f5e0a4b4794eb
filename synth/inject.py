"""Inject head motion into both streams of a Recording at once, with exact truth."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.lazy import is_lazy
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.optics.conversion import to_intensity, to_optical_density
from neurofuse.io.recording import (
    check,
    event_facts,
    event_rows,
    events_dataset,
    note,
    stream_dataset,
    streams,
    with_stream,
)
from neurofuse.synth.bouts import check_motion, sample_movements
from neurofuse.synth.eeg_artifact import EegArtifact
from neurofuse.synth.movement import Movement
from neurofuse.synth.nirs_artifact import nirs_artifact
from neurofuse.synth.sensors import head_sensors

RAIL = 5e-3  # V from a channel's median at which its amplifier saturates
BLOCK = 60.0  # s of EEG that are contaminated at a time; the first one gives the median

Disturb = Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]


def inject(
    recording: xr.DataTree,
    *,
    seed: int = 0,
    share: str = "timing",
    severity: float = 1.0,
    types: Iterable[str] | None = None,
    bouts_per_minute: float | None = None,
    lag: float | None = None,
    sensors: bool = False,
) -> tuple[xr.DataTree, xr.DataTree]:
    """Add motion artifacts of the same movements to EEG and fNIRS, with exact truth.

    EEG artifacts are added in volts, until the amplifier saturates 5 mV from a channel's median;
    fNIRS artifacts are added in optical density, where they are additive, also when the Recording
    holds intensity. Bad and non-EEG channels stay as they are. EEG that is still in its file stays
    there: its artifact is computed when samples are needed.

    Parameters
    ----------
    recording : Recording
        Clean recording, simulated or real, with EEG, fNIRS or both.
    seed : int
        Seed of all random numbers; stored in `attrs["seed"]` of the result.
    share : {"none", "timing", "partial", "full"}
        What both modalities share of a movement: nothing, onset and intensity, or also part of its
        time course (R² about 0.2 or above 0.6).
    severity : float
        Factor [1] on the artifacts' size; 1 is a typical recording with movement, 0 adds none.
    types : names, optional
        Kinds of movement (`neurofuse.synth.TYPES`); by default all, as often as in seated
        participants.
    bouts_per_minute : float, optional
        How often a bout of movement begins [1/min]; sampled per participant (about 2) by default.
    lag : float, optional
        Delay [s] of movements in fNIRS; sampled from -0.3 to 0.3 s by default.
    sensors : bool
        Also add the signals of an accelerometer and a gyroscope on the head to `/aux`.

    Returns
    -------
    truth, contaminated : Recording
        `truth` is the input. `contaminated` holds the movements in `/events` (description
        "motion/<type>", one row for each modality that shows it) and `motion` (channel, time;
        bool) in each stream: where EEG samples are contaminated, and where movement changes fNIRS
        samples.

    Raises
    ------
    ParameterError
        For a seed, share, severity, type, rate or lag out of its range.

    Examples
    --------
    >>> from neurofuse.io import build, eeg_dataset
    >>> rest = build(eeg_dataset(np.zeros((2, 7500)), 250.0, ["C3", "C4"]))
    >>> truth, contaminated = inject(rest, seed=1, bouts_per_minute=6)
    >>> same = contaminated["eeg"].eeg.values == truth["eeg"].eeg.values
    >>> bool(same[~contaminated["eeg"].motion.values].all()), bool(same.all())
    (True, False)
    """
    check(recording)
    types = check_motion(share, types, bouts_per_minute, lag)
    if not (np.isfinite(severity) and severity >= 0):
        raise ParameterError(
            f"severity={severity}", "a number of at least 0", "1 is typical motion"
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"seed={seed!r}", "a whole number of at least 0", "0 is the default")
    movement_rng, other_rng = np.random.default_rng(seed).spawn(2)
    eeg_seed, nirs_seed, sensor_seed = (int(n) for n in other_rng.integers(2**62, size=3))
    present = streams(recording)
    start = min(float(recording[s].time[0]) for s in present)
    length = max(float(recording[s].time[-1]) for s in present) - start
    movements = sample_movements(
        length, movement_rng, share, types=types, bouts_per_minute=bouts_per_minute, lag=lag
    )
    wanted = severity > 0 and bouts_per_minute != 0
    if wanted and not any(movements[s] for s in present):
        LOG.warning("no movement within %.0f s for seed %d: try another seed", length, seed)
    contaminated = recording
    if EEG.name in present:
        contaminated = _disturb_eeg(contaminated, movements[EEG.name], start, severity, eeg_seed)
    if NIRS.name in present:
        contaminated = _disturb_nirs(contaminated, movements[NIRS.name], start, severity, nirs_seed)
    shown = {s: movements[s] for s in present}
    if sensors:
        nodes = head_sensors(movements["head"], start, length, sensor_seed)
        contaminated = _with_sensors(contaminated, nodes)
        shown["aux"] = movements["head"]
    contaminated = _with_events(contaminated, shown, start)
    settings = {"types": types, "bouts_per_minute": bouts_per_minute, "lag": lag}
    contaminated = note(
        contaminated, "inject", seed=seed, share=share, severity=severity, **settings
    )
    contaminated.attrs["seed"] = seed
    return recording, contaminated


def _disturb_eeg(
    recording: xr.DataTree, movements: list[Movement], start: float, severity: float, seed: int
) -> xr.DataTree:
    node = stream_dataset(recording, EEG.name)
    dims = EEG.dims
    samples: Any = node.eeg.transpose(*dims).data
    names, place = node.channel.values, node.position.values
    artifact = EegArtifact(movements, node.time.values - start, names, place, seed)
    treated = ((node.ch_type == "eeg") & ~node.bad).values[:, None] & (severity > 0)
    count = max(int(BLOCK * float(node.attrs["rate"])), 1)
    first_block: np.ndarray = np.asarray(samples[:, :count])
    middle: np.ndarray = np.nan_to_num(np.median(first_block, axis=1, keepdims=True))

    def disturbed(first: int, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        volts, mask = artifact.samples(first, first + block.shape[1])
        mask &= treated
        result = block + severity * volts
        railed = (np.abs(result - middle) > RAIL) & (np.abs(block - middle) < RAIL)
        result = np.where(railed, middle + RAIL * np.sign(result - middle), result)
        return np.where(mask, result, block), mask

    if is_lazy(node.eeg):
        values, mask = (_lazily(samples, disturbed, part) for part in (0, 1))
    else:
        values = np.array(samples, float)
        mask = np.zeros(values.shape, bool)
        for first in range(0, values.shape[1], count):
            here = np.s_[:, first : first + count]
            values[here], mask[here] = disturbed(first, values[here])
    node = node.assign(eeg=(dims, values, node.eeg.attrs), motion=(dims, mask))
    return with_stream(recording, EEG.name, node)


def _lazily(samples: Any, disturbed: Disturb, part: int) -> Any:
    """One of the results of `disturbed`, for samples that are still in a file."""
    whole = samples.rechunk({0: -1})

    def block_of(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        return disturbed(block_info[0]["array-location"][1][0], block)[part]

    return whole.map_blocks(block_of, dtype=(float, bool)[part], meta=np.empty((0, 0)))


def _disturb_nirs(
    recording: xr.DataTree, movements: list[Movement], start: float, severity: float, seed: int
) -> xr.DataTree:
    density = to_optical_density(recording)
    node = stream_dataset(density, NIRS.name)
    node = node.assign(od=node.od.transpose(*NIRS.dims))
    artifact, mask = nirs_artifact(
        movements,
        node.time.values - start,
        node.source.values,
        node.detector.values,
        node.wavelength.values,
        seed,
        source_position=node.source_position.values,
        detector_position=node.detector_position.values,
    )
    treated = ~node.bad.values
    artifact *= severity * treated[:, None, None]
    mask &= treated[:, None] & (severity > 0)
    node = node.assign(od=node.od + artifact, motion=(("channel", "time"), mask))
    density = with_stream(density, NIRS.name, node)
    if "intensity" not in recording[NIRS.name].data_vars:
        return density
    disturbed = stream_dataset(to_intensity(density), NIRS.name)
    # channels without artifact keep their exact samples: the logarithm would round them
    contaminated = (artifact != 0).any(axis=(1, 2))[:, None, None]
    before = recording[NIRS.name].intensity
    intensity = before.copy(data=np.where(contaminated, disturbed.intensity.values, before.values))
    return with_stream(
        recording,
        NIRS.name,
        stream_dataset(recording, NIRS.name).assign(intensity=intensity, motion=node.motion),
    )


def _with_sensors(recording: xr.DataTree, sensors: dict[str, xr.Dataset]) -> xr.DataTree:
    held = set(recording["aux"].children) if "aux" in recording.children else set()
    if held & set(sensors):
        raise ParameterError(
            f"sensors=True for a recording that holds {', '.join(sorted(held & set(sensors)))}",
            "a recording without these sensors",
            "leave sensors out: measured signals cannot show injected movement",
        )
    changed = recording.copy()
    for name, node in sensors.items():
        changed[f"aux/{name}"] = xr.DataTree(node)
    return changed


def _with_events(
    recording: xr.DataTree, movements: dict[str, list[Movement]], start: float
) -> xr.DataTree:
    own = [
        (start + m.onset, m.duration, f"motion/{m.type}", "", stream)
        for stream, shown in movements.items()
        for m in shown
    ]
    rows, facts = event_rows(recording), event_facts(recording)
    events = events_dataset([*rows, *own], [*facts, *({} for _ in own)])
    return with_stream(recording, "events", events)
