"""Averages over repeated events, before and after: EEG (ERP), and HbO and HbR (HRF)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from neurofuse.fusion.metrics.evoked import ERP_SPAN, HRF_SPAN
from neurofuse.fusion.plot.style import COLOURS, INK, LABELS, grid, label, style
from neurofuse.fusion.report.html import figure_block
from neurofuse.fusion.signal.bands import EVOKED_EEG, HAEMODYNAMIC, bandpass
from neurofuse.fusion.views.before_after import View
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.optics.conversion import to_haemoglobin
from neurofuse.io.recording import stream_dataset, streams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPAN = {"eeg": ERP_SPAN, "nirs": HRF_SPAN}
BAND = {"eeg": EVOKED_EEG, "nirs": HAEMODYNAMIC}
FEWEST_EVENTS = {"eeg": 10, "nirs": 4}  # of a condition
HRF_SECONDS_APART = 8.0  # between onsets, median, at least, for the slow response of the blood
CONDITIONS = 4  # the most frequent
NO_STIMULUS = ("motion", "bad", "edge", "boundary", "new segment")  # how such annotations begin
CONFIDENCE = 0.95  # of the interval of a mean


@dataclass(frozen=True)
class Response:
    """Averages of one signal over the events of a condition.

    `lines` holds for "before", "after" and "truth" the mean over events (time) and half the width
    of its 95 % interval, in `unit`; `time` [s] is about the onset.
    """

    condition: str
    signal: str
    channel: str
    unit: str
    time: np.ndarray
    count: int
    lines: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def responses_section(
    before: xr.DataTree, after: xr.DataTree, truth: xr.DataTree | None, views: Sequence[View]
) -> str:
    """HTML of the averages, or a sentence on why there are none."""
    averages = list(responses(before, after, truth, views))
    if not averages:
        return (
            "<p>No average over events: no event is repeated often enough (at least "
            f"{FEWEST_EVENTS['eeg']} times for EEG; {FEWEST_EVENTS['nirs']} times, "
            f"{HRF_SECONDS_APART:g} s apart, for fNIRS), or no channel is "
            "without gaps. Annotations of motion do not count.</p>"
        )
    bands = {stream: f"{low:g}–{high:g} Hz" for stream, (low, high) in BAND.items()}
    caption = (
        f"Mean over events and its {100 * CONFIDENCE:.0f} % interval, relative to the mean before "
        f"the onset. EEG in {bands['eeg']}, fNIRS in {bands['nirs']}; HbO and HbR by the modified "
        "Beer-Lambert law (partial pathlength factor 6). Of each modality the used "
        "channel whose mean after cleaning is largest is shown: chosen for its size, it is not a "
        "test of an effect."
    )
    every, shown = conditions(before, None), conditions(before)
    if len(every) > len(shown):
        caption += f" The {len(shown)} most frequent of {len(every)} conditions are drawn."
    named = sorted({a.condition for a in averages})
    alt = f"Averages over the events {', '.join(named)}, before and after cleaning"
    return figure_block(draw_responses(averages), "responses", alt, caption)


def responses(
    before: xr.DataTree, after: xr.DataTree, truth: xr.DataTree | None, views: Sequence[View]
) -> Iterator[Response]:
    """Averages for each condition with enough events, EEG before HbO before HbR.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> recording, _ = nf.simulate(duration=120, seed=0, severity=0.0)
    >>> [(r.condition, r.signal, r.count) for r in responses(recording, recording, None,
    ...                                                      views_of(recording))]
    [('task', 'HbO', 4), ('task', 'HbR', 4)]
    """
    every = conditions(before)
    recordings = {"before": before, "after": after, "truth": truth}
    for view in views:
        if not view.used.any():
            continue
        own = {k: r for k, r in recordings.items() if r is not None and view.stream in streams(r)}
        signals = _eeg(own, view) if view.modality is EEG else _nirs(own, view)
        for condition, onsets in every.items():
            times, rows = _epochs(view, onsets)
            if len(rows) < FEWEST_EVENTS[view.stream]:
                continue
            if view.modality is NIRS and np.median(np.diff(onsets)) < HRF_SECONDS_APART:
                continue
            yield from _averages(condition, signals, view, times, rows)


def conditions(recording: xr.DataTree, most: int | None = CONDITIONS) -> dict[str, np.ndarray]:
    """Onsets [s] of the most frequent events by description, annotations of motion left out."""
    if "events" not in recording.children:
        return {}
    events = stream_dataset(recording, "events")
    named: dict[str, set[float]] = {}
    for onset, text in zip(events.onset.values, events.description.values, strict=True):
        name = str(text)
        if np.isfinite(onset) and not name.lower().startswith(NO_STIMULUS):
            named.setdefault(name, set()).add(float(onset))
    frequent = sorted(named, key=lambda name: (-len(named[name]), name))
    enough = [name for name in frequent if len(named[name]) >= min(FEWEST_EVENTS.values())]
    return {name: np.array(sorted(named[name])) for name in enough[:most]}


def _epochs(view: View, onsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times about the onset, and the samples (event, time) of events that lie inside."""
    low, high = (round(end * view.rate) for end in SPAN[view.stream])
    zero = np.rint((onsets - view.time[0]) * view.rate).astype(int)
    zero = zero[(zero + low >= 0) & (zero + high <= len(view.time))]
    steps = np.arange(low, high)
    return steps / view.rate, zero[:, None] + steps


Rows = Sequence[np.ndarray]  # samples (time) of each channel
Signals = dict[str, tuple[Mapping[str, Rows], list[str], str]]
"""By name of the signal: samples (channel, time) by kind [V or mol/L], channels, unit shown."""


def _eeg(recordings: Mapping[str, xr.DataTree], view: View) -> Signals:
    used = np.flatnonzero(view.used)
    # rows, not a copy of them all
    values = {k: [getattr(view, k)[i, 0] for i in used] for k in recordings}
    names = [n for n, used in zip(view.channel, view.used, strict=True) if used]
    return {"EEG": (values, names, EEG.plot_unit)}


def _nirs(recordings: Mapping[str, xr.DataTree], view: View) -> Signals:
    try:
        nodes = {k: stream_dataset(to_haemoglobin(r), "nirs") for k, r in recordings.items()}
    except NeurofuseError:  # distances or wavelengths do not allow it
        return {}
    # short channels see the scalp
    used = view.used & ~view.short if (view.used & ~view.short).any() else view.used
    names = [n for n, u in zip(view.channel, used, strict=True) if u]
    return {
        signal: (
            {k: list(n[signal.lower()].values[used]) for k, n in nodes.items()},
            names,
            "µmol/L",
        )
        for signal in ("HbO", "HbR")
    }


def _averages(
    condition: str, signals: Signals, view: View, times: np.ndarray, rows: np.ndarray
) -> Iterator[Response]:
    band = BAND[view.stream]
    best = None
    for signal, (values, names, unit) in signals.items():
        if best is None:  # HbR is shown of HbO's channel
            best = _largest(values.get("after", values["before"]), times, rows)
        if best is None or 0.4 * view.rate <= band[0]:
            return
        lines = {}
        for kind, samples in values.items():
            if not np.isfinite(samples[best]).all():
                continue
            cut = 1e6 * bandpass(samples[best], view.rate, *band)[rows]
            cut = cut - cut[:, times < 0].mean(axis=1, keepdims=True)
            wide = stdtrit(len(cut) - 1, (1 + CONFIDENCE) / 2) / np.sqrt(len(cut))
            lines[kind] = cut.mean(axis=0), wide * cut.std(axis=0, ddof=1)
        if lines:
            yield Response(condition, signal, names[best], unit, times, len(rows), lines)


def _largest(samples: Rows, times: np.ndarray, rows: np.ndarray) -> int | None:
    """The channel with the largest mean after the onset; None if none is whole."""
    sizes = []
    for row in samples:
        mean = row[rows].mean(axis=0)
        mean = mean - mean[times < 0].mean()
        whole = np.isfinite(row).all()
        sizes.append(np.abs(mean[times >= 0]).max() if whole else -1.0)
    return int(np.argmax(sizes)) if max(sizes, default=-1.0) >= 0 else None


def draw_responses(averages: Sequence[Response]) -> "Figure":
    """One row a condition, one column a signal.

    Returns
    -------
    Figure
    """
    rows = list(dict.fromkeys(a.condition for a in averages))
    columns = list(dict.fromkeys(a.signal for a in averages))
    with style():
        figure, axes = grid([1.7] * len(rows), max(2, len(columns)), gap=0.65)
        for ax in (ax for row in axes for ax in row):
            ax.set_visible(False)
        lines = {}
        for one in averages:
            ax = axes[rows.index(one.condition)][columns.index(one.signal)]
            ax.set_visible(True)
            for kind, (mean, half) in one.lines.items():
                ax.fill_between(
                    one.time, mean - half, mean + half, color=COLOURS[kind], alpha=0.2, linewidth=0
                )
                # "after" lies on "before" where nothing was changed: both must show
                dashes = {"before": "-", "after": "--", "truth": ":"}[kind]
                lines[kind] = ax.plot(one.time, mean, color=COLOURS[kind], linestyle=dashes)[0]
            ax.axvline(0, color=INK, linewidth=0.6)
            ax.axhline(0, color=INK, linewidth=0.4, linestyle=":")
            ax.set_xlim(one.time[0], one.time[-1])
            name = f"{label(one.condition)}: {one.signal}, {label(one.channel, 10)}"
            ax.set_title(f"{name} (n = {one.count})")
            ax.set_ylabel(one.unit)
            ax.set_xlabel("Time from onset [s]")
        # above the panels: intervals leave no corner free
        names = [LABELS[kind] for kind in lines]
        figure.legend(lines.values(), names, loc="upper right", ncols=3, borderaxespad=0.0)
    return figure
