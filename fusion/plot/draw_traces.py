"""Traces of a Recording before and after cleaning, all modalities on one clock."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_lanes import (
    ROOM,
    Window,
    draw_lanes,
    envelope,
    inside,
    most_changed,
)
from neurofuse.fusion.plot.style import INK, handles, label, style
from neurofuse.fusion.views.before_after import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SENSOR_COLOURS = ["#56b4e9", "#cc79a7", "#009e73"]
LANE = 0.42  # inches

Mark = tuple[float, float, str]  # onset [s], duration [s], description


def draw_traces(
    views: Sequence[View],
    window: Window | None = None,
    *,
    events: xr.Dataset | None = None,
    sensors: Mapping[str, xr.Dataset] | None = None,
    rows: Mapping[str, Sequence[int]] | None = None,
    lane: float = LANE,
    room: float = ROOM,
) -> "Figure":
    """Stacked traces of the most changed channels of every modality on one clock.

    Parameters
    ----------
    views : list of View
        Modalities, from `views_of`.
    window : (start, stop), optional
        Part of the recording [s]; all of it by default.
    events : Dataset, optional
        An `/events` node.
    sensors : dict of Dataset, optional
        `/aux` nodes (one variable (channel, time) each) to draw below.
    rows : dict of list of int, optional
        Indices of the channels of each modality; by default the most changed ones.
    lane : float
        Height of a channel [inches].
    room : float
        As of `draw_lanes`.

    Returns
    -------
    Figure
    """
    from matplotlib.figure import Figure

    if window is None:
        start = min(float(view.time[0]) for view in views)
        stop = max(float(view.time[-1] + 1 / view.rate) for view in views)
    else:
        start, stop = window
    scale, unit = (60, "min") if stop - start > 600 else (1, "s")
    groups: dict[str, list[xr.Dataset]] = {}
    for name, sensor in (sensors or {}).items():  # ACC_X, ACC_Y and ACC_Z share a panel
        groups.setdefault(name.rpartition("_")[0] or name, []).append(sensor)
    marks = _marks(events, start, stop)
    shown = [
        most_changed(view, (start, stop)) if rows is None else rows[view.stream] for view in views
    ]
    heights = [
        0.25 if marks else 0.01,
        *(lane * max(2, len(channels)) for channels in shown),
        *[0.8] * len(groups),
    ]
    with style():
        # placed by hand [inches]: a layout engine would measure every text several times over
        above = 0.35 if marks else 0.15  # for the legend
        tall = sum(heights) + 0.32 * len(heights) + above + 0.15
        figure = Figure(figsize=(10, tall))
        axes, top = [], tall - above
        for height in heights:
            box = (0.095, (top - height) / tall, 0.85, height / tall)
            axes.append(figure.add_axes(box, sharex=axes[0] if axes else None))
            top -= height + 0.32
        for ax in axes[:-1]:
            ax.tick_params(labelbottom=False)
        _draw_events(axes[0], marks, start, stop, scale)
        for ax, view, channels in zip(axes[1:], views, shown, strict=False):
            draw_lanes(ax, view, channels, (start, stop), scale, whole=window is None, room=room)
        for ax, (name, group) in zip(axes[1 + len(views) :], groups.items(), strict=True):
            _draw_sensors(ax, name, group, (start, stop), scale)
        axes[-1].set_xlim(start / scale, stop / scale)
        axes[-1].set_xlabel(f"Time [{unit}]")
        entries = handles(views)
        figure.legend(handles=entries, loc="upper right", ncols=len(entries), borderaxespad=0.1)
    return figure


def _marks(events: xr.Dataset | None, start: float, stop: float) -> list[Mark]:
    """Events (onset, duration, description) that touch the window, each once, in order."""
    if events is None or not events.sizes.get("event", 0):
        return []
    columns = (events[name].values for name in ("onset", "duration", "description"))
    rows = {(float(o), max(float(d), 0.0), str(k)) for o, d, k in zip(*columns, strict=True)}
    return sorted(row for row in rows if row[0] < stop and row[0] + row[1] >= start)


def _draw_events(
    ax: "Axes", marks: Sequence[Mark], start: float, stop: float, scale: float
) -> None:
    ax.set_axis_off()
    ax.set_ylim(0, 1)
    width = (stop - start) / 500
    spans = [(max(at, start), min(at + max(long, width), stop)) for at, long, _ in marks]
    bars = [(begin / scale, (end - begin) / scale) for begin, end in spans]
    ax.broken_barh(bars, (0, 0.25), facecolors=INK)  # all at once: each call takes its time
    last = -np.inf
    for onset, _, text in marks:
        at = max(onset, start)
        # a name is written only where the name before it has ended
        if at >= last:
            name = label(text)
            ax.text(at / scale, 0.4, name, fontsize=6.5, va="bottom", clip_on=False)
            last = at + (stop - start) * (0.008 * len(name) + 0.01)


def _draw_sensors(
    ax: "Axes", name: str, group: Sequence[xr.Dataset], window: Window, scale: float
) -> None:
    variables = [next(iter(sensor.data_vars.values())) for sensor in group]
    variables = [v if "channel" in v.dims else v.expand_dims("channel") for v in variables]
    rows = [row for variable in variables for row in variable.transpose("channel", "time")]
    for number, row in enumerate(rows):
        time = row.time.values
        part = inside(time, window)
        values = row.values[part]
        finite = values[np.isfinite(values)]
        x, y = envelope(time[part], values - (np.median(finite) if finite.size else 0.0))
        axis = label(row.channel.item(), 10) if "channel" in row.coords else str(number + 1)
        colour = SENSOR_COLOURS[number % len(SENSOR_COLOURS)]
        dense = len(x) > 1000
        ax.plot(x / scale, y, color=colour, linewidth=0.7, label=axis, rasterized=dense)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6.5, handlelength=1)
    ax.set_title(label(f"{name} (median removed)", 60))
    ax.set_ylabel(label(variables[0].attrs.get("units", "")))
