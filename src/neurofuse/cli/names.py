"""How outputs are called after their inputs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

EEG_SUFFIXES = (".edf", ".bdf", ".vhdr", ".set", ".fif")  # those that can be written
FIGURES = "figures"  # folder of a participant's reports in a BIDS derivative
_NIRS_SUFFIXES = (".snirf", ".hdr", ".nirs", ".csv", ".txt")


def stem(paths: Sequence[Path]) -> str:
    """The name of the EEG file (else of the first) without suffix and without its modality.

    Of a BIDS folder it is that of the session's EEG file: its entities.

    Raises
    ------
    ReadError
        If a BIDS folder does not lead to one session.

    Examples
    --------
    >>> stem([Path("raw/sub-01_task-rest_eeg.edf"), Path("raw/optics.snirf")])
    'sub-01_task-rest'
    >>> stem([Path("sub-02-EEG.fif.gz")])
    'sub-02'
    """
    from neurofuse.io.names import plain_stem

    path = next((p for p in paths if not _is_nirs(p)), paths[0])
    if _is_bids(path):
        from neurofuse.io.bids.read import bids_stem

        return bids_stem(path)
    name = Path(os.path.abspath(path)).name  # of a link (git-annex) its own; "." is a folder's
    return name if path.is_dir() and path.suffix.lower() != ".zarr" else plain_stem(name)


def eeg_suffix(paths: Sequence[Path]) -> str:
    """The suffix in which the EEG came, if files are written with it; else ".fif".

    Examples
    --------
    >>> eeg_suffix([Path("a.snirf"), Path("b.BDF")])
    '.bdf'
    """
    files = [file for path in paths for file in files_of(path)]
    return next((p.suffix.lower() for p in files if p.suffix.lower() in EEG_SUFFIXES), ".fif")


def companions(name: str) -> list[str]:
    """The files that a file of this name consists of (BrainVision: three; a table: its JSON too).

    Examples
    --------
    >>> companions("a_eeg.vhdr")
    ['a_eeg.vhdr', 'a_eeg.vmrk', 'a_eeg.eeg']
    """
    if name.endswith(".tsv"):
        return [name, name.removesuffix("tsv") + "json"]
    if not name.endswith(".vhdr"):
        return [name]
    return [name.removesuffix("vhdr") + part for part in ("vhdr", "vmrk", "eeg")]


def bids_outputs(entities: Mapping[str, str]) -> dict[str, str]:
    """Where, in a BIDS derivative, lies what belongs to EEG and fNIRS together.

    Examples
    --------
    >>> made = bids_outputs({"sub": "01", "ses": "a", "task": "rest", "desc": "clean"})
    >>> made["recording"]
    'sub-01/ses-a/sub-01_ses-a_task-rest_desc-clean_recording.nc'
    >>> made["report"]
    'sub-01/figures/sub-01_ses-a_task-rest_desc-clean_report.html'
    """
    from neurofuse.io.bids.write import ORDER

    keys = [key for key in (*ORDER, "desc") if entities.get(key)]
    stem = "_".join(f"{key}-{entities[key]}" for key in keys)
    folder = "/".join(f"{key}-{entities[key]}" for key in ("sub", "ses") if entities.get(key))
    return {
        "recording": f"{folder}/{stem}_recording.nc",
        "report": f"sub-{entities['sub']}/{FIGURES}/{stem}_report.html",
        "provenance": f"{folder}/{stem}_provenance.json",
    }


def report_of(cleaned: Path) -> Path | None:
    """The report that belongs to a cleaned recording, if it is there.

    It lies beside it, or in a BIDS derivative among the participant's figures.
    """
    name = cleaned.name.removesuffix("_recording.nc") + "_report.html"
    places = [cleaned.parent, *(f / FIGURES for f in cleaned.parents if f.name[:4] == "sub-")]
    return next((place / name for place in places if (place / name).exists()), None)


def _is_nirs(path: Path) -> bool:
    folder = path.is_dir() and path.suffix.lower() != ".zarr" and not _is_bids(path)
    return path.suffix.lower() in _NIRS_SUFFIXES or folder


def _is_bids(path: Path) -> bool:
    from neurofuse.io.detect.folder import folder_content

    return path.is_dir() and folder_content(path) == "BIDS"


def files_of(path: Path) -> list[Path]:
    """The files that a path stands for: itself, or those of a BIDS session."""
    if not _is_bids(path):
        return [path]
    from neurofuse.io.bids.read import find_session

    return [file for files in find_session(path).files.values() for file in files]
