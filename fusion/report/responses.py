"""Averages over repeated events, before and after: EEG (ERP), and HbO and HbR (HRF)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from neurofuse.fusion.metrics.evoked import ERP_SPAN, HRF_SPAN
from neurofuse.fusion.plot.style import COLOURS, INK, LABELS, grid, label, style
from neurofuse.fusion.report.html import figure_block
from neurofuse.fusion.report.response_channels import MOST, Named
from neurofuse.fusion.signal.bands import EVOKED_EEG, HAEMODYNAMIC, bandpass
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.best_channel import best_channel
from neurofuse.fusion.views.haemoglobin import KINDS
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG
from neurofuse.io.recording import stream_dataset

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
    of its 95 % interval, in `unit`; `time` [s] is about the onset. `channels` is a channel's name
    or a region's, `averaged` how many channels it is the mean of.
    """

    condition: str
    signal: str
    channels: str
    averaged: int
    unit: str
    time: np.ndarray
    count: int
    lines: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def responses_section(
    recording: xr.DataTree,
    views: Sequence[View],
    haemoglobin: View | None,
    quality: Mapping[str, object],
    named: Mapping[str, Named],
) -> str:
    """HTML of the averages, or a sentence on why there are none.

    Parameters
    ----------
    recording : Recording
        With its events.
    views : list of View
        EEG and fNIRS.
    haemoglobin : View, optional
        `haemoglobin_view` of the fNIRS.
    quality : dict
        `channel_quality` of each modality, where it could be computed.
    named : dict
        What the user names, of `named_channels`.
    """
    chosen = dict(named)
    for view in views:
        best = best_channel(view, quality.get(view.stream))
        if view.stream not in named and best is not None:
            chosen[view.stream] = {view.channel[best]: [best]}
    averages = list(responses(recording, views, haemoglobin, chosen))
    why = (
        "no event is repeated often enough where the channel is not lost (at least "
        f"{FEWEST_EVENTS['eeg']} times for EEG; {FEWEST_EVENTS['nirs']} times, "
        f"{HRF_SECONDS_APART:g} s apart, for fNIRS), or samples are missing. Annotations of motion "
        "do not count."
    )
    if not averages:
        return f"<p>No average over events: {why}</p>"
    drawn = {(a.signal == EEG.display, a.channels) for a in averages}
    absent = [
        f"{name} ({view.name})"
        for view in views
        for name in list(named.get(view.stream, {}))[:MOST]
        if (view.modality is EEG, name) not in drawn
    ]
    note = f'<p class="note">No average of {escape(listed(absent))}: {why}</p>' if absent else ""
    bands = {stream: f"{low:g}–{high:g} Hz" for stream, (low, high) in BAND.items()}
    caption = (
        f"Mean over events and its {100 * CONFIDENCE:.0f} % interval, relative to the mean before "
        f"the onset. EEG in {bands['eeg']}, fNIRS in {bands['nirs']}; HbO and HbR by the modified "
        "Beer-Lambert law (partial pathlength factor 6). Events at which the channel is lost are "
        "left out."
    )
    if any(view.stream not in named for view in views):
        caption += (
            " Of each modality the channel with the best quality is shown, not the one with the "
            "largest response; name others with channels= or regions= (--channels, --region)."
        )
    if any(len(of) > MOST for of in chosen.values()):
        caption += f" Of each modality the first {MOST} named are drawn."
    every, shown = conditions(recording, None), conditions(recording)
    if len(every) > len(shown):
        caption += f" The {len(shown)} most frequent of {len(every)} conditions are drawn."
    events = sorted({a.condition for a in averages})
    alt = f"Averages over the events {', '.join(events)}, before and after cleaning"
    return figure_block(draw_responses(averages), "responses", alt, caption) + note


def responses(
    recording: xr.DataTree,
    views: Sequence[View],
    haemoglobin: View | None,
    chosen: Mapping[str, Named],
) -> Iterator[Response]:
    """Averages for each condition with enough events, EEG before HbO before HbR.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.fusion.views.haemoglobin import haemoglobin_view
    >>> recording, _ = nf.simulate(duration=120, seed=0, severity=0.0)
    >>> views = views_of(recording)
    >>> found = responses(recording, views, haemoglobin_view(recording, views[1]),
    ...                   {"nirs": {"S1-D1": [0]}})
    >>> [(r.condition, r.signal, r.channels, r.count) for r in found]
    [('task', 'HbO', 'S1-D1', 4), ('task', 'HbR', 'S1-D1', 4)]
    """
    for view in views:
        shown = dict(list(chosen.get(view.stream, {}).items())[:MOST])
        source = view if view.modality is EEG else haemoglobin
        if source is None:
            continue
        for condition, onsets in conditions(recording).items():
            if view.modality is not EEG and np.median(np.diff(onsets)) < HRF_SECONDS_APART:
                continue
            for name, rows in shown.items():
                yield from _averages(condition, name, rows, view, source, onsets)


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


def _epochs(view: View, onsets: np.ndarray, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Times about the onset, and the samples (event, time) of events that lie inside."""
    low, high = (round(end * view.rate) for end in SPAN[view.stream])
    zero = np.rint((onsets - view.time[0]) * view.rate).astype(int)
    zero = zero[(zero + low >= 0) & (zero + high <= len(view.time))]
    steps = np.arange(low, high)
    samples = zero[:, None] + steps
    if view.lost is not None:
        lost = np.logical_or.reduce(view.lost[list(rows)], axis=0)
        samples = samples[~lost[samples].any(axis=1)]
    return steps / view.rate, samples


def _averages(
    condition: str, name: str, rows: Sequence[int], view: View, source: View, onsets: np.ndarray
) -> Iterator[Response]:
    """Responses of a channel or region (`rows` of `view`), from the samples of `source`."""
    band = BAND[view.stream]
    times, samples = _epochs(view, onsets, rows)
    if len(samples) < FEWEST_EVENTS[view.stream] or 0.4 * view.rate <= band[0]:
        return
    kinds = ["before", *["after"] * view.treated, *["truth"] * (view.truth is not None)]
    for number, signal in enumerate(KINDS if source is not view else [view.name]):
        own = [len(KINDS) * i + number for i in rows] if source is not view else rows
        lines = {}
        for kind in kinds:
            mean = np.sum([getattr(source, kind)[i, 0] for i in own], axis=0) / len(own)
            if not np.isfinite(mean).all():
                continue
            cut = source.modality.plot_scale * bandpass(mean, view.rate, *band)[samples]
            cut = cut - cut[:, times < 0].mean(axis=1, keepdims=True)
            wide = stdtrit(len(cut) - 1, (1 + CONFIDENCE) / 2) / np.sqrt(len(cut))
            lines[kind] = cut.mean(axis=0), wide * cut.std(axis=0, ddof=1)
        if lines:
            unit, count = source.modality.plot_unit, len(samples)
            yield Response(condition, signal, name, len(rows), unit, times, count, lines)


def draw_responses(averages: Sequence[Response]) -> "Figure":
    """One row a condition and channel or region, one column a signal.

    Returns
    -------
    Figure
    """
    columns = list(dict.fromkeys(a.signal for a in averages))
    placed: dict[tuple[int, str], Response] = {}
    first = 0
    for condition in dict.fromkeys(a.condition for a in averages):
        own = [a for a in averages if a.condition == condition]
        rows = _rows_of(own)
        for a in own:
            placed[first + rows[a.signal == EEG.display, a.channels], a.signal] = a
        first += 1 + max(rows.values())
    with style():
        figure, axes = grid([1.7] * first, max(2, len(columns)), gap=0.85, above=0.6)
        for ax in (ax for row in axes for ax in row):
            ax.set_visible(False)
        lines = {}
        for (row, signal), one in placed.items():
            ax = axes[row][columns.index(signal)]
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
            title = f"{label(one.condition, 24)}: {one.signal} (n = {one.count})"
            mean = f" (mean of {one.averaged})" if one.averaged > 1 else ""
            ax.set_title(f"{title}\n{label(one.channels, 26)}{mean}")
            ax.set_ylabel(one.unit)
            ax.set_xlabel("Time from onset [s]")
        # above the panels: intervals leave no corner free
        names = [LABELS[kind] for kind in lines]
        figure.legend(lines.values(), names, loc="upper right", ncols=3, borderaxespad=0.0)
    return figure


def _rows_of(averages: Sequence[Response]) -> dict[tuple[bool, str], int]:
    """The row of each channel and region of EEG (True) and of fNIRS (False): what both have, as
    regions may, stands in one row, below channels beside each other."""
    electric, blood = (
        dict.fromkeys(a.channels for a in averages if (a.signal == EEG.display) == which)
        for which in (True, False)
    )
    shared = [name for name in electric if name in blood]
    rows, first = {}, 0
    for which, names in ((True, electric), (False, blood)):
        own = [name for name in names if name not in shared]
        rows |= {(which, name): number for number, name in enumerate(own)}
        first = max(first, len(own))
    for number, name in enumerate(shared, start=first):
        rows[True, name] = rows[False, name] = number
    return rows
