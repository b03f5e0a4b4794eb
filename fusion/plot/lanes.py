"""Traces before and after cleaning, a lane for each channel."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.fusion.plot.canvas import chosen, panels, style
from neurofuse.fusion.plot.draw_traces import draw_lanes, most_changed
from neurofuse.fusion.plot.style import AFTER, BEFORE, GATE, TRUTH, label
from neurofuse.fusion.views.before_after import View
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import stream_dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LANE = 0.42  # inches
MOST_NAMES = 30  # more events than this are marked, not named


def traces(
    before: xr.DataTree,
    after: xr.DataTree | None = None,
    truth: xr.DataTree | None = None,
    *,
    stream: str | None = None,
    window: tuple[float, float] | None = None,
    channels: Iterable[str] | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "list[Axes]":
    """Traces of a Recording, with what cleaning made of it and the truth where these are given.

    The ground is orange where the gate of `after` was open (above 0.5), or, without a gate, where
    movement was injected. Dotted lines are events.

    Parameters
    ----------
    before, after, truth : Recording
        The same channels and times; `after` and `truth` may be left out.
    stream : {"eeg", "nirs"}, optional
        Draw this stream only.
    window : (start, stop), optional
        Part of the recording [s]; all of it by default.
    channels : names, optional
        By default the eight of each stream that were changed most in the window.
    axes : Axes, optional
        One for each stream drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each stream.

    Raises
    ------
    ParameterError
        For a stream, window or channel that is not there.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, bouts_per_minute=9)
    >>> eeg, nirs = nf.plot.traces(contaminated, truth=truth, channels=["C3", "S1-D1"])
    >>> eeg.get_yticklabels()[0].get_text()
    'C3'
    """
    found = chosen(before, after, truth, stream=stream, window=window)
    start = min(view.time[0] for view in found) if window is None else window[0]
    stop = max(view.time[-1] + 1 / view.rate for view in found) if window is None else window[1]
    rows = _rows(found, channels, (start, stop))
    found = [view for view in found if rows[view.stream]]
    scale, unit = (60, "min") if stop - start > 600 else (1, "s")
    with style():
        drawn = panels(axes, [LANE * max(3, len(rows[v.stream])) for v in found], sharex=True)
        for ax, view in zip(drawn, found, strict=True):
            draw_lanes(ax, view, rows[view.stream], (start, stop), scale, window is None)
            ax.set_xlim(start / scale, stop / scale)
        _draw_events(drawn, before, start, stop, scale)
        drawn[-1].set_xlabel(f"Time [{unit}]")
        drawn[-1].legend(
            handles=_handles(found),
            loc="upper left",
            bbox_to_anchor=(0, -0.5 / LANE / max(3, len(rows[found[-1].stream]))),
            ncols=4,
        )
    return drawn


def _rows(found: list[View], channels: Iterable[str] | None, window) -> dict[str, list[int]]:
    if channels is None:
        return {view.stream: most_changed(view, window) for view in found}
    names = [channels] if isinstance(channels, str) else list(channels)
    known = {name for view in found for name in view.channel}
    absent = [name for name in names if name not in known]
    if absent or not names:
        raise ParameterError(
            f"the channels {', '.join(map(str, absent)) or 'none'}",
            f"some of {', '.join(sorted(known))}",
            "check their names",
        )
    return {v.stream: [v.channel.index(n) for n in names if n in v.channel] for v in found}


def _draw_events(drawn: "list[Axes]", recording: xr.DataTree, start, stop, scale) -> None:
    if "events" not in recording.children:
        return
    node = stream_dataset(recording, "events")
    pairs = zip(node.onset.values, node.description.values, strict=True)
    marks = sorted({(float(o), str(d)) for o, d in pairs if start <= o < stop})
    # movements are shaded already
    marks = [(o, d) for o, d in marks if not d.startswith("motion/")]
    for onset, text in marks:
        for ax in drawn:
            ax.axvline(onset / scale, color="0.4", linewidth=0.7, linestyle=":")
        if len(marks) <= MOST_NAMES:
            name, ax = f" {label(text)}", drawn[0]
            at = (onset / scale, 0.0)
            ax.annotate(name, at, xycoords=("data", "axes fraction"), fontsize=7, va="bottom")


def _handles(found: list[View]) -> list:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    treated = any(view.treated for view in found)
    handles: list = [Line2D([], [], color=BEFORE, label="before")] if treated else []
    handles.append(Line2D([], [], color=AFTER, label="after" if treated else "recorded"))
    if any(view.truth is not None for view in found):
        handles.append(Line2D([], [], color=TRUTH, label="truth"))
    gated = any(view.gate is not None for view in found)
    if gated or any(view.moving is not None for view in found):
        text = "gate open" if gated else "injected movement"
        handles.append(Patch(facecolor=GATE, alpha=0.28, label=text))
    return handles
