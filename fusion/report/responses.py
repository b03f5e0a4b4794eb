"""The report's section on responses to events, before and after."""

from collections.abc import Mapping, Sequence
from html import escape

import xarray as xr

from neurofuse.fusion.report.averages import (
    BAND,
    CONFIDENCE,
    FEWEST_EVENTS,
    HRF_SECONDS_APART,
    conditions,
    responses,
)
from neurofuse.fusion.report.draw_responses import draw_responses
from neurofuse.fusion.report.html import figure_block
from neurofuse.fusion.report.response_channels import MOST, Named
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.best_channel import best_channel
from neurofuse.fusion.views.phrases import listed
from neurofuse.io.modality import EEG


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
