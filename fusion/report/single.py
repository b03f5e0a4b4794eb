"""The page that shows what cleaning did: one HTML file that opens offline."""

import json
import os
import re
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
import xarray as xr

from neurofuse.fusion import summary as words
from neurofuse.fusion.changes import View, strongest, views
from neurofuse.fusion.compared import comparison_section
from neurofuse.fusion.excerpt import excerpt
from neurofuse.fusion.figures import draw_before_after, draw_carpets, draw_spectra
from neurofuse.fusion.page import cell, figure_block, table
from neurofuse.fusion.report.alignment import alignment_section
from neurofuse.fusion.report.citations import citations_block, keys
from neurofuse.fusion.report.contribution import contribution_section
from neurofuse.fusion.report.responses import responses_section
from neurofuse.fusion.report.sensors import sensor_map
from neurofuse.fusion.report.strip import strip_chart
from neurofuse.fusion.spectra import spectra
from neurofuse.fusion.traces import draw_traces
from neurofuse.io.errors import NeurofuseError, WriteError
from neurofuse.io.recording import provenance, streams
from neurofuse.io.staging import staged


def report(
    before: xr.DataTree,
    after: xr.DataTree,
    path: str | os.PathLike,
    *,
    comparison: xr.Dataset | None = None,
    truth: xr.DataTree | None = None,
    contribution: xr.Dataset | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained HTML page about a cleaned recording.

    It holds a headline in words, both streams before and after on one clock, the gate, spectra,
    channel quality, alignment, the comparison if given, provenance and a Methods paragraph. All
    figures are computed from the Recordings; nothing is loaded from a network.

    Parameters
    ----------
    before, after : Recording
        The recording and its cleaned version: same channels, same clock. `after` may lack `gate`
        (classical methods) or a stream.
    path : path
        HTML file to write; missing folders are made.
    comparison : Dataset, optional
        Result of `compare` (method × modality × metric).
    truth : Recording, optional
        The undisturbed recording, drawn beside `before` and `after`.
    contribution : Dataset, optional
        Result of `neurofuse.fusion.contribution.contribution`: what each stream brought to the
        cleaning of the other.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        If `after` or `truth` has other channels or times than `before`, or `comparison` or
        `contribution` is something else.
    WriteError
        If the file exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500))
    >>> recording = build(eeg_dataset(noise, 250.0, ["C3", "C4"]))
    >>> report(recording, recording, Path(mkdtemp()) / "page.html").name
    'page.html'
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise WriteError(
            f"an existing {path}", "a new file name", "choose another one or pass overwrite=True"
        )
    before, after, truth, cut = excerpt(before, after, truth)
    found = views(before, after, truth)
    measured = [words.summarize(view) for view in found]
    quality = _qualities(before, found)
    sections = {
        "In numbers": _numbers(found, measured),
        "Traces": _traces(before, found),
        "Gate and change": _carpets(before, after, found),
        "Sensors": sensor_map(
            before, found, {k: q for k, q in quality.items() if isinstance(q, xr.Dataset)}
        ),
        "Spectra": _spectra(found),
        "Responses to events": responses_section(before, after, truth, found),
        "What each stream contributed": (
            "" if contribution is None else contribution_section(contribution)
        ),
        "Channel quality": "".join(_quality(view, quality[view.stream]) for view in found),
        "Alignment": alignment_section(before, found),
        "Comparison": "" if comparison is None else comparison_section(comparison),
        "Provenance": _provenance(after),
        "Methods paragraph": (
            f'<p class="paper" id="methods">{escape(words.methods(after, found, measured))}</p>'
            '<p class="note">Written from the files and figures above; check it before use.</p>'
            + citations_block(keys(after, found, comparison))
        ),
    }
    sections = {title: body for title, body in sections.items() if body}
    measured_at = str(before.attrs.get("measured_at", ""))
    parts = files("neurofuse.fusion.report")
    text = Template(parts.joinpath("page.html").read_text("utf-8")).substitute(
        style=parts.joinpath("style.css").read_text("utf-8"),
        script=parts.joinpath("page.js").read_text("utf-8"),
        title=escape(f"Cleaning report: {re.sub('(_desc-clean)?_report$', '', path.stem)}"),
        subtitle=escape(
            f"Measured {measured_at}" if measured_at else "Time of measurement unknown"
        ),
        headline="\n".join(
            f"<li>{escape(line)}</li>"
            for line in [cut, *words.headline(before, found, measured)]
            if line
        ),
        navigation="".join(f'<a href="#{_anchor(t)}">{t}</a>' for t in sections),
        sections="\n".join(
            f'<section id="{_anchor(t)}" aria-labelledby="{_anchor(t)}-title">'
            f'<h2 id="{_anchor(t)}-title">{t}</h2>\n{body}\n</section>'
            for t, body in sections.items()
        ),
        version=escape(dict(words.versions()).get("neurofuse", "")),
    )
    with staged(path.parent, [path.name], overwrite=overwrite) as stage:
        (stage / path.name).write_text(text, encoding="utf-8", errors="replace")
    return path


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _traces(before: xr.DataTree, found: list[View]) -> str:
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
        level = " The fNIRS lines start at one level." if "fNIRS" in names else ""
        text += "<h3>Close up</h3>" + figure_block(
            draw_traces(found, (start, stop), events=events, sensors=sensors),
            "close",
            f"{names} {drawn} from {start:.0f} to {stop:.0f} s",
            f"{start:.0f} to {stop:.0f} s, around {reason}.{level}"
            if reason != "the middle"
            else "The middle of the recording; nothing was changed and no movement seen.",
        )
    return f'{strip_chart(found, events)}<div class="still">{text}</div>'


def _carpets(before: xr.DataTree, after: xr.DataTree, found: list[View]) -> str:
    from neurofuse.io.gvtd import global_variance

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


def _spectra(found: list[View]) -> str:
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


def _qualities(before: xr.DataTree, found: list[View]) -> dict[str, xr.Dataset | NeurofuseError]:
    """Quality of every stream, or why it is not known."""
    from neurofuse.io.quality import channel_quality

    computed: dict[str, xr.Dataset | NeurofuseError] = {}
    for view in found:
        try:
            computed[view.stream] = channel_quality(before, view.stream)
        except NeurofuseError as error:
            computed[view.stream] = error
    return computed


def _quality(view: View, quality: xr.Dataset | NeurofuseError) -> str:
    from neurofuse.io.quality import MASKS

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
    return f"<h3>{view.name}</h3>{table(head, body, caption, poor=poor)}"


def _heading(name: str, variable: xr.DataArray) -> str:
    unit = {"V": "µV", "m": "mm"}.get(variable.attrs.get("units", ""), variable.attrs.get("units"))
    return name.replace("_", " ") + (f" [{unit}]" if unit and unit != "1" else "")


def _numbers(found: list[View], measured: list[words.Summary]) -> str:
    head = ["", *(view.name for view in found)]
    return table(head, words.rows(found, measured)) + (
        '<p class="note">¹ Over used channels. EEG in µV, about each channel\'s median; '
        "fNIRS in OD, from sample to sample.</p>"
    )


def _provenance(after: xr.DataTree) -> str:
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
