"""A recording's own movements, all moved by the same time, into its quiet stretches.

Both modalities are moved together, so that sizes, kinds, rates, channels and what the modalities
share stay as they are. What they are moved into is the recording with its movements repaired, of
which only the quiet stretches are scored: these are as recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.fusion.self_test.material import Material, lost_samples
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.calm import widened
from neurofuse.io.recording import stream_dataset, with_stream
from neurofuse.io.runs import runs
from neurofuse.synth.haemoglobin import haemodynamic

LEAST = 5.0  # s, by which movements are moved at least
APART = 15.0  # s between the times by which they are moved
BESIDE = 0.5  # s around movements that are moved together
EVERY = (14.0, 20.0)  # s from one added response to the next
LASTING = 25.0  # s of a response
RESPONDING = 1 / 3  # of the channels show a response
SIZE = 1.0  # of a response, in standard deviations of the channel at rest
SHORT_WAVE = 800.0  # nm; light below sees hardly anything of HbO …
SHORT_WAVE_PART = 0.15  # … and this much of what longer waves see of a response


@dataclass(frozen=True)
class Injected:
    """What is cleaned, and the truth about it.

    Attributes
    ----------
    mixed, truth : Recording
    motion, scored, untouched, lost : dict of bool array (channel, time)
        By modality: where movements are now, where of that errors are known and count, quiet
        samples without any, and what no method is asked to repair.
    response : array (channel, wavelength, time) or None
        What was added to the optical density of both.
    """

    mixed: xr.DataTree
    truth: xr.DataTree
    motion: dict[str, np.ndarray]
    scored: dict[str, np.ndarray]
    untouched: dict[str, np.ndarray]
    lost: dict[str, np.ndarray]
    response: np.ndarray | None


def distances(parts: Sequence[Material], count: int) -> list[float]:
    """Times [s] by which movements fall best into quiet stretches, at most `count`.

    Examples
    --------
    >>> rest = np.arange(1000)[None] >= 200
    >>> zeros = np.zeros((1, 1000))
    >>> one = Material("eeg", 10.0, zeros, zeros, np.ones(1, bool), rest, ~rest, ~rest, zeros)
    >>> 20 <= distances([one], 1)[0] <= 80
    True
    """
    length = min(one.quiet.shape[-1] / one.rate for one in parts)
    tried = np.arange(LEAST, length - LEAST, 1.0)
    fitting = np.zeros(len(tried))
    for one in parts:
        step = max(1, int(one.rate / 4))
        quiet, moving = one.quiet[:, ::step], one.moving[:, ::step]
        spectrum = np.fft.rfft(quiet) * np.conj(np.fft.rfft(moving))
        together = np.fft.irfft(spectrum.sum(0), quiet.shape[1])
        at = np.round(tried * one.rate / step).astype(int) % len(together)
        fitting += together[at] / max(moving.sum(), 1)
    chosen: list[float] = []
    for distance in tried[np.argsort(-fitting, kind="stable")]:
        if len(chosen) < count and all(abs(distance - other) >= APART for other in chosen):
            chosen.append(float(distance))
    return chosen


def inject_own(
    cleaned: xr.DataTree, parts: Sequence[Material], distance: float, seed: int
) -> Injected:
    """The repaired recording with its own movements moved by `distance` [s].

    A movement that would begin before the end and end after it is left out. Small haemodynamic
    responses are added to the fNIRS of both, at random times in random channels.
    """
    mixed = truth = cleaned
    motion, scored, untouched, gone, response = {}, {}, {}, {}, None
    pieces = _pieces(parts)
    for one in parts:
        base = one.repaired
        if one.stream == "nirs":
            wavelength = stream_dataset(cleaned, "nirs").wavelength.values
            response = _responses(one, wavelength, np.random.default_rng(seed))
            base = base + response
        added, moved = _moved(one, pieces, distance)
        values = base + (np.cumsum(added, axis=-1) if one.stream == "nirs" else added)
        if one.stream == "eeg":  # an amplifier saturates where it did
            values = np.clip(values, *_range(one.recorded))
        truth, mixed = (
            _with_samples(tree, one.stream, x) for tree, x in ((truth, base), (mixed, values))
        )
        lost = lost_samples(stream_dataset(mixed, one.stream), one.stream)
        guard = widened(moved, round(BESIDE * one.rate))
        motion[one.stream] = moved
        scored[one.stream] = moved & one.quiet & ~lost
        untouched[one.stream] = one.quiet & ~guard
        gone[one.stream] = lost
    return Injected(mixed, truth, motion, scored, untouched, gone, response)


def _pieces(parts: Sequence[Material]) -> list[tuple[float, float]]:
    """Begin and end [s] of movements in any modality and channel, with some time beside."""
    grid = 10.0  # Hz
    count = max(int(np.ceil(one.moving.shape[-1] / one.rate * grid)) for one in parts)
    anywhere = np.zeros((1, count + 1), bool)
    for one in parts:
        times = np.flatnonzero(one.moving.any(0)) / one.rate
        anywhere[0, (times * grid).astype(int)] = True
    return [(a / grid, b / grid) for a, b in runs(widened(anywhere, round(BESIDE * grid))[0])]


def _moved(
    one: Material, pieces: Sequence[tuple[float, float]], distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Artifact and motion of a modality, after its pieces were moved."""
    artifact, moving = np.zeros_like(one.artifact), np.zeros_like(one.moving)
    length = one.moving.shape[-1]
    for begin, end in pieces:
        first, last = max(round(begin * one.rate), 0), min(round(end * one.rate), length)
        start = (first + round(distance * one.rate)) % length
        if start + last - first <= length:
            artifact[..., start : start + last - first] = one.artifact[..., first:last]
            moving[:, start : start + last - first] = one.moving[:, first:last]
    return artifact, moving


def _responses(one: Material, wavelength: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Responses (channel, wavelength, time) in a third of the channels each."""
    channels, waves, count = one.repaired.shape
    shape = haemodynamic(np.arange(0, LASTING, 1 / one.rate))
    seen = np.where(wavelength < SHORT_WAVE, SHORT_WAVE_PART, 1.0)
    if seen.max() < 1:
        seen = np.ones(waves)
    spread = [
        row[:, quiet].std(-1) if quiet.any() else row.std(-1)
        for row, quiet in zip(one.repaired, one.quiet, strict=True)
    ]
    course = np.zeros((channels, count))
    onset = rng.uniform(0, EVERY[0])
    while onset * one.rate < count - 1:
        first = round(onset * one.rate)
        part = shape[: count - first]
        chosen = rng.permutation(channels)[: max(1, round(RESPONDING * channels))]
        course[chosen, first : first + len(part)] += rng.choice([-1, 1]) * part
        onset += rng.uniform(*EVERY)
    size = SIZE * np.nan_to_num(np.array(spread)).max(-1)
    return (size * one.used)[:, None, None] * seen[:, None] * course[:, None]


def _range(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest sample of each row."""
    low, high = np.fmin.reduce(rows, axis=-1), np.fmax.reduce(rows, axis=-1)
    return low[..., None], high[..., None]


def _with_samples(tree: xr.DataTree, stream: str, values: np.ndarray) -> xr.DataTree:
    """A Recording with other samples and without what a cleaner found."""
    node = stream_dataset(tree, stream)
    name, dims = MODALITIES[stream].variable(node), MODALITIES[stream].dims
    node = node.drop_vars(["gate", "uncertainty", "verdict", "evidence", "motion"], errors="ignore")
    return with_stream(tree, stream, node.assign({name: (dims, values, node[name].attrs)}))
