"""`neurofuse check`: a self-test, how well methods clean this recording."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from neurofuse.cli import options
from neurofuse.cli.console import Progress, progress, silent, stdout
from neurofuse.io.modality import MODALITIES

if TYPE_CHECKING:
    from neurofuse.fusion.self_test import SelfTest

HEADS = {  # of the figures printed, and their digits
    "error_db": ("error in motion [dB]", 1),
    "clean_change_db": ("harm to quiet parts [dB]", 0),
    "alpha_kept": ("alpha kept", 2),
    "response_kept": ("response kept", 2),
}


def check_files(
    paths: Sequence[Path],
    *,
    methods: Sequence[str] | None = None,
    offset: float | None = None,
    align: str | None = None,
    step: Progress = silent,
) -> "SelfTest":
    """Test methods on a recording's own movements, moved into its own quiet stretches.

    Parameters
    ----------
    paths : one or two paths
        The EEG file, the fNIRS file, both, or a neurofuse .nc.
    methods : sequence of str, optional
        As in `neurofuse.self_test`.
    offset, align
        As in `neurofuse.read`.
    step : Progress
        Called with the fraction done and the current step.

    Returns
    -------
    SelfTest

    Raises
    ------
    NeurofuseError
        For inputs that cannot be read or aligned, and unknown methods.
    """
    options.one_alignment(offset, align)
    from neurofuse.fusion.self_test import self_test
    from neurofuse.io import read

    recording = read(*paths, offset=offset, align=align)
    return self_test(recording, methods, progress=step)


def as_json(found: "SelfTest") -> str:
    """All figures as JSON; those that are not known are null."""
    return json.dumps(_known(found.facts()), indent=2)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(found: "SelfTest") -> None:
    """Print what was found in words, and a table a modality."""
    console = stdout()
    console.print(escape(str(found)), highlight=False)
    for modality in found.tested:
        console.print(_grid(found, modality))


def _grid(found: "SelfTest", modality: str) -> Table:
    shown = [m for m in HEADS if found.table.value.loc[:, modality, m].notnull().any()]
    grid = Table(title=MODALITIES[modality].display, title_justify="left", title_style="bold")
    grid.add_column("method", no_wrap=True)
    for metric in shown:
        grid.add_column(escape(HEADS[metric][0]), justify="right")
    for method, _ in found.ranking(modality):
        cells = [_cell(found.figure(method, modality, m), HEADS[m][1]) for m in shown]
        grid.add_row(escape(method), *cells)
    return grid


def _cell(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}" if math.isfinite(value) else "none"


def command(
    eeg: options.First,
    nirs: options.Second = None,
    *,
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Methods of `neurofuse methods`, or weights (.safetensors), separated by commas "
            "(default: the learned method, asr or wavelet, tddr, spline).",
        ),
    ] = None,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    json_output: options.Json = False,
) -> None:
    """Test how well methods clean this recording: its own movements in its quiet stretches."""
    with progress("reading") as step:
        found = check_files(
            options.inputs(eeg, nirs),
            methods=[name.strip() for name in methods.split(",")] if methods else None,
            offset=offset,
            align=align,
            step=step,
        )
    if json_output:
        typer.echo(as_json(found))
        return
    show(found)
