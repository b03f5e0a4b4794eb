"""What a folder is: NIRx's recording, our zarr store, or (part of) a BIDS data set."""

import json
import re
from pathlib import Path

SUBJECT = re.compile(r"sub-[a-zA-Z0-9]+")
INNER_FOLDER = re.compile(r"ses-\w+|eeg|nirs")  # folders below sub-XX that are looked into


def folder_content(path: Path) -> str:
    """The kind of a folder: "NIRx", "BIDS", "neurofuse zarr", "zarr" of others, or "folder".

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     (Path(name) / "sub-01").mkdir()
    ...     folder_content(Path(name)), folder_content(Path(name) / "sub-01")
    ('BIDS', 'BIDS')
    """
    if any((path / name).is_file() for name in ("zarr.json", ".zgroup")):
        return "neurofuse zarr" if "schema_version" in _attributes(path) else "zarr"
    if any(path.glob("*.hdr")):
        return "NIRx"
    below = subject_folder(path) is not None
    whole = (path / "dataset_description.json").is_file() or any(
        SUBJECT.fullmatch(inner.name) and inner.is_dir() for inner in path.glob("sub-*")
    )
    return "BIDS" if below or whole else "folder"


def subject_folder(path: Path) -> Path | None:
    """The sub-XX that a folder is or lies in, as its session or data type; else None."""
    path = path.resolve()
    for folder in (path, *path.parents):
        if SUBJECT.fullmatch(folder.name):
            return folder
        if not INNER_FOLDER.fullmatch(folder.name):
            return None
    return None


def _attributes(path: Path) -> dict:
    """The attributes of a zarr group, version 3 or 2."""
    for name in ("zarr.json", ".zattrs"):
        try:
            content = json.loads((path / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            return content.get("attributes", {}) if name == "zarr.json" else content
    return {}
