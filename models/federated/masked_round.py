"""The second half of a round with masked sums: centres have trained, and their sum is made."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.models.federated.masks import public_number, scale_of, unmasked_sum
from neurofuse.models.federated.message import pack, unpack
from neurofuse.models.federated.plan import Federation
from neurofuse.models.federated.update import counts_of, refusal

Tell = Callable[[Mapping[str, bytes]], dict[str, bytes]]
FEWEST = 2  # centres, whose masks hide one from the other


def masked_sum(
    tell: Tell,
    trained: Mapping[str, bytes],
    missing: dict[str, str],
    number: int,
    weights: Mapping[str, Tensor],
    federation: Federation,
    factors: Callable[[Mapping[str, int]], dict[str, float]],
) -> tuple[dict[str, dict[str, int]], dict[str, Tensor], dict[str, float]]:
    """People by centre, the sum of the updates, and what each parameter's summands count together.

    A centre that is lost meanwhile leaves masks behind that nobody else knows: the sum is made
    again without it, under new masks.

    Parameters
    ----------
    tell : callable
        Sends messages to centres and returns their answers.
    trained : dict of bytes
        What the centres answered when they had trained.
    missing : dict of str
        Gets the centres that are not in the sum, and why.
    number : int
        Of the round.
    weights : dict of Tensor
        Parameters that a centre may change.
    federation : Federation
    factors : callable
        What centres count, from their numbers of people.
    """
    assert federation.clip is not None
    ready = _usable(trained, missing, lambda name, m: _announced(name, m, number, weights))
    attempt = 0
    while len(ready) >= FEWEST:
        people = {name: counts_of(name, facts)[1] for name, facts in ready.items()}
        counts = factors({name: sum(own.values()) for name, own in people.items()})
        keys = {name: facts["key"] for name, facts in ready.items()}
        told = {"kind": "mask", "round": number, "attempt": attempt, "keys": keys}
        answers = tell({name: pack(told | {"factor": counts[name]}) for name in ready})
        summands = _usable(answers, missing, lambda name, m: _summand(name, m, number, weights))
        gone = ready.keys() - summands.keys()
        if not gone:
            total = unmasked_sum(summands.values(), weights, scale_of(federation.clip, len(ready)))
            counted = {
                parameter: sum(counts[n] for n, f in ready.items() if parameter in f["names"])
                for parameter in weights
            }
            return people, {n: t for n, t in total.items() if counted[n]}, counted
        for name in gone:
            reason = missing.get(name, "it was lost")
            missing[name] = f"{reason} (masks were there already: the sum was made again)"
        ready = {name: facts for name, facts in ready.items() if name in summands}
        attempt += 1
    reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
    raise NeurofuseError(
        f"a masked sum over {', '.join(ready) or 'no centre'} ({reasons or 'no other joined'})",
        f"at least {FEWEST} centres, or the server would see one update",
        "wait for more centres and start the server again with --resume",
    )


def _usable(
    messages: Mapping[str, bytes],
    missing: dict[str, str],
    check: Callable[[str, bytes], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """What can be used of messages; what is wrong with the others goes to `missing`."""
    used = {}
    for name, message in messages.items():
        try:
            used[name] = check(name, message)
        except NeurofuseError as error:
            missing[name] = str(error)
    return used


def _announced(
    name: str, message: bytes, number: int, weights: Mapping[str, Tensor]
) -> dict[str, Any]:
    facts, _ = unpack(message)
    refuse_failure(name, facts)
    names = facts.get("names")
    if facts.get("kind") != "trained" or facts.get("round") != number:
        raise refusal(name, f"a message of {facts.get('kind')!r}", f"one of round {number}")
    if not isinstance(names, list) or not names or not set(map(str, names)) <= weights.keys():
        raise refusal(name, "parameters that are not known", "some of those that are trained")
    counts_of(name, facts)
    public_number(facts.get("key"))
    return facts


def _summand(
    name: str, message: bytes, number: int, weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    facts, tensors = unpack(message)
    refuse_failure(name, facts)
    shapes = {n: t.shape for n, t in tensors.items()}
    if (
        (facts.get("kind"), facts.get("round")) != ("masked", number)
        or shapes != {n: w.shape for n, w in weights.items()}
        or any(t.dtype != torch.int32 for t in tensors.values())
    ):
        raise refusal(name, "a summand that does not fit", "whole numbers for every parameter")
    return tensors


def refuse_failure(name: str, facts: Mapping[str, Any]) -> None:
    """Raise ReadError if a centre says that it failed, with what it said."""
    if facts.get("kind") == "failed":
        raise ReadError(
            f"a failure of centre {name}: {str(facts.get('error'))[:300]}",
            "its update",
            "see to it at that centre",
        )
