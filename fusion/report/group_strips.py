"""Small multiples of a study: each measure of all recordings, device by device, on one scale."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np

from neurofuse.fusion.report.group_outliers import (
    LEAST,
    Measure,
    Outlier,
    measures_of,
    robust_z,
)
from neurofuse.fusion.report.group_row import GroupRow
from neurofuse.fusion.report.group_table import in_words
from neurofuse.io.modality import MODALITIES

WIDTH, HEIGHT, EDGE = 200, 26, 4  # of a strip, and where its scale begins
DEVICES = 12  # shown for each modality
REACH = 10.0  # robust standard deviations from the median, where a scale ends at the latest
JITTER = 17  # heights at which dots lie, so that equal values lie beside each other
MIX = 2654435761  # the golden ratio in 32 bits: neighbours in the table get unlike heights


def strips_section(rows: Sequence[GroupRow], far: Sequence[Outlier]) -> str:
    """HTML: for each modality a table of strips, a row each device and a column each measure."""
    parts = [_modality(rows, far, modality) for modality in MODALITIES]
    if not any(parts):
        return ""
    return (
        '<p class="note">A dot is a recording, a line the median. Outliers are large and lead to '
        f"their row; devices with fewer than {LEAST} recordings have none. A measure has one "
        f"scale for all devices; what is far beyond it lies at its end.</p>{''.join(parts)}"
    )


def _modality(rows: Sequence[GroupRow], far: Sequence[Outlier], modality: str) -> str:
    own = [n for n, row in enumerate(rows) if modality in row.streams]
    if not own:
        return ""
    count = Counter(rows[n].device for n in own)
    devices = [name for name, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))]
    measures = measures_of(modality)
    values = {m.key: {n: m.value(rows[n].streams[modality]) for n in own} for m in measures}
    ends = {m.key: _ends(values[m.key], m) for m in measures}
    head = "".join(_heading(modality, m, ends[m.key]) for m in measures)
    odd = {(one.measure.key, one.row) for one in far if one.modality == modality}
    lines = []
    for device in devices[:DEVICES]:
        cells = ""
        for m in measures:
            here = {n: values[m.key][n] for n in own if rows[n].device == device}
            known = {n: value for n, value in here.items() if value is not None}
            unusual = {n for n in known if (m.key, n) in odd}
            cells += f"<td>{_strip(rows, modality, m, known, unusual, ends[m.key])}</td>"
        name = escape(device) or "unknown device"
        lines.append(f'<tr><th scope="row">{name}<br>n = {count[device]}</th>{cells}</tr>')
    more = len(devices) - DEVICES
    note = f'<p class="note">{more} devices with fewer recordings are not shown.</p>'
    return (
        f'<table class="strips"><thead><tr><th scope="col">{MODALITIES[modality].display}</th>'
        f"{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{note if more > 0 else ''}"
    )


def _ends(values: dict[int, float | None], measure: Measure) -> tuple[float, float]:
    """The scale of a measure: all values, but for those very far off."""
    known = {n: value for n, value in values.items() if value is not None}
    if not known:
        return 0.0, 1.0
    median, z = robust_z(known)
    near = [value for n, value in known.items() if abs(z.get(n, 0.0)) <= REACH] or [median]
    low, high = min(near), max(near)
    if high - low < measure.least:
        low, high = low - measure.least / 2, high + measure.least / 2
    if measure.key in ("usable", "moving", "lost"):
        low, high = max(low, 0.0), min(high, 1.0)
    return low, high


def _heading(modality: str, measure: Measure, ends: tuple[float, float]) -> str:
    low, high = (in_words(modality, measure, end) for end in ends)
    return (
        f'<th scope="col">{measure.title}<span class="ends"><span>{low}</span><span>{high}</span>'
        "</span></th>"
    )


def _strip(
    rows: Sequence[GroupRow],
    modality: str,
    measure: Measure,
    values: dict[int, float],
    unusual: set[int],
    ends: tuple[float, float],
) -> str:
    """One dot a recording; equal ones are drawn once, so that thousands stay small."""
    if not values:
        return "–"
    low, high = ends

    def x(value: float) -> int:
        part = (min(max(value, low), high) - low) / (high - low)
        return round(EDGE + (WIDTH - 2 * EDGE) * part)

    middle = HEIGHT // 2
    places = {n: (x(v), middle + (n * MIX >> 16) % JITTER - JITTER // 2) for n, v in values.items()}
    plain = sorted({place for n, place in places.items() if n not in unusual})
    dots = "".join(f"M{a} {b}h0" for a, b in plain)
    at = x(float(np.median(list(values.values()))))
    marked = "".join(
        f'<a href="#r{n}"><circle cx="{places[n][0]}" cy="{places[n][1]}" r="3.5"><title>'
        f"{escape(rows[n].name)}: {in_words(modality, measure, values[n])}</title></circle></a>"
        for n in sorted(unusual)
    )
    alt = (
        f"{measure.title} of {len(values)} recordings, median "
        f"{in_words(modality, measure, float(np.median(list(values.values()))))}, "
        f"{len(unusual)} outliers"
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(alt)}">'
        f'<path class="median" d="M{at} 1V{HEIGHT - 1}"/><path class="dots" d="{dots}"/>{marked}'
        "</svg>"
    )
