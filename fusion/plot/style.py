"""What all figures share: colours, words, and the grid that they are placed on.

Ink is drawn in `INK` and `GRID`, so that the report can follow a light or dark page; colours are
those of Okabe and Ito (2008), which colour-blind readers can distinguish.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from neurofuse.fusion.views.before_after import View
from neurofuse.io.recording import GATE_OPEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID = "#010101", "#020202"
BEFORE, AFTER, TRUTH, MASK = "#d55e00", "#0072b2", "#009e73", "#e69f00"
LOST = "#808890"  # reads on a light and on a dark page
COLOURS = {"before": BEFORE, "after": AFTER, "truth": TRUTH}
LABELS = {"before": "recorded", "after": "cleaned", "truth": "true"}
MASK_ALPHA = 0.28
STYLE: dict[Any, object] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "neurofuse",
    "text.color": INK,
    "text.parse_math": False,  # a channel may be called "$x$"
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def style() -> Iterator[None]:
    """The look of the report's figures, for as long as they are drawn."""
    import warnings

    from matplotlib import rc_context

    with rc_context(STYLE), warnings.catch_warnings():
        # the page's own font draws the text; DejaVu only measures it
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def label(text: object, length: int = 18) -> str:
    """Text as it may stand in a figure: printable and short."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text))
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def labels(views: Sequence[View]) -> dict[str, str]:
    """What the lines and the shading of these views show, for a legend, in order of drawing.

    The keys are those of `COLOURS`, "mask" where motion is shaded and "lost" where nothing was
    measured.
    """
    treated = any(view.treated for view in views)
    shown = {"before": LABELS["before"]} if treated else {}
    shown["after"] = LABELS["after" if treated else "before"]
    if any(view.truth is not None for view in views):
        shown["truth"] = LABELS["truth"]
    if any(view.gate is not None for view in views):
        shown["mask"] = f"motion mask (gate > {GATE_OPEN})"
    elif any(view.in_motion is not None for view in views):
        shown["mask"] = "injected motion"
    if any(view.lost is not None and view.lost.any() for view in views):
        shown["lost"] = "lost"
    return shown


def handles(views: Sequence[View]) -> list[Any]:
    """The legend of lines and shading, for `legend(handles=)`."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shades = {"mask": MASK, "lost": LOST}
    return [
        Patch(facecolor=shades[kind], alpha=MASK_ALPHA, label=text)
        if kind in shades
        else Line2D([], [], color=COLOURS[kind], label=text)
        for kind, text in labels(views).items()
    ]


def grid(
    heights: Sequence[float], columns: int, *, gap: float, bar: float = 0.0, above: float = 0.28
) -> "tuple[Figure, list[list[Axes]]]":
    """A figure of 10 inches with rows of axes, placed by hand [inches]: a layout engine would
    measure every text several times over. `bar` leaves room for a colour bar beside each, `above`
    for what stands over the first row."""
    from matplotlib.figure import Figure

    tall = sum(heights) + gap * (len(heights) - 1) + above + 0.47
    figure = Figure(figsize=(10, tall))
    left, between, right = 0.8, 0.85 + bar, 0.12 + 3 * bar
    width = (10 - left - right - between * (columns - 1)) / columns
    axes, top = [], tall - above
    for height in heights:
        starts = [left + column * (width + between) for column in range(columns)]
        boxes = [(x / 10, (top - height) / tall, width / 10, height / tall) for x in starts]
        axes.append([figure.add_axes(box) for box in boxes])
        top -= height + gap
    return figure, axes
