"""A page of many recordings: a sortable table, one row each, with links to their own reports."""

import os
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

import numpy as np

from neurofuse.fusion.plot.clipping import arrows, clip_line
from neurofuse.fusion.plot.style import BEFORE, COLOURS, LABELS
from neurofuse.fusion.report.cohort_row import BINS, CohortRow, ModalityRow
from neurofuse.fusion.views.cleaning_text import versions
from neurofuse.fusion.views.phrases import duration_text, percent
from neurofuse.io.clock.dates import real_date
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import GATE_OPEN
from neurofuse.io.staging import staged

WIDTH, HEIGHT, ARROW = 180, 36, 3  # of a small picture
PICTURE = f"{LABELS['before']}, {LABELS['after']}"  # the heading of its column
FEW_USABLE = 0.8  # fraction of channels: below, the row is highlighted


def cohort_report(
    rows: Iterable[CohortRow],
    path: str | os.PathLike[str],
    *,
    title: str = "Cleaning report",
    overwrite: bool = False,
) -> Path:
    """Write one HTML page about many recordings.

    Parameters
    ----------
    rows : iterable of CohortRow
        From `cohort_row`. Those with a `failure` are listed with the reason.
    path : str or Path
        HTML file to write; missing folders are made. Links to the single reports are relative to
        it.
    title : str
        Heading of the page.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        If there is no row.
    WriteError
        If the file exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import neurofuse as nf
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500))
    >>> recording = build(eeg_dataset(noise, 250.0, ["C3", "C4"]))
    >>> row = nf.cohort_row("sub-01", recording, recording)
    >>> cohort_report([row], Path(mkdtemp()) / "index.html").name
    'index.html'
    """
    path, rows = Path(path), list(rows)
    if not rows:
        raise ParameterError("no recording", "at least one row", "make rows with `cohort_row`")
    if path.exists() and not overwrite:
        raise WriteError(
            f"an existing {path}", "a new file name", "choose another one or pass overwrite=True"
        )
    parts = files("neurofuse.fusion.report")
    text = Template(parts.joinpath("page.html").read_text("utf-8")).substitute(
        style=parts.joinpath("style.css").read_text("utf-8"),
        script=parts.joinpath("page.js").read_text("utf-8"),
        title=escape(title),
        subtitle=f"{len(rows)} recording{'s' * (len(rows) != 1)}",
        headline="\n".join(f"<li>{escape(line)}</li>" for line in _headline(rows)),
        navigation="",
        sections='<section id="recordings"><h2>Recordings</h2>'
        f"{_table(rows, path)}{_gaps(rows)}</section>",
        version=escape(dict(versions()).get("neurofuse", "")),
    )
    with staged(path.parent, [path.name], overwrite=overwrite) as stage:
        (stage / path.name).write_text(text, encoding="utf-8", errors="replace")
    return path


def _gaps(rows: list[CohortRow]) -> str:
    """Why there are rows without figures."""
    lines = [f"<li>{escape(f'{r.name}: {r.failure}')}</li>" for r in rows if r.failure]
    return f'<p class="note">Without figures:</p><ul>{"".join(lines)}</ul>' if lines else ""


def _headline(rows: list[CohortRow]) -> list[str]:
    lines = [f"{duration_text(sum(row.seconds for row in rows))} in all."]
    failed = sum(bool(row.failure) for row in rows)
    if failed:
        lines.append(
            f"{failed} of {len(rows)} could not be measured; the reasons are below the table."
        )
    for modality in MODALITIES.values():
        own = [row.streams[modality.name] for row in rows if modality.name in row.streams]
        if not own:
            continue
        usable = sum(one.usable for one in own) / sum(one.channels for one in own)
        unchanged = np.array([one.summary.unchanged for one in own])
        lines.append(
            f"{modality.display}, {len(own)} of {len(rows)} recordings: {percent(usable)} of "
            f"channels usable; {percent(float(np.median(unchanged)))} of {modality.compared} "
            f"unchanged (median; {percent(float(unchanged.min()))} to "
            f"{percent(float(unchanged.max()))})."
        )
    return lines


def _table(rows: list[CohortRow], path: Path) -> str:
    shown = [m for m in MODALITIES.values() if any(m.name in row.streams for row in rows)]
    head = ["Recording", "Measured", "Duration"]
    for modality in shown:
        columns = ("usable", "in motion", "unchanged", "attenuation [dB]", PICTURE)
        head += [f"{modality.display} {column}" for column in columns]
    top = "".join(
        f'<th scope="col">{escape(h)}</th>'
        if h.endswith(PICTURE)
        else f'<th scope="col"><button type="button">{escape(h)}</button></th>'
        for h in head
    )
    scale = {modality.name: _scale(rows, modality.name) for modality in shown}
    body = "\n".join(_row(row, path, scale) for row in rows)
    units = "; ".join(
        f"{m.display}: {scale[m.name] * m.plot_scale:.3g} {m.plot_unit}" for m in shown
    )
    return (
        '<p class="note">Click a column header to sort. In motion: fraction of the time in which '
        f"the motion mask (gate) of some channel is above {GATE_OPEN}. Attenuation: RMS before / "
        "after within detected motion; without a motion mask, in the whole recording. Rows with "
        f"fewer than {100 * FEW_USABLE:.0f} % of channels usable are highlighted.</p>"
        '<div class="table whole" tabindex="0"><table class="sortable">'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="note">Small pictures: <span style="color:{BEFORE}">{LABELS["before"]}</span> '
        f'and <span class="tint">{LABELS["after"]}</span> over the whole recording, largest value '
        f"of each of {BINS} bins, median over used channels; EEG about its median, fNIRS from "
        f"sample to sample. All share one scale, which ends at {units}; a gap with an arrow is "
        "beyond it.</p>"
    )


def _scale(rows: list[CohortRow], stream: str) -> float:
    """The top of all small pictures of a modality: one loud recording must not flatten the rest."""
    peaks = [
        float(np.percentile(row.streams[stream].before, 98))
        for row in rows
        if stream in row.streams
    ]
    return 1.5 * float(np.median(peaks)) or 1.0


def _row(row: CohortRow, path: Path, scale: dict[str, float]) -> str:
    name = escape(row.name)
    if row.page is not None:
        target = os.path.relpath(row.page.resolve(), path.parent.resolve())
        name = f'<a href="{escape(quote(Path(target).as_posix()))}">{name}</a>'
    date = real_date(row.measured_at)  # anonymised files hold dummies
    day = "" if date is None else f"{date:%Y-%m-%d}"
    cells = [
        f'<th scope="row">{name}</th>',
        _cell(day or "–", date.isoformat() if date else ""),
        _cell("–", "") if row.failure else _cell(duration_text(round(row.seconds)), row.seconds),
    ]
    poor = False
    for stream in scale:
        if stream not in row.streams:
            cells += [_cell("–", "")] * 5
            continue
        of = row.streams[stream]
        usable = of.usable / of.channels
        poor = poor or usable < FEW_USABLE
        motion = ("–", "") if of.motion is None else (percent(of.motion), of.motion)
        cells += [
            _cell(f"{of.usable} of {of.channels}", usable),
            _cell(*motion),
            _cell(percent(of.summary.unchanged), of.summary.unchanged),
            _decibels(of.attenuation),
            f"<td>{_picture(of, scale[stream], row.name, stream)}</td>",
        ]
    return f"<tr{' class=poor' if poor else ''}>{''.join(cells)}</tr>"


def _cell(text: str, value: object) -> str:
    return f'<td data-value="{value}">{text}</td>'


def _decibels(size: float | None) -> str:
    if size is None:
        return _cell("–", "")
    return _cell(f"{size:.1f}".replace("-", "−"), round(size, 3))


def _picture(of: ModalityRow, top: float, name: str, stream: str) -> str:
    """Before and after as areas on one scale; what is beyond it is a gap with an arrow."""
    shapes = []
    for kind, course in (("before", of.before), ("after", of.after)):
        fill = "var(--accent)" if kind == "after" else COLOURS[kind]
        x = np.linspace(0, WIDTH, len(course))
        shown_x, shown_y = clip_line(x, course, top)
        path = "".join(
            f"M{shown_x[part.start]:.1f} {HEIGHT} "
            + "".join(
                f"L{a:.1f} {HEIGHT * (1 - b / top):.1f} "
                for a, b in zip(shown_x[part], shown_y[part], strict=True)
            )
            + f"L{shown_x[part.stop - 1]:.1f} {HEIGHT} z"
            for part in np.ma.clump_unmasked(np.ma.masked_invalid(shown_y))
        )
        path += "".join(
            f"M{at:.1f} 0 l{ARROW:.1f} {2 * ARROW:.1f} h-{2 * ARROW:.1f} z"
            for at in arrows(x, course, top, spacing=WIDTH / 12)[0]
        )
        shapes.append(f'<path d="{path}" fill="{fill}"/>')
    alt = escape(f"{name}, {MODALITIES[stream].display} {PICTURE}")
    return (
        f'<svg class="small" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{alt}" '
        f'preserveAspectRatio="none">{"".join(shapes)}</svg>'
    )
