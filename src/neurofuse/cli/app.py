"""The command line: which commands there are, and what a failure looks like to the user.

Exit status: 0 done; 2 bad input or usage; 1 anything else; 130 stopped by Ctrl-C. `app` has
those of BIDS apps.
"""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neurofuse.cli import (
    check,
    clean,
    cohort,
    compare,
    corpus,
    demo,
    export,
    federate,
    info,
    methods,
    report,
    simulate,
    stream,
    train,
)
from neurofuse.cli.console import complain, show_warnings
from neurofuse.cli.study import command as study
from neurofuse.cli.study.arguments import StudyCommand
from neurofuse.io.errors import NeurofuseError

_stopped: list[int] = []  # the exit status, once a signal has asked to stop


class Commands(TyperGroup):
    """The commands; a failure becomes one line on stderr and an exit status."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Accept --debug anywhere: users who are asked to add it add it at the end."""
        end = args.index("--") if "--" in args else len(args)
        if "--debug" in args[:end]:
            args = ["--debug", *(a for a in args[:end] if a != "--debug"), *args[end:]]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        debug = ctx.params.get("debug", False)
        try:
            with warnings.catch_warnings():
                if not debug:  # warnings of libraries are for developers
                    warnings.simplefilter("ignore")
                return super().invoke(ctx)
        except NeurofuseError as error:
            if debug:
                traceback.print_exc()
            complain(str(error))
            raise typer.Exit(2) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if hasattr(error, "exit_code"):  # a usage error, which typer reports
                raise
            if _stopped:  # a library that was being imported made another error of the signal
                raise typer.Exit(_stopped[0]) from error
            if debug:
                traceback.print_exc()
            complain(f"{type(error).__name__}: {error}")
            if not debug:
                complain("this is not your input's fault; run again with --debug to see where")
            raise typer.Exit(1) from error


app: typer.Typer = typer.Typer(
    cls=Commands,
    name="neurofuse",
    help="Clean simultaneous EEG and fNIRS recordings jointly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(info.version("neurofuse"))
        raise typer.Exit


@app.callback(epilog="Start with: [bold]neurofuse demo[/]")
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where a failure comes from.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Clean simultaneous EEG and fNIRS recordings jointly."""
    os.environ.setdefault("MNE_LOGGING_LEVEL", "DEBUG" if debug else "ERROR")
    os.environ.setdefault("MPLBACKEND", "Agg")
    show_warnings()


COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("clean", clean.command, "clean sub-01_eeg.edf sub-01_nirs.snirf --out cleaned"),
    ("check", check.command, "check sub-01_eeg.edf sub-01_nirs.snirf --offset 0.21"),
    ("stream", stream.command, "stream --play sub-01_recording.nc --seconds 60"),
    ("compare", compare.command, "compare simulated_recording.nc --truth simulated_truth.nc"),
    ("simulate", simulate.simulate_command, "simulate --duration 120 --seed 3 --out simulated"),
    (
        "inject",
        simulate.inject_command,
        "inject rest_eeg.edf rest_nirs.snirf --seed 3 --out contaminated",
    ),
    ("train", train.command, "train --config joint.json --out runs/joint"),
    ("export", export.command, "export --method joint --int8 --out joint-edge"),
    (
        "report",
        report.command,
        "report cleaned/sub-01_desc-clean_recording.nc --out page.html",
    ),
    ("cohort", cohort.command, "cohort cleaned --out cleaned/index.html --title 'My study'"),
    ("demo", demo.command, "demo --out demo-output"),
    ("app", study.command, "app study study/derivatives/neurofuse participant --n-jobs 4"),
    ("methods", methods.command, "methods"),
    ("info", info.command, "info sub-01_eeg.edf sub-01_nirs.snirf"),
)


OWN_CLASS = {"app": StudyCommand}


def _add_commands() -> None:
    for name, function, example in COMMANDS:
        epilog = f"Example: [bold]neurofuse {example}[/]"
        app.command(name, epilog=epilog, cls=OWN_CLASS.get(name))(function)


_add_commands()
app.add_typer(corpus.app, name="corpus")
app.add_typer(federate.app, name="federate")


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; the entry point of `neurofuse`."""

    def stop(number: int, frame: Any) -> None:
        _stopped.append(128 + number)
        sys.exit(_stopped[0])

    # a terminated run cleans up its temporary folder like an interrupted one
    signal.signal(signal.SIGTERM, stop)
    app(args)


def study_main() -> None:
    """Run `neurofuse app`; the entry point of `neurofuse-bids`."""
    main(["app", *sys.argv[1:]])
