"""Trees of files for tests that look at names, not into recordings."""

import json
from pathlib import Path


def grow(root: Path, *files: str) -> Path:
    """Make files below a folder, empty ones by their paths."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def run_file(kind: str, name: str) -> str:
    """The path of a run below its data set: `run_file("eeg", "sub-01_ses-2_task-rest")`."""
    labels = name.split("_")
    folders = [label for label in labels if label.startswith(("sub-", "ses-"))]
    ends = {"eeg": "eeg.edf", "nirs": "nirs.snirf", "motion": "motion.tsv"}
    return "/".join([*folders, kind, f"{name}_{ends[kind]}"])


def pair(*names: str) -> list[str]:
    """The EEG and fNIRS files of recordings in a BIDS data set."""
    return [run_file(kind, name) for name in names for kind in ("eeg", "nirs")]


def bids_set(root: Path, *files: str) -> Path:
    """A BIDS data set of empty files."""
    root.mkdir(parents=True, exist_ok=True)
    described = {"Name": "a study", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(described))
    return grow(root, *files)
