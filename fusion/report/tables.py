"""Tables of the report: figures of each stream, quality of each channel, provenance."""

import json
from html import escape

import numpy as np
import xarray as xr

from neurofuse.fusion.report.html import cell, table
from neurofuse.fusion.views import summary as words
from neurofuse.fusion.views.before_after import View
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import provenance


def qualities(before: xr.DataTree, found: list[View]) -> dict[str, xr.Dataset | NeurofuseError]:
    """Quality of every stream, or why it is not known."""
    from neurofuse.io.quality.channels import channel_quality

    computed: dict[str, xr.Dataset | NeurofuseError] = {}
    for view in found:
        try:
            computed[view.stream] = channel_quality(before, view.stream)
        except NeurofuseError as error:
            computed[view.stream] = error
    return computed


def quality_table(view: View, quality: xr.Dataset | NeurofuseError) -> str:
    """A row a channel: its measures, and which are beyond their limits."""
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
            row.append(cell(one[name].item(), one[name].attrs) + (" !" if beyond else ""))
        if bridged:
            row.append(str(one.bridged_to.item()))
        body.append([*row, "yes" if view.bad[index] else "no", str(one.reason.item())])
    poor = {i for i in range(len(body)) if view.bad[i] or not quality.usable.values[i]}
    caption = f"{len(body) - len(poor)} of {len(body)} channels usable"
    caption += "; the others are marked." if poor else "."
    caption += " ! is beyond the limit of its measure (docs/quality.md)."
    if np.isfinite(quality.attrs.get("line_frequency", np.nan)):
        caption += f" Line noise at {quality.attrs['line_frequency']:g} Hz."
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


def numbers_section(found: list[View], measured: list[words.Summary]) -> str:
    """What moved, was changed and was left, a column a stream."""
    head = ["", *(view.name for view in found)]
    return table(head, words.rows(found, measured)) + (
        '<p class="note">¹ Over used channels. EEG in µV, about each channel\'s median; '
        "fNIRS in OD, from sample to sample.</p>"
    )


def provenance_section(after: xr.DataTree) -> str:
    """Steps of processing, and versions of packages."""
    body = [
        [
            str(number),
            str(step.get("step", "?")),
            json.dumps(step.get("parameters", {}), ensure_ascii=False, default=str),
            str(step.get("neurofuse", "")),
            str(step.get("at", "")),
        ]
        for number, step in enumerate(provenance(after), start=1)
    ]
    head = ["No.", "Step", "Parameters", "neurofuse", "At (UTC)"]
    steps = table(head, body, kind="words") if body else "<p>No step is recorded.</p>"
    versions = [[name, number] for name, number in words.versions()]
    return steps + "<h3>Versions</h3>" + table(["Package", "Installed"], versions, kind="words")
