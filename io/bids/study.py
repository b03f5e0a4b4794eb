"""All runs of a BIDS data set, what cannot be one and why, and the small files that apply to each.

Every folder is listed once and every JSON is read once: thousands of sessions take seconds.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from neurofuse.io.bids.dataset import IGNORED, PARTICIPANTS
from neurofuse.io.bids.inheritance import Inheritance
from neurofuse.io.bids.patterns import matcher
from neurofuse.io.bids.read import SUFFIXES
from neurofuse.io.bids.tables import MARK, Rows, rows_of
from neurofuse.io.detect.folder import SUBJECT
from neurofuse.io.detect.parts import parts_of
from neurofuse.io.modality import EEG, NIRS

IMU = "imu"
FOLDERS = {EEG.name: EEG.name, NIRS.name: NIRS.name, "motion": IMU}  # data type -> kind of run
FORMATS = {**SUFFIXES, IMU: (".tsv",)}
SESSION = re.compile(r"ses-[A-Za-z0-9]+")
FILE = re.compile(r"(.+)_([a-z]+)\.[A-Za-z0-9.]+")  # entities, suffix
ENTITIES = re.compile(r"sub-[A-Za-z0-9]+(?:_[a-z]+-[A-Za-z0-9]+)*")
KNOWN = ("sub", "ses", "task", "acq", "run")  # entities of a raw run
PARTS = {".eeg": ".vhdr", ".vmrk": ".vhdr", ".fdt": ".set"}  # part of a format -> its head
BESIDE = ("json", "tsv", "gz", "txt")  # extensions that no recording has


@dataclass(frozen=True)
class Run:
    """One recording of "eeg", "nirs" or "imu" in a data set, and the entities of its name."""

    kind: str
    path: Path
    entities: dict[str, str]


@dataclass(frozen=True)
class Fault:
    """A file or folder that holds no run that can be read, why, and the entities it shows."""

    path: Path
    reason: str
    entities: dict[str, str]


class BidsStudy:
    """The runs of a BIDS data set; other folders than `sub-…` are not looked into.

    Parameters
    ----------
    root : path
        The data set.

    Attributes
    ----------
    runs : list of Run
        In order of folder and name.
    faults : list of Fault
        Files and folders below `sub-…` that are not taken, empty sessions among them.
    unreadable : dict of Path to str
        JSON files that `facts` could not read, and why; complete once it was called for all runs.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder = Path(root, "sub-01", "eeg")
    ...     folder.mkdir(parents=True)
    ...     (folder / "sub-01_task-rest_eeg.edf").touch()
    ...     [run.entities for run in BidsStudy(root).runs]
    [{'sub': '01', 'task': 'rest'}]
    """

    def __init__(self, root: str | Path) -> None:
        self.root: Path = Path(os.path.abspath(root))
        self.runs: list[Run] = []
        self.faults: list[Fault] = []
        self._inheritance = Inheritance(self.root)
        self._walk()

    @property
    def unreadable(self) -> dict[Path, str]:
        return self._inheritance.unreadable

    def sidecars(self, run: Run) -> tuple[Path, ...]:
        """Tables and JSON that apply to a run, up to the root, and the other files of its format.

        A table or JSON applies unless an entity of its name is another one in the run's.
        """
        return (*self._inheritance.applying(run.path, run.entities), *parts_of(run.path))

    def facts(self, run: Run) -> dict[str, Any]:
        """What the JSON files of a run say; the one nearest to the run wins."""
        return self._inheritance.facts(run.path, run.entities)

    def ignored(self, path: Path) -> bool:
        """Whether `.bidsignore` names a file or one of its folders."""
        return self._ignores(path.relative_to(self.root).as_posix())

    @cached_property
    def participants(self) -> dict[str, dict[str, str]]:
        """Rows of participants.tsv by label (without "sub-"), names of columns in lower case."""
        rows: Rows = []
        with suppress(OSError):
            rows = rows_of(self.root / PARTICIPANTS)
        lower = [{name.lower(): cell for name, cell in row.items()} for row in rows]
        return {row.get("participant_id", "").removeprefix("sub-"): row for row in lower}

    @cached_property
    def _ignores(self) -> Any:
        try:
            text = (self.root / IGNORED).read_text(MARK, errors="replace")
        except OSError:
            text = ""
        return matcher(text)

    def _walk(self) -> None:
        for name in self._list(self.root, {})[0]:
            if not name.startswith("sub-"):
                continue
            subject, shown = self.root / name, {"sub": name.removeprefix("sub-")}
            if not SUBJECT.fullmatch(name):
                reason = "a label that is not made of letters and digits"
                self.faults.append(Fault(subject, reason, shown))
                continue
            before = len(self.runs), len(self.faults)
            inner = self._list(subject, shown)[0]
            self._data(subject, inner, shown)
            for session in (folder for folder in inner if folder.startswith("ses-")):
                self._session(subject / session, {**shown, "ses": session.removeprefix("ses-")})
            self._nothing_since(before, subject, shown)

    def _session(self, folder: Path, shown: dict[str, str]) -> None:
        if not SESSION.fullmatch(folder.name):
            reason = "a label that is not made of letters and digits"
            self.faults.append(Fault(folder, reason, shown))
            return
        before = len(self.runs), len(self.faults)
        self._data(folder, self._list(folder, shown)[0], shown)
        self._nothing_since(before, folder, shown)

    def _nothing_since(self, before: tuple[int, int], folder: Path, shown: dict[str, str]) -> None:
        if before == (len(self.runs), len(self.faults)):
            self.faults.append(Fault(folder, "no EEG or fNIRS run in it", shown))

    def _data(self, folder: Path, inner: list[str], shown: dict[str, str]) -> None:
        """Take the runs of a subject's or session's data-type folders."""
        for kind in (name for name in FOLDERS if name in inner):
            files = self._list(folder / kind, shown)[1]
            for name in files:
                found = _judge(name, kind, shown, files)
                if isinstance(found, dict):
                    self.runs.append(Run(FOLDERS[kind], folder / kind / name, found))
                elif found:
                    entities = {**_entities(name), **shown}
                    self.faults.append(Fault(folder / kind / name, found, entities))

    def _list(self, folder: Path, shown: dict[str, str]) -> tuple[list[str], list[str]]:
        """Names of folders and of files in a folder, in order; both known to the inheritance."""
        try:
            return self._inheritance.names_in(folder)
        except OSError as error:
            self.faults.append(Fault(folder, f"cannot be opened ({error.strerror})", shown))
            return [], []


def _judge(name: str, folder: str, shown: dict[str, str], files: list[str]) -> dict[str, str] | str:
    """The entities of a run's file, else why it is none; "" for a file that is not meant as one."""
    parts = FILE.fullmatch(name)
    suffix, extension = parts[2] if parts else "", name.rpartition(".")[2].lower()
    known = f".{extension}" in FORMATS[FOLDERS[folder]]
    if suffix != folder or name.startswith("."):
        meant = known and extension != "tsv" and not name.startswith(".")
        return f"a name that is not sub-…_task-…_{folder}.{extension}" if meant else ""
    if f".{extension}" in PARTS:
        head = name[: -len(extension) - 1] + PARTS[f".{extension}"]
        return "" if head in files else f"a {PARTS[f'.{extension}']} file is missing beside it"
    if not known:
        wanted = ", ".join(FORMATS[FOLDERS[folder]])
        return "" if extension in BESIDE else f"a format that BIDS lacks: wanted {wanted}"
    entities = _entities(name)
    if not ENTITIES.fullmatch(parts[1] if parts else ""):
        return "a name whose labels are not made of letters and digits"
    if {key: entities[key] for key in ("sub", "ses") if key in entities} != shown:
        return "a name that belongs to another subject or session than its folder"
    extra = [key for key in entities if key not in (*KNOWN, "tracksys")]
    if extra:
        return f"a name with {extra[0]}-…, which no raw run has"
    if "task" not in entities:
        return "a name without task-…"
    if not entities.get("run", "0").isdecimal():
        return "a run that is no number"
    return entities


def _entities(name: str) -> dict[str, str]:
    return dict(re.findall(r"(?:^|_)([a-z]+)-([A-Za-z0-9]+)(?=_)", name))
