"""Everything that decides a training run, read from JSON or a dict and checked."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurofuse.io.errors import ParameterError
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.training.split import check_left_out
from neurofuse.models.weights import load_facts

SHAPES = (
    "streams",
    "width",
    "single_width",
    "bands",
)  # of an architecture, which shape the weights
HEARD = ("streams", "bands", "latent_rate", "causal")  # what teacher and student have in common
Share = Literal["none", "timing", "partial", "full"]


class Training(BaseModel):
    """Everything that decides a training run (`neurofuse train --config FILE`).

    Parameters
    ----------
    name : str
        Name of the weights: NAME.safetensors.
    start : str
        Packaged name or path of weights to begin from (fine-tuning); empty: from nothing.
    single : dict of str
        Packaged names or paths of the single-modality models, by stream, that become part of a
        joint one; they are not trained further. Empty: those that `start` has, if any.
    teacher : str
        Packaged name or path of a trained model whose estimates are learned beside the truth
        (`distil`); it hears the same modalities in the same bands. Empty: the truth alone.
    architecture : Architecture
        Of the model; that of `start` when there is one. What shapes the weights cannot differ from
        `start`; other settings may. A causal model can begin from one that is not.
    steps : int
        Steps of the optimiser, one batch each; 0: what `start` and `single` give is written.
    warm_steps : int
        Steps at the start that learn motion masks and artifact fractions only, which is cheap.
    pretrain : int
        Steps before all others in which hidden parts of windows are told from the rest, of all
        training recordings, those in motion and of participants who are left out included.
    batch : int
        Windows of a batch.
    window : float
        Length of a window [s].
    learning_rate : float
        The largest of the schedule [1].
    severity : (float, float)
        Range from which the severity of motion [1] is sampled, log-uniformly, as of
        `neurofuse.inject`.
    share : tuple of {"none", "timing", "partial", "full"}
        What the motion of both modalities has in common, sampled from these.
    windows : dict of float
        Probabilities of `neurofuse.models.training.windows.WindowSampling` [1] that are to differ
        from the usual ones, such as `{"transplanted": 0.0}`.
    partner_dropout : float
        Probability [1] that a step of the joint model sees one modality alone.
    simulated : int
        Simulated participants beside the real ones.
    augment : bool
        Also phase-randomised rest and simple artifacts (`augment`).
    real : bool
        Read the data folder (NEUROFUSE_DATA) when there is one.
    share_of_participants : float
        Which part of the training participants is used [1], chosen by `seed`: of every kind of
        recordings in the split, and of your own, a rounded number and one at least. Their real
        movements are left out with them; simulated participants and those of the validation stay.
    own : dict
        Your own clean recordings, files by participant, each in one part only:
        `{"train": {"anna": ["anna.edf"]}, "validation": {"ben": ["ben.edf"]}}`.
    own_moves : bool
        Own recordings may hold movements: of few electrodes only the calm stretches count as
        clean, and large movements in `own` are added to these beside generated ones.
    corpus : str, optional
        A store of recordings (`neurofuse corpus build`), drawn from in place of `simulated`, `real`
        and `own`, which say what it was built of. Real movements are still read from the data
        folder.
    leave_out : tuple of str
        Beginnings of names of recordings in the data folder, such as
        "fnirs_devices/nirsport2_dtu": these recordings and donors of real movements stay out of
        training and of validation.
    adversary : float
        Weight [1] of a classifier of labs with reversed gradients (`domains.Adversary`); 0: none.
    coral : float
        Weight [1] of differences between the labs' covariances of latents (`domains.coral`). With
        either, batches are of several labs, brought to one rate.
    randomised : float
        Probability [1] of a randomised device (`devices`), and of another rate of a batch.
    validate_every : int
        Steps between validations.
    validation_batches : int
        Batches of a validation.
    seed : int
        Of the first weights and of all windows.

    Examples
    --------
    >>> Training(name="mine", start="joint", steps=200).learning_rate
    0.003
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    name: str = "joint"
    start: str = ""
    single: dict[Literal["eeg", "nirs"], str] = {}
    teacher: str = ""
    architecture: Architecture = Architecture()
    steps: Annotated[int, Field(ge=0)] = 1500
    warm_steps: int = 500
    pretrain: Annotated[int, Field(ge=0)] = 0
    batch: int = 4
    window: float = 60.0
    learning_rate: float = 3e-3
    severity: tuple[float, float] = (0.05, 3.0)
    share: tuple[Share, ...] = tuple(get_args(Share))
    windows: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    partner_dropout: float = 0.15
    simulated: int = 6
    augment: bool = True
    real: bool = True
    share_of_participants: Annotated[float, Field(gt=0, le=1)] = 1.0
    own: dict[Literal["train", "validation"], dict[str, tuple[str, ...]]] = {}
    own_moves: bool = False
    corpus: str | None = None
    leave_out: tuple[str, ...] = ()
    adversary: Annotated[float, Field(ge=0)] = 0.0
    coral: Annotated[float, Field(ge=0)] = 0.0
    randomised: Annotated[float, Field(ge=0, le=1)] = 0.0
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
            "a participant in one part only",
            "split `own` by participant",
        )
    files = {
        part: {Path(name).resolve() for names in plan.own.get(part, {}).values() for name in names}
        for part in ("train", "validation")
    }
    shared = sorted(path.name for path in files["train"] & files["validation"])
    if shared:
        raise ParameterError(
            f"{', '.join(shared)} in training and in validation",
            "a file in one part only",
            "split `own` by participant",
        )
    check_left_out(plan.leave_out)
    if not plan.start:
        return _with_single(plan)
    before = Architecture.model_validate(load_facts(plan.start)["architecture"])
    if "architecture" not in plan.model_fields_set:
        return _with_single(plan.model_copy(update={"architecture": before}))
    if plan.architecture.causal and not before.causal:  # without its single-modality models
        before = before.model_copy(update={"single_width": 0})
    if any(getattr(plan.architecture, name) != getattr(before, name) for name in SHAPES):
        raise ParameterError(
            f"an architecture that is not the one of {plan.start}",
            "weights to begin from that fit the network",
            "leave `architecture` out, or `start`",
        )
    return _with_single(plan)


def simulated_in(plan: Training, part: str) -> int:
    """Simulated participants in a part: fewer to validate on, none where own ones take over."""
    if part != "validation":
        return plan.simulated
    return max(1, plan.simulated // 3) if plan.simulated or not plan.own.get("validation") else 0


def _with_single(plan: Training) -> Training:
    """A plan whose architecture has room for the single-modality models that it names."""
    _check_teacher(plan)
    if not plan.single:
        return plan
    single = {s: load_facts(name)["architecture"] for s, name in plan.single.items()}
    widths = {int(facts["width"]) for facts in single.values()}
    fits = all(list(facts["streams"]) == [s] for s, facts in single.items())
    if set(single) != set(plan.architecture.streams) or len(widths) > 1 or not fits:
        raise ParameterError(
            f"single-modality models {plan.single} of widths {sorted(widths)}",
            f"one model of one width for each of {', '.join(plan.architecture.streams)}",
            "name one for each modality, or leave `single` out",
        )
    wider = plan.architecture.model_copy(update={"single_width": widths.pop()})
    return plan.model_copy(update={"architecture": wider})


def _check_teacher(plan: Training) -> None:
    """Raise ParameterError if the model to train cannot learn from the teacher that it names."""
    if not plan.teacher:
        return
    known = Architecture.model_validate(load_facts(plan.teacher)["architecture"])
    differ = [name for name in HEARD if getattr(known, name) != getattr(plan.architecture, name)]
    if differ:
        raise ParameterError(
            f"a teacher, {plan.teacher}, with another {', '.join(differ)} than its student",
            f"the same {', '.join(HEARD)}",
            "name another teacher, or change `architecture`",
        )
