"""A centre: trains on its own recordings what a server sends, and answers with an update."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from neurofuse.io.errors import NeurofuseError, ParameterError, ReadError
from neurofuse.models.federated.local import LocalLearner, corpus_of, windows_of
from neurofuse.models.federated.masks import masked, new_secret, public_key, scale_of
from neurofuse.models.federated.message import pack, unpack
from neurofuse.models.federated.plan import Federation, plan_at
from neurofuse.models.federated.privacy import clipped
from neurofuse.models.federated.update import NUMBERS, Update, difference, moved, reach
from neurofuse.models.federated.weights import digest_of, load_weights, trained_in
from neurofuse.models.training.config import Training, read_config
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.run import run
from neurofuse.models.training.train import first_model
from neurofuse.models.training.windows import Batch

Windows = Callable[[int], tuple[Batch, str | None]]
RECEIVED = "received.safetensors"  # the weights that the last round began with

logger: logging.Logger = logging.getLogger("neurofuse")


class Centre:
    """Trains on recordings that never leave it, and tells a server how the weights changed.

    Parameters
    ----------
    name : str
        By which the server knows it.
    config : Training, path or dict
        A `Training`, of which only the recordings count (`own`, `real`, `simulated`, `corpus`) and
        `seed`; all else is as the server says. A modality without recordings is left out.
    folder : path
        Gets the optimiser's state, so that a centre goes on after it was stopped.

    Examples
    --------
    >>> Centre("anna", {"real": False, "simulated": 1}, "runs/anna").name
    'anna'
    """

    def __init__(
        self, name: str, config: Training | Path | str | dict[str, Any], folder: Path | str
    ):
        self.name: str = name
        self.config: Training = config if isinstance(config, Training) else read_config(config)
        self.folder: Path = Path(folder)
        self._federation: Federation | None = None
        self._learner: LocalLearner | None = None
        self._sample: Windows | None = None
        self._people: dict[str, int] = {}
        self._weights: dict[str, Tensor] = {}  # as last received
        self._waiting: tuple[Update, int] | None = None  # to be masked, and the private key

    def answer(self, message: bytes) -> bytes:
        """The answer to a message of the server.

        Parameters
        ----------
        message : bytes
            What `Server` sends to this centre.

        Returns
        -------
        bytes
            What the server is waiting for; what goes wrong here is told in it.

        Examples
        --------
        >>> from neurofuse.models.federated.message import pack, unpack
        >>> centre = Centre("anna", {"real": False, "simulated": 1}, "runs/anna")
        >>> unpack(centre.answer(pack({"kind": "joke"})))[0]["kind"]
        'failed'
        """
        try:
            facts, tensors = unpack(message)
            if facts.get("kind") == "train":
                return self._trained(facts, tensors)
            if facts.get("kind") == "mask":
                return self._masked(facts)
            raise ReadError(
                f"a message of kind {facts.get('kind')!r}",
                "train or mask",
                "run the same version at the server and at all centres",
            )
        except NeurofuseError as error:
            logger.warning("centre %s: %s", self.name, error)
            return pack({"kind": "failed", "centre": self.name, "error": str(error)})

    def train(self, number: int, weights: Mapping[str, Tensor], federation: Federation) -> Update:
        """Train through one round, beginning from some weights.

        Parameters
        ----------
        number : int
            Of the round, from 0; it decides the windows and the learning rate.
        weights : dict of Tensor
            All that the state of the model holds, by name.
        federation : Federation
            What is trained, and how.

        Returns
        -------
        Update
            Shortened to `clip`, or to what Adam can make in a round.

        Raises
        ------
        ParameterError
            If there is no recording to train on.
        ReadError
            If weights do not fit the model.
        """
        with isolated():
            learner, sample = self._ready(federation)
            load_weights(learner.model, weights)
            before = learner.begin(number * federation.local_steps)
            run(
                [learner],
                sample,
                steps=learner.step + federation.local_steps,
                validate_every=federation.training.steps + 1,
                device=torch.device("cpu"),
            )
            change = clipped(
                difference(trained_in(learner.model), before), reach(federation, before)
            )
        windows = federation.local_steps * federation.training.batch
        return Update(self.name, number, change, windows, dict(self._people))

    def _trained(self, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> bytes:
        federation, number, since = _federation_in(facts)
        weights = self._received(since, tensors)
        if weights is None:
            return pack({"kind": "lost", "centre": self.name})
        update = self.train(number, weights, federation)
        self._keep(weights)
        if federation.masked:
            secret = new_secret()
            self._waiting = update, secret
            told = update.facts() | {"kind": "trained", "names": list(update.change)}
            return pack(told | {"key": public_key(secret)})
        numbers = NUMBERS[federation.precision]
        return pack(update.facts(), {n: t.to(numbers) for n, t in update.change.items()})

    def _masked(self, facts: Mapping[str, Any]) -> bytes:
        """The update of this round as a summand, whose masks are gone in the sum alone."""
        number, attempt, keys, factor = _sum_in(facts)
        if self._waiting is None or self._waiting[0].round != number:
            raise ReadError(
                f"a sum of round {number}, of which {self.name} has no update",
                "a sum of the round that was trained last",
                "leave this centre out of the round",
            )
        if len(keys) < 2 or self.name not in keys or self._federation is None:
            raise ReadError(
                f"a sum over {', '.join(keys) or 'no centre'}",
                f"{self.name} and at least one other centre",
                "no update is told that masks do not hide",
            )
        update, secret = self._waiting
        assert self._learner is not None
        assert self._federation.clip is not None
        summand = masked(
            {name: factor * part for name, part in update.change.items()},
            trained_in(self._learner.model),
            self.name,
            secret,
            keys,
            f"{number} {attempt}",
            scale_of(self._federation.clip, len(keys)),
        )
        return pack({"kind": "masked", "centre": self.name, "round": update.round}, summand)

    def _received(self, since: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """The weights of a message; None if they are told as a change of unknown ones."""
        if not since:
            return dict(tensors)
        held = self.folder / RECEIVED
        if not self._weights and held.exists():
            self._weights = unpack(held.read_bytes())[1]
        if digest_of(self._weights) != since:
            return None
        return moved(self._weights, tensors)

    def _keep(self, weights: dict[str, Tensor]) -> None:
        self._weights = weights
        temporary = (self.folder / RECEIVED).with_suffix(".tmp")
        temporary.write_bytes(pack({}, weights))
        os.replace(temporary, self.folder / RECEIVED)

    def _ready(self, federation: Federation) -> tuple[LocalLearner, Windows]:
        """Recordings and optimiser, made when the server first says what is trained."""
        if self._learner is not None and self._sample is not None:
            if federation == self._federation:
                return self._learner, self._sample
            raise ParameterError(
                f"another training for {self.name} than it began",
                "one training for each centre's folder",
                "start this centre again with another folder",
            )
        plan = plan_at(self.config, federation)
        corpus = corpus_of(plan, self.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        learner = LocalLearner(plan, self.folder, first_model(plan), federation.proximal)
        if learner.state_file.exists():
            learner.restore()
        self._people = {s: len({clean.name for clean in found}) for s, found in corpus.items()}
        self._federation, self._learner = federation, learner
        self._sample = windows_of(plan, corpus)
        return self._learner, self._sample


def _federation_in(facts: Mapping[str, Any]) -> tuple[Federation, int, str]:
    """What is trained, the round, and the digest of the weights that a message is a change of."""
    try:
        federation = Federation.model_validate(facts["federation"])
        number, since = facts["round"], facts["since"]
    except (KeyError, ValidationError) as error:
        raise ReadError(
            f"a message without all that a centre must know ({type(error).__name__})",
            "what is trained, and the round",
            "run the same version at the server and at all centres",
        ) from error
    if type(number) is not int or not 0 <= number < federation.rounds:
        raise ReadError(f"round {number!r}", f"one of {federation.rounds}", "look at the server")
    return federation, number, str(since)


def _sum_in(facts: Mapping[str, Any]) -> tuple[int, int, dict[str, str], float]:
    """Round and attempt of a masked sum, public keys by centre, and what this centre counts."""
    try:
        keys = {str(name): str(key) for name, key in facts["keys"].items()}
        number, attempt, factor = int(facts["round"]), int(facts["attempt"]), float(facts["factor"])
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ReadError(
            f"a message about a masked sum without all that it needs ({type(error).__name__})",
            "round, attempt, keys and factor",
            "run the same version at the server and at all centres",
        ) from error
    if not 0 < factor <= 1:
        raise ReadError(f"a factor of {factor}", "above 0, at most 1", "look at the server")
    return number, attempt, keys, factor
