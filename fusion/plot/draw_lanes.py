"""Channels of one modality below each other, each in its lane, before and after cleaning."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.fusion.plot.clipping import arrows, clip_line
from neurofuse.fusion.plot.style import COLOURS, INK, LOST, MASK, MASK_ALPHA, label
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import change, stretches
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 2000
LANES = 8
ROOM = 6.0
HALF = 0.48  # of a lane's height, from its middle to where lines end
ARROWS = 30  # at most, along a lane
# "true" lies beneath as a broad line: where green shows beside blue, the result is not the truth
WIDTHS = {"before": 0.7, "truth": 1.8, "after": 0.7}

Window = tuple[float, float]
Line = tuple[np.ndarray, np.ndarray]


def envelope(time: np.ndarray, values: np.ndarray, points: int = POINTS) -> Line:
    """Minimum and maximum of each time bin: looks like the full trace, in few points.

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


def by_change(view: View, window: Window) -> list[int]:
    """The used channels (indices), the one that was changed most within a window [s] first."""
    part = inside(view.time, window)
    candidates = np.flatnonzero(view.used).tolist() or list(range(len(view.channel)))
    size = {i: float(np.sum(change(view, i)[part] ** 2)) for i in candidates}
    return sorted(candidates, key=lambda i: -size[i])


def most_changed(view: View, window: Window, count: int = LANES) -> list[int]:
    """The channels (indices, in file order) that were changed most within a window [s]."""
    return sorted(by_change(view, window)[:count])


def inside(time: np.ndarray, window: Window) -> slice:
    """The samples within a window [s]."""
    first, stop = np.searchsorted(time, window).tolist()
    return slice(first, stop)


def draw_lanes(
    ax: "Axes",
    view: View,
    rows: Sequence[int],
    window: Window,
    scale: float,
    *,
    whole: bool,
    room: float = ROOM,
) -> None:
    """Draw some channels of a view below each other.

    A line that leaves its lane has a gap there, with arrows at the lane's edge.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    view : View
        Recorded, cleaned and, if known, true samples.
    rows : list of int
        Indices of the channels.
    window : (start, stop)
        Part of the recording [s].
    scale : float
        Seconds in a unit of the time axis.
    whole : bool
        Centre each channel on its median after cleaning, as suits a whole recording; else start
        all fNIRS lines of a channel at the same value.
    room : float
        Largest half height of a lane, in 95th percentiles of the cleaned signal's size.
    """
    part = inside(view.time, window)
    wave = _most_changed_wavelength(view, rows)
    kinds = ["before"] * view.treated + ["truth"] * (view.truth is not None) + ["after"]
    lines = {
        (index, kind): envelope(
            view.time[part] / scale,
            view.modality.plot_scale * _centred(view, index, wave, part, kind, whole),
        )
        for index in rows
        for kind in kinds
    }
    limit = _lane_limit(_measured(view, lines, part), room)
    spacing = (window[1] - window[0]) / scale / ARROWS
    beyond = ""
    for lane, index in enumerate(rows):
        for kind in kinds:
            x, y = lines[index, kind]
            look = {"color": COLOURS[kind], "zorder": 1.5 if kind == "truth" else 2}
            shown_x, shown_y = clip_line(x, y, limit)
            ax.plot(
                shown_x,
                shown_y / limit * HALF - lane,
                linewidth=WIDTHS[kind],
                alpha=0.6 if kind == "truth" else 1.0,
                rasterized=len(rows) * len(x) > 3000,
                **look,
            )
            at, side = arrows(x, y, limit, spacing)
            beyond = "; ▲▼ beyond" if at.size else beyond
            for sign, marker in ((1, "^"), (-1, "v")):
                edge = np.full((side == sign).sum(), sign * (HALF - 0.04) - lane)
                if edge.size:
                    ax.scatter(at[side == sign], edge, s=12, marker=marker, linewidths=0, **look)
        # what is lost lies on top: its line means nothing
        for mask, colour, above in ((view.in_motion, MASK, 0), (view.lost, LOST, 3)):
            if mask is not None and len(view.time[part]):
                shade = {"facecolors": colour, "zorder": above}
                _shade(ax, mask[index, part], view.time[part], view.rate, scale, lane, shade)
    _scale_bar(ax, limit, view.modality.plot_unit)
    ax.set_yticks(-np.arange(len(rows)), [label(view.channel[i]) for i in rows])
    ax.set_ylim(-max(len(rows), 1) + 0.4, 0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    light = f", {view.wavelength[wave]:g} nm" if view.wavelength else ""
    count = f"{len(rows)} of {len(view.channel)} channels" if len(view.channel) > 1 else "1 channel"
    ax.set_title(
        f"{view.name}{light} ({count}; each lane is ±{limit:.3g} {view.modality.plot_unit}{beyond})"
    )


def _measured(
    view: View, lines: dict[tuple[int, str], Line], part: slice
) -> dict[tuple[int, str], Line]:
    """Lines without what is lost: an electrode without contact must not flatten the others."""
    if (lost := view.lost) is None or not lost[:, part].any():
        return lines
    measured = {}
    for (index, kind), (time, values) in lines.items():
        _, gone = envelope(view.time[part], lost[index, part].astype(float))
        if len(gone) < part.stop - part.start:  # pairs of smallest and largest
            gone = np.repeat(gone[1::2], 2)
        measured[index, kind] = time, np.where(gone > 0, np.nan, values)
    known = any(np.isfinite(values).any() for _, values in measured.values())
    return measured if known else lines


def _centred(view: View, index: int, wave: int, part: slice, kind: str, whole: bool) -> np.ndarray:
    values = getattr(view, kind)[index, wave, part]
    if whole or view.modality is EEG:
        about = view.after[index, wave, part]
    else:  # earlier shifts separated the lines; what counts is how they continue from here
        about = values[: max(1, len(values) // 10)]
    about = about[np.isfinite(about)]
    return values - (np.median(about) if about.size else 0.0)


def _most_changed_wavelength(view: View, rows: Sequence[int]) -> int:
    """The wavelength whose steps were changed most, the longest if none was."""
    index = list(rows)
    difference = (view.after[index] - view.before[index]) if view.treated else view.before[index]
    steps = np.diff(difference, axis=-1, prepend=difference[..., :1])  # also of one sample
    size = np.nan_to_num(np.abs(steps)).mean(axis=(0, 2))
    return int(len(size) - 1 - np.argmax(size[::-1]))


def _lane_limit(lines: dict[tuple[int, str], Line], room: float) -> float:
    """Half the height of a lane: room for the artifacts, but not so much that the rest is flat."""

    def sizes(which: str, percentile: float) -> np.ndarray:
        values = [np.abs(y[np.isfinite(y)]) for (_, kind), (_, y) in lines.items() if kind == which]
        return np.array([np.percentile(v, percentile) for v in values if v.size] or [0.0])

    def peaks(which: str) -> np.ndarray:
        # a single spike must not flatten its channel
        return np.minimum(sizes(which, 100), 2 * sizes(which, 99.8))

    # one saturated channel must not flatten the others; what saturates stays inside the lane
    typical = 1.5 * float(np.median(sizes("before", 99.8))) or np.inf
    largest = min(1.05 * float(max(peaks("before").max(), peaks("after").max())), typical)
    return min(largest, room * float(np.median(sizes("after", 95))) or largest) or 1.0


def _shade(
    ax: "Axes",
    mask: np.ndarray,
    time: np.ndarray,
    rate: float,
    scale: float,
    lane: int,
    look: dict[str, Any],
) -> None:
    _, coarse = envelope(time, mask.astype(float))
    if len(coarse) != len(mask):  # long recording: a bin is shaded if any of its samples is
        time, mask = np.linspace(time[0], time[-1], len(coarse) // 2), coarse[1::2] > 0
        rate = 1 / (time[1] - time[0])
    spans = [(a / scale, (b - a) / scale) for a, b in stretches(mask, time, rate)]
    ax.broken_barh(spans, (-lane - 0.5, 1.0), alpha=MASK_ALPHA, linewidth=0, **look)


def _scale_bar(ax: "Axes", limit: float, unit: str) -> None:
    size = _round_down(limit)
    ax.annotate(
        "",
        xy=(1.012, -HALF),
        xytext=(1.012, -HALF + HALF * size / limit),
        xycoords=("axes fraction", "data"),
        textcoords=("axes fraction", "data"),
        arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0},
    )
    ax.annotate(
        f"{size:g}\n{unit}",
        xy=(1.02, -HALF),
        xycoords=("axes fraction", "data"),
        va="bottom",
        fontsize=7,
        annotation_clip=False,
    )


def _round_down(value: float) -> float:
    """The largest of 1, 2, 5 × 10ⁿ that is not above `value`."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)) * power)
