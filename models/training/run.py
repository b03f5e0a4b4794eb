"""The loop of every training: one batch a step for all learners, validation now and then."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from neurofuse.io.errors import ParameterError
from neurofuse.models.training.batches import BatchT, batches_of, to_device
from neurofuse.models.training.learner import Learner

SAVE_AFTER = 90.0  # s after which the state is written, whatever the step
ENDLESS = 2**40  # steps


class Clock:
    """Seconds of this run and, if there is a file to keep them in, of earlier ones."""

    def __init__(self, file: Path | None = None):
        known = file is not None and file.exists()
        self.earlier: float = json.loads(file.read_text())["seconds"] if file and known else 0.0
        self.file: Path | None = file
        self.began: float = time.perf_counter()

    def seconds(self) -> float:
        """What has been used so far."""
        return self.earlier + time.perf_counter() - self.began

    def save(self) -> float:
        """Write and return what has been used so far."""
        if self.file is not None:
            self.file.write_text(json.dumps({"seconds": round(self.seconds(), 1)}) + "\n")
        return self.seconds()


def run(
    learners: Sequence[Learner[BatchT]],
    sample: Callable[[int], BatchT],
    *,
    steps: int = ENDLESS,
    seconds: float = float("inf"),
    validate_every: int,
    clock: Clock | None = None,
    device: torch.device,
    workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Train learners until steps or seconds are used up.

    Parameters
    ----------
    learners : sequence of Learner
        They get the same batches; one that is behind catches up first.
    sample : callable
        Gives the batch of a step, on the CPU.
    steps : int
        Steps of this and earlier runs at most.
    seconds : float
        Seconds of the clock at most.
    validate_every : int
        Steps between validations; what the last one left out is validated at the end.
    clock : Clock, optional
        One that starts now by default.
    device, workers
        As of `train`.
    progress : callable, optional
        Called with the number of every step done.
    """
    clock = clock or Clock()
    saved = clock.seconds()
    first = min(learner.step for learner in learners)
    batches = batches_of(sample, range(first, steps), workers)
    for step, batch in enumerate(batches, first):
        if clock.seconds() >= seconds:
            break
        here = to_device(batch, device)
        for learner in learners:
            if learner.step > step:
                continue
            learner.advance(here)
            if learner.step % validate_every == 0:
                learner.judge()
                saved = clock.save()
        if clock.seconds() - saved > SAVE_AFTER:
            for learner in learners:
                learner.save_state()
            saved = clock.save()
        if progress is not None:
            progress(step + 1)
    for learner in learners:
        if learner.unjudged:
            learner.judge()
    clock.save()


def usable_device(name: str) -> torch.device:
    """The device of that name; ParameterError where torch cannot compute on it."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ParameterError(
            f"device={name!r}, which torch cannot use here ({str(error).splitlines()[0]})",
            "a device of this machine",
            'use "cpu", or install a torch for the device',
        ) from error
    return device
