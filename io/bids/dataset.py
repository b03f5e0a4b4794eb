"""Files that a BIDS derivative data set has once: description, participants, shared positions."""

import json
import os
from importlib.metadata import version
from pathlib import Path

from neurofuse.io.bids.sidecars import as_json
from neurofuse.io.errors import WriteError

BIDS_VERSION = "1.10.0"
LINK = "source"  # what BIDS URIs call the data set that was cleaned
DESCRIPTION, PARTICIPANTS, IGNORED = "dataset_description.json", "participants.tsv", ".bidsignore"
README = "README"
ABOUT = """EEG and fNIRS recordings from which neurofuse has removed movement artifacts.

The JSON file beside each recording holds the method, its parameters and the version.
"""
# BIDS 1.11 has no rule for processed fNIRS yet; the rest belongs to `neurofuse clean --bids`.
NOT_BIDS = (
    "*_nirs.snirf",
    "*_nirs.json",
    "*_recording.nc",
    "*_report.html",
    "*_provenance.json",
    "*_desc-confounds_*",
)


def write_shared(stage: Path, root: Path, subject: str, source: str | Path | None) -> None:
    """Write the files that all recordings of the data set at `root` share into `stage`."""
    description: dict = {
        "Name": "EEG and fNIRS cleaned of movement artifacts",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "neurofuse", "Version": version("neurofuse")}],
    }
    if source is not None:
        place = os.path.relpath(Path(source).resolve(), root.resolve())
        description["SourceDatasets"] = [{"URL": Path(place).as_posix()}]
        description["DatasetLinks"] = {LINK: Path(place).as_posix()}
    for name, text in (
        (DESCRIPTION, as_json(description)),
        (PARTICIPANTS, f"participant_id\nsub-{subject}\n"),
        (IGNORED, "\n".join(NOT_BIDS) + "\n"),
        (README, ABOUT),
    ):
        (stage / name).write_text(text, encoding="utf-8")


def check_root(root: Path) -> None:
    """Raise WriteError if `root` holds another data set."""
    path = root / DESCRIPTION
    if not path.exists():
        return
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        makers = [maker.get("Name") for maker in description.get("GeneratedBy", [])]
        ours = description.get("DatasetType") == "derivative" and "neurofuse" in makers
    except (ValueError, AttributeError, TypeError) as error:
        raise WriteError(
            f"{path}, which is no JSON of BIDS", "a derivative data set", "repair or remove it"
        ) from error
    if not ours:
        raise WriteError(
            f"another BIDS data set at {root}",
            "a new folder, or a derivative that neurofuse made",
            f"choose for instance {root / 'derivatives' / 'neurofuse'}",
        )


def data_set_of(path: Path) -> Path | None:
    """The BIDS data set that a file belongs to, if any."""
    folders = [Path(path).resolve(), *Path(path).resolve().parents]
    return next((folder for folder in folders if (folder / DESCRIPTION).is_file()), None)


def source_uri(path: Path) -> str:
    """A file of a BIDS data set as BIDS URI, "" for any other."""
    path, data_set = Path(path).resolve(), data_set_of(path)
    return "" if data_set is None else f"bids:{LINK}:{path.relative_to(data_set).as_posix()}"


def place_of(uri: str, root: Path) -> Path | None:
    """Where the file of a BIDS URI lies, by the links of the derivative at `root`."""
    _, link, inside = uri.split(":", 2)
    try:
        description = json.loads((root / DESCRIPTION).read_text(encoding="utf-8"))
        return root / description["DatasetLinks"][link] / inside
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_text(there: str, new: str) -> str:
    """The text that the file holds already."""
    return there


def merge_lines(there: str, new: str) -> str:
    """The lines there, then the new ones.

    Examples
    --------
    >>> merge_lines("a\\nb\\n", "b\\nc\\n")
    'a\\nb\\nc\\n'
    """
    return "\n".join(dict.fromkeys([*there.splitlines(), *new.splitlines()])) + "\n"


def merge_participants(there: str, new: str) -> str:
    """The table of participants there, with those added that it lacks.

    Examples
    --------
    >>> merge_participants("participant_id\\tage\\nsub-01\\t20\\n", "participant_id\\nsub-02\\n")
    'participant_id\\tage\\nsub-01\\t20\\nsub-02\\tn/a\\n'
    """
    head, *rows = there.splitlines()
    known = {row.split("\t")[0] for row in rows}
    empty = "\tn/a" * head.count("\t")
    added = [row + empty for row in new.splitlines()[1:] if row not in known]
    return "\n".join([head, *rows, *added]) + "\n"


def same_positions(there: str, new: str) -> str:
    """The text there, if the new one says the same."""
    if there != new:
        raise WriteError(
            "other positions for this subject and session in the data set",
            "the same positions in all runs of a session",
            "give another session, or overwrite them",
        )
    return there


SHARED = {
    DESCRIPTION: keep_text,
    README: keep_text,
    PARTICIPANTS: merge_participants,
    IGNORED: merge_lines,
}
