"""The report of one recording: one HTML file that opens offline."""

import os
import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import xarray as xr

from neurofuse.fusion.movements import movements
from neurofuse.fusion.report.alignment import alignment_section
from neurofuse.fusion.report.citations import citations_block, keys
from neurofuse.fusion.report.comparison import comparison_section
from neurofuse.fusion.report.contribution import contribution_section
from neurofuse.fusion.report.explanation import explanation_section
from neurofuse.fusion.report.methods import methods_paragraph
from neurofuse.fusion.report.movements import movements_section
from neurofuse.fusion.report.pictures import carpets_section, spectra_section, traces_section
from neurofuse.fusion.report.response_channels import named_channels
from neurofuse.fusion.report.responses import responses_section
from neurofuse.fusion.report.self_test import self_test_section
from neurofuse.fusion.report.sensors import sensor_map
from neurofuse.fusion.report.tables import (
    mains_frequency,
    numbers_section,
    provenance_section,
    qualities,
    quality_table,
    reasons,
)
from neurofuse.fusion.self_test import SelfTest
from neurofuse.fusion.views.before_after import views_of
from neurofuse.fusion.views.cleaning_summary import summarize
from neurofuse.fusion.views.cleaning_text import headline, versions
from neurofuse.fusion.views.electrodes import electrodes_only, others_named
from neurofuse.fusion.views.excerpt import excerpt
from neurofuse.fusion.views.haemoglobin import haemoglobin_view
from neurofuse.fusion.views.outcome import plain_verdict, shares_of
from neurofuse.io.clock.dates import real_date
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.modality import NIRS
from neurofuse.io.recording import check
from neurofuse.io.staging import staged


def report(
    before: xr.DataTree,
    after: xr.DataTree,
    path: str | os.PathLike[str],
    *,
    comparison: xr.Dataset | None = None,
    truth: xr.DataTree | None = None,
    contribution: xr.Dataset | None = None,
    explanation: xr.Dataset | None = None,
    channels: str | Iterable[str] | None = None,
    regions: Mapping[str, Iterable[str]] | None = None,
    self_test: SelfTest | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained HTML page about a cleaned recording.

    It contains a summary in words, both modalities recorded and cleaned on one clock, the motion
    mask, spectra, channel quality, alignment, the comparison if given, provenance and a Methods
    paragraph. All figures are computed from the Recordings; nothing is loaded from a network.

    Parameters
    ----------
    before, after : Recording
        The recording and its cleaned version: same channels, same clock; EEG [V], fNIRS [a.u. or
        optical density]. `after` may lack the motion mask `gate` (baseline methods) or a modality.
    path : str or Path
        HTML file to write; missing folders are made.
    comparison : Dataset, optional
        Result of `neurofuse.compare`: `value` (method, modality, metric).
    truth : Recording, optional
        The recording without motion, where it is known; drawn beside `before` and `after`.
    contribution : Dataset, optional
        Result of `neurofuse.contribution`: what each modality contributed to the cleaning of the
        other.
    explanation : Dataset, optional
        Result of `neurofuse.explain`: why stretches were taken for movement.
    channels : str or iterable of str, optional
        EEG and fNIRS channels whose responses to events are shown, such as ["C3", "S1-D1"]; by
        default the one with the best quality of each modality.
    regions : dict of str to iterable of str, optional
        Regions whose mean response is shown, by name: {"left motor": ["C3", "CP3", "S1-D1"]}.
    self_test : SelfTest, optional
        Result of `neurofuse.self_test`: how well methods clean this recording.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        If `after` or `truth` has other channels or times than `before`, `comparison`,
        `contribution` or `explanation` is something else, or a channel named is not in the
        recording.
    SchemaError
        If `before`, `after` or `truth` is no Recording.
    WriteError
        If the file exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import numpy as np
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
    for one in (before, after) if truth is None else (before, after, truth):
        check(one)
    results = {"compare": comparison, "contribution": contribution, "explain": explanation}
    for name, one in results.items():
        if one is not None and not isinstance(one, xr.Dataset):
            raise ParameterError(
                f"a {type(one).__name__}", f"what neurofuse.{name} returned", "pass that"
            )
    before, after, truth, notice = excerpt(before, after, truth)
    before, others = electrodes_only(before)
    after, _ = electrodes_only(after)
    truth = None if truth is None else electrodes_only(truth)[0]
    views = views_of(before, after, truth)
    named = named_channels(views, channels, regions)
    nirs = next((view for view in views if view.modality is NIRS), None)
    haemoglobin = None if nirs is None else haemoglobin_view(before, nirs)
    summaries = [summarize(view) for view in views]
    quality = qualities(before, views)
    judged = bool(shares_of(after))
    found = movements(before, after) if judged else []
    sections = {
        "In numbers": numbers_section(views, summaries),
        "Movements": movements_section(found),
        "Why movement": "" if explanation is None else explanation_section(before, explanation),
        "Traces": traces_section(before, views, haemoglobin),
        "Motion mask and change": carpets_section(before, after, views),
        "Sensors": sensor_map(
            before, views, {k: q for k, q in quality.items() if isinstance(q, xr.Dataset)}
        ),
        "Spectra": spectra_section(views, mains_frequency(quality)),
        "Responses to events": responses_section(before, views, haemoglobin, quality, named),
        "What each modality contributed": (
            "" if contribution is None else contribution_section(contribution)
        ),
        "Channel quality": "".join(quality_table(view, quality[view.stream]) for view in views),
        "Alignment": alignment_section(before, views),
        "Comparison": "" if comparison is None else comparison_section(comparison),
        "Self-test": "" if self_test is None else self_test_section(self_test),
        "Provenance": provenance_section(after),
        "Methods paragraph": (
            f'<p class="paper" id="methods">'
            f"{escape(methods_paragraph(after, views, summaries))}</p>"
            '<p class="note">Generated from the files and figures above; check it before use.</p>'
            + citations_block(keys(after, views, comparison))
        ),
    }
    sections = {title: body for title, body in sections.items() if body}
    measured_at = str(before.attrs.get("measured_at", ""))
    known = real_date(measured_at) is not None  # anonymised files hold dummies
    parts = files("neurofuse.fusion.report")
    text = Template(parts.joinpath("page.html").read_text("utf-8")).substitute(
        style=parts.joinpath("style.css").read_text("utf-8"),
        script=parts.joinpath("page.js").read_text("utf-8"),
        title=escape(f"Cleaning report: {re.sub('(_desc-clean)?_report$', '', path.stem)}"),
        subtitle=escape(f"Measured {measured_at}" if known else "Time of measurement unknown"),
        headline="\n".join(
            f"<li>{escape(line)}</li>"
            for line in [
                notice,
                *(plain_verdict(after) if judged else []),
                *headline(before, views, summaries, reasons(quality)),
                others_named(others),
            ]
            if line
        ),
        navigation="".join(f'<a href="#{_anchor(t)}">{t}</a>' for t in sections),
        sections="\n".join(
            f'<section id="{_anchor(t)}" aria-labelledby="{_anchor(t)}-title">'
            f'<h2 id="{_anchor(t)}-title">{t}</h2>\n{body}\n</section>'
            for t, body in sections.items()
        ),
        version=escape(dict(versions()).get("neurofuse", "")),
    )
    with staged(path.parent, [path.name], overwrite=overwrite) as stage:
        (stage / path.name).write_text(text, encoding="utf-8", errors="replace")
    return path


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
