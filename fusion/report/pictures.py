"""Figures of the report with their captions: traces, carpets, spectra."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_carpets import draw_before_after, draw_carpets
from neurofuse.fusion.plot.draw_lanes import most_changed
from neurofuse.fusion.plot.draw_spectra import WHOLE, WITH, draw_spectra, spectra
from neurofuse.fusion.plot.draw_traces import draw_traces
from neurofuse.fusion.report.html import figure_block
from neurofuse.fusion.report.strip import haemoglobin_rows, strip_chart
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import strongest
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.recording import streams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def traces_section(
    before: xr.DataTree, views: Sequence[View], haemoglobin: View | None = None
) -> str:
    """The interactive chart, and the static figures that replace it on paper."""
    sensors = {
        str(name): node.to_dataset()
        for name, node in (before["aux"].children.items() if "aux" in before.children else ())
        if "acc" in str(name).lower() and node.data_vars
    }
    events = before["events"].to_dataset() if "events" in before.children else None
    lines = "recorded and cleaned"
    if any(view.truth is not None for view in views):
        lines = "recorded, cleaned and true"
    text = "<h3>Whole recording</h3>" + figure_block(
        _drawn(views, haemoglobin, None, events, sensors),
        "whole",
        f"{_names(views)}, {lines}, over the whole recording; motion is shaded",
        "The channels that were changed most. “Cleaned” is drawn over “recorded”: what is visible "
        "of “recorded” is what was removed. Where a line leaves its lane it has a gap, with arrows "
        "at the lane's edge. Each channel is drawn about its median after cleaning. In long "
        "recordings each point shows the minimum and maximum of a time bin.",
    )
    start, stop, reason = strongest(views)
    start, stop = np.floor(start), np.floor(start) + stop - start
    if stop - start < max(view.seconds for view in views) - 1:
        near = [view for view in views if view.time[0] < stop and view.time[-1] > start]
        level = " All fNIRS lines of a channel start at the same value."
        fnirs = any(view.modality is NIRS for view in near)
        text += "<h3>Close up</h3>" + figure_block(
            _drawn(near, haemoglobin if fnirs else None, (start, stop), events, sensors),
            "close",
            f"{_names(near)}, {lines}, from {start:.0f} to {stop:.0f} s",
            f"{start:.0f} to {stop:.0f} s, around {reason}.{level * fnirs}"
            if reason != "the middle"
            else "The middle of the recording; nothing was changed and no motion was detected.",
        )
    return f'{strip_chart(views, events, haemoglobin)}<div class="still">{text}</div>'


def _drawn(
    views: Sequence[View],
    haemoglobin: View | None,
    window: tuple[float, float] | None,
    events: xr.Dataset | None,
    sensors: Mapping[str, xr.Dataset],
) -> "Figure":
    """The most changed channels, and HbO and HbR of those of fNIRS."""
    rows = {view.stream: most_changed(view, window or (-np.inf, np.inf)) for view in views}
    if haemoglobin is not None:
        nirs = next(view for view in views if view.modality is NIRS)
        rows[haemoglobin.stream] = haemoglobin_rows(nirs, window or (-np.inf, np.inf))
        views = [*views, haemoglobin]
    return draw_traces(views, window, events=events, sensors=sensors, rows=rows)


def carpets_section(before: xr.DataTree, after: xr.DataTree, views: Sequence[View]) -> str:
    """All channels over time: before and after with GVTD; the motion mask and the change."""
    from neurofuse.io.optics.gvtd import global_variance

    both = [recording for recording in (before, after) if NIRS.name in streams(recording)]
    variance = [global_variance(recording) for recording in both]
    known = all(np.isfinite(course).any() for course in variance)
    scale = (
        "One row per channel, in file order; × marks bad channels. Each time bin shows its largest "
        "value. The colour scale ends at the 98th percentile of {}; larger values are darker, as "
        "the arrow of the colour bar shows. "
    )
    text = figure_block(
        draw_before_after(views, variance if known else []),
        "pair",
        "Channels by time, before and after cleaning on one scale",
        scale.format("the recorded values, in both")
        + (
            "GVTD: root mean square, over channels, of the change from sample to sample in "
            "0.01–0.7 Hz; dotted: its threshold for motion."
            if variance and known
            else ""
        ),
        light=True,
    )
    caption = scale.format("the change") + (
        "For fNIRS the change of the step from sample to sample is shown (largest over "
        "wavelengths): a corrected level shift appears where the level shifts."
    )
    masked = any(view.gate is not None for view in views)
    alt = "Channels by time: " + ("the motion mask, and " if masked else "")
    alt += "how much was changed"
    return text + figure_block(draw_carpets(views), "carpet", alt, caption, light=True)


def spectra_section(views: Sequence[View], mains: float = np.nan) -> str:
    """Spectra, or why there are none; `mains` is the frequency [Hz] of the mains, if known."""
    results = {view.stream: result for view in views if (result := spectra(view)) is not None}
    missing = [view.name for view in views if view.stream not in results]
    text = "".join(
        f'<p class="note">{name}: no spectrum: every segment has missing or lost samples.</p>'
        for name in missing
    )
    if not results:
        return text
    sizes = "; ".join(
        f"{result.name}: segments of {result.seconds:.3g} s, {result.channels} channels"
        for result in results.values()
    )
    caption = (
        "Power spectral density (Welch, Hann segments overlapping by half; median over used "
        f"channels{' and wavelengths' if NIRS.name in results else ''}). {sizes}."
    )
    if any(set(result.parts) != {WHOLE} for result in results.values()):
        caption += f" A segment is “{WITH}” if any of its samples is in motion in that channel."
    if any(view.lost is not None and view.lost.any() for view in views):
        caption += " Segments with lost samples are left out."
    if EEG.name in results:
        caption += (
            " Dotted: 50 and 60 Hz; no mains frequency stands out in this recording."
            if np.isnan(mains)
            else f" Dotted: the mains, {mains:g} Hz and its multiples, which cleaning leaves."
        )
    alt = f"Power spectra of {listed([result.name for result in results.values()])}"
    return figure_block(draw_spectra(results, mains), "spectra", alt, caption) + text


def _names(views: Sequence[View]) -> str:
    return listed([view.name for view in views])
