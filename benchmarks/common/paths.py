"""Where the repository and its pages lie, and how results are stored."""

import json
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]  # the repository
MEASURED = ROOT / "docs/measured"  # pages of results


def recordings_folder() -> Path:
    """The folder of real recordings; ends the program where it is not known."""
    from neurofuse.models.training.split import data_folder

    folder = data_folder()
    if folder is None:
        raise SystemExit("no real recordings: set NEUROFUSE_DATA to their folder")
    return folder


def write(target: Path, facts: dict) -> None:
    """A JSON under a temporary name first, so that no half of one is ever read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        json.dump(facts, file)
    os.replace(temporary, target)
