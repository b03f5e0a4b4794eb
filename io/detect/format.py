"""The format to read a file with: its name and its first bytes must agree."""

from pathlib import Path

from neurofuse.io.detect.content import content_of
from neurofuse.io.detect.plugins import plugin_format
from neurofuse.io.errors import ReadError
from neurofuse.io.integrity.file import check_intact
from neurofuse.io.integrity.kind import check_kind
from neurofuse.io.modality import EEG, MODALITIES, NIRS

ANY, BOTH = "any", "recording"  # what a file may hold, beside one modality
# suffix -> format, and what its files hold
SUFFIXES = {
    ".edf": ("EDF", EEG.name),
    ".bdf": ("BDF", EEG.name),
    ".vhdr": ("BrainVision", EEG.name),
    ".fif": ("FIF", ANY),
    ".fif.gz": ("gzip", ANY),
    ".set": ("EEGLAB", EEG.name),
    ".snirf": ("SNIRF", NIRS.name),
    ".hdr": ("NIRx", NIRS.name),
    ".nirs": ("Homer", NIRS.name),
    ".csv": ("Hitachi", NIRS.name),
    ".txt": ("BOXY", NIRS.name),
    ".xdf": ("XDF", BOTH),
    ".nc": ("neurofuse netCDF", BOTH),
}
FOLDERS = {"NIRx": NIRS.name, "neurofuse zarr": BOTH, "BIDS": BOTH}
# suffixes of many programs -> what is read of them
TABLES = {".csv": "a Hitachi ETG export", ".txt": "a BOXY text file"}
READABLE = (
    "EDF, BDF, BrainVision (.vhdr), FIF, EEGLAB (.set), XDF, SNIRF, NIRx (folder or .hdr), "
    "Homer .nirs, Hitachi .csv, BOXY .txt, a BIDS folder, .nc or .zarr"
)


def suffix_of(path: str | Path) -> str:
    """The suffix that stands for the format, in lower case; ".fif.gz" counts as one."""
    name = Path(path).name.lower()
    return ".fif.gz" if name.endswith(".fif.gz") else Path(name).suffix


def find_format(path: str | Path, modality: str = ANY) -> str:
    """The format to read `path` with, when name and content agree.

    Parameters
    ----------
    path : path
        A file, or the folder of NIRx, of a zarr store or of a BIDS data set.
    modality : {"any", "eeg", "nirs"}
        What the file shall hold.

    Returns
    -------
    str
        "EDF", "BDF", "BrainVision", "FIF", "EEGLAB", "XDF", "SNIRF", "NIRx", "Homer", "Hitachi",
        "BOXY", "BIDS", "neurofuse netCDF" or "neurofuse zarr"; for any modality also
        "plug-in NAME", where none of these fits and an installed reader announces the suffix.

    Raises
    ------
    ReadError
        If the file is missing, empty, damaged, of an unknown format, of another format than its
        name says, or of the other modality.
    """
    path = Path(path)
    wanted = {
        EEG.name: "an EEG file: EDF, BDF, BrainVision (.vhdr), FIF or EEGLAB (.set)",
        NIRS.name: "an fNIRS file: SNIRF, NIRx's folder or .hdr file, Homer .nirs, Hitachi .csv or "
        "BOXY .txt",
    }.get(modality, f"a readable file: {READABLE}")
    check_kind(path)
    if not path.exists():
        raise ReadError(f"no file {path}", wanted, "check the path")
    try:
        named, holds = _built_in_format(path, wanted)
    except _UnknownFormatError as error:
        plugin = plugin_format(path) if modality == ANY else ""
        if plugin:
            return plugin
        raise ReadError(error.found, error.wanted, error.remedy) from None
    if modality != ANY and holds not in (ANY, modality):
        other = MODALITIES[holds].display if holds in MODALITIES else "a whole Recording"
        raise ReadError(
            f"{path}, which is {named} ({other})",
            wanted,
            "use neurofuse.read, which finds the kind of each file by itself",
        )
    check_intact(path, named)
    return named


class _UnknownFormatError(ReadError):
    """A file or folder that none of the formats in SUFFIXES and FOLDERS fits."""


def _built_in_format(path: Path, wanted: str) -> tuple[str, str]:
    """The format of a file or folder by name and content, and what it holds."""
    if path.is_dir():
        named = content_of(path)
        if named not in FOLDERS:
            raise _UnknownFormatError(
                f"the folder {path} without a NIRx .hdr file, zarr store or BIDS data set",
                wanted,
                "give the file inside it",
            )
        return named, FOLDERS[named]
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        raise _UnknownFormatError(
            f"{path} of unknown type {suffix or '(no suffix)'!r}", wanted, _convert(path)
        )
    named, holds = SUFFIXES[suffix]
    content = content_of(path)
    if content == "empty":
        raise ReadError(f"{path}, an empty file", wanted, "copy or export the recording again")
    if content == "text" and suffix in TABLES:
        raise _UnknownFormatError(
            f"{path}, a text that is no recording of a known layout", TABLES[suffix], _convert(path)
        )
    if content not in {"EEGLAB": ("MATLAB", "EEGLAB"), "Homer": ("MATLAB", "Homer")}.get(
        named, (named,)
    ):
        what = {
            "text": "a text file",
            "unknown": "no known recording format",
            "HDF5": "an HDF5 file without /nirs",
            "broken HDF5": "an HDF5 file that is damaged or cut off",
        }.get(content, f"whose content is {content}")
        other = _suffix_for(content)
        raise _UnknownFormatError(
            f"{path}, {what}",
            f"{named} as its name says",
            f"rename it to {other}" if other else "export the recording again",
        )
    return ("FIF" if named == "gzip" else named), holds


def _suffix_for(content: str) -> str:
    return next((s for s, (name, _) in SUFFIXES.items() if name == content), "")


def _convert(path: Path) -> str:
    """What to do about a file that is no recording, or none that can be read."""
    if any(path.parent.glob("*.hdr")):
        return f"give NIRx's folder or its .hdr file: this is a part of that in {path.parent}"
    table = "make an MNE Raw of it and use neurofuse.from_mne"
    return {
        ".csv": table,
        ".txt": table,
        ".nir": "export SNIRF with the device's software: fNIR Devices' .nir has no reader here",
        ".mat": "save the recording as EDF, SNIRF or Homer .nirs: a .mat file may hold anything",
        ".tsv": "a sidecar: give the recording itself, or the BIDS folder",
        ".json": "a sidecar: give the recording itself, or the BIDS folder",
        ".xdfz": "unpack it to .xdf first",
        ".eeg": "give the .vhdr file that lies beside it",
        ".vmrk": "give the .vhdr file that lies beside it",
        ".wl1": "give NIRx's folder with all its files",
        ".wl2": "give NIRx's folder with all its files",
        ".fdt": "give the .set file that lies beside it",
    }.get(suffix_of(path), "convert the recording to one of these formats")
