"""Training batches in order, sampled between the steps or ahead of them by other processes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

BatchT = TypeVar("BatchT")


class Steps(Dataset[BatchT]):
    """The batch of each step, given by its number alone, so that training resumes at any step."""

    def __init__(self, sample: Callable[[int], BatchT]):
        self.sample: Callable[[int], BatchT] = sample

    def __getitem__(self, step: int) -> BatchT:
        return self.sample(step)


def batches_of(
    sample: Callable[[int], BatchT], steps: Sequence[int], workers: int = 0
) -> Iterator[BatchT]:
    """`sample(step)` for every step in order; `workers` processes sample a few of them ahead."""
    return iter(
        DataLoader(
            Steps(sample),
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            collate_fn=_as_it_is,
            multiprocessing_context="fork" if workers else None,
        )
    )


def to_device(item: Any, device: torch.device) -> Any:
    """The item with all its tensors on a device: a tensor, dataclass, dict, tuple or other."""
    if isinstance(item, torch.Tensor):
        return item.to(device)
    if is_dataclass(item) and not isinstance(item, type):
        parts = {f.name: to_device(getattr(item, f.name), device) for f in fields(item)}
        return replace(item, **parts)
    if isinstance(item, dict):
        return {key: to_device(value, device) for key, value in item.items()}
    if isinstance(item, tuple):
        return tuple(to_device(value, device) for value in item)
    return item


def _as_it_is(item: BatchT) -> BatchT:
    return item
