"""Training batches in order, drawn between the steps or ahead of them by other processes."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.training.corpus import Clean
from neurofuse.models.training.windows import Draw, draw_batch

Batch = dict[str, tuple[Stream, Target]]


class Steps(Dataset):
    """The batch of each step, and the stream that is withheld in it: of (seed, step) alone."""

    def __init__(self, corpus: dict[str, list[Clean]], draw: Draw, seed: int, dropout: float):
        self.corpus, self.draw, self.seed, self.dropout = corpus, draw, seed, dropout

    def __getitem__(self, step: int) -> tuple[Batch, str | None]:
        rng = np.random.default_rng([self.seed, step])
        batch = draw_batch(self.corpus, self.draw, rng)
        withheld = None
        if len(batch) > 1 and rng.random() < self.dropout:
            withheld = str(rng.choice(list(batch)))
        return batch, withheld


def drawn(
    corpus: dict[str, list[Clean]],
    draw: Draw,
    steps: Sequence[int],
    seed: int,
    dropout: float,
    workers: int = 0,
) -> Iterator[tuple[Batch, str | None]]:
    """Batches of `steps` in order; `workers` processes draw a few of them ahead."""
    return iter(
        DataLoader(
            Steps(corpus, draw, seed, dropout),
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            collate_fn=_as_it_is,
            multiprocessing_context="fork" if workers else None,
        )
    )


def on(device: torch.device, batch: Batch) -> Batch:
    """The batch on a device."""
    return {
        s: (_moved(seen, device), _moved(target, device)) for s, (seen, target) in batch.items()
    }


def _moved(part, device: torch.device):
    tensors = {f.name: getattr(part, f.name) for f in fields(part)}
    return replace(
        part,
        **{k: v.to(device) for k, v in tensors.items() if isinstance(v, torch.Tensor)},
    )


def _as_it_is(item):
    return item
