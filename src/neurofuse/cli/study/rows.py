"""The tables in a study's outputs → the rows of its group page: each task of the plan is one.

Only what is small is read: the plan, summaries and crash files. What is damaged costs its own row.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurofuse.cli.cohort import without_folders
from neurofuse.cli.names import bids_outputs
from neurofuse.cli.study.fields import (
    fraction_of,
    known_number,
    list_of,
    number_of,
    object_of,
    read_json,
    reason_of,
    text_of,
)
from neurofuse.cli.study.labels import natural
from neurofuse.cli.study.plan import PLAN
from neurofuse.cli.study.summary import FORMAT, SUFFIX
from neurofuse.cli.study.tasks import LOGS
from neurofuse.fusion.report.group_row import Figures, GroupRow
from neurofuse.io.detect.format import suffix_of
from neurofuse.io.identity import BIDS_NAME
from neurofuse.io.modality import MODALITIES

LARGEST = 2**20  # bytes of a summary or crash file; none of ours comes near
LARGEST_PLAN = 2**28
CRASH = "crash-"
MARK = "clean"  # the label `desc` of outputs
FOLDER = r"(?:(?<![^\s('\"])(?:[A-Za-z]:)?[\\/][^;\n]*?(?<=[\\/]))?"  # also "Doe, Eva"
STALE = "not in the plan of today"
OUTDATED = "outputs of an earlier plan are still there"


def rows_of(out: Path) -> tuple[list[GroupRow], list[str]]:
    """All recordings of a study, and what is wrong with the study as a whole.

    Parameters
    ----------
    out : Path
        The derivative data set.

    Returns
    -------
    list of GroupRow
        Tasks of the plan, what was left out, and outputs that no plan names, by name; numbers in
        names count as such. None if there is nothing.
    list of str
        Sentences for the head of the page.
    """
    planned, left, trouble = _plan(out)
    found = {path.name.removesuffix(SUFFIX): path for path in _each(out, f"*{SUFFIX}")}
    crashes = {
        path.stem.removeprefix(CRASH): path for path in (out / LOGS).glob(f"*/{CRASH}*.json")
    }
    others = sorted({*found, *crashes} - {row.name for row in [*planned, *left]})
    rows = [_row(out, row, found, crashes) for row in planned]
    for name in others:
        row = _row(out, GroupRow(name, "not done", entities=_entities(name)), found, crashes)
        remark = "" if trouble else STALE
        rows.append(replace(row, reason="; ".join(filter(None, (row.reason, remark)))))
    old = set(found) - {row.name for row in planned}
    left = [replace(r, reason=f"{r.reason}; {OUTDATED}") if r.name in old else r for r in left]
    return sorted([*rows, *left], key=lambda row: natural(row.name)), trouble


def _plan(out: Path) -> tuple[list[GroupRow], list[GroupRow], list[str]]:
    """What was planned, what was left out, and why the plan cannot be read."""
    try:
        facts = object_of(read_json(out / LOGS / PLAN, LARGEST_PLAN))
        tasks = [_task(object_of(one)) for one in list_of(facts["tasks"])]
        left = [_left_out(object_of(one), n) for n, one in enumerate(list_of(facts["left_out"]), 1)]
        return list({row.name: row for row in tasks}.values()), left, []
    except FileNotFoundError:
        why = "it is not there"
    except (OSError, ValueError, KeyError) as error:
        why = reason_of(error)
    trouble = f"The plan ({LOGS}/{PLAN}) cannot be read: {why}. Recordings that were not begun "
    return [], [], [trouble + "and those left out are missing here; run the level participant."]


def _task(facts: dict[str, Any]) -> GroupRow:
    inputs = object_of(facts.get("inputs", {}))
    return GroupRow(
        text_of(facts["name"]),
        "not done",
        entities={text_of(k): text_of(v) for k, v in object_of(facts.get("entities", {})).items()},
        planned=tuple(modality for modality in MODALITIES if modality in inputs),
        site=text_of(facts.get("site", "")),
        device=text_of(facts.get("device", "")),
    )


def _left_out(facts: dict[str, Any], number: int) -> GroupRow:
    name = text_of(facts.get("name", "")) or f"left out {number}"
    reason = without_folders(text_of(facts.get("reason", "")))
    return GroupRow(name, "left out", reason, entities=_entities(name))


def _row(out: Path, row: GroupRow, found: dict[str, Path], crashes: dict[str, Path]) -> GroupRow:
    """The row of a task: what its crash file, its summary, or neither of them says."""
    if row.name in crashes:
        path = crashes[row.name]
        place = path.relative_to(out).as_posix()
        return replace(row, state="failed", reason=_message(path), crash=place)
    if row.name not in found:
        return row
    row = replace(row, report=_report(out, row))
    try:
        return _read(found[row.name], row)
    except (OSError, ValueError, KeyError) as error:
        return replace(
            row, state="unreadable", reason=f"the summary does not count: {reason_of(error)}"
        )


def _read(path: Path, row: GroupRow) -> GroupRow:
    """A row with the figures of a summary."""
    facts = object_of(read_json(path, LARGEST))
    if facts.get("format") != FORMAT:
        raise ValueError("another version of neurofuse wrote it; clean this recording again")
    if facts["name"] != row.name:
        raise ValueError("it is of another recording")
    tested = object_of(facts.get("self_test", {}))
    streams = {
        stream: _figures(object_of(of))
        for stream, of in object_of(facts["streams"]).items()
        if stream in MODALITIES
    }
    if not streams:
        raise ValueError("it holds no modality")
    return replace(
        row,
        state="done",
        site=text_of(facts["site"]) or row.site,
        device=text_of(facts["device"]) or row.device,
        method=text_of(facts["method"]),
        version=text_of(facts["version"]),
        seconds=number_of(facts["seconds"]),
        streams={stream: streams[stream] for stream in MODALITIES if stream in streams},
        errors={
            m: {text_of(name): number_of(value) for name, value in object_of(of).items()}
            for m, of in object_of(tested.get("error_db", {})).items()
            if m in MODALITIES
        },
        best={
            m: text_of(b) for m, b in object_of(tested.get("best", {})).items() if m in MODALITIES
        },
    )


def _figures(of: dict[str, Any]) -> Figures:
    made = Figures(
        channels=int(number_of(of["channels"])),
        usable=int(number_of(of["usable"])),
        bad=int(number_of(of["bad"])),
        rate=number_of(of["rate"]),
        seconds=number_of(of["seconds"]),
        moving=fraction_of(of["moving"]),
        unchanged=fraction_of(of["unchanged"]),
        lost=fraction_of(of["lost"]),
        movements=int(number_of(of["movements"])),
        attenuation_db=known_number(of["attenuation_db"]),
        quality=known_number(of["quality"]),
        before=tuple(map(known_number, list_of(of["before"]))),
        after=tuple(map(known_number, list_of(of["after"]))),
    )
    if not 0 <= made.usable <= made.channels or made.channels < 1:
        raise ValueError(f"it calls {made.usable} of {made.channels} channels usable")
    return made


def _message(path: Path) -> str:
    """Why a task failed, in the words of its crash file."""
    try:
        facts = object_of(read_json(path, LARGEST))
        return _public(text_of(facts["message"]), facts) or text_of(facts["kind"])
    except (OSError, ValueError, KeyError) as error:
        return f"its crash file cannot be read: {reason_of(error)}"


def _public(message: str, facts: dict[str, Any]) -> str:
    """A message without folders, and without names of inputs that are not BIDS's.

    Both may tell who the participant is.

    Examples
    --------
    >>> _public("half of /data/Doe, Eva/e_eeg.eeg; wanted all", {"inputs": {"eeg": "e_eeg.vhdr"}})
    'half of *.eeg; wanted all'
    """
    for name in map(text_of, object_of(facts.get("inputs", {})).values()):
        bare = name[: len(name) - len(suffix_of(name))]
        shown = bare if BIDS_NAME.fullmatch(name) else "*"
        found = re.compile(rf"{FOLDER}(?<!\w){re.escape(bare)}(?=\.)")
        message = found.sub(lambda _, shown=shown: shown, message)
    return without_folders(message)


def _report(out: Path, row: GroupRow) -> str:
    if "sub" not in row.entities:
        return ""
    place = bids_outputs({**row.entities, "desc": MARK})["report"]
    return place if (out / place).is_file() else ""


def _each(out: Path, pattern: str) -> Iterator[Path]:
    """Files in folders of participants and sessions."""
    for depth in ("sub-*", "sub-*/ses-*"):
        yield from out.glob(f"{depth}/{pattern}")


def _entities(name: str) -> dict[str, str]:
    """The labels in a name.

    Examples
    --------
    >>> _entities("sub-01_task-rest")
    {'sub': '01', 'task': 'rest'}
    """
    pairs = (part.partition("-") for part in name.split("_"))
    return {key: label for key, dash, label in pairs if dash and label.isalnum()}
