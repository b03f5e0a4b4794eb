"""`neurofuse federate`: training on recordings that do not leave the places where they are."""

import os
from pathlib import Path
from typing import Annotated

import typer

from neurofuse.cli import options
from neurofuse.cli.console import progress, show_files, stdout
from neurofuse.io.errors import ParameterError
from neurofuse.io.staging import make_folder

app: typer.Typer = typer.Typer(
    help="Train where recordings may not leave: a server, and centres that send it updates alone.",
    no_args_is_help=True,
)


@app.command(
    epilog="Example: [bold]neurofuse federate server --config federation.json --out runs/ours"
    " --host 10.0.0.5 --port 8600 --centres 4[/]"
)
def server(
    *,
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="What is trained, and in how many rounds (JSON).")
    ],
    out: options.Out,
    host: Annotated[str, typer.Option(metavar="NAME", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes one that is free.")
    ] = 0,
    centres: Annotated[
        int, typer.Option(min=1, metavar="N", help="Centres to wait for before the first round.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the round that the folder stopped at.")
    ] = False,
) -> None:
    """Send weights to centres, average what they learn, and keep the best weights.

    The network must be trusted: nothing is encrypted. Between institutions use Flower with TLS, see
    examples/federated.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")  # of a centre that hangs up
    from neurofuse.models.federated.plan import read_federation
    from neurofuse.models.federated.post import Office
    from neurofuse.models.federated.server import Server
    from neurofuse.models.weights import load_facts

    plan = read_federation(config)  # refused before a folder is made
    make_folder(out)
    work = Server(plan, out, resume=resume)
    with Office(host, port) as office:
        stdout().print(f"listening on {host}:{office.port}", highlight=False)
        joined = office.wait_for(centres, plan.patience)
        if len(joined) < centres:
            raise ParameterError(
                f"{len(joined)} centres after {plan.patience:g} s ({', '.join(joined) or 'none'})",
                f"{centres}",
                "start the others, or the server with a smaller --centres and --resume",
            )
        stdout().print(f"training with {', '.join(joined)}", highlight=False)
        with progress("rounds") as step:
            weights = work.run(office, step)
    show_files("trained:", {"weights": weights})
    score = load_facts(weights)["validation"]["score"]
    stdout().print(f"validation error: {score:.2f} dB", highlight=False)
    for line in work.record.summary(plan.delta):
        stdout().print(line, highlight=False)


@app.command(
    epilog="Example: [bold]neurofuse federate centre --name A --config a.json --server"
    " 10.0.0.5:8600 --out runs/a[/]"
)
def centre(
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="By which the server knows it.")],
    config: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Training configuration: its recordings (JSON)."),
    ],
    server: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="What the server says it listens on.")
    ],
    out: options.Out,
    wait: Annotated[
        float, typer.Option(min=0.0, metavar="S", help="How long a missing server is waited for.")
    ] = 600.0,
) -> None:
    """Train on the recordings of this place as a server says; they do not leave it."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    from neurofuse.models.federated.centre import Centre
    from neurofuse.models.federated.post import attend
    from neurofuse.models.training.config import read_config

    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ParameterError(f"--server {server}", "HOST:PORT", "write what the server says")
    plan = read_config(config)
    make_folder(out)
    attend(Centre(name, plan, out), host, int(port), wait)
    stdout().print("the server has ended the training", highlight=False)
