"""`neurofuse corpus`: recordings to train on in one store, which need not fit into memory."""

from pathlib import Path
from typing import Annotated

import typer

from neurofuse.cli.console import progress, show_files, stdout
from neurofuse.io.errors import ParameterError

app: typer.Typer = typer.Typer(
    help="Build and check stores of recordings to train on, larger than memory.",
    no_args_is_help=True,
)

Store = Annotated[Path, typer.Argument(metavar="STORE.zarr", help="Folder of the store.")]


@app.command(epilog="Example: [bold]neurofuse corpus build corpus.zarr --config joint.json[/]")
def build(
    store: Store,
    *,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Training configuration: which recordings it names."),
    ] = None,
    real: Annotated[
        bool | None,
        typer.Option("--real/--no-real", help="Read the data folder (NEUROFUSE_DATA)."),
    ] = None,
    simulated: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Simulated participants.")
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART:LABEL=FILE",
            help="A clean recording of yours, as train:sub-01=rest.edf; may be repeated.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a store, and repair what is damaged.")
    ] = False,
) -> None:
    """Write the recordings to train and validate on into a store, participant by participant."""
    from neurofuse.models.training.config import read_config
    from neurofuse.models.training.corpus_build import build_corpus, check_corpus

    plan = {} if config is None else read_config(config).model_dump(mode="json")
    plan = {k: v for k, v in plan.items() if k in ("simulated", "real", "own", "architecture")}
    plan |= {} if real is None else {"real": real}
    plan |= {} if simulated is None else {"simulated": simulated}
    plan |= {"own": _own(own)} if own else {}
    with progress("corpus") as step:
        build_corpus(plan, store, resume=resume, progress=step)
    show_files("built:", {"store": store})
    _show(check_corpus(store))


@app.command(epilog="Example: [bold]neurofuse corpus check corpus.zarr[/]")
def check(store: Store) -> None:
    """Compare every recording of a store with its checksum; status 2 where one is damaged."""
    from neurofuse.models.training.corpus_build import check_corpus

    with progress("checking") as step:
        counts = check_corpus(store, step)
    _show(counts)


def _show(counts: dict[tuple[str, str], int]) -> None:
    from neurofuse.io.modality import MODALITIES

    for (part, stream), count in counts.items():
        line = f"{part}, {MODALITIES[stream].display}: {count} recordings, all whole"
        stdout().print(line, highlight=False)


def _own(given: list[str]) -> dict[str, dict[str, list[str]]]:
    """Files by part and participant."""
    found: dict[str, dict[str, list[str]]] = {}
    for text in given:
        part, colon, rest = text.partition(":")
        label, equals, file = rest.partition("=")
        if not (colon and equals and label and file and part in ("train", "validation")):
            raise ParameterError(
                f"--own {text}",
                "PART:LABEL=FILE with the part train or validation",
                "write --own train:sub-01=rest.edf",
            )
        found.setdefault(part, {}).setdefault(label, []).append(file)
    return found
