"""Something that is being trained: its networks, how far it is, its state and log on disk.

A subclass says what a step, a validation and its weights are. That is all in which the joint model
and the single-channel baseline networks differ; `run` trains both.
"""

import json
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Generic

import torch
from torch import Tensor, nn

from neurofuse.io.errors import ParameterError
from neurofuse.models.training.batches import BatchT
from neurofuse.models.training.state import load_state, save_state

LARGEST_GRADIENT = 3.0  # norm to which gradients are clipped

logger: logging.Logger = logging.getLogger("neurofuse")


class Learner(ABC, Generic[BatchT]):
    """Networks that are being trained.

    Parameters
    ----------
    label : str
        Name in the program's log.
    folder : Path
        Gets `state.safetensors`, `log.jsonl` and the weights.
    networks, optimizers : dict
        By the names that they have in the state.
    """

    COUNTS: ClassVar[tuple[str, ...]] = ("step", "best")  # attributes that the state holds
    seconds: float  # that the training took so far, for the log

    def __init__(
        self,
        label: str,
        folder: Path,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
    ):
        self.label: str = label
        self.folder: Path = folder
        self.networks: Mapping[str, nn.Module] = networks
        self.optimizers: Mapping[str, torch.optim.Optimizer] = optimizers
        self.step: int = 0
        self.best: float = math.inf
        self.losses: dict[str, float] = {}  # of the last step, until that is judged
        self.leads: bool = True  # of several processes one validates, logs and saves

    @abstractmethod
    def learning_rate(self) -> float:
        """That of the coming step."""

    @abstractmethod
    def learn(self, batch: BatchT) -> dict[str, float]:
        """Change the weights; the losses by name."""

    @abstractmethod
    def validate(self) -> tuple[float, dict[str, float]]:
        """The score by which the best weights are chosen, lower is better, and all scores."""

    @abstractmethod
    def save_weights(self, scores: dict[str, float]) -> None:
        """Write the weights, which are the best so far."""

    @property
    def state_file(self) -> Path:
        """Where the state is."""
        return self.folder / "state.safetensors"

    @property
    def log_file(self) -> Path:
        """One JSON object a validation."""
        return self.folder / "log.jsonl"

    @property
    def unjudged(self) -> bool:
        """Whether steps were taken since the last validation."""
        return bool(self.losses) or (self.step > 0 and math.isinf(self.best))

    def advance(self, batch: BatchT) -> None:
        """Take one step."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate()
        self.losses = self.learn(batch)
        self.step += 1

    def judge(self) -> None:
        """Validate, keep the weights if they are the best, write state and log."""
        if not self.leads:
            self.losses = {}
            return
        score, scores = self.validate()
        if not math.isfinite(score):
            raise ParameterError(
                f"a validation score of {score} after step {self.step} of {self.label} ({scores})",
                "finite errors on the validation recordings",
                "check these recordings, or take a smaller learning_rate",
            )
        if score < self.best:
            self.best = score
            self.save_weights(scores)
        self.save_state()
        row = {"step": self.step, "seconds": round(self.seconds, 1)}
        row |= {k: round(v, 4) for k, v in (self.losses | scores).items()}
        with self.log_file.open("a") as log:
            log.write(json.dumps(row) + "\n")
        logger.info("%s: %s", self.label, row)
        self.losses = {}

    def save_state(self) -> None:
        """Write all that `restore` needs."""
        if not self.leads:
            return
        counts = [float(getattr(self, name)) for name in self.COUNTS]
        save_state(self.state_file, self.networks, self.optimizers, counts)

    def restore(self) -> None:
        """Go on from the state in the folder; the result is that of an uninterrupted run."""
        counts = load_state(self.state_file, self.networks, self.optimizers)
        for name, value in zip(self.COUNTS, counts, strict=True):
            kind = type(getattr(self, name))
            setattr(self, name, kind(value))


def descend(optimizer: torch.optim.Optimizer, network: nn.Module, loss: Tensor) -> None:
    """One step of an optimiser down the gradient of a loss, which must be finite."""
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
    if not torch.isfinite(norm):
        raise ParameterError(
            f"a gradient of {type(network).__name__} that is not finite",
            "a loss that can be minimised",
            "check the training recordings, or take a smaller learning_rate",
        )
    optimizer.step()
