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

    path: Path
    entities: dict[str, str]
    suffix: str


class Inheritance:
    """The tables and JSON files of one data set; each folder is listed and each JSON read once."""

    def __init__(self, root: Path) -> None:
        self.root: Path = root
        self.unreadable: dict[Path, str] = {}
        self._listed: dict[Path, tuple[list[str], list[str]]] = {}
        self._small: dict[Path, list[_Small]] = {}
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
        return tuple(
            small.path
            for small in self._at(path, (path.parent.name, *TABLES))
            if all(entities.get(key, value) == value for key, value in small.entities.items())
        )

    def facts(self, path: Path, entities: dict[str, str]) -> dict[str, Any]:
        """What the JSON files of a run's data type say of it; the nearest to the run wins."""
        facts: dict[str, Any] = {}
        for small in self._at(path, (path.parent.name,)):
            if small.path.suffix == ".json" and small.entities.items() <= entities.items():
                facts.update(self._facts_of(small.path))
        return facts

    def _at(self, path: Path, suffixes: tuple[str, ...]) -> Iterator[_Small]:
        """Files with these suffixes in the folders from the root down to that of a run."""
        below = path.parent.relative_to(self.root).parts
        for depth in range(len(below) + 1):
            folder = self.root.joinpath(*below[:depth])
            yield from (small for small in self._small_in(folder) if small.suffix in suffixes)

    def _small_in(self, folder: Path) -> list[_Small]:
        """Tables and JSON of a folder, first those of fewest entities, which say least."""
        if folder not in self._small:
            try:
                names = self.names_in(folder)[1]
            except OSError:  # may be entered, but not listed
                names = []
            found = []
            for name in names:
                stem, _, extension = name.rpartition(".")
                suffix = stem.rpartition("_")[2]
                table = extension == "tsv" and suffix in TABLES  # motion's samples are no table
                if (table or extension == "json") and not stem.startswith("."):
                    found.append(_Small(folder / name, entities_of(name), suffix))
            self._small[folder] = sorted(found, key=lambda small: len(small.entities))
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
