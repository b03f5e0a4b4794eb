"""What a server keeps of its rounds: who took part, who did not and why, bytes, and ε."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from neurofuse.io.errors import ParameterError
from neurofuse.models.federated.plan import Federation

PLAN = "federation.json"  # what the run was begun with
ROUNDS = "rounds.jsonl"  # one JSON object a round
SEED = "noise_seed"  # whoever knows it can take the noise away


@dataclass
class Round:
    """What is told of one round.

    Parameters
    ----------
    round : int
        From 0.
    centres : list of str
        Whose updates were used.
    missing : dict of str
        Why those of others were not.
    traffic : dict of int
        Bytes of the messages to and from each centre.
    epsilon : float, optional
        Of all rounds up to this one, where there is noise.
    """

    round: int
    centres: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    traffic: dict[str, int] = field(default_factory=dict)
    epsilon: float | None = None

    def count(self, messages: Mapping[str, bytes]) -> None:
        """Add the bytes of messages by centre."""
        for name, message in messages.items():
            self.traffic[name] = self.traffic.get(name, 0) + len(message)


class Record:
    """The rounds of a run in its folder.

    Parameters
    ----------
    folder : Path
        Of the run; made where it is missing.
    federation : Federation
        What it trains.
    resume : bool
        Whether an earlier run of the same configuration may be there.
    """

    def __init__(self, folder: Path, federation: Federation, *, resume: bool):
        self.folder: Path = folder
        folder.mkdir(parents=True, exist_ok=True)
        begun, plan = folder / PLAN, federation.model_dump(mode="json")
        if not begun.exists():
            (folder / SEED).write_text(f"{secrets.randbits(63)}\n")
            begun.write_text(json.dumps(plan, indent=1) + "\n")
            return
        if not resume:
            raise ParameterError(
                f"an earlier run in {folder}", "an empty folder", "pass --resume or another folder"
            )
        before = json.loads(begun.read_text())
        changed = sorted(key for key in plan if plan[key] != before.get(key))
        if changed:
            raise ParameterError(
                f"a run in {folder} that was begun with another {', '.join(changed)}",
                f"the configuration it was begun with ({PLAN})",
                "pass that one, or another folder",
            )

    @property
    def noise_seed(self) -> int:
        """Of the noise of this run, drawn when it began."""
        return int((self.folder / SEED).read_text())

    def add(self, one: Round) -> None:
        """Write the line of a round."""
        with (self.folder / ROUNDS).open("a") as log:
            log.write(json.dumps(asdict(one)) + "\n")

    def rounds(self) -> list[Round]:
        """All of them; one that was taken twice, since the server was stopped in it, is twice."""
        file = self.folder / ROUNDS
        lines = file.read_text().splitlines() if file.exists() else []
        return [Round(**json.loads(line)) for line in lines]

    def summary(self, delta: float) -> list[str]:
        """A line for each centre, and one for ε where there is noise."""
        rounds = self.rounds()
        lines = []
        for name in sorted({name for one in rounds for name in one.traffic}):
            took = sum(name in one.centres for one in rounds)
            sent = sum(one.traffic.get(name, 0) for one in rounds) / 1e6
            lines.append(f"{name}: {took} of {len(rounds)} rounds, {sent:.2f} MB both ways")
        if rounds and rounds[-1].epsilon is not None:
            told = f"ε = {rounds[-1].epsilon:g} at δ = {delta:g}"
            lines.append(f"privacy of whether a centre took part: {told}")
        return lines
