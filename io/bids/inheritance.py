"""Which tables and JSON files of a BIDS data set apply to a run: those of its folder and above."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurofuse.io.bids.read import entities_of
from neurofuse.io.bids.tables import MARK

TABLES = ("channels", "events", "electrodes", "optodes", "coordsystem", "scans")


@dataclass(frozen=True)
class _Small:
    """A table or JSON: its entities, and what comes after them."""

    folder: Path
    name: str
    entities: dict[str, str]
    suffix: str


class Inheritance:
    """The tables and JSON files of one data set; each folder is listed and each JSON read once."""

    def __init__(self, root: Path) -> None:
        self.root: Path = root
        self.unreadable: dict[Path, str] = {}
        self._listed: dict[Path, tuple[list[str], list[str]]] = {}
        self._small: dict[Path, dict[str, list[_Small]]] = {}
        self._chains: dict[Path, list[Path]] = {}
        self._read: dict[Path, dict[str, Any]] = {}

    def names_in(self, folder: Path) -> tuple[list[str], list[str]]:
        """Names of the folders and of the files in a folder, each in order.

        Raises
        ------
        OSError
            If it cannot be opened.
        """
        if folder not in self._listed:
            with os.scandir(folder) as found:
                entries = [(entry.name, _is_folder(entry)) for entry in found]
            self._listed[folder] = (
                sorted(name for name, inner in entries if inner),
                sorted(name for name, inner in entries if not inner),
            )
        return self._listed[folder]

    def applying(self, path: Path, entities: dict[str, str]) -> tuple[Path, ...]:
        """Files that apply to the run at `path`, from the root down.

        One whose name has an entity that the run lacks counts too: readers take it where there is
        no better one.
        """
        found = self._near(path, entities, (path.parent.name, *TABLES))
        return tuple(small.folder / small.name for small in found)

    def facts(self, path: Path, entities: dict[str, str]) -> dict[str, Any]:
        """What the JSON files of a run's data type say of it; the nearest to the run wins."""
        facts: dict[str, Any] = {}
        for small in self._near(path, entities, (path.parent.name,)):
            if small.name.endswith(".json") and small.entities.items() <= entities.items():
                facts.update(self._facts_of(small.folder / small.name))
        return facts

    def _near(
        self, path: Path, entities: dict[str, str], suffixes: tuple[str, ...]
    ) -> Iterator[_Small]:
        """Files with these suffixes and no other entities, from the root down to a run's folder.

        In each folder those of fewest entities, which say least of a run, come first.
        """
        for folder in self._above(path.parent):
            by_run = self._small_in(folder)
            runs = ("", entities["run"]) if "run" in entities else by_run
            found = [
                small
                for run in runs
                for small in by_run.get(run, ())
                if small.suffix in suffixes
                and all(entities.get(key, value) == value for key, value in small.entities.items())
            ]
            yield from sorted(found, key=lambda small: (len(small.entities), small.name))

    def _above(self, folder: Path) -> list[Path]:
        """The folders from the root down to one in it."""
        if folder not in self._chains:
            above = [] if folder == self.root else self._above(folder.parent)
            self._chains[folder] = [*above, folder]
        return self._chains[folder]

    def _small_in(self, folder: Path) -> dict[str, list[_Small]]:
        """Tables and JSON of a folder by their run, "" for those of all runs."""
        if folder not in self._small:
            try:
                names = self.names_in(folder)[1]
            except OSError:  # may be entered, but not listed
                names = []
            by_run = self._small[folder] = {}
            for name in names:
                stem, _, extension = name.rpartition(".")
                suffix = stem.rpartition("_")[2]
                table = extension == "tsv" and suffix in TABLES  # motion's samples are no table
                if (table or extension == "json") and not stem.startswith("."):
                    entities = entities_of(name)
                    small = _Small(folder, name, entities, suffix)
                    by_run.setdefault(entities.get("run", ""), []).append(small)
        return self._small[folder]

    def _facts_of(self, path: Path) -> dict[str, Any]:
        if path not in self._read:
            facts: Any = {}
            try:
                facts = json.loads(path.read_text(MARK))
                if not isinstance(facts, dict):
                    self.unreadable[path] = "not one JSON object"
            except (OSError, ValueError, RecursionError) as error:
                self.unreadable[path] = " ".join(str(error).split())
            self._read[path] = facts if isinstance(facts, dict) else {}
        return self._read[path]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
