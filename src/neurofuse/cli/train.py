"""`neurofuse train`: train a model from a configuration file."""

from pathlib import Path
from typing import Annotated

import typer

from neurofuse.cli import options
from neurofuse.cli.console import show_files


def command(
    *,
    config: Annotated[Path, typer.Option(metavar="FILE", help="Configuration (JSON or TOML).")],
    out: options.Out,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the folder.")
    ] = False,
) -> None:
    """Train a model on injected movement; checkpoints and weights go to a folder."""
    from neurofuse.models.train import train

    train(config, out, resume=resume)
    show_files("trained:", {"out": out})
