"""Pieces of an HTML page: figures as inline SVG, tables, cells. All text is escaped here."""

import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.fusion.plot.style import AFTER, GRID, INK, style
from neurofuse.fusion.views.phrases import significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROUNDING = 1e-9  # smaller values in tables are 0
DOTS = 110  # per inch, of the dense traces inside the otherwise scalable figures


def svg(figure: "Figure", name: str, alt: str) -> str:
    """A matplotlib figure as inline SVG; ids start with `name`, text has the page's colour.

    Dense traces inside it are bitmaps, so that an hour stays small.
    """
    buffer = StringIO()
    with style():
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", dpi=DOTS, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", text)
    text = re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", text)
    seen: set[str] = set()

    def own(match: re.Match[str]) -> str:
        # pieces of equal content get equal ids from matplotlib: the first one serves all
        again = match[1] in seen
        seen.add(match[1])
        return "" if again else f' id="{name}-{match[1]}"'

    text = re.sub(r'\sid="([^"]*)"', own, text)
    text = re.sub(r'(href="|url\()#', rf"\1#{name}-", text)
    text = text.replace(INK, "var(--ink)").replace(GRID, "var(--line)")
    text = text.replace(AFTER, "var(--accent)")  # lighter on a dark page
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)


def figure_block(
    figure: "Figure", name: str, alt: str, caption: str, *, light: bool = False
) -> str:
    """A figure with its alternative text and caption; `light` keeps its ground light at night."""
    kind = ' class="light"' if light else ""
    return (
        f'<figure{kind}><div class="draw">{svg(figure, name, alt)}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def table(
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    caption: str = "",
    kind: str = "",
    poor: Collection[int] = (),
    best: Collection[tuple[int, int]] = (),
) -> str:
    """A table whose first column heads its rows; rows numbered in `poor` are highlighted, cells
    (row, column) in `best` are bold."""
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    lines = []
    for number, row in enumerate(body):
        cells = "".join(
            f"<td{' class=best' if (number, column) in best else ''}>{escape(cell)}</td>"
            for column, cell in enumerate(row[1:], start=1)
        )
        mark = ' class="poor"' if number in poor else ""
        lines.append(f'<tr{mark}><th scope="row">{escape(row[0])}</th>{cells}</tr>')
    # the span stays in sight and in width where a wide table is scrolled
    title = f"<caption><span>{escape(caption)}</span></caption>" if caption else ""
    rows = "\n".join(lines)
    return (
        f'<div class="table" tabindex="0"><table class="{kind}">{title}'
        f"<thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def cell(value: object, attrs: Mapping[Any, Any] | None = None) -> str:
    """A value as text, volts in µV and metres in mm.

    Examples
    --------
    >>> cell(2e-5, {"units": "V"}), cell(False), cell(float("nan"))
    ('20', 'no', '–')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        scale = {"V": 1e6, "m": 1e3}.get((attrs or {}).get("units", ""), 1)
        value = float(value) * scale
        value = 0.0 if abs(value) < ROUNDING else value
        text = f"{value:.3g}" if np.isinf(value) else significant(value)
        return text.replace("-", "−")
    return str(value)
