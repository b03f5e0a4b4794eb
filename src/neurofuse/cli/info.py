"""`neurofuse info`: versions, packaged models and folders, to be pasted into a bug report."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

import neurofuse
from neurofuse.cli import options
from neurofuse.cli.console import stdout

PACKAGES = ("neurofuse", "torch", "mne", "mne-nirs", "numpy", "scipy", "xarray")


def facts() -> dict[str, Any]:
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


def command(*, json_output: options.Json = False) -> None:
    """Show versions, packaged models and folders."""
    found = facts()
    if json_output:
        typer.echo(json.dumps(found, indent=2))
        return
    console = stdout()
    grid = Table.grid(padding=(0, 2))
    for name, value in found["versions"].items():
        grid.add_row(name, value)
    grid.add_row("platform", found["platform"])
    grid.add_row("package", found["package"])
    grid.add_row("data", found["data"] or "NEUROFUSE_DATA is not set")
    console.print(grid)
    for name, description in found["models"].items():
        console.print(f"\nmodel [bold]{name}[/]")
        lines = Table.grid(padding=(0, 2))
        for key, value in description.items():
            lines.add_row(f"  {key}", _brief(value))
        console.print(lines, markup=False)
