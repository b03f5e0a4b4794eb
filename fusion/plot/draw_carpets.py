"""Carpets (channels × time) of a Recording before and after cleaning.

Each function takes the views of `neurofuse.fusion.views.before_after.views_of` and returns a
matplotlib Figure. Values beyond the colour scale have a darker colour, shown by an arrow at the
end of the colour bar.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_lanes import envelope
from neurofuse.fusion.plot.style import (
    AFTER,
    COLOURS,
    INK,
    LABELS,
    LOST,
    MASK,
    grid,
    label,
    style,
)
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import carpet, change, compared, compared_unit
from neurofuse.io.modality import NIRS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMES = 24
DARKER = 0.55  # of a colour, for values beyond the scale


def draw_carpets(views: Sequence[View]) -> "Figure":
    """Channels × time: the motion mask, and how much was changed.

    Returns
    -------
    Figure
    """
    masked = any(view.gate is not None for view in views)
    with style():
        figure, axes = grid([_height(view) for view in views], 1 + masked, gap=0.38, bar=0.2)
        scale = _time_axes(axes, views)
        for row, view in zip(axes, views, strict=True):
            if (mask := view.gate) is not None:
                image = carpet(view, lambda i, mask=mask: np.nan_to_num(mask[i]))
                title = "motion mask (gate)"
                if view.lost is not None and view.lost.any():
                    title += "; grey: lost"
                _draw_carpet(figure, row[0], view, image, 1.0, MASK, scale, title)
                _draw_lost(row[0], view)
            elif masked:
                row[0].set_axis_off()
                row[0].set_title(f"{view.name}: no motion mask")
            size = carpet(view, lambda i, view=view: change(view, i)) * view.modality.plot_scale
            top = _scale_end(view, np.where(size > 0, size, np.nan))
            what = "change of the step" if view.modality is NIRS else "change"
            title = f"|{what}| [{compared_unit(view.modality)}]"
            _draw_carpet(figure, row[-1], view, size, top, AFTER, scale, title)
    return figure


def draw_before_after(views: Sequence[View], variance: Sequence[xr.DataArray]) -> "Figure":
    """Channels × time before and after cleaning on one scale, below GVTD of both.

    Parameters
    ----------
    views : list of View
        Modalities, from `views_of`; those without an `after` have one panel.
    variance : list of DataArray
        `neurofuse.io.optics.gvtd.global_variance` before and after; empty without fNIRS.

    Returns
    -------
    Figure
    """
    with style():
        heights = [*[0.8] * bool(variance), *(_height(view) for view in views)]
        figure, axes = grid(heights, 2, gap=0.38, bar=0.2)
        scale = _time_axes(axes, views)
        if variance:
            _draw_variance(axes[0], variance, scale)
        for row, view in zip(axes[bool(variance) :], views, strict=True):
            kinds = ("before", "after") if view.treated else ("before",)
            images = {
                kind: view.modality.plot_scale
                * carpet(view, lambda i, kind=kind, view=view: deviation(view, kind, i))
                for kind in kinds
            }
            top = _scale_end(view, images["before"])
            what = "|step|" if view.modality is NIRS else "|value − median|"
            for ax, (kind, image) in zip(row, images.items(), strict=False):
                title = f"{LABELS[kind]}: {what} [{compared_unit(view.modality)}]"
                _draw_carpet(figure, ax, view, image, top, COLOURS[kind], scale, title)
            for ax in row[len(images) :]:
                ax.set_axis_off()
    return figure


def deviation(view: View, which: str, index: int) -> np.ndarray:
    """(time): distance of a channel from its median (EEG), or size of its step from sample to
    sample (fNIRS, the largest wavelength); `which` is "before", "after" or "truth"."""
    values = compared(view, getattr(view, which)[index])
    if view.modality is not NIRS and np.isfinite(values).any():
        values = values - np.nanmedian(values)
    return np.nan_to_num(np.abs(values)).max(axis=0)


def _scale_end(view: View, image: np.ndarray) -> float:
    """The 98th percentile of what was measured: bad channels and lost stretches do not count."""
    measured = np.isfinite(image) & view.used[:, None]
    if (lost := view.lost) is not None:
        measured &= carpet(view, lambda i: lost[i]) == 0
    for which in (measured, np.isfinite(image)):
        if which.any():
            return float(np.percentile(image[which], 98)) or 1.0
    return 1.0


def named_rows(view: View) -> list[int]:
    """Channels (indices) that an image of all names: of neighbours for which there is room for one
    name only, a bad one.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> bad = np.arange(48) == 3
    >>> node = eeg_dataset(np.zeros((48, 9)), 9.0, [f"E{i}" for i in range(48)], bad=bad)
    >>> named_rows(views_of(build(node))[0])[:3]
    [0, 3, 4]
    """
    every = -(-len(view.channel) // MOST_NAMES)
    groups = [range(first, len(view.channel))[:every] for first in range(0, len(view.bad), every)]
    return [next((i for i in group if view.bad[i]), group[0]) for group in groups]


def _height(view: View) -> float:
    return min(3.2, max(0.7, 0.11 * len(view.channel)))


def _time_axes(axes: "Sequence[Sequence[Axes]]", views: Sequence[View]) -> int:
    """Give all axes one clock; returns the seconds in its unit."""
    start = min(view.time[0] for view in views)
    stop = max(view.time[-1] + 1 / view.rate for view in views)
    scale, unit = (60, "min") if stop - start > 600 else (1, "s")
    for row in axes:
        for ax in row:
            ax.set_xlim(start / scale, stop / scale)
            ax.tick_params(labelbottom=row is axes[-1])
    for ax in axes[-1]:
        ax.set_xlabel(f"Time [{unit}]")
    return scale


def _draw_variance(row: "Sequence[Axes]", variance: Sequence[xr.DataArray], scale: float) -> None:
    top = max((float(np.nanmax(v, initial=0.0)) for v in variance), default=0.0) or 1.0
    for ax, kind, course in zip(row, ("before", "after"), variance, strict=False):
        time, values = envelope(course.time.values / scale, course.values)
        ax.plot(time, values, color=COLOURS[kind], linewidth=0.8)
        ax.axhline(course.threshold, color=INK, linewidth=0.6, linestyle=":")
        ax.set_ylim(0, 1.05 * top)
        ax.set_title(f"fNIRS {LABELS[kind]}: GVTD [OD/sample]")
    for ax in row[len(variance) :]:
        ax.set_axis_off()


def _draw_lost(ax: "Axes", view: View) -> None:
    """Grey where nothing of the participant was measured, over a carpet."""
    from matplotlib.colors import ListedColormap, to_rgba

    if (lost := view.lost) is None or not lost.any():
        return
    extent = ax.images[0].get_extent()
    grey = ListedColormap([to_rgba(LOST, 0), to_rgba(LOST, 0.8)])
    image = carpet(view, lambda i: lost[i])
    ax.imshow(image, grey, aspect="auto", interpolation="nearest", extent=extent, vmin=0, vmax=1)


def _draw_carpet(
    figure: "Figure",
    ax: "Axes",
    view: View,
    image: np.ndarray,
    top: float,
    colour: str,
    scale: float,
    title: str,
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba

    # transparent where nothing is, so that it reads on a light and on a dark page
    shades = LinearSegmentedColormap.from_list("shade", [to_rgba(colour, 0), to_rgba(colour, 1)])
    red, green, blue = (DARKER * part for part in to_rgba(colour)[:3])
    shades = shades.with_extremes(over=(red, green, blue))
    count = len(view.channel)
    extent = (view.time[0] / scale, (view.time[-1] + 1 / view.rate) / scale, count - 0.5, -0.5)
    norm = Normalize(0, top)
    ax.imshow(image, shades, norm, aspect="auto", interpolation="nearest", extent=extent)
    ticks = named_rows(view)
    names = [label(view.channel[i], 12) + (" ×" if view.bad[i] else "") for i in ticks]
    ax.set_yticks(ticks, names, fontsize=6.5)  # wider ones reach the bar of the panel to the left
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(True)
    ax.set_title(f"{view.name} {title}")
    box = ax.get_position()
    beside = figure.add_axes((box.x1 + 0.008, box.y0, 0.012, box.height))
    beyond = "max" if image.size and image.max() > top else "neither"
    bar = figure.colorbar(ScalarMappable(norm, shades), cax=beside, extend=beyond)
    bar.set_ticks([0, top / 2, top], labels=[f"{v:.3g}" for v in (0, top / 2, top)])
    bar.ax.tick_params(labelsize=6.5)
    bar.outline.set_linewidth(0.5)  # pyright: ignore[reportCallIssue]
