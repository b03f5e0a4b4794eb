"""Training windows of single series, cut from the batches that the joint model is trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.single_series.kind import KINDS, changes, ratio, resampled

AIMED = 0.6  # share of windows that are laid around a moving sample, if there is one


@dataclass(frozen=True)
class Windows:
    """Series (series, time) at the working rate of one stream, each with its own truth."""

    seen: Tensor
    clean: Tensor
    mask: Tensor

    def on(self, device: torch.device) -> "Windows":
        """The windows on a device."""
        return Windows(self.seen.to(device), self.clean.to(device), self.mask.to(device))


def cut(stream: str, seen: Stream, target: Target, count: int, rng: np.random.Generator) -> Windows:
    """`count` windows at random places of random series of a batch, half of them upside down."""
    kind = KINDS[stream]
    clean, artifact, mask = _series(stream, seen, target)
    whole = np.stack([clean, artifact])
    factor = ratio(seen.rate, kind.rate)
    if stream == "nirs":  # resampled as level, for that is what recordings are resampled as
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
    return Windows(clean + artifact, clean, mask)


def _series(stream: str, seen: Stream, target: Target) -> tuple[np.ndarray, ...]:
    """Clean signal, artifact and mask as rows (series, time)."""
    clean, artifact, mask = (t.numpy() for t in (target.clean, target.artifact, target.mask))
    if stream == "nirs":
        mask = np.broadcast_to(mask[:, :, None], clean.shape)
    return tuple(part.reshape(-1, part.shape[-1]) for part in (clean, artifact, mask))
