"""The sidecars of a BIDS run as they are: tables and JSON, with or without a byte order mark."""

import codecs
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.bids.sidecars import NONE
from neurofuse.io.logs import LOG

Rows = list[dict[str, str]]
MARK = "utf-8-sig"  # takes a byte order mark for what it is


def rows_of(path: Path | None) -> Rows:
    """The rows of a table by its columns; none where there is no table.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "channels.tsv")
    ...     _ = file.write_text("name\\tstatus\\nCz\\tbad\\n", MARK)
    ...     rows_of(file)
    [{'name': 'Cz', 'status': 'bad'}]
    """
    if path is None:
        return []
    lines = [line for line in text_of(path).splitlines() if line.strip()]
    if not lines:
        return []
    head = [name.strip() for name in lines[0].split("\t")]
    return [
        dict(zip(head, (cell.strip() for cell in line.split("\t")), strict=False))
        for line in lines[1:]
    ]


def text_of(path: Path) -> str:
    """The text of a table: UTF-8, else UTF-16 where it begins with its mark, else Latin-1.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "table.tsv")
    ...     _ = file.write_bytes("Z\u00fcrich".encode("latin-1"))
    ...     text_of(file) == "Z\u00fcrich"
    True
    """
    content = Path(path).read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode(MARK)
    except UnicodeDecodeError:
        return content.decode("latin-1")


def facts_of(path: Path | None) -> dict[str, Any]:
    """What a JSON file says; nothing where there is none."""
    facts = {} if path is None else json.loads(Path(path).read_text(MARK))
    return facts if isinstance(facts, dict) else {}


def number_of(cell: str | None) -> float:
    """A cell as a number, NaN for "n/a" and whatever else is none."""
    try:
        return float(cell or "")
    except ValueError:
        return float("nan")


def usable_events(rows: Rows, path: Path) -> Rows:
    """The rows of events.tsv, corrected: one impossible number does not cost the others.

    Durations that are negative, infinite or no number become 0, and rows whose onset is none are
    left out, each with a warning; "n/a" is no fault.

    Raises
    ------
    ValueError
        If there is no column `onset`.

    Examples
    --------
    >>> rows = [{"onset": "1.5", "duration": "-2"}, {"onset": "n/a", "duration": "0"}]
    >>> usable_events(rows, Path("events.tsv"))
    [{'onset': '1.5', 'duration': '0'}]
    """
    if rows and not any("onset" in row for row in rows):
        raise ValueError("events.tsv has no column onset")
    timed = [row for row in rows if np.isfinite(number_of(row.get("onset")))]
    lost = len(rows) - len(timed) - sum(row.get("onset", NONE) in ("", NONE) for row in rows)
    if lost:
        LOG.warning("%s: %d events whose onset is no number of seconds are left out", path, lost)
    usable = [
        row
        if row.get("duration", NONE) in ("", NONE) or _is_length(row["duration"])
        else {**row, "duration": "0"}
        for row in timed
    ]
    changed = sum(new is not old for new, old in zip(usable, timed, strict=True))
    if changed:
        LOG.warning(
            "%s: %d events of negative or unreadable duration: taken as 0 s long", path, changed
        )
    return usable


def _is_length(cell: str) -> bool:
    return 0 <= number_of(cell) < np.inf


def acquired_at(path: Path) -> datetime | None:
    """The date that scans.tsv gives a run; one without a zone is local time, as BIDS has it."""
    for folder in list(path.parents)[1:3]:
        for table in sorted(folder.glob("sub-*_scans.tsv")):
            for row in rows_of(table):
                if row.get("filename") == f"{path.parent.name}/{path.name}":
                    return _date(row.get("acq_time", NONE))
    return None


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None
