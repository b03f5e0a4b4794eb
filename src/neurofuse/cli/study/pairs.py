"""A table of pairs → the plan of a study: a line for each recording, columns between tabs."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from neurofuse.cli.study.errors import NoInputError, UsageError
from neurofuse.cli.study.filters import Filters
from neurofuse.cli.study.folder import refuse_filter_file
from neurofuse.cli.study.labels import UNNAMED, in_order, name_of
from neurofuse.cli.study.tasks import Plan, Task
from neurofuse.io.bids.sidecars import NONE
from neurofuse.io.bids.tables import number_of, text_of
from neurofuse.io.detect.parts import parts_of
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, NIRS

NEEDED = (EEG.name, NIRS.name, "participant")
FURTHER = ("offset", "session", "task", "run", "site", "device")
LABELS = {"participant": "sub", "session": "ses", "task": "task", "run": "run"}
FORM = f"columns {', '.join(NEEDED)} and, if wanted, {', '.join(FURTHER)}, with tabs between them"
NO_FILTERS = Filters()


@dataclass(frozen=True)
class _Row:
    """A line of the table, its cells by column; "" where it says nothing."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def plan_pairs(table: Path, filters: Filters = NO_FILTERS) -> Plan:
    """The recordings that a table of pairs lists.

    Columns are `eeg`, `nirs`, `participant` and, if wanted, `offset` [s], `session`, `task`, `run`,
    `site` and `device`; "n/a" is an empty cell. Paths are absolute or relative to the table. One of
    `eeg` and `nirs` may be empty: the other is cleaned alone. Labels are text: 01 stays 01. Without
    `task` it is "unnamed"; several lines of one participant, session and task that say no `run`
    get 1, 2 … in their order. A file that is not there costs only its line: that task fails.

    Parameters
    ----------
    table : Path
        UTF-8, UTF-16 or Latin-1.
    filters : Filters
        Labels; a filter file is for BIDS.

    Returns
    -------
    Plan
        Tasks by participant, session, task and run.

    Raises
    ------
    StudyError
        UsageError with the number of the line for a table that says something impossible,
        NoInputError if it or all of its files are missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "pairs.tsv")
    ...     Path(folder, "a.edf").touch()
    ...     cells = "eeg nirs offset participant", "a.edf b.snirf 0.2 01"
    ...     _ = table.write_text("\\n".join(cells).replace(" ", "\\t"))
    ...     plan = plan_pairs(table)
    >>> [(task.name, task.offset) for task in plan.tasks]
    [('sub-01_task-unnamed', 0.2)]
    """
    table = Path(os.path.abspath(table))
    refuse_filter_file(filters)
    rows = _read(table)
    _refuse_doubles(rows, table)
    tasks = [
        _task(row, entities, table)
        for row, entities in zip(rows, _entities(rows, table), strict=True)
    ]
    inputs = [path for task in tasks for path in task.inputs.values()]
    if not any(path.exists() for path in inputs):
        raise NoInputError(
            f"none of the {len(inputs)} files of {table}, for instance {inputs[0]}",
            "files that are there",
            f"give absolute paths, or such that lead there from {table.parent}",
        )
    filters.check([task.entities for task in tasks])
    wanted = [task for task in tasks if filters.match(task.entities)]
    names = [task.name for task in tasks]
    filters.refuse_nothing([task.name for task in wanted], names)
    wanted.sort(key=lambda task: in_order(task.entities))
    return Plan(table, tuple(wanted), filtered=bool(filters))


def _read(table: Path) -> list[_Row]:
    try:
        text = text_of(table)
    except OSError as error:
        raise NoInputError(
            f"{table}, which cannot be opened ({error.strerror})",
            "a table of pairs",
            "check the path",
        ) from error
    every = enumerate(re.split(r"\r\n|\r|\n", text), 1)
    lines = [(number, line) for number, line in every if line.strip()]
    head = [cell.strip().lower() for cell in lines[0][1].split("\t")] if lines else []
    lacking = [name for name in NEEDED if name not in head]
    if lacking:
        raise UsageError(
            f"no column {' and no column '.join(lacking)} in {table}", FORM, "add them"
        )
    twice = [name for name, count in Counter(head).items() if count > 1 and name]
    if twice:
        raise UsageError(f"two columns {twice[0]} in {table}", "one", "remove the other")
    unknown = [name for name in head if name and name not in (*NEEDED, *FURTHER)]
    if unknown:
        LOG.warning("%s: columns %s are not looked at", table, ", ".join(unknown))
    rows = [_row(number, line, head, table) for number, line in lines[1:]]
    if not rows:
        raise NoInputError(f"no line below the head of {table}", "one for each recording", "add it")
    return rows


def _row(number: int, line: str, head: list[str], table: Path) -> _Row:
    cells = [cell.strip() for cell in line.split("\t")]
    if any(cells[len(head) :]):
        raise UsageError(
            f"{len(cells)} cells in line {number} of {table}",
            f"{len(head)}",
            "remove tabs too many",
        )
    said = {name: "" if cell == NONE else cell for name, cell in zip(head, cells, strict=False)}
    row = _Row(number, said)
    if not row[EEG.name] and not row[NIRS.name]:
        raise UsageError(
            f"neither eeg nor nirs in line {number} of {table}", "one of them", "fill or remove it"
        )
    if not row["participant"]:
        raise UsageError(
            f"no participant in line {number} of {table}", "its label, such as 01", "fill it in"
        )
    for column, key in LABELS.items():
        label = row.cells[column] = row[column].removeprefix(f"{key}-")
        pattern, words = (
            (r"[0-9]*", "digits") if key == "run" else (r"[A-Za-z0-9]*", "letters and digits")
        )
        if not re.fullmatch(pattern, label):
            raise UsageError(
                f"{column} {label!r} in line {number} of {table}",
                f"{words} only",
                "choose another label",
            )
    offset = row["offset"]
    if offset and not abs(number_of(offset)) < float("inf"):
        raise UsageError(
            f"offset {offset!r} in line {number} of {table}",
            "seconds, with a point for decimals",
            "correct it, or leave it empty to align by events or dates",
        )
    return row


def _refuse_doubles(rows: list[_Row], table: Path) -> None:
    """Raise UsageError where two lines name the same files, or the same recording."""
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        files = ("files", _place(row[EEG.name], table), _place(row[NIRS.name], table))
        keys: list[tuple[str, ...]] = [files]
        if row["run"]:
            keys.append(("recording", *(row[column] for column in LABELS)))
        for key in keys:
            if key in seen:
                raise UsageError(
                    f"the same {key[0]} in lines {seen[key]} and {row.line} of {table}",
                    "one line for each recording",
                    "remove one of them, or give them different runs",
                )
            seen[key] = row.line


def _entities(rows: list[_Row], table: Path) -> list[dict[str, str]]:
    """BIDS entities of all lines; those of one participant, session and task get numbers."""
    made: list[dict[str, str]] = []
    same = [(row["participant"], row["session"], row["task"]) for row in rows]
    silent = Counter(key for key, row in zip(same, rows, strict=True) if not row["run"])
    used = {(*key, int(row["run"])) for key, row in zip(same, rows, strict=True) if row["run"]}
    for key, row in zip(same, rows, strict=True):
        run = row["run"]
        if not run and silent[key] > 1:
            number = next(n for n in range(1, len(rows) + 1) if (*key, n) not in used)
            used.add((*key, number))
            run = str(number)
        labels = {"sub": key[0], "ses": key[1], "task": key[2] or UNNAMED, "run": run}
        made.append({name: label for name, label in labels.items() if label})
    often = Counter(name_of(entities) for entities in made)
    double = next((name for name, count in often.items() if count > 1), "")
    if double:
        raise UsageError(f"two lines that are {double} in {table}", "one", "give them runs")
    return made


def _task(row: _Row, entities: dict[str, str], table: Path) -> Task:
    inputs = {kind: Path(_place(row[kind], table)) for kind in (EEG.name, NIRS.name) if row[kind]}
    parts = tuple(part for path in inputs.values() for part in parts_of(path))
    offset = float(row["offset"]) if row["offset"] and len(inputs) > 1 else None
    return Task(entities, inputs, parts, offset, row["site"], row["device"])


def _place(cell: str, table: Path) -> str:
    """Where a cell leads to; "" if it is empty. Paths of Windows are understood elsewhere too."""
    path = table.parent / os.path.expanduser(cell)
    if "\\" in cell and os.sep == "/" and not path.exists():
        path = table.parent / cell.replace("\\", "/")
    return os.path.normpath(path) if cell else ""
