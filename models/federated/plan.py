"""Everything that decides a federated training, read from JSON or a dict and checked."""

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neurofuse.io.errors import ParameterError
from neurofuse.models.training.config import Training, read_config

# of a training, what each centre decides for itself: its recordings, and nothing else
OWN = ("own", "real", "simulated", "corpus", "seed")
# what names files of the server, and cannot be followed at a centre
ELSEWHERE = ("start", "single", "teacher")


class Federation(BaseModel):
    """Everything that decides a federated training (`neurofuse federate server --config FILE`).

    Parameters
    ----------
    training : Training
        What is trained, and how; its recordings are those that the server validates on. `steps` is
        `rounds` times `local_steps`.
    rounds : int
        How often the centres' weights are averaged.
    local_steps : int
        Steps of the optimiser at each centre in a round.
    weighting : {"equal", "size"}
        Whether all centres count alike, or as their numbers of people.
    proximal : float
        Weight [1] of FedProx: half the squared distance from the weights that the round began with.
        0: none.
    clip : float, optional
        Norm [1] to which each centre shortens its update. None: as long as it is.
    noise : float
        Standard deviation of the Gaussian noise that the server adds to the sum of updates, in
        units of `clip` [1]. 0: none.
    delta : float
        Probability [1] for which ε is told where there is noise.
    masked : bool
        Whether the server sees the sum of the updates alone.
    precision : {"half", "double"}
        Numbers of a change on the way, of 2 or 8 bytes. With "double" nothing is rounded.
    fewest : int
        Centres without which a round is not counted.
    patience : float
        How long the server waits for an answer [s].

    Examples
    --------
    >>> Federation(training=Training(name="ours"), rounds=10, local_steps=5).training.steps
    50
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    training: Training
    rounds: Annotated[int, Field(ge=1, strict=True)] = 20
    local_steps: Annotated[int, Field(ge=1, strict=True)] = 20
    weighting: Literal["equal", "size"] = "equal"
    proximal: Annotated[float, Field(ge=0)] = 0.0
    clip: Annotated[float, Field(gt=0)] | None = None
    noise: Annotated[float, Field(ge=0)] = 0.0
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5
    masked: bool = False
    precision: Literal["half", "double"] = "half"
    fewest: Annotated[int, Field(ge=1)] = 1
    patience: Annotated[float, Field(gt=0)] = 600.0

    @model_validator(mode="before")
    @classmethod
    def _with_steps(cls, given: Any) -> Any:
        """Let the rounds decide how many steps there are in all."""
        if not isinstance(given, dict) or "training" not in given:
            return given
        plan = given["training"]
        if isinstance(plan, Training):
            plan = plan.model_dump(mode="json")
        fields = cls.model_fields
        rounds, local = (given.get(n, fields[n].default) for n in ("rounds", "local_steps"))
        if not (isinstance(plan, dict) and isinstance(rounds, int) and isinstance(local, int)):
            return given
        return {**given, "training": {**plan, "steps": rounds * local}}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.clip is None and (self.noise or self.masked):
            raise ValueError("noise and masked sums need `clip`, the largest norm of an update")
        if self.training.teacher:
            raise ValueError("a teacher, which the centres do not have")
        if self.masked and self.fewest < 2:
            raise ValueError("masked sums of one centre hide nothing: `fewest` must be 2 or more")
        return self


def read_federation(config: Path | str | dict[str, Any]) -> Federation:
    """A Federation from a JSON file or a dict; ParameterError names what is wrong in it."""
    try:
        given = config if isinstance(config, dict) else json.loads(Path(config).read_text())
        plan = Federation.model_validate(given)
    except (ValidationError, OSError, ValueError) as error:
        raise ParameterError(
            f"a configuration of a federation ({' '.join(str(error).splitlines()[:3])})",
            f"JSON with `training` and some of {', '.join(Federation.model_fields)}",
            "see docs/federated.md for an example",
        ) from error
    # with what `start` and `single` say of the architecture
    named = plan.training.model_dump(mode="json", exclude_unset=True)
    return plan.model_copy(update={"training": read_config(named)})


def plan_at(centre: Training, federation: Federation) -> Training:
    """What a centre trains: as the server says, on recordings of its own.

    Paths in the server's plan are never followed. Weights to begin from come as weights.
    """
    shared = federation.training.model_dump(mode="json", exclude={*OWN, *ELSEWHERE})
    own = {name: getattr(centre, name) for name in OWN}
    if "seed" not in centre.model_fields_set:
        own["seed"] = federation.training.seed
    return Training.model_validate(shared | own)
