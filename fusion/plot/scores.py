"""Figures of a comparison: one recording's methods, or many recordings' means and intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.canvas import panels, style
from neurofuse.fusion.plot.draw_intervals import plot_intervals
from neurofuse.fusion.plot.style import AFTER
from neurofuse.fusion.views.before_after import NAMES
from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOUNDS = ("untouched", "zero", "oracle", "joint, shuffled partner")  # no methods: drawn hollow
ROW = 0.28  # inches
FLOOR = -30.0  # dB; an oracle may be at -inf: what is lower is an arrow at this edge


def comparison(
    table: xr.Dataset,
    metric: str = "error_db",
    *,
    modality: str | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "list[Axes]":
    """One figure of every method that was compared on a recording, in order of that figure.

    Rows that are no methods (untouched, zero, oracle, shuffled partner) are hollow. What is below
    -30 dB, as an oracle may be, is an arrow at the edge.

    Parameters
    ----------
    table : Dataset
        Of `neurofuse.compare`.
    metric : str
        What to draw.
    modality : {"eeg", "nirs"}, optional
        Draw this stream only.
    axes : Axes, optional
        One for each stream drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each stream.

    Raises
    ------
    ParameterError
        If the table lacks the metric or modality, or no method has the figure.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, bouts_per_minute=9)
    >>> table = nf.compare(contaminated, ["tddr"], truth)
    >>> ax, = nf.plot.comparison(table, modality="nirs")
    >>> ax.get_xlabel()
    'error db [dB]'
    """
    for what, name in (("metric", metric), ("modality", modality)):
        if name is not None and name not in table[what].values:
            known = ", ".join(map(str, table[what].values))
            raise ParameterError(f"the {what} {name!r}", f"one of {known}", "check its name")
    named = [m for m in table.modality.values if modality in (None, m)]
    found = {str(m): table.value.sel(modality=m, metric=metric) for m in named}
    found = {m: v.isel(method=~np.isnan(v.values)) for m, v in found.items()}
    found = {m: v for m, v in found.items() if v.size}
    if not found:
        raise ParameterError(f"no figure {metric!r}", "a method that has it", "choose another")
    unit = str(table.units.sel(metric=metric).item())
    with style():
        heights = [0.4 + ROW * value.size for value in found.values()]
        drawn = panels(axes, heights, sharex=True)
        for ax, (name, value) in zip(drawn, found.items(), strict=True):
            value = value.isel(method=np.argsort(-value.values, kind="stable"))
            bound = np.isin(value.method.values, BOUNDS)
            shown = np.maximum(value.values, FLOOR) if unit == "dB" else value.values
            beyond = shown > value.values
            at = np.arange(value.size)
            for rows, marker in ((~beyond, "o"), (beyond, "<")):
                fill = np.where(bound[rows], "none", AFTER).tolist()
                edge = np.where(bound[rows], "0.3", AFTER).tolist()
                ax.scatter(shown[rows], at[rows], c=fill, edgecolors=edge, marker=marker, zorder=2)
            ax.set_yticks(at, [str(method) for method in value.method.values])
            ax.grid(axis="x", alpha=0.25)
            ax.set_title(NAMES.get(name, name))
        drawn[-1].set_xlabel(metric.replace("_", " ") + (f" [{unit}]" if unit != "1" else ""))
    return drawn


def intervals(
    summary: xr.Dataset, modality: str, metric: str = "error_db", *, ax: "Axes | None" = None
) -> "Axes":
    """Mean and 95 % interval over people of every method, the best at the top.

    Stars: differs from the method that was paired with, after Holm's correction. What is below
    -30 dB, as an oracle may be, stands at -30 dB.

    Parameters
    ----------
    summary : Dataset
        Of `neurofuse.fusion.metrics.statistics.summarise`.
    modality : {"eeg", "nirs"}
        Which stream.
    metric : str
        What to draw.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    ParameterError
        If the summary lacks the metric or modality.

    Examples
    --------
    >>> from neurofuse.fusion.cohort import compare_all
    >>> from neurofuse.fusion.metrics.statistics import summarise
    >>> import neurofuse as nf
    >>> people = {f"sub-{k}": nf.simulate(20, seed=k, bouts_per_minute=9) for k in (2, 3)}
    >>> truths, moved = ({name: pair[i] for name, pair in people.items()} for i in (0, 1))
    >>> summary = summarise(compare_all(moved, ["tddr"], truths), against="tddr")
    >>> nf.plot.intervals(summary, "nirs").get_xlabel()
    'error db [dB]'
    """
    with style():
        if ax is None:
            (ax,) = panels(None, [0.4 + ROW * summary.sizes["method"]])
        if metric in summary.metric and summary.units.sel(metric=metric) == "dB":
            names = ("mean", "low", "high")
            summary = summary.assign({n: summary[n].clip(min=FLOOR) for n in names})
        ax = plot_intervals(summary, modality, metric, ax=ax)
        ax.set_title(NAMES.get(modality, modality))
    return ax
