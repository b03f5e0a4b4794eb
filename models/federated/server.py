"""The server: sends weights to centres, averages what comes back, and validates the average."""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from neurofuse.io.errors import NeurofuseError, ParameterError, ReadError
from neurofuse.models.federated.masked_round import masked_sum, refuse_failure
from neurofuse.models.federated.message import pack, unpack
from neurofuse.models.federated.plan import ELSEWHERE, OWN, Federation, read_federation
from neurofuse.models.federated.privacy import epsilon, noise_like
from neurofuse.models.federated.update import NUMBERS, Update, checked, moved
from neurofuse.models.federated.weights import digest_of, load_weights, trained_in, whole
from neurofuse.models.training.distributed import Team
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.joint import JointLearner
from neurofuse.models.training.train import first_model, recordings_of, sampling_of, steps_in_all
from neurofuse.models.training.windows import checks_of
from neurofuse.models.weights import load_facts

PLAN = "federation.json"  # in the folder of a run: what it was begun with
ROUNDS = "rounds.jsonl"  # who took part in each round, who did not and why, and bytes
SEED = "noise_seed"  # of the noise; whoever knows it can take the noise away

logger: logging.Logger = logging.getLogger("neurofuse")


class Link(Protocol):
    """How messages reach centres: within a process, over a network."""

    def centres(self) -> Sequence[str]:
        """Names of the centres that are there now."""
        ...

    def exchange(self, messages: Mapping[str, bytes], patience: float) -> dict[str, bytes]:
        """Answers by centre; those that gave none within `patience` seconds are missing."""
        ...


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

    Attributes
    ----------
    round : int
        The coming one, from 0.

    Raises
    ------
    ParameterError
        For a configuration or a folder that cannot be used, or no recording to validate on.

    Examples
    --------
    >>> plan = {"training": {"name": "ours", "real": False}, "rounds": 10, "local_steps": 5}
    >>> server = Server(plan, "runs/ours")  # doctest: +SKIP
    >>> weights = server.run(Together([Centre("anna", "anna.json", "runs/anna")]))  # doctest: +SKIP
    """

    def __init__(
        self,
        config: Federation | Path | str | dict[str, Any],
        folder: Path | str,
        *,
        resume: bool = False,
    ):
        self.federation: Federation = (
            config if isinstance(config, Federation) else read_federation(config)
        )
        self.folder: Path = Path(folder)
        self._begin(resume)
        plan = self.federation.training
        with isolated():
            torch.manual_seed(plan.seed)
            found = {s: recordings_of(plan, "validation", s) for s in plan.architecture.streams}
            checks = checks_of(found, sampling_of(plan), plan.validation_batches)
            before = load_facts(plan.start) if plan.start else {}
            facts = {
                "participants": {s: list(before.get("training_data", {}).get(s, ())) for s in found},
                "command": "neurofuse federate server --config FILE --out DIR",
                "steps_before": steps_in_all(before),
                "start_score": None,
            }
            model, team = first_model(plan), Team(torch.device("cpu"))
            self.learner: JointLearner = JointLearner(plan, self.folder, model, checks, facts, team)
            if self.learner.state_file.exists():
                self.learner.restore()
        self._since: str = ""  # digest of the weights before the last round
        self._step: dict[str, Tensor] = {}  # from these to the present ones
        self._held: dict[str, str] = {}  # digests of the weights that centres were sent last
        self._bytes: dict[str, int] = {}  # of this round

    @property
    def round(self) -> int:
        """The coming round, from 0."""
        return self.learner.step // self.federation.local_steps

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
        return self.learner.weights

    def take_round(self, link: Link) -> None:
        """One round: send weights, gather updates, average, validate, and write a line of it."""
        number, self._bytes = self.round, {}
        missing: dict[str, str] = {}
        messages = {name: self._message(name) for name in link.centres()}
        if not messages:
            raise too_few(number, missing, self.federation.fewest)
        answers = self._told(link, messages)
        lost = [name for name, answer in answers.items() if self._kind(answer) == "lost"]
        for name in lost:
            self._held.pop(name, None)
        answers |= self._told(link, {name: self._message(name) for name in lost})
        for name in messages.keys() - answers.keys():
            missing[name] = f"no answer within {self.federation.patience:g} s"
        here = digest_of(whole(self.learner.model))
        self._held |= dict.fromkeys(answers, here)
        if self.federation.masked:
            people, total, counted = masked_sum(
                lambda given: self._told(link, given),
                answers,
                missing,
                number,
                trained_in(self.learner.model),
                self.federation,
                self.factors,
            )
        else:
            updates = self._updates(answers, missing)
            people = {one.centre: one.people for one in updates}
            total, counted = self._sum(updates)
        if len(people) < self.federation.fewest:
            raise too_few(number, missing, self.federation.fewest)
        self._apply(total, counted)
        self._finish(number, people, missing)

    def aggregate(self, updates: Sequence[Update]) -> dict[str, Tensor]:
        """Average updates into the model and return its weights, without counting a round.

        Each parameter is averaged over the centres that trained it, which count alike or as their
        numbers of people.

        Parameters
        ----------
        updates : sequence of Update
            Of one round.

        Returns
        -------
        dict of Tensor
            The state of the model by name.
        """
        self._apply(*self._sum(updates))
        return whole(self.learner.model)

    def factors(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """What each centre counts, at most 1, from numbers of people."""
        if self.federation.weighting == "equal":
            return dict.fromkeys(sizes, 1.0)
        largest = max(sizes.values(), default=1)
        return {name: size / largest for name, size in sizes.items()}

    def _sum(self, updates: Sequence[Update]) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Sum of the updates as they count, and what each parameter's summands count together."""
        factors = self.factors({one.centre: one.size for one in updates})
        total: dict[str, Tensor] = {}
        counted: dict[str, float] = {}
        for one in updates:
            factor = factors[one.centre]
            for name, part in one.change.items():
                total[name] = total[name] + factor * part if name in total else factor * part
                counted[name] = counted.get(name, 0.0) + factor
        return total, counted

    def _apply(self, total: Mapping[str, Tensor], counted: Mapping[str, float]) -> None:
        """Divide sums, with noise, by what they count, and change the weights."""
        plan = self.federation
        if plan.noise and plan.clip:
            noise = noise_like(total, plan.noise * plan.clip, self._noise_seed(), self.round)
            total = {name: part + noise[name] for name, part in total.items()}
        change = {name: part / counted[name] for name, part in total.items() if counted[name]}
        before = whole(self.learner.model)
        self._since, self._step = "", {}
        if plan.precision == "half":  # the weights change by exactly what is told of it
            self._step = {name: part.to(NUMBERS["half"]) for name, part in change.items()}
            self._since, change = digest_of(before), self._step
        load_weights(self.learner.model, moved(before, change))

    def _finish(self, number: int, people: dict[str, dict[str, int]], missing: dict) -> None:
        """Count the round, validate now and then, and write state and line."""
        learner, plan = self.learner, self.federation
        before, learner.step = learner.step, (number + 1) * plan.local_steps
        for name in sorted(people):
            for stream, count in people[name].items():
                told = f"{count} people of {name}"
                known = learner.facts["participants"][stream]
                known.extend([told] if told not in known else [])
        every = plan.training.validate_every
        with isolated():
            if before // every < learner.step // every or number + 1 == plan.rounds:
                learner.judge()
            else:
                learner.save_state()
        row = {"round": number, "centres": sorted(people), "missing": missing, "bytes": self._bytes}
        if plan.noise:
            row["epsilon"] = round(epsilon(plan.noise, number + 1, plan.delta), 3)
        with (self.folder / ROUNDS).open("a") as log:
            log.write(json.dumps(row) + "\n")
        for name, reason in missing.items():
            logger.warning("round %d goes on without %s: %s", number + 1, name, reason)
        logger.info("round %d of %d: %s", number + 1, plan.rounds, row)

    def _message(self, centre: str) -> bytes:
        """The task of a centre: the change since the weights it holds, or all of them."""
        plan, model = self.federation.model_dump(mode="json"), self.learner.model
        for name in (*OWN, *ELSEWHERE):  # paths and recordings of the server concern nobody
            del plan["training"][name]
        plan["training"]["seed"] = self.federation.training.seed
        known = bool(self._step) and self._held.get(centre) == self._since
        tensors = self._step if known else whole(model)
        facts = {"kind": "train", "round": self.round, "federation": plan}
        return pack(facts | {"since": self._since if known else ""}, tensors)

    def _told(self, link: Link, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Answers to messages, whose bytes are counted."""
        answers = link.exchange(messages, self.federation.patience) if messages else {}
        for sent in (messages, answers):
            for name, message in sent.items():
                self._bytes[name] = self._bytes.get(name, 0) + len(message)
        return {name: answers[name] for name in sorted(answers) if name in messages}

    def _kind(self, answer: bytes) -> str:
        try:
            return str(unpack(answer)[0].get("kind"))
        except ReadError:
            return ""

    def _updates(self, answers: Mapping[str, bytes], missing: dict[str, str]) -> list[Update]:
        """The updates that can be used; what is wrong with the others goes to `missing`."""
        allowed, used = trained_in(self.learner.model), []
        for name, answer in answers.items():
            try:
                facts, tensors = unpack(answer)
                refuse_failure(name, facts)
                used.append(checked(name, facts, tensors, self.round, allowed, self.federation))
            except NeurofuseError as error:
                missing[name] = str(error)
        return used

    def _begin(self, resume: bool) -> None:
        """Make the folder of a run, or see that it is one of this configuration."""
        begun, plan = self.folder / PLAN, self.federation.model_dump(mode="json")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not begun.exists():
            begun.write_text(json.dumps(plan, indent=1) + "\n")
            (self.folder / SEED).write_text(str(secrets.randbits(63)) + "\n")
            return
        if not resume:
            raise ParameterError(
                f"an earlier run in {self.folder}", "an empty folder", "pass --resume or another"
            )
        before = json.loads(begun.read_text())
        changed = sorted(key for key in plan if plan[key] != before.get(key))
        if changed:
            raise ParameterError(
                f"a run in {self.folder} that was begun with another {', '.join(changed)}",
                f"the configuration it was begun with ({PLAN})",
                "pass that one, or another folder",
            )

    def _noise_seed(self) -> int:
        return int((self.folder / SEED).read_text())


class Together:
    """A link to centres in this process, for tests and experiments.

    Parameters
    ----------
    centres : sequence of Centre

    Examples
    --------
    >>> Together([]).centres()
    []
    """

    def __init__(self, centres: Sequence[Any]):
        self.by_name: dict[str, Any] = {centre.name: centre for centre in centres}

    def centres(self) -> list[str]:
        """Names of the centres."""
        return list(self.by_name)

    def exchange(self, messages: Mapping[str, bytes], patience: float) -> dict[str, bytes]:
        """Their answers, one after the other."""
        return {name: self.by_name[name].answer(message) for name, message in messages.items()}


def too_few(round: int, missing: Mapping[str, str], fewest: int) -> NeurofuseError:
    """The error of a round with fewer centres than are wanted."""
    reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
    return NeurofuseError(
        f"round {round + 1} with too few centres ({reasons or 'none has joined'})",
        f"updates of at least {fewest}",
        "see why they are missing, and start the server again with --resume",
    )
