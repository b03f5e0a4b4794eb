"""How the modalities were aligned: the table of clocks, and a figure of what is known."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.style import AFTER, BEFORE, INK, grid, style
from neurofuse.fusion.report.html import figure_block, table
from neurofuse.fusion.views.before_after import View
from neurofuse.io.modality import EEG, MODALITIES, NIRS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAME_EVENT_SECONDS = 0.5  # further apart, two events are not the same one


def alignment_section(recording: xr.DataTree, views: Sequence[View]) -> str:
    """HTML of the table, and of the figure where a clock was estimated."""
    if "clock" not in recording.children:
        return "<p>No alignment is recorded.</p>"
    clock = recording["clock"].to_dataset()
    body = [_row(clock.sel(stream=stream)) for stream in clock.stream.values]
    head = ["Modality", "Method", "Offset [s]", "95 % interval", "Drift [ppm]", "95 % interval"]
    head += ["Anchors", "Residual [ms]"]
    text = table(head, body, "Time on the common clock = offset + file time × (1 + drift).")
    aligned = [s for s in clock.stream.values if int(clock.anchors.sel(stream=s)) > 0]
    if not aligned:
        return text
    row = clock.sel(stream=aligned[-1])
    pairs = residuals(recording)
    stop = max(float(view.time[-1]) for view in views)
    caption = (
        f"Left: how far the common clock runs ahead of {_name(row)}'s own since it began, with "
        "the 95 % interval where one was estimated; a horizontal line means no drift. "
    )
    caption += (
        f"Right: {len(pairs)} events that both files contain, fNIRS minus EEG, after alignment; "
        "dotted lines show the residual in the table."
        if len(pairs)
        else "No event is in both files, so residuals between them cannot be shown."
    )
    picture = draw_clock(row, stop, pairs)
    return text + figure_block(picture, "clock", "Drift of the clock, and residuals", caption)


def residuals(recording: xr.DataTree) -> np.ndarray:
    """(pair, 2): time [s], and how much later the event is in fNIRS than in EEG [s].

    Events are paired when each is the other's nearest within 0.5 s and, where both files use the
    same descriptions, when the descriptions are equal.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset, events_dataset
    >>> rows = [(1.0, 0.0, "go", "", "eeg"), (1.25, 0.0, "go", "", "nirs")]
    >>> node = eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"])
    >>> residuals(build(node, events=events_dataset(rows))).tolist()
    [[1.0, 0.25]]
    """
    if "events" not in recording.children:
        return np.empty((0, 2))
    events = recording["events"].to_dataset()
    stream, words = events.stream.values.astype(str), events.description.values.astype(str)
    onset = events.onset.values.astype(float)
    shared = set(words[stream == EEG.name]) & set(words[stream == NIRS.name])
    pairs = []
    for word in sorted(shared) or [None]:
        same = np.ones(len(words), bool) if word is None else words == word
        eeg, nirs = (np.unique(onset[same & (stream == s)]) for s in MODALITIES)
        if not len(eeg) or not len(nirs):
            continue
        apart = np.abs(nirs[:, None] - eeg)
        for i, j in enumerate(apart.argmin(axis=1)):
            if apart[:, j].argmin() == i and apart[i, j] <= SAME_EVENT_SECONDS:
                pairs.append((eeg[j], nirs[i] - eeg[j]))
    return np.array(sorted(pairs)).reshape(-1, 2)


def draw_clock(row: xr.Dataset, stop: float, pairs: np.ndarray) -> "Figure":
    """Drift with its interval, and residuals, of one row of `/clock`."""
    minutes = stop > 600
    scale = 60 if minutes else 1
    time = np.linspace(0, stop, 50)
    drift, residual = float(row.drift), float(row.residual)
    low, high = _ends(row, "drift_interval")
    with style():
        figure, ((left, right),) = grid([1.7], 2, gap=0.4)
        left.plot(time / scale, time * drift * 1e-3, color=AFTER)
        if np.isfinite([low, high]).all():
            band = time * low * 1e-3, time * high * 1e-3
            left.fill_between(time / scale, *band, color=AFTER, alpha=0.2, linewidth=0)
        left.axhline(0, color=INK, linewidth=0.5)
        left.set_title(
            f"{_name(row)}: drift since its start [ms] (offset {float(row.offset):+.4f} s)"
        )
        if len(pairs):
            right.plot(pairs[:, 0] / scale, 1e3 * pairs[:, 1], ".", color=BEFORE, markersize=4)
            right.axhline(0, color=INK, linewidth=0.5)
            if np.isfinite(residual):
                for end in (-1e3 * residual, 1e3 * residual):
                    right.axhline(end, color=INK, linewidth=0.8, linestyle=":")
            right.set_title("Events in both files: fNIRS − EEG [ms]")
        else:
            right.set_axis_off()
        for ax in (left, right):
            ax.set_xlim(0, stop / scale)
            ax.set_xlabel("Time [min]" if minutes else "Time [s]")
    return figure


def _name(row: xr.Dataset) -> str:
    stream = str(row.stream.item())
    return MODALITIES[stream].display if stream in MODALITIES else stream


def _row(row: xr.Dataset) -> list[str]:
    return [
        _name(row),
        str(row.method.item()),
        f"{float(row.offset):+.4f}",
        _interval(row, "offset_interval", 4),
        f"{float(row.drift):+.2f}",
        _interval(row, "drift_interval", 2),
        str(int(row.anchors)),
        # without anchors nothing was compared, so a residual of 0 would claim too much
        f"{float(row.residual) * 1e3:.2f}" if int(row.anchors) else "not measured",
    ]


def _ends(row: xr.Dataset, name: str) -> np.ndarray:
    """An interval of `/clock`; NaN where none was estimated or an older file has none."""
    return np.asarray(row[name].values if name in row else [np.nan, np.nan], float)


def _interval(row: xr.Dataset, name: str, digits: int) -> str:
    ends = _ends(row, name)
    if np.isnan(ends).any():
        return "not known"
    return " to ".join(f"{end:+.{digits}f}" for end in ends)
