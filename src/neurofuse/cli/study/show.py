"""The plan of a study for people: tables of what is cleaned and what is left out, or JSON."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from neurofuse.cli.console import stdout
from neurofuse.cli.study.plan import plan_json
from neurofuse.cli.study.tasks import Plan, Task
from neurofuse.io.bids.study import IMU
from neurofuse.io.detect.format import BOTH, SUFFIXES, suffix_of
from neurofuse.io.modality import EEG, MODALITIES, NIRS

HEADS = {EEG.name: EEG.display, NIRS.name: NIRS.display, IMU: "IMU"}
LOST, SAME = "not there", "in the same file"
WIDEST = 2**12  # columns


def show(plan: Plan, *, json_output: bool = False) -> None:
    """Print a plan to stdout: what will be cleaned, what is left out and why, and the counts.

    Parameters
    ----------
    plan : Plan
    json_output : bool
        JSON (`neurofuse.cli.study.plan.plan_json`) instead of tables.
    """
    console = stdout()
    if json_output:
        print(json.dumps(plan_json(plan), indent=2))
        return
    for table in (_tasks(plan), _left_out(plan)):
        if table.row_count:
            _print_whole(table, console)
    console.print(escape(counted(plan)), highlight=False)


def counted(plan: Plan) -> str:
    """How many recordings there are, in one line.

    Examples
    --------
    >>> counted(Plan(Path("set"), (Task({"sub": "01"}, {"eeg": Path("a.edf")}),)))
    '1 recording to be cleaned: 0 of EEG and fNIRS, 1 of one file; 0 left out; not there: 1 file'
    """
    pairs = sum(set(MODALITIES) <= set(task.inputs) for task in plan.tasks)
    count, lost = len(plan.tasks), len(missing(plan.tasks))
    return (
        f"{count} {'recording' if count == 1 else 'recordings'} to be cleaned: {pairs} of EEG and "
        f"fNIRS, {count - pairs} of one file; {len(plan.left_out)} left out"
        + (f"; not there: {lost} {'file' if lost == 1 else 'files'}" if lost else "")
    )


def missing(tasks: Iterable[Task]) -> list[Path]:
    """Inputs that are not there or may not be read: their tasks will fail."""
    return [path for task in tasks for path in task.inputs.values() if not _is_there(path)]


def _is_there(path: Path) -> bool:
    return os.access(path, os.R_OK)


def _tasks(plan: Plan) -> Table:
    table = Table(box=None, title="to be cleaned", title_justify="left", title_style="bold")
    kinds = [kind for kind in HEADS if any(kind in task.inputs for task in plan.tasks)]
    further = [name for name in ("device", "site") if any(getattr(t, name) for t in plan.tasks)]
    for head in ("name", *(HEADS[kind] for kind in kinds), *further):
        table.add_column(head, no_wrap=True)
    for task in plan.tasks:
        files = [_file(task, kind, plan) for kind in kinds]
        facts = [getattr(task, name) or "-" for name in further]
        table.add_row(*map(escape, (task.name, *files, *facts)))
    return table


def _file(task: Task, kind: str, plan: Plan) -> str:
    """What a cell says of a file: whether it is there, or, where names do not tell, its name."""
    path = task.inputs.get(kind)
    if path is None:
        both = kind == NIRS.name and _holds_both(task.inputs.get(EEG.name))
        return SAME if both else "-"
    if not _is_there(path):
        return f"{path.name} {LOST}"
    return path.suffix if task.bids else os.path.relpath(path, _folder(plan))


def _folder(plan: Plan) -> Path:
    return plan.source if plan.source.is_dir() else plan.source.parent


def _holds_both(path: Path | None) -> bool:
    return path is not None and SUFFIXES.get(suffix_of(path), ("", BOTH))[1] == BOTH


def _left_out(plan: Plan) -> Table:
    table = Table(box=None, title="left out", title_justify="left", title_style="bold")
    for head in ("name", "why", "files"):
        table.add_column(head, no_wrap=True)
    for left in plan.left_out:
        files = ", ".join(path.name for path in left.files)
        table.add_row(*map(escape, (left.name, left.reason, files)))
    return table


def _print_whole(table: Table, console: Console) -> None:
    """Print a table without cutting its cells: where it is too wide, its lines run on."""
    boundless = console.options.update(max_width=WIDEST)
    console.width = max(console.width, console.measure(table, options=boundless).maximum)
    console.print(table)
