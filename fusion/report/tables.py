"""Tables of the report: figures of each modality, quality of each channel, provenance."""

import json
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.report.html import cell, table
from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.cleaning_summary import CleaningSummary
from neurofuse.fusion.views.cleaning_text import rows, versions
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import EEG
from neurofuse.io.recording import provenance


def qualities(before: xr.DataTree, views: Sequence[View]) -> dict[str, xr.Dataset | NeurofuseError]:
    """Channel quality of every modality, or why it is not known."""
    from neurofuse.io.quality.channels import channel_quality

    computed: dict[str, xr.Dataset | NeurofuseError] = {}
    for view in views:
        try:
            computed[view.stream] = channel_quality(before, view.stream)
        except NeurofuseError as error:
            computed[view.stream] = error
    return computed


def reasons(computed: Mapping[str, xr.Dataset | NeurofuseError]) -> dict[str, dict[str, str]]:
    """Why channels are not usable, by modality and name."""
    return {
        stream: dict(zip(map(str, one.channel.values), map(str, one.reason.values), strict=True))
        for stream, one in computed.items()
        if isinstance(one, xr.Dataset)
    }


def mains_frequency(computed: Mapping[str, xr.Dataset | NeurofuseError]) -> float:
    """The mains [Hz] as found in the EEG; NaN where no channel has line noise."""
    quality = computed.get(EEG.name)
    known = isinstance(quality, xr.Dataset)
    return float(quality.attrs.get("line_frequency", np.nan)) if known else np.nan


def quality_table(view: View, quality: xr.Dataset | NeurofuseError) -> str:
    """One row per channel: its measures, and which are beyond their limits."""
    from neurofuse.io.quality.channels import MASKS

    if isinstance(quality, NeurofuseError):
        return f"<h3>{view.name}</h3><p>Not computed: {escape(str(quality))}.</p>"
    judged = {value: mask for mask, values in MASKS[view.stream].items() for value in values}
    values = {str(n): v for n, v in quality.data_vars.items() if v.dtype.kind == "f"}
    names = [name for name, value in values.items() if value.fillna(0).any()]
    head = ["Channel", *(_heading(name, quality[name]) for name in names)]
    bridged = "bridged" in quality and bool(quality.bridged.any())
    body = []
    for index, channel in enumerate(view.channel):
        one = quality.isel(channel=index)
        row = [channel]
        for name in names:
            beyond = name in judged and bool(one[judged[name]])
            row.append(
                cell(one[name].item(), one[name].attrs) + ("\N{NO-BREAK SPACE}!" if beyond else "")
            )
        if bridged:
            row.append(str(one.bridged_to.item()))
        body.append([*row, "yes" if view.bad[index] else "no", str(one.reason.item())])
    poor = {i for i in range(len(body)) if view.bad[i] or not quality.usable.values[i]}
    caption = f"{len(body) - len(poor)} of {len(body)} channels usable"
    caption += "; the others are highlighted." if poor else "."
    caption += " ! marks values beyond the limit of their measure (docs/quality.md)."
    if np.isfinite(mains := mains_frequency({view.stream: quality})):
        caption += f" Line noise at {mains:g} Hz."
    if np.isfinite(quality.attrs.get("gvtd_moving_share", np.nan)):
        caption += (
            f" Global variance of temporal derivatives: median {quality.attrs['gvtd_median']:.2g} "
            f"OD, above its threshold for {100 * quality.attrs['gvtd_moving_share']:.2g} % of the "
            "time."
        )
    head += ["bridged to"] * bridged + ["marked bad", "reason"]
    return f"<h3>{view.name}</h3>{table(head, body, caption, 'wide', poor)}"


def _heading(name: str, variable: xr.DataArray) -> str:
    unit = {"V": "µV", "m": "mm"}.get(variable.attrs.get("units", ""), variable.attrs.get("units"))
    return name.replace("_", " ") + (f" [{unit}]" if unit and unit != "1" else "")


def numbers_section(views: Sequence[View], summaries: Sequence[CleaningSummary]) -> str:
    """How much motion there was and how much was changed, one column per modality."""
    head = ["", *(view.name for view in views)]
    return table(head, rows(views, summaries)) + (
        '<p class="note">¹ Over used channels. EEG in µV, about each channel\'s median; '
        "fNIRS in OD, from sample to sample.</p>"
    )


def provenance_section(after: xr.DataTree) -> str:
    """Steps of processing, with their dates where these are stored, and versions of packages."""
    dated = any("at" in step for step in provenance(after))
    body = [
        [
            str(number),
            str(step.get("step", "?")),
            json.dumps(step.get("parameters", {}), ensure_ascii=False, default=str),
            str(step.get("neurofuse", "")),
            *([str(step.get("at", ""))] if dated else []),
        ]
        for number, step in enumerate(provenance(after), start=1)
    ]
    head = ["No.", "Step", "Parameters", "neurofuse", *(["At (UTC)"] if dated else [])]
    steps = table(head, body, kind="words") if body else "<p>No step is stored.</p>"
    installed = [[name, number] for name, number in versions()]
    return steps + "<h3>Versions</h3>" + table(["Package", "Installed"], installed, kind="words")
