"""The table of all recordings of a study: filters, one row each, small pictures."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

import numpy as np

from neurofuse.fusion.plot.style import BEFORE, LABELS
from neurofuse.fusion.report.group_outliers import (
    Measure,
    Outlier,
    beyond_limits,
    measures_of,
)
from neurofuse.fusion.report.group_row import STATES, GroupRow
from neurofuse.fusion.views.phrases import percent, significant
from neurofuse.io.modality import MODALITIES

FIRST = 200  # rows shown at once, more as one scrolls: thousands would take seconds to lay out
HEIGHT = 20  # of a small picture; its width is one for each value
HEADS = {"usable": "usable", "moving": "motion", "lost": "lost", "attenuation_db": "dB"}
QUALITY_HEADS = {"eeg": "µV", "nirs": "SCI"}
TITLES = {"dB": "attenuation [dB]", "µV": "size [µV]", "SCI": "scalp coupling index"}
FILTERS = {"site": "Site", "device": "Device", "task": "Task"}
TOGETHER = "\N{NO-BREAK SPACE}"
LIMIT, FAR = "limit", "far"  # classes of cells beyond a limit, and far from their like


def in_words(modality: str, measure: Measure, value: float) -> str:
    """A value of a measure with its unit, on one line; that of EEG size is a logarithm.

    Examples
    --------
    >>> in_words("eeg", measures_of("eeg")[-1], -5.0).split()
    ['10', 'µV']
    """
    if measure.key == "quality":
        text = f"{significant(1e6 * 10**value)} µV" if modality == "eeg" else f"{value:.2f}"
    elif measure.key == "attenuation_db":
        text = f"{value:.1f} dB".replace("-", "−")
    else:
        text = percent(value)
    return text.replace(" ", TOGETHER)


def table_section(rows: Sequence[GroupRow], far: Sequence[Outlier]) -> str:
    """HTML of all rows with their filters; rows are numbered r0, r1, … in the order given."""
    shown = [m for m in MODALITIES if any(m in row.streams for row in rows)]
    odd: dict[int, dict[tuple[str, str], float]] = defaultdict(dict)
    for one in far:
        odd[one.row][one.modality, one.measure.key] = one.z
    scale = {modality: _scale(rows, modality) for modality in shown}
    body = "\n".join(_row(n, row, shown, scale, odd.get(n, {})) for n, row in enumerate(rows))
    units = "; ".join(
        f"{MODALITIES[m].display}: {scale[m] * MODALITIES[m].plot_scale:.3g} "
        f"{MODALITIES[m].plot_unit}"
        for m in shown
    )
    pictures = (
        f'<p class="note">Small pictures: <span style="color:{BEFORE}">{LABELS["before"]}</span> '
        f'and <span class="tint">{LABELS["after"]}</span> over the whole recording, median over '
        "used channels; EEG about its median, fNIRS from sample to sample. All share one scale, "
        f"which ends at {units}.</p>"
        if shown
        else ""
    )
    return (
        f"{_filters(rows, far)}"
        '<script>document.documentElement.classList.add("scripted")</script>'
        f'<div class="table whole group" data-first="{FIRST}"><table class="sortable">'
        f"{_head(shown)}<tbody>{body}</tbody></table><p data-more></p></div>{pictures}"
    )


def _filters(rows: Sequence[GroupRow], far: Sequence[Outlier]) -> str:
    """Buttons by state, menus and a field of text; they work with scripts only."""
    count = Counter(row.state for row in rows)
    limit, unusual = sum(map(bool, map(beyond_limits, rows))), len({one.row for one in far})
    tiles = [("all", len(rows), "all"), *((s.replace(" ", "-"), count[s], s) for s in STATES)]
    tiles += [(LIMIT, limit, "few usable, much lost"), (FAR, unusual, "outliers")]
    buttons = "".join(
        f'<button type="button" class="tile {kind}" data-show="{kind}" '
        f'aria-pressed="{"true" if kind == "all" else "false"}"><b>{n}</b> {words}</button>'
        for kind, n, words in tiles
        if n
    )
    menus = "".join(_menu(key, label, rows) for key, label in FILTERS.items())
    return (
        f'<div class="bar filters" hidden>{buttons}</div><div class="bar filters" hidden>'
        '<label>Find <input type="search" data-find placeholder="name, reason, …"></label>'
        f'{menus}<span class="note" data-count aria-live="polite"></span></div>'
    )


def _menu(key: str, label: str, rows: Sequence[GroupRow]) -> str:
    values = sorted({_filtered(row, key) for row in rows})
    if len(values) < 2:
        return ""
    options = "".join(
        f'<option value="{escape(value)}">{escape(value) or "unknown"}</option>' for value in values
    )
    return (
        f'<label>{label} <select data-by="{key}"><option value="" data-any>all</option>'
        f"{options}</select></label>"
    )


def _filtered(row: GroupRow, key: str) -> str:
    return row.entities.get("task", "") if key == "task" else getattr(row, key)


def _head(shown: Sequence[str]) -> str:
    widths = ["name", "remark", "place", "long"]
    over = ['<th colspan="4"></th>']
    names = ["Recording", "State", "Site, device", "min"]
    for modality in shown:
        heads = [*HEADS.values(), QUALITY_HEADS[modality]]
        names += heads
        widths += ["figure"] * len(heads) + ["picture"]
        over.append(
            f'<th colspan="{len(heads) + 1}" scope="colgroup">{MODALITIES[modality].display}</th>'
        )
        names.append("")
    cells = "".join(
        f'<th scope="col"><button type="button" title="{TITLES.get(n, n)}">{n}</button></th>'
        if n
        else '<th scope="col"><span class="unseen">course</span></th>'
        for n in names
    )
    columns = "".join(f'<col class="{width}">' for width in widths)
    return f"<colgroup>{columns}</colgroup><thead><tr>{''.join(over)}</tr><tr>{cells}</tr></thead>"


def _row(
    number: int,
    row: GroupRow,
    shown: Sequence[str],
    scale: dict[str, float],
    odd: dict[tuple[str, str], float],
) -> str:
    limits = beyond_limits(row)
    marks = [row.state.replace(" ", "-"), *([LIMIT] if limits else []), *([FAR] if odd else [])]
    marks += ["later"] * (number >= FIRST)
    cells = [_name(row), _state(row), _place(row), _minutes(row.seconds)]
    for modality in shown:
        cells += _cells(row, modality, scale[modality], limits.get(modality, []), odd)
    data = "".join(
        f' data-{key}="{escape(value)}"' for key in FILTERS if (value := _filtered(row, key))
    )
    return f'<tr id="r{number}" class="{" ".join(marks)}"{data}>{"".join(cells)}</tr>'


def _name(row: GroupRow) -> str:
    name = escape(row.name).replace("_", "_<wbr>")
    if row.report:
        name = f'<a href="{escape(quote(row.report))}">{name}</a>'
    return f'<th scope="row">{name}</th>'


def _state(row: GroupRow) -> str:
    order = list(STATES).index(row.state)
    text = f'<span class="state {row.state.replace(" ", "-")}">{row.state}</span>'
    if row.reason:
        reason = escape(row.reason)
        text += f' <span class="why" title="{reason}">{reason}</span>'
    if row.crash:
        text += f' <a href="{escape(quote(row.crash))}">crash file</a>'
    return f'<td data-value="{order}">{text}</td>'


def _place(row: GroupRow) -> str:
    return f"<td>{escape(', '.join(filter(None, (row.site, row.device)))) or '–'}</td>"


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return '<td data-value="">–</td>'
    minutes = seconds / 60
    return f'<td data-value="{seconds:g}">{minutes:.{int(minutes < 10)}f}</td>'


def _cells(
    row: GroupRow,
    modality: str,
    top: float,
    limits: Iterable[str],
    odd: dict[tuple[str, str], float],
) -> list[str]:
    measures = measures_of(modality)
    if modality not in row.streams:
        return ['<td data-value="">–</td>'] * len(measures) + ["<td></td>"]
    of = row.streams[modality]
    cells = []
    for measure in measures:
        value, z = measure.value(of), odd.get((modality, measure.key))
        if value is None:
            cells.append('<td data-value="">–</td>')
            continue
        kind, more = "", ""
        if measure.key in limits:
            kind = f' class="{LIMIT}"'
        elif z is not None:
            kind, more = f' class="{FAR}"', f' title="outlier, z {z:+.1f}"'
        text = f"{of.usable}/{of.channels}" if measure.key == "usable" else None
        if text is None:
            text = in_words(modality, measure, value)
            if measure.key not in ("moving", "lost"):  # their unit stands in the heading
                text = text.partition(TOGETHER)[0]
        cells.append(f'<td data-value="{value:.4g}"{kind}{more}>{text}</td>')
    return [*cells, f"<td>{_picture(of.before, of.after, top)}</td>"]


def _scale(rows: Sequence[GroupRow], modality: str) -> float:
    """The top of all small pictures of a modality: one loud recording must not flatten the rest."""
    courses = (row.streams[modality].before for row in rows if modality in row.streams)
    known = [[value for value in course if value is not None] for course in courses]
    peaks = [float(np.percentile(course, 98)) for course in known if course]
    return 1.5 * float(np.median(peaks)) or 1.0 if peaks else 1.0


def _picture(before: Sequence[float | None], after: Sequence[float | None], top: float) -> str:
    """Before and after as steps on one scale, in whole numbers: there may be thousands."""
    shapes = "".join(
        f'<path class="{kind}" d="M0 {HEIGHT}{_steps(course, top)}V{HEIGHT}"/>'
        for kind, course in (("b", before), ("a", after))
    )
    width = max(len(before), len(after), 1)
    size = f'viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none"'
    return f'<svg aria-hidden="true" {size}>{shapes}</svg>'


def _steps(course: Sequence[float | None], top: float) -> str:
    parts = np.clip([(value or 0.0) / top for value in course], 0, 1).tolist()
    heights = [round(HEIGHT * (1 - part)) for part in parts]
    return "".join(f"V{height}h1" for height in heights)
