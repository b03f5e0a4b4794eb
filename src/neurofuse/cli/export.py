"""`neurofuse export`: a model as a folder that cleans without torch."""

from typing import Annotated

import typer

from neurofuse.cli import options
from neurofuse.cli.console import progress, show_files


def command(
    *,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="joint, eeg, nirs, joint-live, or weights of your own (.safetensors).",
        ),
    ] = "joint",
    int8: Annotated[
        bool,
        typer.Option(
            "--int8", help="Weights and inputs of convolutions in 8 bits: a third of the size."
        ),
    ] = False,
    student: Annotated[
        bool, typer.Option("--student", help="The small network that was distilled from joint.")
    ] = False,
    out: options.Out,
    overwrite: options.Overwrite = False,
) -> None:
    """Write a model as a folder that cleans without torch, and compare both.

    The folder is a method: `--method DIR` of `clean`, or `neurofuse.clean(recording, "DIR")`.
    """
    from neurofuse.fusion.export import export_model

    with progress("exporting") as step:
        files = export_model(
            method, out, int8=int8, student=student, overwrite=overwrite, progress=step
        )
    show_files("exported:", files)
