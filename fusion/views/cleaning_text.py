"""What cleaning did to a recording, as sentences and as the rows of a table."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

import numpy as np
import xarray as xr

from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import is_identical
from neurofuse.fusion.views.cleaning_summary import CleaningSummary
from neurofuse.fusion.views.phrases import duration_text, listed, percent, significant
from neurofuse.io.modality import EEG
from neurofuse.io.recording import GATE_OPEN, duration

PACKAGES = ("neurofuse", "mne", "mne-nirs", "torch", "numpy", "scipy", "xarray")
PAIR = "recorded → cleaned"
WITH_REASONS = 8  # bad channels of a modality; of more only the names are listed


def contents(view: View) -> str:
    """A modality in a few words: "EEG (32 channels, 250 Hz)"."""
    count = len(view.channel)
    size = f"{count} channel{'s' * (count != 1)}"
    if view.wavelength:
        size += f" at {listed([f'{w:g}' for w in view.wavelength])} nm"
    return f"{view.name} ({size}, {view.rate:g} Hz)"


def headline(
    recording: xr.DataTree,
    views: Sequence[View],
    summaries: Sequence[CleaningSummary],
    reasons: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:
    """What was recorded, how much motion there was, what was changed and what was not.

    `reasons` says for each modality why channels are bad, by their names.
    """
    lines = [
        f"The recording lasts {duration_text(duration(recording))} and contains "
        f"{listed([contents(view) for view in views])}."
    ]
    if all(view.treated and is_identical(view) for view in views):
        lines.append("Nothing was changed: all samples of all modalities are bit-identical.")
    else:
        lines += [_changes(v, s) for v, s in zip(views, summaries, strict=True)]
    lines += [_bad_channels(view, (reasons or {}).get(view.stream, {})) for view in views]
    return lines


def _motion(view: View, summary: CleaningSummary) -> str:
    if summary.motion_seconds is None:
        return "the result has no motion mask (gate), so it is not known where motion occurred"
    if view.gate is not None:
        what = f"the motion mask (gate) was above {GATE_OPEN} on at least one channel"
    else:
        what = "motion was injected on at least one channel"
    if not summary.motion_seconds:
        return what.replace("was", "was never", 1).replace("at least one", "any")
    count = f"{summary.motion_intervals} interval{'s' * (summary.motion_intervals != 1)}"
    fraction = percent(summary.motion_seconds / view.seconds)
    return f"{what} for {summary.motion_seconds:.1f} s ({fraction} of its time, {count})"


def _changes(view: View, summary: CleaningSummary) -> str:
    if not view.treated:
        return f"{view.name}: the result does not contain this modality; it is shown as recorded."
    motion = _motion(view, summary)
    if is_identical(view):
        return f"{view.name}: nothing was changed, all samples are bit-identical; {motion}."
    if view.modality is EEG:
        unchanged = f"{percent(summary.unchanged)} of the samples are bit-identical"
        size = "RMS amplitude"
    else:
        unchanged = f"{percent(summary.unchanged)} of the steps between samples are unchanged"
        size = "RMS step between samples"
    text = f"{view.name}: {motion}; {unchanged}."
    known = summary.motion_seconds is not None
    places = (
        ("in motion ", summary.rms_in_motion),
        ("elsewhere " * known, summary.rms_elsewhere),
    )
    pairs = [
        f"{where}{significant(a)} → {significant(b)} {view.modality.plot_unit}"
        for where, (a, b) in places
        if np.isfinite(a) and np.isfinite(b)
    ]
    if pairs:
        text += f" {size}, {PAIR}: {'; '.join(pairs)}."
    return text


def _bad_channels(view: View, reasons: Mapping[str, str]) -> str:
    names = [name for name, bad in zip(view.channel, view.bad, strict=True) if bad]
    if not names:
        return f"No {view.name} channel is marked bad."
    shown = names
    if len(names) <= WITH_REASONS:
        shown = [f"{name} ({reasons[name]})" if reasons.get(name) else name for name in names]
    text = f"Bad {view.name} channel{'s' * (len(names) != 1)}: {', '.join(shown)}"
    if not view.treated:
        return text + "."
    same = bool((view.identical[view.bad] == 1).all())
    return f"{text}; {'passed through unchanged' if same else 'changed nevertheless'}."


def rows(views: Sequence[View], summaries: Sequence[CleaningSummary]) -> list[list[str]]:
    """The figures as a table: one row a figure, one column a modality."""

    def pair(values: tuple[float, float] | None) -> str:
        if values is None or not np.isfinite(values).any():
            return "–"
        return f"{significant(values[0])} → {significant(values[1])}"

    def mean_motion(view: View) -> str:
        mask = view.in_motion
        return "–" if mask is None or not view.used.any() else percent(mask[view.used].mean())

    masked = any(summary.motion_seconds is not None for summary in summaries)
    where = " in motion" if masked else ""
    table = [
        ["Duration", *(duration_text(view.seconds) for view in views)],
        ["Channels (used / bad)", *(f"{v.used.sum()} / {v.bad.sum()}" for v in views)],
    ]
    if masked:
        seconds = [summary.motion_seconds for summary in summaries]
        known = ["–" if s is None else f"{s:.1f} s" for s in seconds]
        table.append(["Time with motion on any channel", *known])
        table.append(["Time with motion, mean over used channels", *map(mean_motion, views)])
    results = [
        [
            "Unchanged (EEG samples; fNIRS steps between samples, to 10⁻⁶ OD)",
            *(percent(s.unchanged) for s in summaries),
        ],
        ["Stored samples that are bit-identical", *(percent(s.identical) for s in summaries)],
    ]
    if masked:
        results.append([f"RMS in motion, {PAIR} ¹", *(pair(s.rms_in_motion) for s in summaries)])
    name = "RMS elsewhere" if masked else "RMS"
    results.append([f"{name}, {PAIR} ¹", *(pair(s.rms_elsewhere) for s in summaries)])
    if any(summary.rms_error is not None for summary in summaries):
        name = f"RMS distance from the truth{where}, {PAIR} ¹"
        results.append([name, *(pair(s.rms_error) for s in summaries)])
    for name, *cells in results:
        shown = [c if view.treated else "–" for c, view in zip(cells, views, strict=True)]
        table.append([name, *shown])
    return table


def versions() -> list[tuple[str, str]]:
    """Names and versions of what the result depends on, as installed."""
    installed = []
    for name in PACKAGES:
        try:
            installed.append((name, version(name)))
        except PackageNotFoundError:  # a stripped installation may lack optional parts
            continue
    return [*installed, ("Python", python_version())]
