"""`neurofuse train`: train a model from a configuration file."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from neurofuse.cli import options
from neurofuse.cli.console import progress, show_files, silent, stdout
from neurofuse.io.staging import make_folder


def command(
    *,
    config: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Configuration (JSON); benchmarks/training/configs has some."
        ),
    ],
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

    Several processes share the work: [bold]torchrun --nproc-per-node 2 -m neurofuse train …[/]
    """
    from neurofuse.models.training.config import read_config
    from neurofuse.models.training.distributed import leads
    from neurofuse.models.training.run import usable_device
    from neurofuse.models.training.train import train
    from neurofuse.models.weights import load_facts

    read_config(config)  # refused before a folder is made
    usable_device(device)
    make_folder(out)
    with progress("training") if leads() else nullcontext(silent) as step:
        weights = train(config, out, resume=resume, progress=step, device=device, workers=workers)
    if not leads():
        return
    show_files("trained:", {"weights": weights})
    scores = load_facts(weights)["validation"]
    start = scores["start_score"]
    beside = "" if start is None else f" (starting weights: {start:.2f} dB)"
    stdout().print(f"validation error: {scores['score']:.2f} dB{beside}", highlight=False)
