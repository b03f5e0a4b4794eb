"""Methods with their means and confidence intervals over participants."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


def plot_intervals(
    summary: xr.Dataset,
    modality: str,
    metric: str,
    *,
    ax: "Axes | None" = None,
    floor: float | None = None,
) -> "Axes":
    """Mean and 95 % interval of every method, the lowest at the top.

    Stars: differs from the method that all were paired with, after Holm's correction (* p < 0.05,
    ** p < 0.01, *** p < 0.001).

    Parameters
    ----------
    summary : Dataset
        Of `neurofuse.fusion.results.statistics.summarise`.
    modality, metric : str
        What to draw. Methods are in rising order of the mean; those without a figure are left out.
    ax : Axes, optional
        Where to draw; a new figure by default.
    floor : float, optional
        Means below are arrows here, so that they do not flatten the rest.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> one = ("method", "modality", "metric"), np.zeros((1, 1, 1))
    >>> names = ("mean", "low", "high", "p")
    >>> coords = {"method": ["joint"], "modality": ["eeg"], "metric": ["error_db"]}
    >>> summary = xr.Dataset(dict.fromkeys(names, one), coords | {"units": ("metric", ["dB"])})
    >>> plot_intervals(summary, "eeg", "error_db").get_yticklabels()[0].get_text()
    'joint'
    """
    from matplotlib.figure import Figure

    for what, name in (("modality", modality), ("metric", metric)):
        if name not in summary[what].values:
            known = ", ".join(map(str, summary[what].values))
            raise ParameterError(f"the {what} {name!r}", f"one of {known}", "check its name")
    cell = summary.sel(modality=modality, metric=metric)
    cell = cell.isel(method=np.flatnonzero(np.isfinite(cell["mean"].values)))
    cell = cell.isel(method=np.argsort(-cell["mean"].values, kind="stable"))
    if ax is None:
        ax = Figure(figsize=(7, 0.6 + 0.3 * cell.sizes["method"]), layout="constrained").subplots()
    assert ax is not None
    at = np.arange(cell.sizes["method"])
    middle, low, high = (cell[name].values for name in ("mean", "low", "high"))
    below = np.zeros(middle.size, bool) if floor is None else middle < floor
    if floor is not None:
        low, high = np.maximum(low, floor), np.maximum(high, floor)
        ax.plot(np.full(below.sum(), floor), at[below], "<", color="black", markersize=4)
    reach = np.abs(np.stack([middle - low, high - middle]))[:, ~below]
    look = {"fmt": "o", "capsize": 2, "color": "black", "markersize": 4}
    ax.errorbar(middle[~below], at[~below], xerr=reach, **look)
    for row, p in enumerate(cell.p.values):
        stars = next((mark for limit, mark in MARKS if p < limit), "")
        ax.annotate(stars, (high[row], row), (4, -3), textcoords="offset points")
    ax.set_yticks(at, [str(name) for name in cell.method.values])
    unit = str(summary.units.sel(metric=metric).item())
    ax.set_xlabel(metric.replace("_", " ") + (f" [{unit}]" if unit != "1" else ""))
    ax.grid(axis="x", linewidth=0.3)
    return ax
