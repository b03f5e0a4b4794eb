"""Files that a BIDS derivative data set has once: description, participants, shared positions."""

import json
import os
from importlib.metadata import metadata, version
from pathlib import Path
from typing import Any

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
    # of `neurofuse app`
    "*_summary.json",
    "figures",
    "logs",
    "index.html",
    "group_desc-clean_recordings.*",
)
CODE = ("Repository", "Source", "Homepage")  # what a package calls the address of its code
CONTAINER = "NEUROFUSE_CONTAINER"


def write_shared(stage: Path, root: Path, subject: str | None, source: str | Path | None) -> None:
    """Write the files that all recordings of the data set at `root` share into `stage`.

    The table of participants is written where there is a `subject`.
    """
    description: dict = {
        "Name": "EEG and fNIRS cleaned of movement artifacts",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [generated_by()],
    }
    if source is not None:
        place = os.path.relpath(Path(source).resolve(), root.resolve())
        description["SourceDatasets"] = [{"URL": Path(place).as_posix()}]
        description["DatasetLinks"] = {LINK: Path(place).as_posix()}
    texts = {
        DESCRIPTION: as_json(description),
        IGNORED: "\n".join(NOT_BIDS) + "\n",
        README: ABOUT,
    }
    if subject is not None:
        texts[PARTICIPANTS] = f"participant_id\nsub-{subject}\n"
    for name, text in texts.items():
        (stage / name).write_text(text, encoding="utf-8")


def generated_by() -> dict[str, Any]:
    """Who made a data set, as BIDS wants it: version, code and container as far as known.

    The environment variable NEUROFUSE_CONTAINER, which the `Containerfile` sets, holds the tag of
    the image in which this runs.

    Examples
    --------
    >>> generated_by()["Name"]
    'neurofuse'
    """
    found: dict[str, Any] = {"Name": "neurofuse", "Version": version("neurofuse")}
    links = dict(
        line.split(", ", 1)
        for line in metadata("neurofuse").get_all("Project-URL") or ()
        if ", " in line
    )
    code = next((links[name] for name in CODE if name in links), "")
    if code:
        found["CodeURL"] = code
    tag = os.environ.get(CONTAINER, "").strip()
    if tag:
        found["Container"] = {"Type": "oci", "Tag": tag}
    return found


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
    """The BIDS data set that a file belongs to, if any; links (git-annex's) are not followed."""
    place = Path(os.path.abspath(path))
    folders = [place, *place.parents]
    return next((folder for folder in folders if (folder / DESCRIPTION).is_file()), None)


def source_uri(path: Path) -> str:
    """A file of a BIDS data set as BIDS URI, "" for any other."""
    path, data_set = Path(os.path.abspath(path)), data_set_of(path)
    return "" if data_set is None else f"bids:{LINK}:{path.relative_to(data_set).as_posix()}"


def place_of(uri: str, root: Path) -> Path | None:
    """Where the file of a BIDS URI lies, by the links of the derivative at `root`."""
    _, link, inside = uri.split(":", 2)
    try:
        description = json.loads((root / DESCRIPTION).read_text(encoding="utf-8"))
        return root / description["DatasetLinks"][link] / inside
    except (OSError, ValueError, KeyError, TypeError):
        return None


def merge_description(there: str, new: str) -> str:
    """The description there, with the version that made the data last and where its source is now.

    What somebody has added stays, a link to a source that is no path (a DOI) too.

    Examples
    --------
    >>> made = {"GeneratedBy": [{"Name": "neurofuse", "Version": "0.1"}]}
    >>> mine = {"Name": "mine", "GeneratedBy": [{"Name": "neurofuse", "Version": "0.0"}]}
    >>> json.loads(merge_description(as_json(mine), as_json(made)))
    {'Name': 'mine', 'GeneratedBy': [{'Name': 'neurofuse', 'Version': '0.1'}]}
    """
    old, now = json.loads(there), json.loads(new)
    changed, links = dict(old), old.get("DatasetLinks", {})
    before, place = links.get(LINK, ""), now.get("DatasetLinks", {}).get(LINK)
    if place is not None and ":" not in before:
        changed["DatasetLinks"] = {**links, LINK: place}
        changed["SourceDatasets"] = [
            {**one, "URL": place} if one.get("URL") == before else one
            for one in old.get("SourceDatasets", now["SourceDatasets"])
        ]
    makers = {maker.get("Name"): maker for maker in now.get("GeneratedBy", [])}
    changed["GeneratedBy"] = [makers.get(one.get("Name"), one) for one in old["GeneratedBy"]]
    return there if changed == old else as_json(changed)


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
    """The table of participants there, with those added that it lacks, in order.

    Whichever of several processes comes first, the table is the same in the end.

    Examples
    --------
    >>> merge_participants("participant_id\\tage\\nsub-02\\t20\\n", "participant_id\\nsub-01\\n")
    'participant_id\\tage\\nsub-01\\tn/a\\nsub-02\\t20\\n'
    """
    head, *rows = there.splitlines()
    known = {row.split("\t")[0] for row in rows}
    empty = "\tn/a" * head.count("\t")
    added = [row + empty for row in new.splitlines()[1:] if row not in known]
    return "\n".join([head, *sorted([*rows, *added])]) + "\n"


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
