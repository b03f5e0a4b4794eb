"""The figure of averages over events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurofuse.fusion.plot.style import COLOURS, INK, LABELS, grid, label, style
from neurofuse.fusion.report.averages import Response
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_responses(averages: Sequence[Response]) -> "Figure":
    """One row a condition and channel or region, one column a signal.

    Returns
    -------
    Figure
    """
    columns = list(dict.fromkeys(a.signal for a in averages))
    placed: dict[tuple[int, str], Response] = {}
    first = 0
    for condition in dict.fromkeys(a.condition for a in averages):
        own = [a for a in averages if a.condition == condition]
        rows = _rows_of(own)
        for a in own:
            placed[first + rows[a.signal == EEG.display, a.channels], a.signal] = a
        first += 1 + max(rows.values())
    with style():
        figure, axes = grid([1.7] * first, max(2, len(columns)), gap=0.85, above=0.6)
        for ax in (ax for row in axes for ax in row):
            ax.set_visible(False)
        lines = {}
        for (row, signal), one in placed.items():
            ax = axes[row][columns.index(signal)]
            ax.set_visible(True)
            for kind, (mean, half) in one.lines.items():
                ax.fill_between(
                    one.time, mean - half, mean + half, color=COLOURS[kind], alpha=0.2, linewidth=0
                )
                # "after" lies on "before" where nothing was changed: both must show
                dashes = {"before": "-", "after": "--", "truth": ":"}[kind]
                lines[kind] = ax.plot(one.time, mean, color=COLOURS[kind], linestyle=dashes)[0]
            ax.axvline(0, color=INK, linewidth=0.6)
            ax.axhline(0, color=INK, linewidth=0.4, linestyle=":")
            ax.set_xlim(one.time[0], one.time[-1])
            title = f"{label(one.condition, 24)}: {one.signal} (n = {one.count})"
            mean = f" (mean of {one.averaged})" if one.averaged > 1 else ""
            ax.set_title(f"{title}\n{label(one.channels, 26)}{mean}")
            ax.set_ylabel(one.unit)
            ax.set_xlabel("Time from onset [s]")
        # above the panels: intervals leave no corner free
        names = [LABELS[kind] for kind in lines]
        figure.legend(lines.values(), names, loc="upper right", ncols=3, borderaxespad=0.0)
    return figure


def _rows_of(averages: Sequence[Response]) -> dict[tuple[bool, str], int]:
    """The row of each channel and region of EEG (True) and of fNIRS (False): what both have, as
    regions may, stands in one row, below channels beside each other."""
    electric, blood = (
        dict.fromkeys(a.channels for a in averages if (a.signal == EEG.display) == which)
        for which in (True, False)
    )
    shared = [name for name in electric if name in blood]
    rows, first = {}, 0
    for which, names in ((True, electric), (False, blood)):
        own = [name for name in names if name not in shared]
        rows |= {(which, name): number for number, name in enumerate(own)}
        first = max(first, len(own))
    for number, name in enumerate(shared, start=first):
        rows[True, name] = rows[False, name] = number
    return rows
