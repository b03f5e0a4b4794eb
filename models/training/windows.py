"""Sample training windows: clean pieces of two participants, contaminated by one's movement.

Every window is sampled anew from (seed, step), so training can resume at any step with the same
windows, and no window is ever seen twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count, islice

import numpy as np
import torch

from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.training.augment import plain_eeg, plain_nirs, recovering, surrogate
from neurofuse.models.training.corpus import Clean
from neurofuse.synth.bouts import sample_movements
from neurofuse.synth.eeg_artifact import EegArtifact
from neurofuse.synth.movement import SHARE, Movement
from neurofuse.synth.nirs_artifact import nirs_artifact

# peak of a movement in a window without any: V of EEG (two axes), OD of fNIRS (three)
USUAL_PEAK = {2: 100e-6, 3: 0.1}
FEW = 4  # channels, of wearables and of some optodes beside an EEG cap
VALIDATION = 7  # first number of the seeds of validation windows

Batch = dict[str, tuple[Stream, Target]]


@dataclass(frozen=True)
class WindowSampling:
    """How windows are sampled."""

    window: float = 60.0  # s
    batch: int = 4  # windows
    eeg_channels: tuple[int, int] = (1, 16)
    nirs_channels: tuple[int, int] = (1, 10)
    severity: tuple[float, float] = (0.05, 3.0)  # log-uniform
    share: tuple[str, ...] = tuple(SHARE)  # of motion that modalities have in common, one of these
    few: float = 0.5  # probability that one modality of a batch has at most `FEW` channels
    unshared: float = 1 / 3  # probability that modalities share nothing, where `share` allows it
    still: float = 1 / 6  # probability that one of two modalities does not move
    surrogate: float = 0.2  # probability of rest with other phases
    plain: float = 0.3  # probability of plain events, half of the time in place of movements
    recovery: float = 0.5  # probability of an AC-coupled amplifier

    def unaugmented(self) -> "WindowSampling":
        """Windows without augmentation in which every modality moves, as for validation."""
        return replace(self, still=0.0, surrogate=0.0, plain=0.0, recovery=0.0)


def checks_of(
    corpus: Mapping[str, list[Clean]], sampling: WindowSampling, batches: int
) -> list[Batch]:
    """The same windows of validation participants every time, without augmentation.

    Batches in which a modality does not move at all say nothing of it and are passed over.
    """
    plain = sampling.unaugmented()
    made = (
        sample_batch(corpus, plain, np.random.default_rng([VALIDATION, number]))
        for number in count()
    )
    moving = (b for b in made if all(target.mask.any() for _, target in b.values()))
    return list(islice(moving, batches))


def sample_batch(
    corpus: Mapping[str, list[Clean]], sampling: WindowSampling, rng: np.random.Generator
) -> Batch:
    """One batch: for each modality of the corpus what the model sees and what is true."""
    streams = list(corpus)
    # all windows of a batch have one rate and one number of channels
    rate = {s: corpus[s][rng.integers(len(corpus[s]))].rate for s in streams}
    pools = {
        s: [
            clean
            for clean in corpus[s]
            if clean.rate == rate[s] and clean.signal.shape[-1] > sampling.window * clean.rate
        ]
        for s in streams
    }
    spans = {"eeg": sampling.eeg_channels, "nirs": sampling.nirs_channels}
    if rng.random() < sampling.few:
        chosen = streams[rng.integers(len(streams))]
        low, high = spans[chosen]
        spans[chosen] = (low, max(low, min(high, FEW)))
    channels = {s: int(rng.integers(spans[s][0], spans[s][1] + 1)) for s in streams}
    channels = {s: min(channels[s], min(len(c.position) for c in pools[s])) for s in streams}
    items: dict[str, list[tuple[np.ndarray, ...]]] = {s: [] for s in streams}
    for _ in range(sampling.batch):
        share = _share(sampling, rng)
        movements = sample_movements(
            sampling.window, rng, share, bouts_per_minute=rng.uniform(0.5, 3.5)
        )
        low, high = np.log(sampling.severity)
        severity = np.exp(rng.uniform(low, high, 2))
        severity = {"eeg": severity[0], "nirs": severity[rng.integers(2)]}
        if len(streams) > 1 and rng.random() < sampling.still:
            severity[streams[rng.integers(len(streams))]] = 0.0
        for s in streams:
            clean = pools[s][rng.integers(len(pools[s]))]
            given = movements[s], severity[s], channels[s]
            items[s].append(_window(s, clean, *given, sampling, rng))
    return {s: _stack(items[s], rate[s]) for s in streams}


def _share(sampling: WindowSampling, rng: np.random.Generator) -> str:
    """What both modalities of a window share of their movements."""
    shared = [share for share in sampling.share if share != "none"]
    if "none" in sampling.share and (not shared or rng.random() < sampling.unshared):
        return "none"
    return str(rng.choice(shared))


def _window(
    stream: str,
    clean: Clean,
    movements: list[Movement],
    severity: float,
    channels: int,
    sampling: WindowSampling,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Signal and artifact in the model's domain, mask, and positions of one window."""
    length = int(sampling.window * clean.rate)
    start = rng.integers(clean.signal.shape[-1] - length)
    # the calmest channels of the window: what moves in "clean" recordings would be taken for clean
    calm = clean.calm[:, start : start + length].mean(-1)
    pick = np.lexsort((rng.random(len(calm)), -np.round(calm, 2)))[:channels]
    piece = clean.signal[pick][..., start : start + length]
    time = np.arange(length) / clean.rate
    if stream == "eeg":
        contact = int(rng.integers(2**62))
        motion = EegArtifact(
            movements, time, list(clean.channel[pick]), clean.position[pick], contact
        )
        artifact, mask = motion.samples(0, length)
        piece = piece - piece.mean(-1, keepdims=True)
    else:
        assert clean.optodes is not None
        ends = clean.optodes
        artifact, mask = nirs_artifact(
            movements,
            time,
            list(ends.source[pick]),
            list(ends.detector[pick]),
            list(ends.wavelength),
            int(rng.integers(2**62)),
            source_position=ends.source_position[pick],
            detector_position=ends.detector_position[pick],
        )
    if sampling.surrogate and rng.random() < sampling.surrogate:
        piece = surrogate(piece, rng)
    if sampling.plain and rng.random() < sampling.plain:
        artifact, mask = _with_plain(artifact, mask, movements, time, rng)
    if severity == 0:
        mask = np.zeros_like(mask)
    if stream == "eeg":
        piece = _with_noise(piece, time, rng)
        artifact = severity * artifact
        if sampling.recovery and rng.random() < sampling.recovery:
            artifact, tail = recovering(artifact, piece, clean.rate, rng)
            mask = mask | tail
    else:
        piece = np.diff(piece, axis=-1, prepend=piece[..., :1])
        artifact = severity * np.diff(artifact, axis=-1, prepend=artifact[..., :1])
    position = clean.position[pick]
    if rng.random() < 0.2:
        position = np.full_like(position, np.nan)
    scale = np.median(np.abs(piece + artifact)) + 1e-30  # units cancel; float32 stays in range
    return piece / scale, artifact / scale, mask, position


def _with_plain(
    artifact: np.ndarray,
    mask: np.ndarray,
    movements: list[Movement],
    time: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Plain events beside the generated movements or in their place, of about their size."""
    if artifact.ndim == 2:
        more, where = plain_eeg(movements, len(artifact), time, rng)
    else:
        channels, wavelengths, _ = artifact.shape
        more, where = plain_nirs(movements, channels, wavelengths, time, rng)
    size = np.median(np.abs(artifact).max(-1)) or USUAL_PEAK[artifact.ndim]
    if rng.random() < 0.5:
        return size * more, where
    return artifact + size * more, mask | where


def _with_noise(piece: np.ndarray, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then mains hum and amplifier noise, which published clean EEG has lost."""
    if rng.random() > 0.3:
        return piece
    size = piece.std()
    hum = np.sin(2 * np.pi * rng.choice([50.0, 60.0]) * time + rng.uniform(0, 2 * np.pi))
    gain = size * rng.exponential(0.3, (len(piece), 1))
    return piece + gain * hum + 0.1 * size * rng.random() * rng.normal(size=piece.shape)


def _stack(items: list[tuple[np.ndarray, ...]], rate: float) -> tuple[Stream, Target]:
    clean, artifact, mask, position = (
        torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*items, strict=True)
    )
    return Stream(clean + artifact, position, rate), Target(clean, artifact, mask)
