"""Traces of a Recording before and after cleaning, all streams on one clock."""

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.style import AFTER, BEFORE, GATE, INK, TRUTH, UNITS, label, style
from neurofuse.fusion.views.before_after import View, bouts, change
from neurofuse.io.recording import GATE_OPEN

AUX = ["#56b4e9", "#cc79a7", "#009e73"]
POINTS = 2000
LANES = 8


def envelope(time: np.ndarray, values: np.ndarray, points: int = POINTS) -> tuple:
    """Smallest and largest value of each time bin: looks like the full trace, in few points.

    Examples
    --------
    >>> t, v = envelope(np.arange(1000.0), np.sin(np.arange(1000.0)), points=10)
    >>> len(t), bool(v.max() > 0.99)
    (10, True)
    """
    if len(values) <= points:
        return time, values
    starts = np.linspace(0, len(values), points // 2, endpoint=False).astype(int)
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    return np.repeat(time[starts], 2), np.stack([low, high], axis=1).ravel()


def most_changed(view: View, window: tuple[float, float], count: int = LANES) -> list[int]:
    """The used channels (indices, in file order) that were changed most within a window [s]."""
    part = _inside(view.time, window)
    candidates = np.flatnonzero(view.used).tolist() or list(range(len(view.channel)))
    size = {i: float(np.sum(change(view, i)[part] ** 2)) for i in candidates}
    return sorted(sorted(candidates, key=lambda i: -size[i])[:count])


def draw_traces(
    found: list[View],
    window: tuple[float, float] | None = None,
    *,
    events: xr.Dataset | None = None,
    sensors: dict[str, xr.Dataset] | None = None,
):
    """Stacked traces of the most changed channels of every stream on one clock.

    Parameters
    ----------
    found : list of View
        Streams, from `views`.
    window : (start, stop), optional
        Part of the recording [s]; all of it by default.
    events : Dataset, optional
        An `/events` node.
    sensors : dict of Dataset, optional
        `/aux` nodes (one variable (channel, time) each) to draw below.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    start = min(v.time[0] for v in found)
    stop = max(v.time[-1] + 1 / v.rate for v in found)
    start, stop = window or (start, stop)
    minutes = stop - start > 600
    groups: dict[str, list[xr.Dataset]] = {}
    for name, sensor in (sensors or {}).items():  # ACC_X, ACC_Y and ACC_Z share a panel
        groups.setdefault(name.rpartition("_")[0] or name, []).append(sensor)
    marks = _marks(events, start, stop)
    shown = [most_changed(view, (start, stop)) for view in found]
    heights = (
        [0.25 if marks else 0.01]
        + [0.42 * max(2, len(rows)) for rows in shown]
        + [0.8] * len(groups)
    )
    with style():
        # placed by hand [inches]: a layout engine would measure every text several times over
        tall = sum(heights) + 0.32 * len(heights) + 0.5
        figure = Figure(figsize=(10, tall))
        axes, top = [], tall - 0.35
        for height in heights:
            box = (0.095, (top - height) / tall, 0.85, height / tall)
            axes.append(figure.add_axes(box, sharex=axes[0] if axes else None))
            top -= height + 0.32
        for ax in axes[:-1]:
            ax.tick_params(labelbottom=False)
        scale = 60 if minutes else 1
        _draw_events(axes[0], marks, start, stop, scale)
        for ax, view, rows in zip(axes[1:], found, shown, strict=False):
            draw_lanes(ax, view, rows, (start, stop), scale, window is None)
        for ax, (name, group) in zip(axes[1 + len(found) :], groups.items(), strict=True):
            _draw_sensors(ax, name, group, (start, stop), scale)
        axes[-1].set_xlim(start / scale, stop / scale)
        axes[-1].set_xlabel("Time [min]" if minutes else "Time [s]")
        _draw_legend(figure, found)
    return figure


def _inside(time: np.ndarray, window: tuple[float, float]) -> slice:
    return slice(*np.searchsorted(time, window))


def draw_lanes(ax, view: View, rows: list[int], window, scale: float, whole: bool) -> None:
    """Draw channels (`rows`) below each other: before, truth if known, after; times over `scale`.

    A `whole` recording is centred on each lane's level after cleaning, a stretch of fNIRS on its
    beginning. `window` is in seconds.
    """
    unit, factor = UNITS[view.stream]
    part = _inside(view.time, window)
    time = view.time[part] / scale
    wave = _telling_wavelength(view, rows)
    which = [("before", BEFORE, 0.7)] * view.treated
    # beneath "after": where green shows, the result is not the truth
    which += [("truth", TRUTH, 0.7)] * (view.truth is not None)
    which.append(("after", AFTER, 0.7))
    centred = {}
    for index in rows:
        for name, *_ in which:
            values = getattr(view, name)[index, wave, part]
            if whole or view.stream == "eeg":
                level = view.after[index, wave, part]
            else:  # earlier shifts have parted the levels; what counts is how they go on from here
                level = values[: max(1, len(values) // 10)]
            level = level[np.isfinite(level)]
            values = values - (np.median(level) if level.size else 0.0)
            centred[index, name] = envelope(time, values * factor)
    limit = _lane(centred)
    for lane, index in enumerate(rows):
        for name, colour, width in which:
            x, y = centred[index, name]
            ax.plot(
                x,
                np.clip(y / limit, -1, 1) * 0.48 - lane,
                color=colour,
                linewidth=width,
                rasterized=len(rows) * len(x) > 3000,
            )
        if view.moving is not None and len(time):
            _shade(ax, view.moving[index, part], view.time[part], view.rate, scale, lane)
    bar = _round_down(limit)
    ax.annotate(
        "",
        xy=(1.012, -0.48),
        xytext=(1.012, -0.48 + 0.48 * bar / limit),
        xycoords=("axes fraction", "data"),
        textcoords=("axes fraction", "data"),
        arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0},
    )
    ax.annotate(
        f"{bar:g}\n{unit}",
        xy=(1.02, -0.48),
        xycoords=("axes fraction", "data"),
        va="bottom",
        fontsize=7,
        annotation_clip=False,
    )
    ax.set_yticks(-np.arange(len(rows)), [label(view.channel[i]) for i in rows])
    ax.set_ylim(-max(len(rows), 1) + 0.4, 0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    light = f", {view.wavelength[wave]:g} nm" if view.wavelength else ""
    count = f"{len(rows)} of {len(view.channel)} channels" if len(view.channel) > 1 else "1 channel"
    ax.set_title(f"{view.name}{light} ({count}; a lane is ±{limit:.3g} {unit})")


def _telling_wavelength(view: View, rows: list[int]) -> int:
    """The wavelength whose steps were changed most, the longest if none was."""
    difference = (view.after[rows] - view.before[rows]) if view.treated else view.before[rows]
    size = np.nan_to_num(np.abs(np.diff(difference, axis=-1))).mean(axis=(0, 2))
    return int(len(size) - 1 - np.argmax(size[::-1]))


def _lane(lines: dict) -> float:
    """Half the height of a lane: room for the artifacts, but not so much that the rest is flat."""

    def size(which, share):
        values = [np.abs(y[np.isfinite(y)]) for (_, name), (_, y) in lines.items() if name == which]
        return np.array([np.percentile(v, share) for v in values if v.size] or [0.0])

    peaks = np.concatenate([size("before", 99.8), size("after", 99.8)])
    # one railed channel must not flatten the others
    largest = min(float(peaks.max()), 1.5 * float(np.median(size("before", 99.8))) or np.inf)
    return min(largest, 6 * float(np.median(size("after", 95))) or largest) or 1.0


def _shade(ax, mask, time, rate, scale, lane) -> None:
    _, coarse = envelope(time, mask.astype(float))
    if len(coarse) != len(mask):  # long recording: a bin is shaded if any of its samples moves
        time, mask = np.linspace(time[0], time[-1], len(coarse) // 2), coarse[1::2] > 0
        rate = 1 / (time[1] - time[0])
    spans = [(a / scale, (b - a) / scale) for a, b in bouts(mask, time, rate)]
    ax.broken_barh(spans, (-lane - 0.5, 1.0), facecolors=GATE, alpha=0.28, linewidth=0, zorder=0)


def _round_down(value: float) -> float:
    """The largest of 1, 2, 5 × 10ⁿ that is not above `value`."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)) * power)


def _marks(events: xr.Dataset | None, start: float, stop: float) -> list[tuple]:
    """Events (onset, duration, description) that touch the window, each once, in order."""
    if events is None or not events.sizes.get("event", 0):
        return []
    columns = (events[name].values for name in ("onset", "duration", "description"))
    found = {(float(o), max(float(d), 0.0), str(k)) for o, d, k in zip(*columns, strict=True)}
    return sorted(row for row in found if row[0] < stop and row[0] + row[1] >= start)


def _draw_events(ax, marks: list[tuple], start: float, stop: float, scale: float) -> None:
    ax.set_axis_off()
    ax.set_ylim(0, 1)
    width = (stop - start) / 500
    for onset, duration, _ in marks:
        begin, end = max(onset, start), min(onset + max(duration, width), stop)
        ax.broken_barh([(begin / scale, (end - begin) / scale)], (0, 0.25), facecolors=INK)
    last = -np.inf
    for onset, _, text in marks:
        at = max(onset, start)
        # a name is written only where the name before it has ended
        if at >= last:
            name = label(text)
            ax.text(at / scale, 0.4, name, fontsize=6.5, va="bottom", clip_on=False)
            last = at + (stop - start) * (0.008 * len(name) + 0.01)


def _draw_sensors(ax, name: str, group: list[xr.Dataset], window, scale: float) -> None:
    variables = [next(iter(sensor.data_vars.values())) for sensor in group]
    variables = [v if "channel" in v.dims else v.expand_dims("channel") for v in variables]
    rows = [row for variable in variables for row in variable.transpose("channel", "time")]
    for number, row in enumerate(rows):
        time = row.time.values
        part = _inside(time, window)
        values = row.values[part]
        finite = values[np.isfinite(values)]
        x, y = envelope(time[part], values - (np.median(finite) if finite.size else 0.0))
        axis = label(row.channel.item(), 10) if "channel" in row.coords else str(number + 1)
        colour = AUX[number % len(AUX)]
        dense = len(x) > 1000
        ax.plot(x / scale, y, color=colour, linewidth=0.7, label=axis, rasterized=dense)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6.5, handlelength=1)
    ax.set_title(label(f"{name} (median removed)", 60))
    ax.set_ylabel(label(variables[0].attrs.get("units", "")))


def _draw_legend(figure, found: list[View]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    treated = any(v.treated for v in found)
    handles: list = [Line2D([], [], color=BEFORE, label="before")] if treated else []
    handles.append(Line2D([], [], color=AFTER, label="after" if treated else "recorded"))
    if any(v.truth is not None for v in found):
        handles.append(Line2D([], [], color=TRUTH, label="truth"))
    if any(v.gate is not None for v in found):
        handles.append(Patch(facecolor=GATE, alpha=0.28, label=f"gate open (> {GATE_OPEN})"))
    elif any(v.moving is not None for v in found):
        handles.append(Patch(facecolor=GATE, alpha=0.28, label="injected movement"))
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), borderaxespad=0.1)
