"""`neurofuse train`: train a model from a configuration file, or weights on own recordings."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurofuse.cli import options
from neurofuse.cli.console import progress, show_files, silent, stdout
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.staging import make_folder

if TYPE_CHECKING:
    from neurofuse.models.training.own import Outcome

UNCHANGED = "nothing was gained, these are the weights that it began from:"


def command(
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Configuration (JSON); benchmarks/training/configs has some."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WEIGHTS",
            help="In place of a configuration: weights to begin from (joint, eeg, nirs, or a "
            ".safetensors file), trained further on the recordings of --own.",
        ),
    ] = None,
    own: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE_OR_FOLDER",
            help="Your recordings: a folder, also of BIDS, or a table (.csv, .tsv) with the "
            "columns participant and file. They may hold movements.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps on own recordings (100).")
    ] = None,
    validation_participants: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Who judges, and is not trained on, separated by commas (the last quarter).",
        ),
    ] = None,
    out: options.Out,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the folder.")
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Where torch computes: cpu, cuda, cuda:1.")
    ] = "cpu",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that sample training windows ahead.")
    ] = 0,
) -> None:
    """Train a model on injected movement; checkpoints, log and best weights go to a folder.

    On your own recordings: [bold]neurofuse train --from joint --own FOLDER --out DIR[/]

    Several processes share the work: [bold]torchrun --nproc-per-node 2 -m neurofuse train …[/]
    """
    if (config is None) == (own is None) or (start is None) != (own is None):
        given = {"--config": config, "--from": start, "--own": own}
        named = " and ".join(name for name, value in given.items() if value is not None)
        raise ParameterError(
            f"{named or 'neither --config nor --from and --own'}",
            "a configuration (--config), or weights and own recordings (--from and --own)",
            "give one of both",
        )
    run: dict[str, Any] = {"resume": resume, "device": device, "workers": workers}
    if own is not None and start is not None:
        names = validation_participants.split(",") if validation_participants else []
        train_own(start, own, out, steps=steps, validation=[n.strip() for n in names], **run)
        return
    if steps is not None or validation_participants is not None:
        raise ParameterError(
            "--steps or --validation-participants beside --config",
            "these for own recordings only",
            "write `steps` and `own` into the configuration",
        )
    from neurofuse.models.training.distributed import leads
    from neurofuse.models.weights import load_facts

    assert config is not None
    weights = _trained(config, out, **run)
    if not leads():
        return
    show_files("trained:", {"weights": weights})
    scores = load_facts(weights)["validation"]
    begun = scores["start_score"]
    beside = "" if begun is None else f" (starting weights: {begun:.2f} dB)"
    stdout().print(f"validation error: {scores['score']:.2f} dB{beside}", highlight=False)


def train_own(
    start: str | Path,
    own: Path,
    out: Path,
    *,
    steps: int | None = None,
    validation: list[str] | None = None,
    resume: bool = False,
    device: str = "cpu",
    workers: int = 0,
) -> "tuple[Path, Outcome | None]":
    """Train weights further on the recordings of a table or folder, and say what that brought.

    Returns
    -------
    Path, Outcome
        The better ones of the trained weights and those they began from; errors before and after,
        None in all but the first of several processes.

    Raises
    ------
    ParameterError
        If there are not two participants with every modality that the weights have.
    """
    from neurofuse.models.training.distributed import leads
    from neurofuse.models.training.own import (
        STEPS,
        check_modalities,
        fine_tuning,
        participants_in,
        settle,
        split,
    )
    from neurofuse.models.weights import find_weights

    begun = find_weights(start)
    parts = split(participants_in(own), validation or ())
    plan = fine_tuning(start, parts, steps=STEPS if steps is None else steps)
    check_modalities(plan)
    if leads():
        for part, doing in (("train", "train on"), ("validation", "judge by")):
            names = ", ".join(parts[part])
            line = f"to {doing}: {names} ({len(parts[part])} of your participants)"
            stdout().print(line, highlight=False, markup=False)
    weights = _trained(plan, out, resume=resume, device=device, workers=workers)
    if not leads():
        return weights, None
    outcome = settle(out, weights, begun)
    show_files("trained:" if outcome.gained else UNCHANGED, {"weights": weights})
    stdout().print(_scores(outcome), highlight=False, markup=False)
    return weights, outcome


def _trained(plan: "Path | dict[str, Any]", out: Path, **how: Any) -> Path:
    """The weights of a run, which is refused before a folder is made for it."""
    from neurofuse.models.training.config import read_config
    from neurofuse.models.training.distributed import leads
    from neurofuse.models.training.run import usable_device
    from neurofuse.models.training.train import train

    read_config(plan)
    usable_device(how["device"])
    make_folder(out)
    with progress("training") if leads() else nullcontext(silent) as step:
        return train(plan, out, progress=step, **how)


def _scores(outcome: "Outcome") -> str:
    """A small table: errors by modality on the participants that judge."""
    rows = [("error in motion [dB]", "before", "after")]
    rows += [
        (MODALITIES[s].display, f"{before:.2f}", f"{outcome.after[s]:.2f}")
        for s, before in outcome.before.items()
    ]
    return "\n".join(f"{name:<20}  {before:>7}  {after:>7}" for name, before, after in rows)
