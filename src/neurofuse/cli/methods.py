"""`neurofuse methods`: everything that can clean, by name."""

import json
import math

import typer
from rich.table import Table

from neurofuse.cli import options
from neurofuse.cli.console import stdout


def command(*, json_output: options.Json = False) -> None:
    """List all methods: what they treat, what they need, their delay, and the paper."""
    from neurofuse.fusion.methods.registry import methods

    table = methods().reset_index()
    if json_output:
        rows = table.to_dict(orient="records")
        known = [{**row, "delay": _finite(row["delay"])} for row in rows]
        typer.echo(json.dumps(known, indent=2))
        return
    grid, sources = Table(box=None), Table(box=None, title="Sources", title_justify="left")
    for title in ("name", "modalities", "delay", "needs"):
        grid.add_column(title, no_wrap=title != "needs")
    for title in ("name", "citation"):
        sources.add_column(title, no_wrap=title == "name")
    for row in table.to_dict(orient="records"):
        delay = f"{row['delay']:g} s" if math.isfinite(row["delay"]) else "whole recording"
        grid.add_row(row["name"], row["streams"], delay, row["needs"])
        sources.add_row(row["name"], row["citation"])
    stdout().print(grid, "", sources)


def _finite(delay: float) -> float | str:
    """JSON has no infinity."""
    return delay if math.isfinite(delay) else str(delay)
