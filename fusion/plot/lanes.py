"""Traces before and after cleaning, a lane for each channel."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.fusion.plot.canvas import chosen, panels, style
from neurofuse.fusion.plot.draw_lanes import draw_lanes, most_changed
from neurofuse.fusion.plot.style import handles, label
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
    """Traces of a Recording: recorded and, where these are given, cleaned and true.

    The background is orange where the motion mask (`gate`) of `after` is above 0.5, or, without
    one, where motion was injected. Where a line leaves its lane it has a gap, with arrows at the
    lane's edge. Dotted lines are events.

    Parameters
    ----------
    before : Recording
        What was recorded: EEG [V] and fNIRS [a.u. or optical density].
    after, truth : Recording, optional
        The cleaned and the true recording, with the channels and times of `before`.
    stream : {"eeg", "nirs"}, optional
        Draw this modality only.
    window : (float, float), optional
        Start and stop of the part that is drawn [s]; the whole recording by default.
    channels : iterable of str, optional
        Names of channels; by default the eight of each modality that were changed most in the
        window.
    axes : Axes or sequence of Axes, optional
        One for each modality drawn; a new figure by default.

    Returns
    -------
    list of Axes
        One for each modality, EEG in µV and fNIRS as changes of optical density.

    Raises
    ------
    ParameterError
        If the modality, window or a channel is not in the recording, or there are fewer or more
        `axes` than modalities.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, bouts_per_minute=9)
    >>> eeg, nirs = nf.plot.traces(contaminated, truth=truth, channels=["C3", "S1-D1"])
    >>> eeg.get_yticklabels()[0].get_text()
    'C3'
    """
    views = chosen(before, after, truth, stream=stream, window=window)
    start = min(view.time[0] for view in views) if window is None else window[0]
    stop = max(view.time[-1] + 1 / view.rate for view in views) if window is None else window[1]
    rows = _rows(views, channels, (start, stop))
    views = [view for view in views if rows[view.stream]]
    scale, unit = (60, "min") if stop - start > 600 else (1, "s")
    with style():
        panel_axes = panels(axes, [LANE * max(3, len(rows[v.stream])) for v in views], sharex=True)
        for ax, view in zip(panel_axes, views, strict=True):
            draw_lanes(ax, view, rows[view.stream], (start, stop), scale, whole=window is None)
            ax.set_xlim(start / scale, stop / scale)
        _draw_events(panel_axes, before, start, stop, scale)
        panel_axes[-1].set_xlabel(f"Time [{unit}]")
        panel_axes[-1].legend(
            handles=handles(views),
            loc="upper left",
            bbox_to_anchor=(0, -0.5 / LANE / max(3, len(rows[views[-1].stream]))),
            ncols=4,
        )
    return panel_axes


def _rows(
    views: list[View], channels: Iterable[str] | None, window: tuple[float, float]
) -> dict[str, list[int]]:
    if channels is None:
        return {view.stream: most_changed(view, window) for view in views}
    names = [channels] if isinstance(channels, str) else list(channels)
    known = {name for view in views for name in view.channel}
    absent = [name for name in names if name not in known]
    if absent or not names:
        raise ParameterError(
            f"the channels {', '.join(map(str, absent)) or 'none'}",
            f"some of {', '.join(sorted(known))}",
            "check their names",
        )
    return {v.stream: [v.channel.index(n) for n in names if n in v.channel] for v in views}


def _draw_events(
    panel_axes: "list[Axes]", recording: xr.DataTree, start: float, stop: float, scale: float
) -> None:
    if "events" not in recording.children:
        return
    node = stream_dataset(recording, "events")
    pairs = zip(node.onset.values, node.description.values, strict=True)
    marks = sorted({(float(o), str(d)) for o, d in pairs if start <= o < stop})
    # motion is shaded already
    marks = [(o, d) for o, d in marks if not d.startswith("motion/")]
    for onset, text in marks:
        for ax in panel_axes:
            ax.axvline(onset / scale, color="0.4", linewidth=0.7, linestyle=":")
        if len(marks) <= MOST_NAMES:
            name, ax = f" {label(text)}", panel_axes[0]
            at = (onset / scale, 0.0)
            ax.annotate(name, at, xycoords=("data", "axes fraction"), fontsize=7, va="bottom")
