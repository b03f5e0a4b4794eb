"""`neurofuse info`: a summary of a recording, or versions, models and folders for a bug report."""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

import neurofuse
from neurofuse.cli import options
from neurofuse.cli.console import progress, stdout

if TYPE_CHECKING:
    import xarray as xr

PACKAGES = ("neurofuse", "torch", "mne", "mne-nirs", "numpy", "scipy", "xarray")


def installation() -> dict[str, Any]:
    """Versions, the packaged models' own descriptions, and the data folder."""
    return {
        "versions": {"python": platform.python_version(), **{n: _version(n) for n in PACKAGES}},
        "platform": platform.platform(),
        "models": models(),
        "data": os.environ.get("NEUROFUSE_DATA"),
        "package": str(Path(neurofuse.__file__).parent),
    }


def models() -> dict[str, Any]:
    """What stands beside each packaged weights file, by the model's name."""
    # found by path: importing neurofuse.models would load torch
    folder = Path(neurofuse.__file__).parent / "models" / "pretrained"
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else text[:97] + "..."


def look(paths: Sequence[Path], offset: float | None, align: str | None) -> "xr.DataTree":
    """Read one file or two, and judge their channels."""
    options.one_alignment(offset, align)
    from neurofuse.io import mark_bad, read

    return mark_bad(read(*paths, offset=offset, align=align))


def command(
    first: Annotated[
        Path | None,
        typer.Argument(
            metavar="EEG",
            show_default=False,
            help="A recording to look at: any file that `neurofuse clean` takes.",
        ),
    ] = None,
    second: options.Second = None,
    *,
    offset: options.Offset = None,
    align: options.AlignBy = None,
    json_output: options.Json = False,
) -> None:
    """Show what a recording holds; without one, versions, packaged models and folders."""
    if first is not None:
        from neurofuse.fusion.views.facts import facts
        from neurofuse.fusion.views.overview import summary

        with progress("reading"):
            recording = look([p for p in (first, second) if p is not None], offset, align)
        if json_output:
            typer.echo(json.dumps(facts(recording), indent=2))
        else:
            typer.echo(str(summary(recording)))
        return
    facts = installation()
    if json_output:
        typer.echo(json.dumps(facts, indent=2))
        return
    console = stdout()
    grid = Table.grid(padding=(0, 2))
    for name, value in facts["versions"].items():
        grid.add_row(name, value)
    grid.add_row("platform", facts["platform"])
    grid.add_row("package", facts["package"])
    grid.add_row("data", facts["data"] or "NEUROFUSE_DATA is not set")
    console.print(grid)
    for name, description in facts["models"].items():
        console.print(f"\nmodel [bold]{name}[/]")
        lines = Table.grid(padding=(0, 2))
        for key, value in description.items():
            lines.add_row(f"  {key}", _brief(value))
        console.print(lines, markup=False)
