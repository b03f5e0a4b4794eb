"""Training by several processes, each with its share of every batch; torchrun starts them.

All hold the same weights. Their gradients are averaged (DistributedDataParallel), over gloo on CPUs
and NCCL on GPUs; the first process alone validates, logs and saves.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.models.training.run import usable_device

LONGEST_WAIT = 1800.0  # s for one another; a process that has ended is noticed at once
# in the messages of what torch raises when another process is gone
LOST = ("gloo", "nccl", "connection", "timed out", "timeout", "socket", "store")


@dataclass(frozen=True)
class Team:
    """The processes that train together, as seen from one of them.

    Examples
    --------
    >>> Team(torch.device("cpu")).share(8)
    8
    >>> Team(torch.device("cpu"), rank=1, count=3).share(8)
    Traceback (most recent call last):
    neurofuse.io.errors.ParameterError: found a batch of 8 windows for 3 processes; wanted as many \
windows for each process; take another `batch`, or another number of processes
    """

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that validates, logs and saves."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """Windows of each process in a batch."""
        if batch % self.count:
            raise ParameterError(
                f"a batch of {batch} windows for {self.count} processes",
                "as many windows for each process",
                "take another `batch`, or another number of processes",
            )
        return batch // self.count

    def wrapped(self, losses: nn.Module) -> nn.Module:
        """A module whose gradients are averaged over the processes."""
        if self.count == 1:
            return losses
        # a step that withholds a modality leaves weights unused
        return nn.parallel.DistributedDataParallel(losses, find_unused_parameters=True)

    def agree(self, facts: dict[str, Any]) -> None:
        """Wait for all processes, and raise ParameterError if one of them has other facts."""
        if self.count == 1:
            return
        gathered: list[Any] = [None] * self.count
        distributed.all_gather_object(gathered, facts)
        names = {n for other in gathered for n in facts if other[n] != gathered[0][n]}
        if names:
            raise ParameterError(
                f"processes that differ in {', '.join(sorted(names))}",
                "the same configuration, recordings and folder in all of them",
                "start all of them with the same files",
            )


@contextmanager
def team(device: str = "cpu") -> Iterator[Team]:
    """The processes that torchrun started, connected; this one alone where it started none.

    Parameters
    ----------
    device : str
        Where torch computes; with "cuda" each process of a machine takes a GPU of its own.

    Raises
    ------
    ParameterError
        If the device or torchrun's variables (RANK, WORLD_SIZE) cannot be used.
    NeurofuseError
        If another process cannot be reached, or ends while this one waits for it.
    """
    rank, count = _number("RANK", 0), _number("WORLD_SIZE", 1)
    if count == 1:
        yield Team(usable_device(device))
        return
    local = f"{device}:{_number('LOCAL_RANK', rank)}" if device == "cuda" else device
    target = usable_device(local)
    if target.type == "cuda":
        torch.cuda.set_device(target)
    try:
        distributed.init_process_group(
            "nccl" if target.type == "cuda" else "gloo",
            timeout=timedelta(seconds=LONGEST_WAIT),
            rank=rank,
            world_size=count,
        )
        yield Team(target, rank, count)
    except (RuntimeError, ValueError) as error:
        if not any(word in str(error).lower() for word in LOST):
            raise
        # "[pair.cc:553] Connection closed by peer [127.0.0.1]. This is typically …"
        reason = re.sub(r"\[[^]]*\]:?\d*", "", str(error).splitlines()[0]).split(". ")[0].strip()
        raise NeurofuseError(
            f"process {rank} without another of the {count} ({reason})",
            "all processes of a training from its start to its end",
            "see which one failed first, and start all again with --resume",
        ) from error
    finally:
        with suppress(Exception):  # not connected, or not any more
            distributed.destroy_process_group()


def process_count() -> int:
    """How many processes train together."""
    connected = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if connected else 1


def over_processes(part: Tensor) -> Tensor:
    """The sum of a tensor without gradient over all processes."""
    if process_count() == 1:
        return part
    whole = part.detach().clone()
    distributed.all_reduce(whole)
    return whole


def leads() -> bool:
    """Whether torchrun made this process the first, which is the one that says what it does."""
    return os.environ.get("RANK", "0") == "0"


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, str(otherwise))
    if not text.isdecimal():
        raise ParameterError(f"{name}={text}", "a whole number", "start processes with torchrun")
    return int(text)
