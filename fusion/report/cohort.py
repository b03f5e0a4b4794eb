"""A page of many recordings: a row each, sortable, with links to their own reports."""

import os
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

import numpy as np

from neurofuse.fusion.plot.style import AFTER, BEFORE, UNITS
from neurofuse.fusion.report.cohort_row import BINS, CohortRow, StreamRow
from neurofuse.fusion.views.before_after import NAMES
from neurofuse.fusion.views.summary import clock_time, percent, versions
from neurofuse.io.clock.dates import real_date
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.staging import staged

WIDTH, HEIGHT = 180, 36  # of a small picture
FEW = 0.8  # of channels usable: below, the row stands out


def cohort_report(
    rows: Iterable[CohortRow],
    path: str | os.PathLike,
    *,
    title: str = "Cleaning report",
    overwrite: bool = False,
) -> Path:
    """Write one HTML page about many recordings.

    Parameters
    ----------
    rows : iterable of CohortRow
        From `cohort_row`. Those with a `failure` are shown as a gap with the reason.
    path : path
        HTML file to write; missing folders are made. Links to the single reports are relative to
        it.
    title : str
        Its heading.
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
    lines = [f"{clock_time(sum(row.seconds for row in rows))} in all."]
    failed = sum(bool(row.failure) for row in rows)
    if failed:
        lines.append(f"{failed} of {len(rows)} could not be measured; see below the table.")
    for stream, name in NAMES.items():
        held = [row.streams[stream] for row in rows if stream in row.streams]
        if not held:
            continue
        usable = sum(h.usable for h in held) / sum(h.channels for h in held)
        kept = np.array([h.summary.kept for h in held])
        what = "samples" if stream == "eeg" else "steps between samples"
        lines.append(
            f"{name}, {len(held)} of {len(rows)} recordings: {percent(usable)} of channels usable; "
            f"{percent(float(np.median(kept)))} of {what} came back unchanged (median; "
            f"{percent(float(kept.min()))} to {percent(float(kept.max()))})."
        )
    return lines


def _table(rows: list[CohortRow], path: Path) -> str:
    shown = [stream for stream in NAMES if any(stream in row.streams for row in rows)]
    head = ["Recording", "Measured", "Duration"]
    for stream in shown:
        name = NAMES[stream]
        head += [f"{name} usable", f"{name} moving", f"{name} unchanged", f"{name} taken out [dB]"]
        head += [f"{name} before, after"]
    top = "".join(
        f'<th scope="col">{escape(h)}</th>'
        if h.endswith("after")
        else f'<th scope="col"><button type="button">{escape(h)}</button></th>'
        for h in head
    )
    scale = {stream: _scale(rows, stream) for stream in shown}
    body = "\n".join(_row(row, path, scale) for row in rows)
    units = "; ".join(f"{NAMES[s]}: {scale[s] * UNITS[s][1]:.3g} {UNITS[s][0]}" for s in shown)
    return (
        '<p class="note">A click on a head sorts. Moving: share of the time with an open gate on '
        "some channel. Taken out: RMS before over after, in movement where a gate tells it. Rows "
        f"with fewer than {100 * FEW:.0f} % of channels usable stand out.</p>"
        '<div class="table whole" tabindex="0"><table class="sortable">'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="note">Small pictures: <span style="color:{BEFORE}">before</span> and '
        f'<span class="tint">after</span> over the whole recording, largest value of each of '
        f"{BINS} bins, median over used channels; EEG about its median, fNIRS from sample to "
        f"sample. All share one scale, which ends at {units}.</p>"
    )


def _scale(rows: list[CohortRow], stream: str) -> float:
    """The top of all small pictures of a stream: one loud recording must not flatten the rest."""
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
        _cell("–", "") if row.failure else _cell(clock_time(round(row.seconds)), row.seconds),
    ]
    poor = False
    for stream in scale:
        if stream not in row.streams:
            cells += [_cell("–", "")] * 5
            continue
        of = row.streams[stream]
        usable = of.usable / of.channels
        poor = poor or usable < FEW
        moved = ("–", "") if of.moved is None else (percent(of.moved), of.moved)
        cells += [
            _cell(f"{of.usable} of {of.channels}", usable),
            _cell(*moved),
            _cell(percent(of.summary.kept), of.summary.kept),
            _decibels(of.taken_out),
            f"<td>{_picture(of, scale[stream], row.name, stream)}</td>",
        ]
    return f"<tr{' class=poor' if poor else ''}>{''.join(cells)}</tr>"


def _cell(text: str, value: object) -> str:
    return f'<td data-value="{value}">{text}</td>'


def _decibels(size: float | None) -> str:
    if size is None:
        return _cell("–", "")
    return _cell(f"{size:.1f}".replace("-", "−"), round(size, 3))


def _picture(of: StreamRow, top: float, name: str, stream: str) -> str:
    """Before and after as areas on one scale."""
    areas = []
    for course, colour in ((of.before, BEFORE), (of.after, AFTER)):
        x = np.linspace(0, WIDTH, len(course))
        y = HEIGHT * (1 - np.clip(course / top, 0, 1))
        line = " ".join(f"L{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
        fill = "var(--accent)" if colour == AFTER else colour
        areas.append(f'<path d="M0 {HEIGHT} {line} L{WIDTH} {HEIGHT} z" fill="{fill}"/>')
    alt = escape(f"{name}, {NAMES[stream]} before and after")
    return (
        f'<svg class="small" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{alt}" '
        f'preserveAspectRatio="none">{"".join(areas)}</svg>'
    )
