"""The tables in a study's outputs → the rows of its group page: each task of the plan is one.

Only what is small is read: the plan, summaries and crash files. What is damaged costs its own row.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurofuse.cli.cohort import without_folders
from neurofuse.cli.names import bids_outputs
from neurofuse.cli.study.labels import natural
from neurofuse.cli.study.plan import PLAN
from neurofuse.cli.study.summary import FORMAT, SUFFIX
from neurofuse.cli.study.tasks import LOGS
from neurofuse.fusion.report.group_row import Figures, GroupRow
from neurofuse.io.modality import MODALITIES

LARGEST = 2**20  # bytes of a summary or crash file; none of ours comes near
LARGEST_PLAN = 2**28
LONGEST = 500  # characters of a text from a file
HUGE = 1e12  # no rate, count or size comes near
CRASH = "crash-"
MARK = "clean"  # the label `desc` of outputs
STALE = "not in the plan of today"


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
    others = sorted({*found, *crashes} - {row.name for row in planned})
    rows = [_row(out, row, found, crashes) for row in planned]
    for name in others:
        row = _row(out, GroupRow(name, "not done", entities=_entities(name)), found, crashes)
        remark = "" if trouble else STALE
        rows.append(replace(row, reason="; ".join(filter(None, (row.reason, remark)))))
    return sorted([*rows, *left], key=lambda row: natural(row.name)), trouble


def _plan(out: Path) -> tuple[list[GroupRow], list[GroupRow], list[str]]:
    """What was planned, what was left out, and why the plan cannot be read."""
    try:
        facts = _object(read_json(out / LOGS / PLAN, LARGEST_PLAN))
        tasks = [_task(_object(one)) for one in _list(facts["tasks"])]
        left = [_left_out(_object(one), n) for n, one in enumerate(_list(facts["left_out"]), 1)]
        return list({row.name: row for row in tasks}.values()), left, []
    except FileNotFoundError:
        why = "it is not there"
    except (OSError, ValueError, KeyError) as error:
        why = _why(error)
    trouble = f"The plan ({LOGS}/{PLAN}) cannot be read: {why}. Recordings that were not begun "
    return [], [], [trouble + "and those left out are missing here; run the level participant."]


def _task(facts: dict[str, Any]) -> GroupRow:
    inputs = _object(facts.get("inputs", {}))
    return GroupRow(
        _text(facts["name"]),
        "not done",
        entities={_text(k): _text(v) for k, v in _object(facts.get("entities", {})).items()},
        planned=tuple(modality for modality in MODALITIES if modality in inputs),
        site=_text(facts.get("site", "")),
        device=_text(facts.get("device", "")),
    )


def _left_out(facts: dict[str, Any], number: int) -> GroupRow:
    name = _text(facts.get("name", "")) or f"left out {number}"
    reason = without_folders(_text(facts.get("reason", "")))
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
        return replace(row, state="unreadable", reason=f"the summary does not count: {_why(error)}")


def _read(path: Path, row: GroupRow) -> GroupRow:
    """A row with the figures of a summary."""
    facts = _object(read_json(path, LARGEST))
    if facts.get("format") != FORMAT:
        raise ValueError("another version of neurofuse wrote it; clean this recording again")
    if facts["name"] != row.name:
        raise ValueError("it is of another recording")
    tested = _object(facts.get("self_test", {}))
    streams = {
        stream: _figures(_object(of))
        for stream, of in _object(facts["streams"]).items()
        if stream in MODALITIES
    }
    if not streams:
        raise ValueError("it holds no modality")
    return replace(
        row,
        state="done",
        site=_text(facts["site"]) or row.site,
        device=_text(facts["device"]) or row.device,
        method=_text(facts["method"]),
        version=_text(facts["version"]),
        seconds=_number(facts["seconds"]),
        streams={stream: streams[stream] for stream in MODALITIES if stream in streams},
        errors={
            m: {_text(name): _number(value) for name, value in _object(of).items()}
            for m, of in _object(tested.get("error_db", {})).items()
            if m in MODALITIES
        },
        best={m: _text(b) for m, b in _object(tested.get("best", {})).items() if m in MODALITIES},
    )


def _figures(of: dict[str, Any]) -> Figures:
    made = Figures(
        channels=int(_number(of["channels"])),
        usable=int(_number(of["usable"])),
        bad=int(_number(of["bad"])),
        rate=_number(of["rate"]),
        seconds=_number(of["seconds"]),
        moving=_fraction(of["moving"]),
        unchanged=_fraction(of["unchanged"]),
        lost=_fraction(of["lost"]),
        movements=int(_number(of["movements"])),
        attenuation_db=_maybe(of["attenuation_db"]),
        quality=_maybe(of["quality"]),
        before=tuple(map(_maybe, _list(of["before"]))),
        after=tuple(map(_maybe, _list(of["after"]))),
    )
    if not 0 <= made.usable <= made.channels or made.channels < 1:
        raise ValueError(f"it calls {made.usable} of {made.channels} channels usable")
    return made


def _message(path: Path) -> str:
    """Why a task failed, in the words of its crash file."""
    try:
        facts = _object(read_json(path, LARGEST))
        return without_folders(_text(facts["message"])) or _text(facts["kind"])
    except (OSError, ValueError, KeyError) as error:
        return f"its crash file cannot be read: {_why(error)}"


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


def read_json(path: Path, largest: int) -> Any:
    """What a JSON file holds.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, is larger than `largest` bytes, or holds numbers that are not finite.
    """
    if path.stat().st_size > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    try:
        return json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is no whole JSON ({error})") from error


def _refuse(name: str) -> None:
    raise ValueError(f"it holds {name}")


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return _text(str(error))


def _text(value: object) -> str:
    """A text on one line, cut where it is too long."""
    if not isinstance(value, str):
        raise ValueError(f"it holds a {type(value).__name__} where a text belongs")
    line = " ".join(value.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"it holds a {type(value).__name__} where a number belongs")
    if not abs(value) <= HUGE:
        raise ValueError("it holds a number beyond all measures")
    return float(value)


def _maybe(value: object) -> float | None:
    return None if value is None else _number(value)


def _fraction(value: object) -> float | None:
    known = _maybe(value)
    if known is not None and not 0 <= known <= 1:
        raise ValueError(f"it holds {known:g} where a fraction belongs")
    return known


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__} where an object belongs")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"it holds a {type(value).__name__} where a list belongs")
    return value
