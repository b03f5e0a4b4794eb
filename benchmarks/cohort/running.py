"""Running `neurofuse app` as a user does, and what it leaves."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOGS = "logs"  # the only folder whose content depends on when and where a study was run


@dataclass(frozen=True)
class Ran:
    """One call of the level "participant": exit code, what its JSON says, and the time [s]."""

    code: int
    facts: dict[str, Any]
    wall: float

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.facts["tasks"]

    def names(self, state: str) -> list[str]:
        """The recordings that are now "done", "kept" or "failed"."""
        return [task["name"] for task in self.tasks if task["state"] == state]


def command(source: Path, out: Path, *options: str) -> list[str]:
    """The command line of the level "participant"."""
    words = ["app", str(source), str(out), "participant", "--json", *options]
    return [sys.executable, "-m", "neurofuse", *words]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of this process, with one thread for each process."""
    return {**os.environ, "OMP_NUM_THREADS": "1", **(more or {})}


def participant(source: Path, out: Path, *options: str) -> Ran:
    """Clean a study; a call that does not get as far as its tasks is an error."""
    begun = time.perf_counter()
    call = command(source, out, *options)
    done = subprocess.run(call, env=environment(), capture_output=True, text=True)
    wall = time.perf_counter() - begun
    try:
        return Ran(done.returncode, json.loads(done.stdout), wall)
    except ValueError as error:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr[-2000:]}") from error


def group(out: Path) -> float:
    """Make the page of a study; returns the time that it took [s]."""
    begun = time.perf_counter()
    call = [sys.executable, "-m", "neurofuse", "app", "unused", str(out), "group"]
    subprocess.run(call, env=environment(), capture_output=True, text=True, check=True)
    return time.perf_counter() - begun


def results(out: Path) -> dict[str, str]:
    """SHA-256 of every file of a data set but its logs, by path."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.relative_to(out).parts[0] != LOGS
    }


def records(out: Path) -> dict[str, dict[str, Any]]:
    """The records of done tasks, by their names."""
    files = sorted(out.glob(f"{LOGS}/sub-*/sub-*.json"))
    found = map(json_of, files)
    return {record["name"]: record for record in found}


def crashes(out: Path) -> list[Path]:
    """The crash files of failed tasks."""
    return sorted(out.glob(f"{LOGS}/sub-*/crash-*.json"))


def json_of(file: Path) -> dict[str, Any]:
    """What a file of JSON says."""
    return json.loads(file.read_text("utf-8"))
