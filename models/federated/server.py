"""The server: sends weights to centres, averages what comes back, and validates the average."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.models.federated.link import Link
from neurofuse.models.federated.masked_round import masked_sum, refuse_failure
from neurofuse.models.federated.message import pack, unpack
from neurofuse.models.federated.plan import ELSEWHERE, OWN, Federation, read_federation
from neurofuse.models.federated.privacy import epsilon, noise_like
from neurofuse.models.federated.record import Record, Round
from neurofuse.models.federated.update import NUMBERS, Update, checked, moved
from neurofuse.models.federated.weights import digest_of, load_weights, trained_in, whole
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training.distributed import Team
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.joint import JointLearner
from neurofuse.models.training.train import first_model, recordings_of, sampling_of, steps_in_all
from neurofuse.models.training.windows import checks_of
from neurofuse.models.weights import load_facts

COMMAND = "neurofuse federate server --config FILE --out DIR"

logger: logging.Logger = logging.getLogger("neurofuse")


class Server:
    """Averages what centres learn; it has no recordings but those that it validates on.

    Parameters
    ----------
    config : Federation, path or dict
        What is trained, and how.
    folder : path
        Gets weights, log and state, as of `neurofuse.models.train`, and a line for each round.
    resume : bool
        Go on from the state in the folder.

    Raises
    ------
    ParameterError
        For a configuration or a folder that cannot be used, or no recording to validate on.

    Examples
    --------
    >>> plan = {"training": {"name": "ours"}, "rounds": 10, "local_steps": 5}
    >>> weights = Server(plan, "runs/ours").run(link)  # doctest: +SKIP
    >>> Server(plan | {"noise": 1.0}, "runs/ours")
    Traceback (most recent call last):
    neurofuse.io.errors.ParameterError: found a configuration of a federation (...
    """

    def __init__(
        self,
        config: Federation | Path | str | dict[str, Any],
        folder: Path | str,
        *,
        resume: bool = False,
    ):
        given = config if isinstance(config, Federation) else read_federation(config)
        self.federation: Federation = given
        self.record: Record = Record(Path(folder), given, resume=resume)
        with isolated():
            self._learner: JointLearner = _learner(given, Path(folder))
        self._since: str = ""  # digest of the weights before the last round
        self._step: dict[str, Tensor] = {}  # from these to the present ones
        self._held: dict[str, str] = {}  # digests of the weights that centres were sent last

    @property
    def model(self) -> CrossModalAutoencoder:
        """What is trained, as of the last round."""
        return self._learner.model

    @property
    def round(self) -> int:
        """The coming round, from 0."""
        return self._learner.step // self.federation.local_steps

    def run(self, link: Link, progress: Callable[[float], None] | None = None) -> Path:
        """Train through all rounds that are left, and return the path of the best weights.

        Parameters
        ----------
        link : Link
            To the centres.
        progress : callable, optional
            Called with the fraction done.

        Returns
        -------
        Path
            Of the weights; beside them lies their JSON.

        Raises
        ------
        NeurofuseError
            If fewer than `fewest` centres took part in a round; the next run goes on with it.
        """
        while self.round < self.federation.rounds:
            self.take_round(link)
            if progress is not None:
                progress(self.round / self.federation.rounds)
        return self._learner.weights

    def take_round(self, link: Link) -> None:
        """One round: send weights, gather updates, average, validate, and write a line of it.

        Parameters
        ----------
        link : Link
            To the centres.

        Raises
        ------
        NeurofuseError
            If fewer than `fewest` centres took part in it.
        """
        one = Round(self.round)
        answers = self._answers(link, one)
        if self.federation.masked:
            people, total, counted = masked_sum(
                lambda messages: self._told(link, messages, one),
                answers,
                one.missing,
                one.round,
                trained_in(self.model),
                self.federation,
                self.factors,
            )
        else:
            updates = self._updates(answers, one)
            people = {update.centre: update.people for update in updates}
            total, counted = self._sum(updates)
        one.centres = sorted(people)
        if len(people) < self.federation.fewest:
            raise _too_few(one, self.federation.fewest)
        self._apply(total, counted)
        self._finish(one, people)

    def aggregate(self, updates: Sequence[Update]) -> dict[str, Tensor]:
        """Average updates into the model, without counting a round.

        Each parameter is averaged over the centres that trained it, which count alike or as their
        numbers of people.

        Parameters
        ----------
        updates : sequence of Update
            Of one round.

        Returns
        -------
        dict of Tensor
            The state of the model, by name.
        """
        self._apply(*self._sum(updates))
        return whole(self.model)

    def factors(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """What each centre counts.

        Parameters
        ----------
        sizes : dict of int
            Numbers of people by centre.

        Returns
        -------
        dict of float
            At most 1, so that noise suffices for each.
        """
        if self.federation.weighting == "equal":
            return dict.fromkeys(sizes, 1.0)
        largest = max(sizes.values(), default=1)
        return {name: size / largest for name, size in sizes.items()}

    def _answers(self, link: Link, one: Round) -> dict[str, bytes]:
        """What the centres that are there answer to the weights of a round."""
        asked = list(link.centres())
        answers = self._told(link, {name: self._message(name) for name in asked}, one)
        lost = [name for name, answer in answers.items() if _kind(answer) == "lost"]
        for name in lost:  # one that has lost the weights before gets all of them
            self._held.pop(name, None)
            del answers[name]
        answers |= self._told(link, {name: self._message(name) for name in lost}, one)
        for name in sorted(set(asked) - answers.keys()):
            one.missing[name] = f"no answer within {self.federation.patience:g} s, or it is gone"
            self._held.pop(name, None)
        self._held |= dict.fromkeys(answers, digest_of(whole(self.model)))
        return answers

    def _message(self, centre: str) -> bytes:
        """The task of a centre: the change since the weights that it holds, or all of them."""
        plan, seed = self.federation.model_dump(mode="json"), self.federation.training.seed
        for name in (*OWN, *ELSEWHERE):  # paths and recordings of the server concern nobody
            del plan["training"][name]
        plan["training"]["seed"] = seed
        known = bool(self._step) and self._held.get(centre) == self._since
        facts = {"kind": "train", "round": self.round, "federation": plan}
        facts["since"] = self._since if known else ""
        return pack(facts, self._step if known else whole(self.model))

    def _told(self, link: Link, messages: Mapping[str, bytes], one: Round) -> dict[str, bytes]:
        """Answers to messages, whose bytes are counted."""
        if not messages:
            return {}
        answers = link.exchange(messages, self.federation.patience)
        answers = {name: answers[name] for name in sorted(answers) if name in messages}
        one.count(messages)
        one.count(answers)
        return answers

    def _updates(self, answers: Mapping[str, bytes], one: Round) -> list[Update]:
        """The updates that can be used; what is wrong with the others is noted."""
        allowed, used = trained_in(self.model), []
        for name, answer in answers.items():
            try:
                facts, tensors = unpack(answer)
                refuse_failure(name, facts)
                used.append(checked(name, facts, tensors, one.round, allowed, self.federation))
            except NeurofuseError as error:
                one.missing[name] = str(error)
        return used

    def _sum(self, updates: Sequence[Update]) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Sum of the updates as they count, and what each parameter's summands count together."""
        factors = self.factors({update.centre: update.size for update in updates})
        total: dict[str, Tensor] = {}
        counted: dict[str, float] = {}
        for update in updates:
            factor = factors[update.centre]
            for name, part in update.change.items():
                total[name] = total[name] + factor * part if name in total else factor * part
                counted[name] = counted.get(name, 0.0) + factor
        return total, counted

    def _apply(self, total: Mapping[str, Tensor], counted: Mapping[str, float]) -> None:
        """Divide sums, with noise, by what they count, and change the weights."""
        plan = self.federation
        if plan.noise and plan.clip:
            deviation = plan.noise * plan.clip
            noise = noise_like(total, deviation, self.record.noise_seed, self.round)
            total = {name: part + noise[name] for name, part in total.items()}
        change = {name: part / counted[name] for name, part in total.items()}
        before = whole(self.model)
        self._since, self._step = "", {}
        if plan.precision == "half":  # the weights change by exactly what is told of it
            self._step = {name: part.to(NUMBERS["half"]) for name, part in change.items()}
            self._since, change = digest_of(before), self._step
        load_weights(self.model, moved(before, change))

    def _finish(self, one: Round, people: Mapping[str, Mapping[str, int]]) -> None:
        """Count the round, validate now and then, and write state and line."""
        learner, plan = self._learner, self.federation
        before, learner.step = learner.step, (one.round + 1) * plan.local_steps
        for name in one.centres:
            for stream, count in people[name].items():
                told, known = f"{count} people of {name}", learner.facts["participants"][stream]
                known.extend([told] if told not in known else [])
        if plan.noise:
            one.epsilon = round(epsilon(plan.noise, one.round + 1, plan.delta), 3)
        self.record.add(one)
        every = plan.training.validate_every
        with isolated():
            if before // every < learner.step // every or self.round == plan.rounds:
                learner.judge()
            else:
                learner.save_state()
        for name, reason in one.missing.items():
            logger.warning("round %d went on without %s: %s", one.round + 1, name, reason)
        logger.info("round %d of %d: %s", one.round + 1, plan.rounds, one)


def _learner(federation: Federation, folder: Path) -> JointLearner:
    """The model with the recordings to validate on, as it was when an earlier run stopped."""
    plan, streams = federation.training, federation.training.architecture.streams
    torch.manual_seed(plan.seed)
    found = {s: recordings_of(plan, "validation", s) for s in streams}
    checks = checks_of(found, sampling_of(plan), plan.validation_batches)
    before = load_facts(plan.start) if plan.start else {}
    known = before.get("training_data", {})
    facts = {
        "participants": {s: list(known.get(s, ())) for s in streams},
        "command": COMMAND,
        "steps_before": steps_in_all(before),
        "start_score": None,
    }
    team = Team(torch.device("cpu"))
    learner = JointLearner(plan, folder, first_model(plan), checks, facts, team)
    if learner.state_file.exists():
        learner.restore()
    return learner


def _kind(answer: bytes) -> str:
    try:
        return str(unpack(answer)[0].get("kind"))
    except ReadError:
        return ""


def _too_few(one: Round, fewest: int) -> NeurofuseError:
    """The error of a round with fewer centres than are wanted."""
    reasons = "; ".join(f"{name}: {reason}" for name, reason in one.missing.items())
    return NeurofuseError(
        f"round {one.round + 1} with {len(one.centres)} centres ({reasons or 'no other joined'})",
        f"updates of at least {fewest}",
        "see why they are missing, and start the server again with --resume",
    )
