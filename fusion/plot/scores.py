"""Figures of a comparison: one recording's methods, or many recordings' means and intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.canvas import panels, style
from neurofuse.fusion.plot.draw_intervals import plot_intervals
from neurofuse.fusion.plot.style import AFTER
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.28  # inches
FLOOR_DB = -30.0  # an oracle may be at -inf: what is lower is an arrow at this edge


def comparison(
    table: xr.Dataset,
    metric: str = "error_db",
    *,
    modality: str | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "list[Axes]":
    """One metric of every method that was compared on a recording, in order of that metric.

    Rows that are controls and not methods (uncorrected, zero, oracle, mismatched partner) are
    hollow. What is below -30 dB, as an oracle may be, is an arrow at the edge.

    Parameters
    ----------
    table : Dataset
        Of `neurofuse.compare`.
    metric : str
        What to draw; a name in `table.metric`.
    modality : {"eeg", "nirs"}, optional
        Draw this modality only.
    axes : Axes or sequence of Axes, optional
        One for each modality drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each modality, in the metric's unit.

    Raises
    ------
    ParameterError
        If the table lacks the metric or modality, or no method has a value of it, or there are
        fewer or more `axes` than modalities.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, bouts_per_minute=9)
    >>> table = nf.compare(contaminated, ["tddr"], truth)
    >>> ax, = nf.plot.comparison(table, modality="nirs")
    >>> ax.get_xlabel()
    'error db [dB]'
    """
    from neurofuse.fusion.compare import MISMATCHED, ORACLE, REFERENCES

    for what, name in (("metric", metric), ("modality", modality)):
        if name is not None and name not in table[what].values:
            known = ", ".join(map(str, table[what].values))
            raise ParameterError(f"the {what} {name!r}", f"one of {known}", "check its name")
    shown = [m for m in table.modality.values if modality in (None, m)]
    values = {str(m): table.value.sel(modality=m, metric=metric) for m in shown}
    values = {m: v.isel(method=~np.isnan(v.values)) for m, v in values.items()}
    values = {m: v for m, v in values.items() if v.size}
    if not values:
        raise ParameterError(f"no value of {metric!r}", "a method that has it", "choose another")
    unit = str(table.units.sel(metric=metric).item())
    with style():
        heights = [0.4 + ROW * value.size for value in values.values()]
        panel_axes = panels(axes, heights, sharex=True)
        for ax, (name, value) in zip(panel_axes, values.items(), strict=True):
            value = value.isel(method=np.argsort(-value.values, kind="stable"))
            control = np.isin(value.method.values, [*REFERENCES, ORACLE, MISMATCHED])
            at, size = np.arange(value.size), value.values
            below = size < FLOOR_DB if unit == "dB" else np.zeros(value.size, bool)
            for rows, marker in ((~below, "o"), (below, "<")):
                where = np.maximum(size[rows], FLOOR_DB) if unit == "dB" else size[rows]
                fill = np.where(control[rows], "none", AFTER).tolist()
                edge = np.where(control[rows], "0.3", AFTER).tolist()
                ax.scatter(where, at[rows], c=fill, edgecolors=edge, marker=marker, zorder=2)
            ax.set_yticks(at, [str(method) for method in value.method.values])
            ax.grid(axis="x", alpha=0.25)
            ax.set_title(MODALITIES[name].display)
        panel_axes[-1].set_xlabel(metric.replace("_", " ") + (f" [{unit}]" if unit != "1" else ""))
    return panel_axes


def intervals(
    summary: xr.Dataset, modality: str, metric: str = "error_db", *, ax: "Axes | None" = None
) -> "Axes":
    """Mean and 95 % interval over participants of every method, the lowest at the top.

    Stars: differs from the method that all were paired with, after Holm's correction. What is
    below -30 dB, as an oracle may be, is an arrow at -30 dB.

    Parameters
    ----------
    summary : Dataset
        Of `neurofuse.fusion.results.statistics.summarise`.
    modality : {"eeg", "nirs"}
        Which modality.
    metric : str
        What to draw; a name in `summary.metric`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        In the metric's unit.

    Raises
    ------
    ParameterError
        If the summary lacks the metric or modality.

    Examples
    --------
    >>> from neurofuse.fusion.cohort import compare_all
    >>> from neurofuse.fusion.results.statistics import summarise
    >>> import neurofuse as nf
    >>> pairs = {f"sub-{k}": nf.simulate(20, seed=k, bouts_per_minute=9) for k in (2, 3)}
    >>> truths, contaminated = ({name: pair[i] for name, pair in pairs.items()} for i in (0, 1))
    >>> summary = summarise(compare_all(contaminated, ["tddr"], truths), against="tddr")
    >>> nf.plot.intervals(summary, "nirs").get_xlabel()
    'error db [dB]'
    """
    with style():
        if ax is None:
            (ax,) = panels(None, [0.4 + ROW * summary.sizes["method"]])
        decibels = metric in summary.metric and summary.units.sel(metric=metric) == "dB"
        floor = FLOOR_DB if decibels else None
        ax = plot_intervals(summary, modality, metric, ax=ax, floor=floor)
        ax.set_title(MODALITIES[modality].display)
    return ax
