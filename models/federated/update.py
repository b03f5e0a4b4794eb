"""What a centre sends of a round, and why a server refuses it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.models.federated.plan import Federation

BETAS = 0.9, 0.999  # of the centres' Adam
# which moves no weight further in a step than this many learning rates (Cauchy and Schwarz)
LARGEST_STEP = (1 - BETAS[0]) / math.sqrt((1 - BETAS[1]) * (1 - BETAS[0] ** 2 / BETAS[1]))
SLACK = 1.01  # for rounding, and for what weight decay adds
NUMBERS = {"half": torch.float16, "double": torch.float64}
Change = dict[str, Tensor]  # by name of the parameter, float64


@dataclass(frozen=True)
class Update:
    """What one centre learned in one round.

    Parameters
    ----------
    centre : str
        Its name.
    round : int
        From 0.
    change : dict of Tensor
        New less old weights, float64, by name; only of parameters that were trained. A centre
        without fNIRS has none of fNIRS.
    windows : int
        That it trained on.
    people : dict of int
        Whose recordings it has, by modality.
    """

    centre: str
    round: int
    change: Change
    windows: int
    people: dict[str, int]

    @property
    def norm(self) -> float:
        """Euclidean norm of the change."""
        return norm_of(self.change)

    @property
    def size(self) -> int:
        """What it counts for where centres count as their numbers of people."""
        return sum(self.people.values())

    def facts(self) -> dict[str, Any]:
        """What goes beside the tensors of its message."""
        counts = {"windows": self.windows, "people": self.people}
        return {"kind": "update", "centre": self.centre, "round": self.round, **counts}


def norm_of(change: Mapping[str, Tensor]) -> float:
    """Euclidean norm over all tensors."""
    return math.sqrt(sum(float((part.double() ** 2).sum()) for part in change.values()))


def difference(after: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> Change:
    """The change of those float32 tensors that changed, without rounding."""
    return {
        name: after[name].double() - old.double()
        for name, old in before.items()
        if not torch.equal(after[name], old)
    }


def moved(weights: Mapping[str, Tensor], change: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights after a change."""
    return {
        name: (old.double() + change[name].double()).to(old.dtype) if name in change else old
        for name, old in weights.items()
    }


def reach(federation: Federation, weights: Mapping[str, Tensor]) -> float:
    """The norm to which updates are shortened: `clip`, or the largest that Adam can make."""
    count = sum(weight.numel() for weight in weights.values())
    rate, steps = federation.training.learning_rate, federation.local_steps
    return min(LARGEST_STEP * rate * steps * math.sqrt(count), federation.clip or math.inf)


def counts_of(centre: str, facts: Mapping[str, Any]) -> tuple[int, dict[str, int]]:
    """Windows and people that a message names; refused where these are no counts."""
    windows, people = facts.get("windows"), facts.get("people")
    if not (
        isinstance(people, dict)
        and people.keys() <= {"eeg", "nirs"}
        and all(type(n) is int and 0 < n < 2**31 for n in (windows, *people.values()))
    ):
        raise refusal(centre, "no counts of windows and people", "whole numbers above 0")
    assert isinstance(windows, int)
    return windows, people


def checked(
    centre: str,
    facts: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    number: int,
    weights: Mapping[str, Tensor],
    federation: Federation,
) -> Update:
    """The update in a message of a centre, or ReadError that names the centre and what is wrong.

    Parameters
    ----------
    centre : str
        From whom the message came, whatever it says itself.
    facts, tensors
        Of the message.
    number : int
        Of the round of which an update is expected.
    weights : dict of Tensor
        Parameters that a centre may change.
    federation : Federation
        Decides precision and the largest norm.
    """
    if facts.get("kind") != "update" or facts.get("round") != number:
        told = f"{facts.get('kind')!r} of round {facts.get('round')!r}"
        raise refusal(centre, f"a message of {told}", f"an update of round {number}")
    windows, people = counts_of(centre, facts)
    unknown = sorted(tensors.keys() - weights.keys())
    if unknown or not tensors:
        raise refusal(
            centre,
            f"parameters {', '.join(unknown[:3]) or 'none'}",
            "some of those that are trained",
        )
    for name, part in tensors.items():
        if part.shape != weights[name].shape or part.dtype != NUMBERS[federation.precision]:
            raise refusal(
                centre,
                f"{name} of shape {tuple(part.shape)} in {part.dtype}",
                f"shape {tuple(weights[name].shape)} in {NUMBERS[federation.precision]}",
            )
        if not torch.isfinite(part).all():
            raise refusal(centre, f"{name} with numbers that are not finite", "finite numbers")
    update = Update(centre, number, {n: t.double() for n, t in tensors.items()}, windows, people)
    largest = SLACK * reach(federation, weights)
    if update.norm > largest:
        raise refusal(
            centre,
            f"a norm of {update.norm:.3g}",
            f"at most {largest:.3g}, what {federation.local_steps} steps can reach",
        )
    return update


def refusal(centre: str, found: str, wanted: str) -> NeurofuseError:
    """The error of an update that is not used."""
    return ReadError(
        f"an update of centre {centre} with {found}",
        wanted,
        "its update is left out; see what that centre runs",
    )
