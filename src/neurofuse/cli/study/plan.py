"""A BIDS data set, a plain folder or a table of pairs → the plan of a study, and its file."""

import json
import os
import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from neurofuse.cli.study.bids import plan_bids
from neurofuse.cli.study.errors import NoInputError
from neurofuse.cli.study.filters import Filters
from neurofuse.cli.study.folder import plan_folder
from neurofuse.cli.study.labels import natural
from neurofuse.cli.study.pairs import plan_pairs
from neurofuse.cli.study.tasks import LOGS, Plan
from neurofuse.io.bids.dataset import DESCRIPTION
from neurofuse.io.bids.sidecars import as_json
from neurofuse.io.detect.folder import subject_folder
from neurofuse.io.staging import staged

ALL = Filters()
PLAN = "plan.json"
LISTS = ("tasks", "left_out")
# folders and files of a BIDS data set, whose names hold no more than labels
PART = re.compile(r"(sub|ses)-[A-Za-z0-9]+|eeg|nirs|motion")
FILE = re.compile(
    r"(sub|ses)-[A-Za-z0-9]+((_[a-z]+-[A-Za-z0-9]+)*_(eeg|nirs|motion)(\.[a-z0-9]+)+)?"
)


def plan_study(
    source: Path, filters: Filters = ALL, *, single: bool = False, validate: bool = True
) -> Plan:
    """What is to be done in a study, whatever it is kept in.

    Parameters
    ----------
    source : Path
        A BIDS data set (it has folders `sub-…` or a `dataset_description.json`), another folder
        (`neurofuse.cli.study.folder.plan_folder`), or a table of pairs, which is a file
        (`neurofuse.cli.study.pairs.plan_pairs`).
    filters : Filters
        What of it is wanted.
    single : bool
        Also take EEG without fNIRS, and fNIRS without EEG.
    validate : bool
        Refuse what is no valid BIDS data set, and leave out what `.bidsignore` names.

    Returns
    -------
    Plan

    Raises
    ------
    StudyError
        If the source is missing, invalid or holds no recording, or filters leave nothing.
    """
    source = Path(os.path.abspath(source))
    if source.is_file():
        return plan_pairs(source, filters)
    try:
        names = os.listdir(source)
    except OSError as error:
        raise NoInputError(
            f"{source}, which cannot be opened ({error.strerror})",
            "a BIDS data set, a folder with recordings or a table of pairs",
            "check the path",
        ) from error
    person = subject_folder(source)
    if person is not None:
        raise NoInputError(
            f"{source}, a part of a BIDS data set",
            "the whole data set",
            f"give {person.parent} with --participant-label {person.name.removeprefix('sub-')}",
        )
    people = (name for name in names if name.startswith("sub-") and (source / name).is_dir())
    if DESCRIPTION in names or any(people):
        return plan_bids(source, filters, single=single, validate=validate)
    return plan_folder(source, filters, single=single)


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON takes it; files are named relative to the source.

    Returns
    -------
    dict
        "source"; "tasks" with "name", "entities", "inputs", "site", "device" and "offset" [s];
        "left_out" with "name", "files" and "reason".

    Examples
    --------
    >>> from neurofuse.cli.study.tasks import Task
    >>> task = Task({"sub": "01", "task": "rest"}, {"eeg": Path("/set/sub-01/a.edf")})
    >>> plan_json(Plan(Path("/set"), (task,)))["tasks"][0]["inputs"]
    {'eeg': 'sub-01/a.edf'}
    """
    home = plan.source.parent if plan.source.is_file() else plan.source
    return {
        "source": str(plan.source),
        "tasks": [
            {
                "name": task.name,
                "entities": task.entities,
                "inputs": {kind: _relative(path, home) for kind, path in task.inputs.items()},
                "site": task.site,
                "device": task.device,
                "offset": task.offset,
            }
            for task in plan.tasks
        ],
        "left_out": [
            {
                "name": left.name,
                "files": [_relative(path, home) for path in left.files],
                "reason": left.reason,
            }
            for left in plan.left_out
        ],
    }


def write_plan(plan: Plan, out: Path) -> Path:
    """Write a plan into the logs of the outputs, together with what other calls have planned.

    A plan without filters takes the place of what was planned from the same source. Names that are
    not BIDS's may tell who a participant is: only the suffixes of such files are written.

    Parameters
    ----------
    plan : Plan
    out : Path
        The derivative data set.

    Returns
    -------
    Path
        The file, `logs/plan.json`.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    facts = plan_json(plan)
    facts["source"] = _relative(plan.source, Path(os.path.abspath(out)))
    for task in facts["tasks"]:
        task["inputs"] = {kind: _public(name) for kind, name in task["inputs"].items()}
    for left in facts["left_out"]:
        left["files"] = [_public(name) for name in left["files"]]
    folder = Path(out) / LOGS
    merge = {PLAN: partial(_merged, filtered=plan.filtered)}
    with staged(folder, [PLAN], overwrite=True, merge=merge) as stage:
        (stage / PLAN).write_text(as_json(facts), encoding="utf-8")
    return folder / PLAN


def _merged(there: str, new: str, *, filtered: bool) -> str:
    """The plan there with what the new one says of its recordings."""
    facts = json.loads(new)
    try:
        old = json.loads(there)
        if not filtered and old["source"] == facts["source"]:
            return new
        names = {one["name"] for key in LISTS for one in facts[key]}
        for key in LISTS:
            facts[key] += [one for one in old[key] if one["name"] not in names]
            facts[key].sort(key=lambda one: natural(one["name"]))
    except (ValueError, KeyError, TypeError):  # no plan, or one that somebody has changed
        return new
    return as_json(facts)


def _relative(path: Path, home: Path) -> str:
    try:
        return Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # on another drive
        return path.name


def _public(name: str) -> str:
    """The name of a file below a BIDS data set as it is, of another one its suffix only."""
    parts = PurePosixPath(name).parts
    known = all(PART.fullmatch(part) for part in parts[:-1]) and FILE.fullmatch(parts[-1])
    return name if known else f"*{PurePosixPath(name).suffix}"
