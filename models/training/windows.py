"""Sample training windows: clean pieces of two participants, contaminated by one's movement.

Every window is sampled anew from (seed, step), so training can resume at any step with the same
windows, and no window is ever seen twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count, islice

import numpy as np
import torch

from neurofuse.io.errors import ParameterError
from neurofuse.models.inference.drift import drift
from neurofuse.models.inference.head_activity import activity
from neurofuse.models.joint.causal_bands import drift_so_far
from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.training.augment import (
    TAIL,
    electrode_drift,
    plain_eeg,
    plain_nirs,
    quantised,
    railed,
    recovering,
    surrogate,
    weak_light,
)
from neurofuse.models.training.corpus import FEW, CleanSignal
from neurofuse.models.training.devices import at_rate, other_device, other_rate
from neurofuse.models.training.domains import lab_of
from neurofuse.models.training.transplants import transplants
from neurofuse.synth.bouts import sample_movements
from neurofuse.synth.eeg_artifact import EegArtifact
from neurofuse.synth.eeg_body import blinks
from neurofuse.synth.movement import SHARE, Movement
from neurofuse.synth.nirs_artifact import nirs_artifact
from neurofuse.synth.real_movement import RealMovement
from neurofuse.synth.sensors import RATE as SENSOR_RATE
from neurofuse.synth.sensors import head_sensors

# peak of a movement in a window without any: V of EEG (two axes), OD of fNIRS (three)
USUAL_PEAK = {2: 100e-6, 3: 0.1}
CAP = 8  # electrodes from which on blinks can be told from movements, and are none
STARTS = 8  # that are drawn for a window; the calmest is taken
NO_PROBABILITIES = {"window", "frame_rate"}  # of `WindowSampling`
VALIDATION = 7  # first number of the seeds of validation windows

Batch = dict[str, tuple[Stream, Target]]
Donors = Mapping[str, dict[str, list[RealMovement]]]  # by modality and donor


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
    wearable: float = 0.2  # probability of people with few electrodes
    transplanted: float = 0.3  # probability of real movements, half of them in place of others
    recovery: float = 0.3  # probability of an AC-coupled amplifier
    rails: float = 0.1  # probability of one that saturates
    drift: float = 0.3  # probability of electrodes that drift more than they did
    blinks: float = 0.3  # probability of blinks
    weak: float = 0.4  # probability of optodes that little light reaches
    coarse: float = 0.15  # probability of a coarse converter
    dark: float = 0.15  # probability of a dark fNIRS channel
    head: float = 0.5  # probability of an IMU on the head
    other_head: float = 0.2  # probability that such an IMU is of somebody else
    frame_rate: float = 10.0  # Hz, of what an IMU tells
    causal: bool = False  # whether drift is what is known of it up to then
    randomised: float = 0.0  # probability of a randomised device, and of another rate of a batch
    matched: bool = False  # whether a batch is of labs with other rates too, brought to one rate

    def with_probabilities(self, given: Mapping[str, float]) -> "WindowSampling":
        """The same with other probabilities, by name."""
        known = {f.name for f in fields(self) if isinstance(f.default, float)} - NO_PROBABILITIES
        unknown = sorted(set(given) - known)
        if unknown:
            raise ParameterError(
                f"windows with {', '.join(unknown)}",
                f"names out of {', '.join(sorted(known))}",
                "see neurofuse.models.training.windows.WindowSampling",
            )
        return replace(self, **given)

    def unaugmented(self) -> "WindowSampling":
        """Windows without augmentation in which every modality moves, as for validation."""
        return replace(
            self,
            still=0.0,
            surrogate=0.0,
            plain=0.0,
            transplanted=0.0,
            recovery=0.0,
            rails=0.0,
            drift=0.0,
            blinks=0.0,
            weak=0.0,
            coarse=0.0,
            dark=0.0,
            head=0.0,
        )


def checks_of(
    corpus: Mapping[str, Sequence[CleanSignal]], sampling: WindowSampling, batches: int
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
    corpus: Mapping[str, Sequence[CleanSignal]],
    sampling: WindowSampling,
    rng: np.random.Generator,
    donors: Donors | None = None,
    own: np.random.Generator | None = None,
) -> Batch:
    """One batch: for each modality of the corpus what the model sees and what is true.

    `donors` are the people whose real movements are transplanted. Where several processes share a
    batch, `rng` draws what all its windows have in common, and `own` the windows of one process.
    """
    streams = list(corpus)
    # all windows of a batch have one rate and one number of channels
    pools = {s: _pool(corpus[s], sampling, rng) for s in streams}
    rate = {s: min(c.rate for c in pools[s]) for s in streams}
    if sampling.randomised and rng.random() < sampling.randomised:
        rate = {s: other_rate(s, rate[s], rng) for s in streams}
    spans = {"eeg": sampling.eeg_channels, "nirs": sampling.nirs_channels}
    if rng.random() < sampling.few:
        chosen = streams[rng.integers(len(streams))]
        low, high = spans[chosen]
        spans[chosen] = (low, max(low, min(high, FEW)))
    channels = {s: int(rng.integers(spans[s][0], spans[s][1] + 1)) for s in streams}
    pools = {s: _with_channels(pools[s], channels[s]) for s in streams}
    channels = {s: min(channels[s], min(c.shape[0] for c in pools[s])) for s in streams}
    draw = rng if own is None else own
    heads = []
    items: dict[str, list[tuple[np.ndarray, ...]]] = {s: [] for s in streams}
    labs: dict[str, list[int]] = {s: [] for s in streams}
    for _ in range(sampling.batch):
        share = _share(sampling, draw)
        movements = sample_movements(
            sampling.window, draw, share, bouts_per_minute=draw.uniform(0.5, 3.5)
        )
        low, high = np.log(sampling.severity)
        severity = np.exp(draw.uniform(low, high, 2))
        severity = {"eeg": severity[0], "nirs": severity[draw.integers(2)]}
        if len(streams) > 1 and draw.random() < sampling.still:
            severity[streams[draw.integers(len(streams))]] = 0.0
        for s in streams:
            clean = pools[s][draw.integers(len(pools[s]))]
            given = movements[s], severity[s], channels[s], rate[s]
            items[s].append(_window(s, clean, *given, sampling, draw, (donors or {}).get(s)))
            labs[s].append(lab_of(clean.name))
        heads.append(_head(movements["head"], sampling, draw))
    head = torch.from_numpy(np.stack(heads)) if any(h.any() for h in heads) else None
    return {s: _stack(items[s], rate[s], head, labs[s]) for s in streams}


def _pool(
    corpus: Sequence[CleanSignal], sampling: WindowSampling, rng: np.random.Generator
) -> list[CleanSignal]:
    """Recordings of one rate, with few or with many channels, that hold a window."""
    long = [c for c in corpus if c.shape[-1] > sampling.window * c.rate]
    few = [c for c in long if len(c.shape) == 2 and c.shape[0] <= FEW]
    many = [c for c in long if len(c.shape) == 3 or c.shape[0] > FEW]
    chosen = few if few and (not many or rng.random() < sampling.wearable) else many
    rate = chosen[rng.integers(len(chosen))].rate
    if sampling.matched:  # brought to this rate; with few channels where a lab has only these
        return [c for c in long if c.rate >= rate]
    return [c for c in chosen if c.rate == rate]


def _with_channels(pool: list[CleanSignal], count: int) -> list[CleanSignal]:
    """Those with so many channels; all where nobody has them."""
    return [c for c in pool if c.shape[0] >= count] or pool


def _head(
    movements: list[Movement], sampling: WindowSampling, rng: np.random.Generator
) -> np.ndarray:
    """How surely the head moves (frame,), as an IMU tells; 0 without one."""
    if rng.random() >= sampling.head:
        return np.zeros(round(sampling.window * sampling.frame_rate), np.float32)
    if rng.random() < sampling.other_head:
        movements = sample_movements(sampling.window, rng, "none")["head"]
    sensors = head_sensors(movements, 0.0, sampling.window, int(rng.integers(2**62)))
    acceleration, rotation = (sensors[name][name].values for name in ("ACC", "GYRO"))
    worn = rng.integers(3)  # both sensors, or one of them
    given = (None if worn == 1 else acceleration, None if worn == 2 else rotation)
    return activity(*given, SENSOR_RATE, sampling.frame_rate).astype(np.float32)


def _share(sampling: WindowSampling, rng: np.random.Generator) -> str:
    """What both modalities of a window share of their movements."""
    shared = [share for share in sampling.share if share != "none"]
    if "none" in sampling.share and (not shared or rng.random() < sampling.unshared):
        return "none"
    return str(rng.choice(shared))


def _window(
    stream: str,
    clean: CleanSignal,
    movements: list[Movement],
    severity: float,
    channels: int,
    rate: float,
    sampling: WindowSampling,
    rng: np.random.Generator,
    donors: dict[str, list[RealMovement]] | None = None,
) -> tuple[np.ndarray, ...]:
    """Signal and artifact in the model's domain, mask, and positions of one window at a rate."""
    length = int(sampling.window * clean.rate)
    start, pick = _calmest(clean, length, channels, rng)
    piece = clean.samples(pick, start, start + length)
    if rate != clean.rate:
        length = int(sampling.window * rate)
        piece = at_rate(piece, clean.rate, rate, length)
    time = np.arange(length) / rate
    if stream == "eeg":
        contact = int(rng.integers(2**62))
        motion = EegArtifact(
            movements, time, list(clean.channel[pick]), clean.position[pick], contact
        )
        artifact, mask = motion.samples(0, length)
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
    artifact = severity * artifact
    if sampling.surrogate and rng.random() < sampling.surrogate:
        piece = surrogate(piece, rng)
    if sampling.randomised and rng.random() < sampling.randomised:
        piece, artifact = other_device(piece, artifact, rate, rng)
    if sampling.plain and rng.random() < sampling.plain:
        artifact, mask = _with_plain(artifact, mask, movements, severity, time, rng)
    # electrodes of caps move less than those of the donors
    if donors and (stream == "nirs" or channels <= FEW) and rng.random() < sampling.transplanted:
        more, where = transplants(movements, donors, clean.at_rest[pick], time, stream, rng)
        if rng.random() < 0.5:
            artifact, mask = np.zeros_like(artifact), np.zeros_like(mask)
        artifact, mask = artifact + (severity > 0) * more, mask | where
    if severity == 0:
        mask = np.zeros_like(mask)
        sampling = replace(sampling, blinks=sampling.blinks if channels >= CAP else 0.0)
    worn = _electrodes if stream == "eeg" else _optodes
    position = clean.position[pick]
    piece, artifact, mask = worn(piece, artifact, mask, position, time, sampling, rng)
    if rng.random() < 0.2:
        position = np.full_like(position, np.nan)
    size = np.abs(piece + artifact)  # units cancel; float32 stays in range
    changing = size[size > 1e-6 * size.max()]  # a coarse converter stands still most of the time
    scale = np.median(changing) if changing.size else 1.0
    return piece / scale, artifact / scale, mask, position


def _calmest(
    clean: CleanSignal, length: int, channels: int, rng: np.random.Generator
) -> tuple[int, np.ndarray]:
    """Start of the calmest of some windows and its calmest channels.

    What moves in "clean" recordings would be taken for clean.
    """
    best, found = -1.0, (0, np.arange(channels))
    for start in rng.integers(clean.shape[-1] - length, size=STARTS):
        calm = clean.calm_share(start, start + length)
        pick = np.lexsort((rng.random(len(calm)), -np.round(calm, 2)))[:channels]
        if calm[pick].mean() > best:
            best, found = float(calm[pick].mean()), (int(start), pick)
    return found


def _electrodes(
    piece: np.ndarray,
    artifact: np.ndarray,
    mask: np.ndarray,
    position: np.ndarray,
    time: np.ndarray,
    sampling: WindowSampling,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blinks, noise, amplifier and slow drift of EEG; the latter is subtracted as in use.

    Blinks and eye movements are no motion in caps, where they are kept. With fewer than eight
    electrodes a blink cannot be told from a movement, and counts as one.
    """
    rate = 1 / (time[1] - time[0])
    size = piece.std(-1, keepdims=True)
    if rng.random() < sampling.blinks:
        blinking = blinks(time, position, rng)
        if len(piece) < CAP:
            artifact = artifact + blinking
            mask = mask | (np.abs(blinking) > TAIL * size)
        else:
            piece = piece + blinking
    piece = _with_noise(piece - piece.mean(-1, keepdims=True), time, rng)
    if rng.random() < sampling.rails:
        artifact, tail = railed(artifact, piece, rate, rng)
        mask = mask | tail
    if rng.random() < sampling.recovery:
        artifact, tail = recovering(artifact, piece, rate, rng)
        mask = mask | tail
    if rng.random() < sampling.drift:
        piece = piece + electrode_drift(len(piece), len(time), rate, rng)
    seen = piece + artifact
    slow = drift_so_far(seen, rate, sampling.frame_rate) if sampling.causal else drift(seen, rate)
    return piece - slow, artifact, mask


def _optodes(
    piece: np.ndarray,
    artifact: np.ndarray,
    mask: np.ndarray,
    position: np.ndarray,
    time: np.ndarray,
    sampling: WindowSampling,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Changes of optical density from sample to sample, of optodes that little light reaches."""
    if rng.random() < sampling.weak:
        piece = weak_light(piece, rng)
    if rng.random() < sampling.coarse:
        piece = quantised(piece + artifact, rng) - artifact
    if len(piece) > 1 and rng.random() < sampling.dark:
        dark = rng.integers(len(piece))
        piece, artifact, mask = piece.copy(), artifact.copy(), mask.copy()
        piece[dark] = piece.std() * rng.normal(size=piece[dark].shape)
        artifact[dark], mask[dark] = 0, False
    changes, moved = (np.diff(x, axis=-1, prepend=x[..., :1]) for x in (piece, artifact))
    return changes, moved, mask


def _with_plain(
    artifact: np.ndarray,
    mask: np.ndarray,
    movements: list[Movement],
    severity: float,
    time: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Plain events beside the generated movements or in their place, of about their size."""
    if artifact.ndim == 2:
        more, where = plain_eeg(movements, len(artifact), time, rng)
    else:
        channels, wavelengths, _ = artifact.shape
        more, where = plain_nirs(movements, channels, wavelengths, time, rng)
    size = np.median(np.abs(artifact).max(-1)) or severity * USUAL_PEAK[artifact.ndim]
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


def _stack(
    items: list[tuple[np.ndarray, ...]], rate: float, head: torch.Tensor | None, labs: list[int]
) -> tuple[Stream, Target]:
    clean, artifact, mask, position = (
        torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*items, strict=True)
    )
    target = Target(clean, artifact, mask, torch.tensor(labs))
    return Stream(clean + artifact, position, rate, head), target
