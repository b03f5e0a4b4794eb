"""Figures of the report with their captions: traces, carpets, spectra."""

import numpy as np
import xarray as xr

from neurofuse.fusion.plot.draw_carpets import draw_before_after, draw_carpets, draw_spectra
from neurofuse.fusion.plot.draw_spectra import spectra
from neurofuse.fusion.plot.draw_traces import draw_traces
from neurofuse.fusion.report.html import figure_block
from neurofuse.fusion.report.strip import strip_chart
from neurofuse.fusion.views.before_after import View, strongest
from neurofuse.io.recording import streams


def traces_section(before: xr.DataTree, found: list[View]) -> str:
    """The interactive chart, and the static figures that stand in for it on paper."""
    sensors = {
        str(name): node.to_dataset()
        for name, node in (before["aux"].children.items() if "aux" in before.children else ())
        if "acc" in str(name).lower() and node.data_vars
    }
    events = before["events"].to_dataset() if "events" in before.children else None
    names = " and ".join(v.name for v in found)
    drawn = (
        "before, after and truth"
        if any(v.truth is not None for v in found)
        else ("before and after cleaning")
    )
    text = "<h3>Whole recording</h3>" + figure_block(
        draw_traces(found, events=events, sensors=sensors),
        "whole",
        f"{names} {drawn} over the whole recording, stretches with movement shaded",
        "The channels that were changed most. “After” is drawn over “before”: what shows of "
        "“before” is what was taken out. Values beyond a lane are cut at its edge; each channel is "
        "drawn about its median after cleaning. Long traces show each time bin's smallest and "
        "largest value.",
    )
    start, stop, reason = strongest(found)
    start, stop = np.floor(start), np.floor(start) + stop - start
    if stop - start < max(v.seconds for v in found) - 1:
        near = [v for v in found if v.time[0] < stop and v.time[-1] > start]
        names = " and ".join(v.name for v in near)
        level = " The fNIRS lines start at one level." if "fNIRS" in names else ""
        text += "<h3>Close up</h3>" + figure_block(
            draw_traces(near, (start, stop), events=events, sensors=sensors),
            "close",
            f"{names} {drawn} from {start:.0f} to {stop:.0f} s",
            f"{start:.0f} to {stop:.0f} s, around {reason}.{level}"
            if reason != "the middle"
            else "The middle of the recording; nothing was changed and no movement seen.",
        )
    return f'{strip_chart(found, events)}<div class="still">{text}</div>'


def carpets_section(before: xr.DataTree, after: xr.DataTree, found: list[View]) -> str:
    """All channels over time: before and after with GVTD; the gate and the change."""
    from neurofuse.io.optics.gvtd import global_variance

    both = [r for r in (before, after) if "nirs" in streams(r)]
    variance = [global_variance(r) for r in both]
    whole = [v for v in variance if np.isfinite(v).any()]
    text = figure_block(
        draw_before_after(found, whole if len(whole) == len(both) else []),
        "pair",
        "Channels by time, before and after cleaning on one scale",
        "One row a channel, in file order; × marks bad channels. A time bin shows its largest "
        "value; colours end at the 98th percentile before cleaning, in both. "
        + (
            "GVTD: root mean square, over channels, of the change from sample to sample in "
            "0.01–0.7 Hz; dotted: its threshold for movement."
            if whole
            else ""
        ),
    )
    caption = (
        "One row a channel, in file order; × marks bad channels. A time bin shows its largest "
        "value; the colour scale of the change ends at the 98th percentile of what was changed. "
        "For fNIRS the change of the step from sample to sample is shown (largest over "
        "wavelengths): a corrected level shift appears where the level shifts."
    )
    gated = any(v.gate is not None for v in found)
    alt = "Channels by time: " + ("how far the gate was open, and " if gated else "")
    text += figure_block(draw_carpets(found), "carpet", alt + "how much was changed", caption)
    return text


def spectra_section(found: list[View]) -> str:
    """Spectra, or why there are none."""
    results = {view.stream: result for view in found if (result := spectra(view)) is not None}
    missing = [v.name for v in found if v.stream not in results]
    text = "".join(
        f'<p class="note">{name}: no spectrum, for want of a whole segment.</p>' for name in missing
    )
    if not results:
        return text
    sizes = "; ".join(
        f"{r['name']}: segments of {r['seconds']:g} s, {r['channels']} channels"
        for r in results.values()
    )
    caption = (
        "Power spectral density (Welch, Hann segments overlapping by half; median over used "
        f"channels{' and wavelengths' if 'nirs' in results else ''}). A segment is “with movement” "
        f"if any of its samples moves in that channel. {sizes}."
    )
    alt = f"Power spectra of {' and '.join(r['name'] for r in results.values())}"
    return figure_block(draw_spectra(results), "spectra", alt, caption) + text
