"""A folder of recordings that is no BIDS data set → the plan of a study."""

import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from neurofuse.cli.study.errors import NoInputError, UsageError
from neurofuse.cli.study.filters import Filters
from neurofuse.cli.study.labels import (
    ORDER,
    UNNAMED,
    in_order,
    label_from,
    name_of,
    told_apart,
)
from neurofuse.cli.study.tasks import LeftOut, Plan, Task
from neurofuse.io.bids.read import entities_of
from neurofuse.io.detect.format import BOTH, SUFFIXES, suffix_of
from neurofuse.io.detect.parts import parts_of
from neurofuse.io.detect.search import recordings_below
from neurofuse.io.modality import EEG, MODALITIES

MODALITY = re.compile(r"i?eeg|f?nirs|optics|raw|recording", re.IGNORECASE)
GLUED = re.compile(r"(?<=.)(f?nirs|eeg)$", re.IGNORECASE)  # S01EEG
NO_FILTERS = Filters()


@dataclass
class _Namesakes:
    """The files of one folder whose names differ in nothing but their modality, by kind."""

    folder: Path
    words: tuple[str, ...]
    files: dict[str, list[Path]] = field(default_factory=dict)


def plan_folder(folder: Path, filters: Filters = NO_FILTERS, *, single: bool = False) -> Plan:
    """The recordings of a folder, at any depth.

    An EEG and an fNIRS file pair that lie in one folder and have the same name but for a word of
    the modality, whatever the case and what stands between words: `S01_rest_eeg.edf` and
    `s01-rest-NIRS.snirf`. A file that holds both (.xdf, .nc) stands for itself.

    Labels are those that a name holds (`sub-01_task-rest_…`). Else each recording is a
    participant whose label is made of the letters and digits of the folders that it lies in and of
    its name; those that become the same get a number. Its task is "unnamed". Not looked
    into are hidden folders and data sets of BIDS further down, such as the outputs.

    Parameters
    ----------
    folder : Path
    filters : Filters
        Labels, as the plan has them; a filter file is for BIDS.
    single : bool
        Also take EEG without fNIRS, and fNIRS without EEG.

    Returns
    -------
    Plan
        Tasks by participant, session, task and run.

    Raises
    ------
    StudyError
        If the folder is missing or holds no recording, or filters leave nothing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("S 1 EEG.edf", "s-1_nirs.snirf", "S2.xdf"):
    ...         Path(folder, name).touch()
    ...     [task.name for task in plan_folder(Path(folder)).tasks]
    ['sub-S1_task-unnamed', 'sub-S2_task-unnamed']
    """
    folder = Path(os.path.abspath(folder))
    refuse_filter_file(filters)
    if not folder.is_dir():
        raise NoInputError(f"no folder {folder}", "a folder with recordings", "check the path")
    faults: list[LeftOut] = []
    found = _namesakes(folder, faults)
    if not found and not faults:
        raise NoInputError(
            f"no recording in {folder}",
            f"files of {', '.join(SUFFIXES)} in it",
            "check the path, or list the files in a table (--pairs)",
        )
    named = list(zip(_entities(found, folder), found, strict=True))
    filters.check([entities for entities, _ in named])
    tasks: list[Task] = []
    left: list[LeftOut] = []
    for entities, one in sorted(named, key=lambda item: in_order(item[0])):
        if filters.match(entities):
            _take(entities, one, single, tasks, left)
    names = [name_of(entities) for entities, _ in named]
    filters.refuse_nothing([one.name for one in (*tasks, *left)], names)
    return Plan(folder, tuple(tasks), (*left, *faults), bool(filters))


def refuse_filter_file(filters: Filters) -> None:
    """Raise UsageError for a filter file, which only a BIDS data set can have."""
    if filters.by_kind:
        raise UsageError(
            "a filter file for what is no BIDS data set",
            "labels only",
            "choose by --participant-label, --session-label, --task and --run",
        )


def _take(
    entities: dict[str, str],
    one: _Namesakes,
    single: bool,
    tasks: list[Task],
    left: list[LeftOut],
) -> None:
    """Make a task of namesakes, or leave them out with a reason."""
    name, files = name_of(entities), one.files
    recorded = {kind: paths for kind, paths in files.items() if kind != BOTH}
    pair = len(recorded) == len(MODALITIES)
    used = recorded if pair or BOTH not in files else {EEG.name: files[BOTH]}
    used = {kind: _one_export(paths) for kind, paths in used.items()}
    taken = [path for paths in used.values() for path in paths]
    rest = tuple(path for paths in files.values() for path in paths if path not in taken)
    double = next((paths for paths in used.values() if len(paths) > 1), None)
    if double:
        every = tuple(path for paths in files.values() for path in paths)
        reason = f"{len(double)} files of one kind and name: move or rename those not wanted"
        left.append(LeftOut(name, every, reason))
        return
    inputs = {kind: paths[0] for kind, paths in used.items()}
    if len(inputs) == 1 and BOTH not in files and not single:
        kind, path = next(iter(inputs.items()))
        own, other = MODALITIES[kind].display, MODALITIES[kind].other.display
        reason = f"{own} without {other}: no {other} file of this name in its folder"
        left.append(LeftOut(name, (path,), reason))
        return
    parts = tuple(part for path in inputs.values() for part in parts_of(path))
    tasks.append(Task(entities, inputs, parts))
    if rest:
        left.append(LeftOut(name, rest, "the same recording once more, in another form"))


def _one_export(paths: list[Path]) -> list[Path]:
    """The SNIRF file alone of a folder in which NIRx's program has written both."""
    suffixes = [path.suffix.lower() for path in paths]
    return [paths[suffixes.index(".snirf")]] if sorted(suffixes) == [".hdr", ".snirf"] else paths


def _namesakes(top: Path, faults: list[LeftOut]) -> list[_Namesakes]:
    """All recordings below a folder, files of one name together; in order of path."""
    found: dict[tuple[Path, tuple[str, ...]], _Namesakes] = {}
    files, closed = recordings_below(top)
    for inner, reason in closed:
        faults.append(LeftOut(inner.name, (inner,), reason))
    for path, kind in files:
        words = _words(path)
        same = tuple(unicodedata.normalize("NFC", word).lower() for word in words)
        one = found.setdefault((path.parent, same), _Namesakes(path.parent, words))
        one.files.setdefault(kind, []).append(path)
    return list(found.values())


def _words(path: Path) -> tuple[str, ...]:
    """What the name of a file consists of, without suffix and modality."""
    words = re.split(r"[\W_]+", path.name[: -len(suffix_of(path))])
    bare = (GLUED.sub("", word) for word in words if not MODALITY.fullmatch(word))
    return tuple(word for word in bare if word)


def _entities(found: list[_Namesakes], top: Path) -> list[dict[str, str]]:
    """BIDS entities of all recordings: each has a name of its own."""
    made = [_stated(one) or {"sub": _label(one, top), "task": UNNAMED} for one in found]
    often = Counter(name_of(entities).lower() for entities in made)
    for entities, one in zip(made, found, strict=True):
        if often[name_of(entities).lower()] > 1 and _stated(one):
            entities["sub"] = (
                label_from("".join(one.folder.relative_to(top).parts)) + entities["sub"]
            )
    return told_apart(made)


def _label(one: _Namesakes, top: Path) -> str:
    """The letters and digits of folders and name, but for folders whose name is said again."""
    label = "".join(map(label_from, one.words))
    for part in map(label_from, reversed(one.folder.relative_to(top).parts)):
        if not label.lower().startswith(part.lower()):
            label = part + label
    return label or ("" if one.words else label_from(top.name))


def _stated(one: _Namesakes) -> dict[str, str] | None:
    """The entities that the name of a file holds, if it is one of BIDS."""
    name = next(iter(one.files.values()))[0].name
    entities = {"task": UNNAMED} | entities_of(name)
    if not re.match(r"sub-[A-Za-z0-9]+_", name) or not entities.get("run", "0").isdecimal():
        return None
    return {key: entities[key] for key in ORDER if key in entities}
