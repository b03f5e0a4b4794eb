"""A lab's own recordings to train on: whose they are, who validates, and what they move."""

import csv
import json
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurofuse.io import read, streams
from neurofuse.io.detect.search import recordings_below
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.modality import MODALITIES
from neurofuse.models.training.movers import movements_in
from neurofuse.models.weights import load_facts
from neurofuse.synth.real_movement import RealMovement

TABLES = (".csv", ".tsv", ".txt")
COLUMNS = ("participant", "file")
SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
HELD_BACK = 0.25  # of the participants, for validation
STEPS = 100
LEARNING_RATE = 3e-4
VALIDATIONS = 4  # in a run

logger: logging.Logger = logging.getLogger("neurofuse")


def participants_in(path: Path) -> dict[str, list[Path]]:
    """The recordings of each participant, of a table or a folder.

    Parameters
    ----------
    path : Path
        A table (.csv, .tsv) with the columns participant and file, relative to the table; or a
        folder. In a folder a recording belongs to the `sub-…` in its path, else to the folder that
        holds it, else to what stands before the first underscore of its name.

    Raises
    ------
    ParameterError
        If there is no such file or folder, no recording in it, or no participant.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("anna_1.edf", "anna_2.edf", "ben.edf"):
    ...         Path(folder, name).touch()
    ...     {who: len(files) for who, files in participants_in(Path(folder)).items()}
    {'anna': 2, 'ben': 1}
    """
    if path.is_dir():
        files, closed = recordings_below(path)
        for folder, reason in closed:
            logger.warning("%s: %s, left out", folder, reason)
        rows = [(_owner(file.relative_to(path)), file) for file, _ in files]
    elif path.is_file() and path.suffix.lower() in TABLES:
        rows = _table(path)
    else:
        raise ParameterError(
            f"{path}, which is {'no table' if path.exists() else 'not there'}",
            f"a folder, or a table ({', '.join(TABLES)}) with the columns {' and '.join(COLUMNS)}",
            "name one of these",
        )
    if not rows:
        raise ParameterError(
            f"no recording in {path}",
            "recordings of at least two participants",
            "check the path; neurofuse info FILE says whether a file can be read",
        )
    found: dict[str, list[Path]] = {}
    for who, file in rows:
        found.setdefault(who, []).append(file)
    return dict(sorted(found.items()))


def split(
    participants: Mapping[str, Sequence[Path]], validation: Sequence[str] = ()
) -> dict[str, dict[str, list[str]]]:
    """Participants to train on and to validate on, nobody in both.

    Parameters
    ----------
    participants : dict of list of Path
    validation : sequence of str
        Who validates; by default the last quarter in order of name.

    Raises
    ------
    ParameterError
        If anybody named is not there, or nobody is left for a part.

    Examples
    --------
    >>> people = {name: [Path(f"{name}.edf")] for name in ("anna", "ben", "eva")}
    >>> {part: list(files) for part, files in split(people).items()}
    {'train': ['anna', 'ben'], 'validation': ['eva']}
    """
    names = list(participants)
    unknown = sorted(set(validation) - set(names))
    if unknown:
        raise ParameterError(
            f"{', '.join(unknown)} to validate on", f"some of {', '.join(names)}", "check the names"
        )
    count = max(1, round(HELD_BACK * len(names)))
    held = set(validation) or set(names[-count:])
    if len(held) == len(names):
        one = len(names) == 1
        raise ParameterError(
            f"one participant, {names[0]}" if one else f"all {len(names)} participants to validate",
            "at least one participant to train on and another one to validate on",
            "add recordings of other people" if one else "name fewer",
        )
    return {
        "train": {n: [str(p) for p in participants[n]] for n in names if n not in held},
        "validation": {n: [str(p) for p in participants[n]] for n in names if n in held},
    }


def fine_tuning(
    start: str | Path,
    own: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> dict[str, Any]:
    """The configuration that trains weights further on own recordings.

    Parameters
    ----------
    start : str or Path
        Packaged name or path of weights.
    own : dict
        As `split` returns it.
    steps, seed : int

    Examples
    --------
    >>> fine_tuning("eeg", {"train": {}, "validation": {}})["name"]
    'eeg-own'
    """
    return {
        "name": f"{Path(start).name.removesuffix('.safetensors')}-own",
        "start": str(start),
        "steps": steps,
        "warm_steps": 0,
        "learning_rate": LEARNING_RATE,
        "simulated": 0,
        "real": False,
        "own": {part: {n: list(files) for n, files in own[part].items()} for part in own},
        "own_moves": True,
        "validate_every": max(1, -(-steps // VALIDATIONS)),
        "seed": seed,
    }


def check_modalities(plan: Mapping[str, Any]) -> None:
    """Read every file once, and see that both parts have what the weights hear.

    Raises
    ------
    ParameterError
        If the participants of a part lack a modality.
    NeurofuseError
        For a file that is missing or cannot be read.
    """
    wanted = load_facts(plan["start"])["architecture"]["streams"]
    for part, people in plan["own"].items():
        files = [file for own in people.values() for file in own]
        found = {stream for file in files for stream in streams(read(file))}
        for stream in (s for s in wanted if s not in found):
            others = [s for s in found if s != stream]
            raise ParameterError(
                f"no {MODALITIES[stream].display} of {', '.join(people)} ({part})",
                f"both of {' and '.join(wanted)}" if others else "EEG or fNIRS",
                f"begin from {others[0]!r}, or add its files" if others else "add files",
            )


def own_movements(
    people: Mapping[str, Sequence[str | Path]], stream: str
) -> dict[str, list[RealMovement]]:
    """The large movements in a lab's own recordings, by participant; nobody without any.

    Parameters
    ----------
    people : dict of list of paths
    stream : {"eeg", "nirs"}
    """
    found: dict[str, list[RealMovement]] = {}
    for who, files in people.items():
        for file in files:
            recording = read(file)
            if stream not in streams(recording):
                continue
            try:
                movements = movements_in(recording, stream, who)
            except ReadError as error:  # no usable channel
                logger.info("%s: no movements are taken from it (%s)", file, error)
                continue
            if movements:
                found.setdefault(who, []).extend(movements)
    return found


@dataclass(frozen=True)
class Outcome:
    """What fine-tuning brought on validation participants: errors in motion by modality [dB]."""

    before: dict[str, float]
    after: dict[str, float]
    gained: bool


def settle(folder: Path, weights: Path, start: Path) -> Outcome:
    """Compare the best weights of a run with those it began from, and keep the better ones.

    Parameters
    ----------
    folder : Path
        Of the run, with its log.
    weights : Path
        Of the run; overwritten by the start's where nothing was gained.
    start : Path
        The weights that it began from.

    Raises
    ------
    ReadError
        If the folder holds no finished run.
    """
    try:
        before = json.loads((folder / "plan.json").read_text())["start_scores"]
        rows = [json.loads(row) for row in (folder / "log.jsonl").read_text().splitlines()]
        best = min(rows, key=_score)
    except (OSError, ValueError, KeyError) as error:
        raise ReadError(
            f"{folder} without the log of a finished run ({type(error).__name__})",
            "the folder of a run that began from weights",
            "train again into an empty folder",
        ) from error
    gained = _score(best) < _score(before)
    if not gained:
        for suffix in (".json", ".safetensors"):
            shutil.copyfile(start.with_suffix(suffix), weights.with_suffix(suffix))
    return Outcome(_errors(before), _errors(best), gained)


def _score(scores: Mapping[str, float]) -> float:
    errors = _errors(scores)
    return sum(errors.values()) / len(errors)


def _errors(scores: Mapping[str, float]) -> dict[str, float]:
    return {key.removesuffix("_db"): v for key, v in scores.items() if key.endswith("_db")}


def _owner(path: Path) -> str:
    """Whose recording a path within a folder is."""
    marked = SUBJECT.search(str(path))
    if marked:
        return marked.group()
    return path.parts[0] if len(path.parts) > 1 else path.name.split(".")[0].split("_")[0]


def _table(path: Path) -> list[tuple[str, Path]]:
    """Participants and files of a table; a file that is not there is an error here."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"{path} that cannot be read as text ({type(error).__name__})",
            f"a table with the columns {' and '.join(COLUMNS)}",
            "save it as UTF-8",
        ) from error
    heading = text.splitlines()[0] if text.strip() else ""
    mark = "\t" if "\t" in heading else ";" if ";" in heading else ","
    reader = csv.DictReader(text.splitlines(), delimiter=mark)
    names = {str(name).strip().lower(): name for name in reader.fieldnames or ()}
    if not set(COLUMNS) <= set(names):
        raise ParameterError(
            f"{path.name} with the columns {', '.join(names) or 'none'}",
            f"the columns {' and '.join(COLUMNS)}",
            "name them so in the first line",
        )
    rows: list[tuple[str, Path]] = []
    for number, row in enumerate(reader, 2):
        who, file = ((row[names[column]] or "").strip() for column in COLUMNS)
        if not who and not file:
            continue
        if not who or not file or not (path.parent / file).exists():
            what = f"file {file!r} that is not there" if who and file else f"{who!r} and {file!r}"
            raise ParameterError(
                f"line {number} of {path.name} with {what}",
                "a participant and a file, relative to the table",
                "correct the line",
            )
        rows.append((who, path.parent / file))
    return rows
