"""What a file really is: told from its name and from its first bytes, before a reader opens it."""

from pathlib import Path

from neurofuse.io.errors import ReadError
from neurofuse.io.formats.folder import folder_content
from neurofuse.io.integrity.file import check_intact
from neurofuse.io.integrity.hdf5 import check_heaps

# suffix -> (format, stream)
SUFFIXES = {
    ".edf": ("EDF", "eeg"),
    ".bdf": ("BDF", "eeg"),
    ".vhdr": ("BrainVision", "eeg"),
    ".fif": ("FIF", "any"),
    ".fif.gz": ("gzip", "any"),
    ".set": ("EEGLAB", "eeg"),
    ".snirf": ("SNIRF", "nirs"),
    ".hdr": ("NIRx", "nirs"),
    ".nirs": ("Homer", "nirs"),
    ".csv": ("Hitachi", "nirs"),
    ".txt": ("BOXY", "nirs"),
    ".xdf": ("XDF", "recording"),
    ".nc": ("neurofuse netCDF", "recording"),
}
FOLDERS = {"NIRx": "nirs", "neurofuse zarr": "recording", "BIDS": "recording"}  # content -> stream
# suffixes that say little: what they should be, in words
TABLES = {".csv": "a Hitachi ETG export", ".txt": "a BOXY text file"}
HDF5 = b"\x89HDF\r\n\x1a\n"
MAGIC = {
    b"\xffBIOSEMI": "BDF",
    b"\x00\x00\x00\x64": "FIF",
    b"MATLAB 5.0 MAT": "MATLAB",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"XDF:": "XDF",
    b"0       ": "EDF",
}
READABLE = (
    "EDF, BDF, BrainVision (.vhdr), FIF, EEGLAB (.set), XDF, SNIRF, NIRx (folder or .hdr), "
    "Homer .nirs, Hitachi .csv, BOXY .txt, a BIDS folder, .nc or .zarr"
)


def suffix_of(path: str | Path) -> str:
    """The suffix that tells the format, in lower case; ".fif.gz" counts as one."""
    name = Path(path).name.lower()
    return ".fif.gz" if name.endswith(".fif.gz") else Path(name).suffix


def content_of(path: str | Path) -> str:
    """The format that a file's first bytes tell: "EDF", "SNIRF", "text", "unknown" …

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".edf") as file:
    ...     _ = file.write(b"time,Fp1,Fp2") + file.seek(0)
    ...     content_of(file.name)
    'text'
    """
    path = Path(path)
    if path.is_dir():
        return folder_content(path)
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        return "empty"
    if HDF5 in (head[:8], head[512:520]):  # MATLAB 7.3 keeps 512 bytes of its own before HDF5
        return _hdf5_content(path)
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    first = next(iter(head.lstrip(b"\xef\xbb\xbf").splitlines()), b"").lower()
    if b"brain" in first and b"vision" in first and b"header" in first:
        return "BrainVision"
    if b"[generalinfo]" in head.lower():
        return "NIRx"
    if first.startswith(b"boxy.exe"):
        return "BOXY"
    if first.rstrip(b",") == b"header" and b"AnalyzeMode" in head:
        return "Hitachi"
    return "text" if _is_text(head) else "unknown"


def find_format(path: str | Path, stream: str = "any") -> str:
    """The format to read `path` with, when name and content agree.

    Parameters
    ----------
    path : path
        A file, or the folder of NIRx, of a zarr store or of a BIDS data set.
    stream : {"any", "eeg", "nirs"}
        What the file shall hold.

    Returns
    -------
    str
        "EDF", "BDF", "BrainVision", "FIF", "EEGLAB", "XDF", "SNIRF", "NIRx", "Homer", "Hitachi",
        "BOXY", "BIDS", "neurofuse netCDF" or "neurofuse zarr".

    Raises
    ------
    ReadError
        If the file is missing, empty, damaged, of an unknown kind, of another kind than its name
        says, or of the other stream.
    """
    path = Path(path)
    wanted = {
        "eeg": "an EEG file: EDF, BDF, BrainVision (.vhdr), FIF or EEGLAB (.set)",
        "nirs": "an fNIRS file: SNIRF, NIRx's folder or .hdr file, Homer .nirs, Hitachi .csv or "
        "BOXY .txt",
    }.get(stream, f"a readable file: {READABLE}")
    if not path.exists():
        raise ReadError(f"no file {path}", wanted, "check the path")
    if path.is_dir():
        named = content_of(path)
        if named not in FOLDERS:
            raise ReadError(
                f"the folder {path} without a NIRx .hdr file, zarr store or BIDS data set",
                wanted,
                "give the file inside it",
            )
        holds = FOLDERS[named]
    else:
        suffix = suffix_of(path)
        if suffix not in SUFFIXES:
            raise ReadError(
                f"{path} of unknown type {suffix or '(no suffix)'!r}", wanted, _convert(path)
            )
        named, holds = SUFFIXES[suffix]
    content = content_of(path)
    if content == "empty":
        raise ReadError(f"{path}, an empty file", wanted, "copy or export the recording again")
    accepted = {"EEGLAB": ("MATLAB", "EEGLAB"), "Homer": ("MATLAB", "Homer")}.get(named, (named,))
    if content == "text" and suffix_of(path) in TABLES:
        raise ReadError(
            f"{path}, a text that is no recording of a known layout",
            TABLES[suffix_of(path)],
            _convert(path),
        )
    if content not in accepted:
        what = {
            "text": "a text file",
            "unknown": "no known recording format",
            "HDF5": "an HDF5 file without /nirs",
            "broken HDF5": "an HDF5 file that is damaged or cut off",
        }.get(content, f"in truth {content}")
        remedy = (
            f"rename it to {_suffix_for(content)}"
            if _suffix_for(content)
            else "export the recording again"
        )
        raise ReadError(f"{path}, {what}", f"{named} as its name says", remedy)
    if stream != "any" and holds not in ("any", stream):
        other = {"eeg": "EEG", "nirs": "fNIRS", "recording": "a whole Recording"}[holds]
        raise ReadError(
            f"{path}, which is {named} ({other})",
            wanted,
            "use neurofuse.read, which finds the kind of each file by itself",
        )
    named = "FIF" if named == "gzip" else named
    check_intact(path, named)
    return named


def _hdf5_content(path: Path) -> str:
    import h5py

    try:
        check_heaps(path)
        with h5py.File(path, "r") as file:
            names, attributes = {str(name) for name in file}, set(file.attrs)
    except Exception:  # h5py raises anything from KeyError to RuntimeError
        return "broken HDF5"
    if "schema_version" in attributes:  # before SNIRF: our own trees hold /nirs too
        return "neurofuse netCDF"
    if any(name == "nirs" or name.startswith("nirs1") for name in names):
        return "SNIRF"
    if {"t", "d", "SD"} <= names:
        return "Homer"
    return "EEGLAB" if "EEG" in names or "data" in names else "HDF5"


def _is_text(head: bytes) -> bool:
    try:
        head[: len(head) - len(head) % 4].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x00" not in head


def _suffix_for(content: str) -> str:
    return next((s for s, (name, _) in SUFFIXES.items() if name == content), "")


def _convert(path: Path) -> str:
    """The way out for a file that is no recording, or none that can be read."""
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
