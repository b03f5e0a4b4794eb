"""Which files were cleaned: stored beside the outputs, and read again from there."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofuse.io.errors import ReadError

if TYPE_CHECKING:
    import xarray as xr

MARK = "_desc-clean"
CLEANED = f"{MARK}_recording.nc"
BIDS_PART = re.compile(r"(sub|ses)-[A-Za-z0-9]+|eeg|nirs")  # folders of a data set
REMEDY = "name the folder that holds it (cohort: --before FOLDER; report: BEFORE)"


def provenance_beside(cleaned: Path) -> Path:
    """The file beside a cleaned recording that names its inputs.

    Raises
    ------
    ReadError
        If it is no recording that `neurofuse clean` wrote.
    """
    if not cleaned.name.endswith(CLEANED):
        raise ReadError(
            f"{cleaned} without the recording before cleaning",
            f"both, or a *{CLEANED} of `neurofuse clean`",
            "name the recording before cleaning first",
        )
    return cleaned.with_name(cleaned.name.removesuffix("_recording.nc") + "_provenance.json")


def write_inputs(
    recording: "xr.DataTree",
    paths: Sequence[Path],
    target: Path,
    out: Path,
    offset: float | None,
    align: str | None,
    *,
    bids: bool = False,
    sidecars: bool = False,
) -> None:
    """Write what a cleaned Recording was made of and how, as JSON that `read_inputs` takes.

    Parameters
    ----------
    recording : Recording
        The result; its provenance is stored.
    paths : one or two paths
        What was cleaned.
    target : Path
        The file to write.
    out : Path
        The folder in which the outputs will be; the inputs are named relative to it.
    offset, align
        As given to `neurofuse.read`.
    bids : bool
        Whether `out` is a BIDS derivative: inputs are named by BIDS URIs, those that are in no data
        set by their name, and those whose name is not BIDS's by their suffix.
    sidecars : bool
        Whether they were read with the tables that apply to them.
    """
    from neurofuse.io import provenance

    facts = {
        "inputs": [
            {
                **(_in_bids(path) if bids else _in_folder(path, out)),
                "sha256": _sha256(path) if path.is_file() else None,
            }
            for path in paths
        ],
        "offset": offset,
        "align": None if align is None else str(align),
        "sidecars": sidecars,
        "measured_at": recording.attrs.get("measured_at", ""),
        "steps": provenance(recording),
    }
    target.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def read_inputs(provenance_file: Path, before: Path | None = None) -> "xr.DataTree":
    """Read again what was cleaned, as `neurofuse clean` read it.

    Parameters
    ----------
    provenance_file : Path
        The `STEM_provenance.json` beside the outputs.
    before : Path, optional
        A folder that holds the inputs, at any depth, by their names; else they are looked for
        where they were.

    Returns
    -------
    Recording

    Raises
    ------
    ReadError
        If an input is not found, or is another file than the one that was cleaned.
    """
    from neurofuse.io import mark_bad

    facts = _facts(provenance_file)
    paths = [_find(entry, provenance_file.parent, before) for entry in facts["inputs"]]
    sidecars = bool(facts.get("sidecars"))
    with _quiet():
        recording = read_paths(paths, facts.get("offset"), facts.get("align"), sidecars=sidecars)
        return mark_bad(recording)


def read_paths(
    paths: Sequence[Path], offset: float | None, align: str | None, *, sidecars: bool = False
) -> "xr.DataTree":
    """Read one or two files, as runs of a BIDS data set with their `sidecars` or by themselves."""
    from neurofuse.io import read

    if not sidecars:
        return read(*paths, offset=offset, align=align)
    from neurofuse.io.bids.read import SUFFIXES, read_runs
    from neurofuse.io.integrity.recording import checked
    from neurofuse.io.logs import reading

    runs = {stream: p for p in paths for stream in SUFFIXES if p.stem.endswith(f"_{stream}")}
    with reading(paths[0], "a whole BIDS recording"):
        return checked(read_runs(runs, offset=offset, align=align), paths[0])


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings: what there is to say of these files was said when they were cleaned."""
    from neurofuse.io.logs import LOG

    level = LOG.level
    LOG.setLevel(logging.ERROR)
    try:
        yield
    finally:
        LOG.setLevel(level)


def _in_folder(path: Path, out: Path) -> dict[str, str]:
    return {"name": _itself(path).name, "path": _relative(path, out)}


def _in_bids(path: Path) -> dict[str, str]:
    """Name and BIDS URI, without folders that lead to a data set or a name that is not BIDS's."""
    from neurofuse.io.bids.dataset import source_uri
    from neurofuse.io.identity import BIDS_NAME

    name = _itself(path).name
    known = BIDS_NAME.fullmatch(name) or BIDS_PART.fullmatch(name)
    return {"name": name if known else f"*{path.suffix}", "path": source_uri(path)}


def _relative(path: Path, out: Path) -> str:
    try:
        return Path(os.path.relpath(_itself(path), out.resolve())).as_posix()
    except ValueError:  # on another drive
        return _itself(path).as_posix()


def _itself(path: Path) -> Path:
    """Where a file lies; of a link, as git-annex has them, its own place and name."""
    place = Path(os.path.abspath(path))
    return place.parent.resolve() / place.name


def _facts(provenance_file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(provenance_file.read_text(encoding="utf-8"))
        if not 1 <= len(facts["inputs"]) <= 2 or not all(e["name"] for e in facts["inputs"]):
            raise KeyError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"no list of inputs in {provenance_file}",
            "the provenance that `neurofuse clean` writes beside its outputs",
            "clean the recording again",
        ) from error
    return facts


def _find(entry: dict[str, Any], folder: Path, before: Path | None) -> Path:
    """The input itself: the same bytes where they are known."""
    name = Path(entry["name"]).name
    if before is None:
        place = _place(entry.get("path") or "", folder)
        candidates = [place] if place is not None and place.exists() else []
    else:
        candidates = sorted(path for path in before.rglob(name))
    if not candidates:
        place = f"below {before}" if before else "where it was when it was cleaned"
        raise ReadError(f"no {name} {place}", "what was cleaned", REMEDY)
    same = [
        path for path in candidates if not path.is_file() or entry.get("sha256") == _sha256(path)
    ]
    if not same:
        raise ReadError(
            f"{candidates[0]}, which has changed since it was cleaned",
            "the file that was cleaned",
            f"{REMEDY}, or clean it again",
        )
    if len(same) > 1 and same[0].is_dir():
        raise ReadError(
            f"{len(same)} folders {name} below {before}", "one", "name a folder closer to it"
        )
    return same[0]


def _place(stated: str, folder: Path) -> Path | None:
    from neurofuse.io.bids.dataset import data_set_of, place_of

    if stated.startswith("bids:"):
        return place_of(stated, data_set_of(folder) or folder)
    return folder / stated if stated else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
