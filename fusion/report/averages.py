"""Averages over repeated events: EEG (ERP), and HbO and HbR (HRF)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy.special import stdtrit

from neurofuse.fusion.metrics.evoked import ERP_SPAN, HRF_SPAN
from neurofuse.fusion.report.response_channels import MOST, Named
from neurofuse.fusion.signal.bands import EVOKED_EEG, HAEMODYNAMIC, bandpass
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.haemoglobin import KINDS
from neurofuse.io.modality import EEG
from neurofuse.io.recording import stream_dataset

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
