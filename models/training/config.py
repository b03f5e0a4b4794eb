"""Everything that decides a training run, read from JSON or a dict and checked."""

from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from neurofuse.io.errors import ParameterError
from neurofuse.models.joint.autoencoder import Architecture
from neurofuse.models.weights import load_facts

Share = Literal["none", "timing", "partial", "full"]


class Training(BaseModel):
    """Everything that decides a training run (`neurofuse train --config FILE`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "joint"
    start: str = ""  # packaged name or path of weights to begin from (fine-tuning)
    architecture: Architecture = Architecture()  # that of `start` when there is one
    steps: int = 1500
    warm_steps: int = 500  # steps at the start that learn gates and shares only: cheap
    batch: int = 4
    window: float = 60.0  # s
    learning_rate: float = 3e-3
    severity: tuple[float, float] = (0.05, 3.0)
    share: tuple[Share, ...] = tuple(get_args(Share))  # what streams have in common, drawn from
    partner_dropout: float = 0.15  # chance that a joint step sees one stream alone
    simulated: int = 6  # simulated people beside the real ones
    augment: bool = True  # also other rest and motion than recorded and generated
    real: bool = True  # read the data folder when there is one
    # your own clean recordings, files by person: {"train": {"anna": ["anna.edf"]}, "validation": …}
    own: dict[Literal["train", "validation"], dict[str, tuple[str, ...]]] = {}
    validate_every: int = 100
    validation_batches: int = 8
    seed: int = 0


def read_config(config: Path | str | dict[str, Any]) -> Training:
    """A Training from a JSON file or a dict; ParameterError names what is wrong in it."""
    try:
        if isinstance(config, dict):
            plan = Training.model_validate(config)
        else:
            plan = Training.model_validate_json(Path(config).read_text())
    except (ValidationError, OSError, UnicodeDecodeError) as error:
        first = str(error).splitlines()
        raise ParameterError(
            f"a training configuration that cannot be used ({' '.join(first[:3])})",
            f"JSON with some of {', '.join(Training.model_fields)}",
            "see benchmarks/training/configs for examples",
        ) from error
    both = set(plan.own.get("train", ())) & set(plan.own.get("validation", ()))
    if both:
        raise ParameterError(
            f"{', '.join(sorted(both))} in training and in validation",
            "a person in one part only",
            "split `own` by person",
        )
    if not plan.start:
        return plan
    before = Architecture.model_validate(load_facts(plan.start)["architecture"])
    if "architecture" in plan.model_fields_set and plan.architecture != before:
        raise ParameterError(
            f"an architecture that is not the one of {plan.start}",
            "weights to begin from that fit the network",
            "leave `architecture` out, or `start`",
        )
    return plan.model_copy(update={"architecture": before})
