"""What `neurofuse stream` shows in a terminal: both modalities, the mask, delays and counts."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from neurofuse.cli.levels import BIN
from neurofuse.io.modality import MODALITIES

if TYPE_CHECKING:
    from neurofuse.cli.session import Session

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"  # where samples were lost
SHOWN = 3  # drifts, the last ones
OLD = 1.0  # s; data older than this are shown in red


def sparkline(values: Sequence[float], top: float) -> str:
    """Levels as blocks, `top` as the highest; a dot where there is no level.

    Examples
    --------
    >>> sparkline([0.0, 1.0, math.nan, 2.0], 2.0)
    '▁▅·█'
    """
    return "".join(
        BLOCKS[round(min(max(v / top, 0.0), 1.0) * (len(BLOCKS) - 1))]
        if math.isfinite(v) and top > 0
        else GAP
        for v in values
    )


def view(session: "Session", facts: dict[str, Any]) -> RenderableType:
    """The whole screen, from a session and its status."""
    parts: list[RenderableType] = [_traces(session), _streams(facts), Text(_delays(facts))]
    parts += [Text(p, style="bold yellow") for p in problems(facts)]
    return Group(*parts)


def problems(facts: dict[str, Any]) -> list[str]:
    """One line for each thing that is wrong now."""
    lines = [one["problem"] for one in facts["streams"].values() if one["problem"]]
    if facts["problem"]:
        lines.append(facts["problem"])
    lines += facts["drifts"][-SHOWN:]
    if facts["late"]:
        lines.append(f"late: computing took longer than the data last, {facts['late']} times")
    if "stopped" in (facts["recording"] or ""):
        lines.append(facts["recording"])
    return lines


def _traces(session: "Session") -> Table:
    grid = Table.grid(padding=(0, 2))
    for kind, before in session.before.items():
        received = list(before.bins)
        known = [value for value in received if math.isfinite(value)]
        top = max(known, default=0.0)
        name = MODALITIES[kind].display
        span = f"{len(received) * BIN[kind]:.0f} s"
        level = f"{1e6 * known[-1]:.1f} µV" if known and kind == "eeg" else ""
        level = f"{100 * known[-1]:.2g} %" if known and kind == "nirs" else level
        grid.add_row(f"[bold]{name}[/] received", sparkline(received, top), f"{level}  {span}")
        grid.add_row("  cleaned", sparkline(session.after[kind].bins, top))
        grid.add_row("  moving", Text(sparkline(session.mask[kind].bins, 1.0), style="magenta"))
    return grid


def _streams(facts: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for head in ("stream", "age [s]", "behind [s]", "received", "lost", "drift [ppm]", "moving"):
        table.add_column(escape(head), justify="left" if head == "stream" else "right")
    for one in facts["streams"].values():
        age = one["age"]
        style = "red" if age is not None and age > OLD else ""
        moving = one.get("moving")
        table.add_row(
            escape(one["name"]),
            _cell(age, "{:.2f}"),
            _cell(one.get("behind"), "{:.2f}"),
            str(one["received"]),
            str(one["lost"]),
            _cell(one["drift_ppm"], "{:.0f}"),
            _cell(moving, "{:.0%}"),
            style=style,
        )
    return table


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _delays(facts: dict[str, Any]) -> str:
    computing = facts["computing_ms"]
    parts = [f"{facts['running']:.0f} s"]
    if computing:
        parts.append("computing p50 {p50:.1f}, p99 {p99:.1f}, max {max:.1f} ms".format(**computing))
    parts.append(f"late {facts['late']}")
    if facts["recording"]:
        parts.append(f"recording {facts['recording']}")
    return "   ".join(parts)
