"""Training windows of single series, from the batches that the joint model is trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.single_series.kind import KINDS, changes, ratio, resampled
from neurofuse.models.training.corpus import Clean
from neurofuse.models.training.windows import VALIDATION, WindowSampling, sample_batch

AIMED = 0.6  # fraction of windows that are laid around a sample in motion, if there is one


@dataclass(frozen=True)
class SeriesWindows:
    """Series (series, time) at the working rate of one modality, each with its own truth."""

    seen: Tensor
    clean: Tensor
    mask: Tensor


@dataclass(frozen=True)
class SeriesSampling:
    """The windows of a step, of (seed, step) alone."""

    stream: str
    corpus: list[Clean]
    sampling: WindowSampling
    count: int
    seed: int

    def __call__(self, step: int) -> SeriesWindows:
        rng = np.random.default_rng([self.seed, step])
        seen, target = sample_batch({self.stream: self.corpus}, self.sampling, rng)[self.stream]
        return sample_windows(self.stream, seen, target, self.count, rng)


def series_checks(
    stream: str, corpus: list[Clean], sampling: WindowSampling, count: int, batches: int
) -> list[SeriesWindows]:
    """The same windows of validation participants every time, without augmentation."""
    sample = SeriesSampling(stream, corpus, sampling.unaugmented(), count, VALIDATION)
    return [sample(number) for number in range(batches)]


def sample_windows(
    stream: str, seen: Stream, target: Target, count: int, rng: np.random.Generator
) -> SeriesWindows:
    """`count` windows at random places of random series of a batch, half of them upside down."""
    kind = KINDS[stream]
    clean, artifact, mask = _series(stream, seen, target)
    whole = np.stack([clean, artifact])
    factor = ratio(seen.rate, kind.rate)
    if kind.level:  # resampled as optical density, for so are recordings
        whole = changes(resampled(np.cumsum(whole, -1), factor))
    else:
        whole = resampled(whole, factor)
    last = whole.shape[-1] - kind.length
    pieces = np.empty((3, count, kind.length), np.float32)
    for place in range(count):
        row = rng.integers(whole.shape[1])
        start = rng.integers(last + 1)
        moving = np.flatnonzero(mask[row])
        if moving.size and rng.random() < AIMED:
            centre = rng.choice(moving) * float(factor) + rng.uniform(-0.4, 0.4) * kind.length
            start = int(np.clip(centre - kind.length / 2, 0, last))
        here = slice(start, start + kind.length)
        at = np.arange(start, start + kind.length) / float(factor)
        near = np.minimum(np.round(at).astype(int), mask.shape[-1] - 1)
        sign = rng.choice((-1.0, 1.0))
        pieces[:2, place] = sign * whole[:, row, here]
        pieces[2, place] = mask[row, near]
    clean, artifact, mask = torch.from_numpy(pieces)
    return SeriesWindows(clean + artifact, clean, mask)


def _series(stream: str, seen: Stream, target: Target) -> tuple[np.ndarray, ...]:
    """Clean signal, artifact and mask as rows (series, time)."""
    clean, artifact, mask = (t.numpy() for t in (target.clean, target.artifact, target.mask))
    if stream == "nirs":
        mask = np.broadcast_to(mask[:, :, None], clean.shape)
    return tuple(part.reshape(-1, part.shape[-1]) for part in (clean, artifact, mask))
