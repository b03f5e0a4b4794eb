"""A BIDS data set → the plan of a study: which runs pair, which do not, and why."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from neurofuse.cli.study.errors import NoInputError, NotBidsError
from neurofuse.cli.study.filters import Filters
from neurofuse.cli.study.labels import name_of
from neurofuse.cli.study.matching import (
    Group,
    groups_of,
    why_alone,
    why_motion,
    why_unclear,
)
from neurofuse.cli.study.tasks import LeftOut, Plan, Task
from neurofuse.io.bids.dataset import BIDS_VERSION, DESCRIPTION, IGNORED
from neurofuse.io.bids.sidecars import NONE
from neurofuse.io.bids.study import IMU, BidsStudy, Run
from neurofuse.io.bids.tables import MARK

SITES = ("site", "centre", "center")  # columns of participants.tsv
MODEL = ("ManufacturersModelName", "Manufacturer")  # in the JSON of a run; the first known counts
SKIP = "or give --skip-bids-validation"
LISTED = 3  # files that an error names
ALL = Filters()


def plan_bids(
    root: Path, filters: Filters = ALL, *, single: bool = False, validate: bool = True
) -> Plan:
    """The recordings of a BIDS data set.

    Every pair of an EEG and an fNIRS run is a task (`neurofuse.cli.study.matching.groups_of`).
    What is not taken stands in `left_out` with one sentence that says why. Only folders `sub-…` of
    the root are looked into: neither derivatives nor source data.

    Parameters
    ----------
    root : Path
        The data set.
    filters : Filters
        A filter file chooses runs before they are paired; labels choose recordings afterwards.
    single : bool
        Also take runs without a partner: they are cleaned by the model of their modality.
    validate : bool
        Refuse a data set without description and with JSON that cannot be read, and leave out
        what `.bidsignore` names.

    Returns
    -------
    Plan
        Tasks by subject, session, task and run, in which numbers count as such: 2 before 10.

    Raises
    ------
    StudyError
        NotBidsError, NoInputError if it is missing or holds no recording, NothingMatchesError for
        filters that leave nothing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for kind, end in (("eeg", "edf"), ("nirs", "snirf")):
    ...         folder = Path(root, "sub-01", kind)
    ...         folder.mkdir(parents=True)
    ...         (folder / f"sub-01_task-rest_{kind}.{end}").touch()
    ...     [task.name for task in plan_bids(Path(root), validate=False).tasks]
    ['sub-01_task-rest']
    """
    root = Path(os.path.abspath(root))
    if not root.is_dir():
        raise NoInputError(f"no folder {root}", "a BIDS data set", "check the path")
    if validate:
        _check_description(root)
    study = BidsStudy(root)
    if not study.runs and not study.faults:
        raise NoInputError(
            f"no folder sub-… in {root}",
            "a BIDS data set with recordings",
            "give the folder that holds sub-01, sub-02 and so on",
        )
    there = [run.entities for run in study.runs] + [fault.entities for fault in study.faults]
    filters.check(there)
    hidden = list(_hidden(study, filters, validate))
    out_of_sight = {run.path for run, _ in hidden}
    groups = groups_of(run for run in study.runs if run.path not in out_of_sight)
    wanted = [group for group in groups if filters.match(group.entities)]
    tasks: list[Task] = []
    left: list[LeftOut] = []
    for group in wanted:
        reason = _refusal(group, hidden, single)
        if reason:
            left.append(LeftOut(name_of(group.entities), _files(group), reason))
        else:
            tasks.append(_task(group, study))
    if validate:
        _refuse_unreadable(study)
    left += [
        LeftOut(name_of(run.entities), (run.path,), f"a run that {reason}")
        for run, reason in hidden
        if reason == BY_IGNORED and filters.match(run.entities)
    ]
    left += [
        LeftOut(name_of(fault.entities), (fault.path,), fault.reason)
        for fault in study.faults
        if filters.match(fault.entities, known=False)
    ]
    names = [name_of(group.entities) for group in groups_of(study.runs)]
    filters.refuse_nothing([*(task.name for task in tasks), *(one.name for one in left)], names)
    return Plan(root, tuple(tasks), tuple(left), bool(filters))


BY_IGNORED, BY_FILTER = f"{IGNORED} names", "the filter file leaves out"


def _hidden(study: BidsStudy, filters: Filters, validate: bool) -> Iterator[tuple[Run, str]]:
    """EEG and fNIRS runs that are not looked at, and why; motion goes with them."""
    for run in (run for run in study.runs if run.kind != IMU):
        if validate and study.ignored(run.path):
            yield run, BY_IGNORED
        elif not filters.match_run(run.kind, run.entities, run.path):
            yield run, BY_FILTER


def _refusal(group: Group, hidden: list[tuple[Run, str]], single: bool) -> str:
    """Why a group is no task; "" if it is one."""
    recorded = [run for run in group.runs if run.kind != IMU]
    if not recorded:
        return why_motion(group.runs[0])
    if group.unclear:
        return why_unclear(group)
    return why_alone(recorded[0], hidden) if len(recorded) == 1 and not single else ""


def _task(group: Group, study: BidsStudy) -> Task:
    entities = group.entities
    inputs: dict[str, Path] = {}
    for run in group.runs:
        inputs.setdefault(run.kind, run.path)
    more = [run.path for run in group.runs if run.path not in inputs.values()]  # further motion
    tables = [path for run in group.runs for path in study.sidecars(run)]
    sidecars = tuple(dict.fromkeys([*more, *tables]))
    person = study.participants.get(entities["sub"], {})
    site = next((person[name] for name in SITES if person.get(name, NONE) not in ("", NONE)), "")
    models = [_model(run, study) for run in group.runs if run.kind != IMU]
    device = " + ".join(dict.fromkeys(model for model in models if model))
    return Task(entities, inputs, sidecars, None, site, device, bids=True)


def _model(run: Run, study: BidsStudy) -> str:
    facts = study.facts(run)
    known = (" ".join(str(facts.get(name) or "").split()) for name in MODEL)
    return next((model for model in known if model.lower() not in ("", NONE, "unknown")), "")


def _check_description(root: Path) -> None:
    path = root / DESCRIPTION
    try:
        described = json.loads(path.read_text(MARK))
    except FileNotFoundError as error:
        raise NotBidsError(
            f"no {DESCRIPTION} in {root}",
            "a valid BIDS data set",
            f'write one that holds {{"Name": "…", "BIDSVersion": "{BIDS_VERSION}"}}, {SKIP}',
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise NotBidsError(
            f"{path}, which cannot be read ({' '.join(str(error).split())})",
            "JSON of BIDS",
            f"repair it, {SKIP}",
        ) from error
    if not isinstance(described, dict):
        raise NotBidsError(f"{path}, which is no JSON object", "that of BIDS", f"repair it, {SKIP}")


def _refuse_unreadable(study: BidsStudy) -> None:
    if study.unreadable:
        listed = [
            f"{path.relative_to(study.root).as_posix()} ({why})"
            for path, why in sorted(study.unreadable.items())
        ]
        more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
        raise NotBidsError(
            f"JSON that cannot be read in {study.root}: {'; '.join(listed[:LISTED])}{more}",
            "a valid BIDS data set",
            f"repair it, {SKIP}",
        )


def _files(group: Group) -> tuple[Path, ...]:
    return tuple(run.path for run in group.runs)
