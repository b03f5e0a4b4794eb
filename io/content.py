"""What a file really is: told from its name and from its first bytes, before a reader opens it."""

import re
from pathlib import Path

from neurofuse.io.errors import ReadError

# suffix -> (format, stream); a .hdr file or a folder is NIRx's
SUFFIXES = {
    ".edf": ("EDF", "eeg"),
    ".bdf": ("BDF", "eeg"),
    ".vhdr": ("BrainVision", "eeg"),
    ".fif": ("FIF", "any"),
    ".fif.gz": ("gzip", "any"),
    ".set": ("EEGLAB", "eeg"),
    ".snirf": ("SNIRF", "nirs"),
    ".hdr": ("NIRx", "nirs"),
    ".nc": ("neurofuse netCDF", "recording"),
}
HDF5 = b"\x89HDF\r\n\x1a\n"
MAGIC = {
    b"\xffBIOSEMI": "BDF",
    b"\x00\x00\x00\x64": "FIF",
    b"MATLAB 5.0 MAT": "MATLAB",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"0       ": "EDF",
}
READABLE = "EDF, BDF, BrainVision (.vhdr), FIF, EEGLAB (.set), SNIRF, NIRx (folder or .hdr) or .nc"


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
        return "NIRx" if any(path.glob("*.hdr")) else "folder"
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        return "empty"
    if HDF5 in (head[:8], head[512:520]):  # MATLAB 7.3 keeps 512 bytes of its own before HDF5
        return _hdf5_content(path)
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    first = head.lstrip(b"\xef\xbb\xbf").splitlines()[0].lower() if head.strip() else b""
    if b"brain" in first and b"vision" in first and b"header" in first:
        return "BrainVision"
    if b"[generalinfo]" in head.lower():
        return "NIRx"
    return "text" if _is_text(head) else "unknown"


def find_format(path: str | Path, stream: str = "any") -> str:
    """The format to read `path` with, when name and content agree.

    Parameters
    ----------
    path : path
        A file, or NIRx's folder.
    stream : {"any", "eeg", "nirs"}
        What the file shall hold.

    Returns
    -------
    str
        "EDF", "BDF", "BrainVision", "FIF", "EEGLAB", "SNIRF", "NIRx" or "neurofuse netCDF".

    Raises
    ------
    ReadError
        If the file is missing, empty, of an unknown kind, of another kind than its name says, or
        of the other stream.
    """
    path = Path(path)
    wanted = {
        "eeg": "an EEG file: EDF, BDF, BrainVision (.vhdr), FIF or EEGLAB (.set)",
        "nirs": "an fNIRS file: SNIRF, or NIRx's folder or .hdr file",
    }.get(stream, f"a readable file: {READABLE}")
    if not path.exists():
        raise ReadError(f"no file {path}", wanted, "check the path")
    if path.is_dir():
        if content_of(path) != "NIRx":
            raise ReadError(
                f"the folder {path} without a NIRx .hdr file", wanted, "give the file inside it"
            )
        named, holds = "NIRx", "nirs"
    else:
        suffix = suffix_of(path)
        if suffix not in SUFFIXES:
            raise ReadError(
                f"{path} of unknown type {suffix or '(no suffix)'!r}", wanted, _convert(suffix)
            )
        named, holds = SUFFIXES[suffix]
    content = content_of(path)
    if content == "empty":
        raise ReadError(f"{path}, an empty file", wanted, "copy or export the recording again")
    accepted = {"EEGLAB": ("MATLAB", "EEGLAB"), "gzip": ("gzip",)}.get(named, (named,))
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
    return "FIF" if named == "gzip" else named


def check_edf_length(path: str | Path) -> None:
    """Raise ReadError if an EDF or BDF file is shorter than its own header announces.

    MNE reads some cut-off files without a word. A header with -1 records (a recording that was
    never closed) is allowed. Layout: Kemp et al. 1992, doi:10.1016/0013-4694(92)90009-7.
    """
    path = Path(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(256)
        try:
            width = 3 if head.startswith(b"\xff") else 2
            header, records = int(head[184:192]), int(head[236:244])
            seconds, signals = float(head[244:252]), int(head[252:256])
            file.seek(256 + signals * 216)
            samples = [int(file.read(8)) for _ in range(signals)]
        except ValueError:
            raise ReadError(
                f"{path} with a damaged or cut-off header ({size} bytes)",
                "a whole EDF or BDF file",
                "copy or export the recording again",
            ) from None
    record = width * sum(samples)
    if signals < 1 or record == 0 or records == 0:
        raise ReadError(
            f"{path}, which holds a header and no samples",
            "at least one data record",
            "copy or export the recording again",
        )
    whole = (size - header) // record
    if whole < records or whole < 1:
        raise ReadError(
            f"{path}, cut off: {max(whole, 0)} of {records} data records "
            f"({max(whole, 0) * seconds:g} of {records * seconds:g} s)",
            "a whole EDF or BDF file",
            "copy or export the recording again",
        )


def check_brainvision_length(path: str | Path) -> None:
    """Raise ReadError if a BrainVision .eeg file is shorter than its .vhdr header announces.

    MNE reads cut-off files without a word. Headers need not announce a length; then only a last
    sample that lacks channels tells.
    """
    path = Path(path)
    fields = dict(re.findall(r"(?m)^(\w+)=(.*?)\r?$", path.read_text("utf-8", errors="replace")))
    samples = path.with_name(fields.get("DataFile", "").replace("$b", path.stem) or path.name)
    widths = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}
    width = widths.get(fields.get("BinaryFormat", ""), 0)
    channels = fields.get("NumberOfChannels", "")
    if not samples.is_file() or not width or not channels.isdigit():
        return  # MNE tells better what is wrong
    frame = width * int(channels)
    whole, rest = divmod(samples.stat().st_size, frame)
    announced = fields.get("DataPoints", "")
    wanted = int(announced) if announced.isdigit() else whole + bool(rest)
    if whole < wanted:
        raise ReadError(
            f"{samples}, cut off: {whole} of {wanted} samples",
            "a whole BrainVision recording",
            "copy or export the recording again",
        )


def _hdf5_content(path: Path) -> str:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names, attributes = set(file.keys()), set(file.attrs)
    except OSError:
        return "broken HDF5"
    if "schema_version" in attributes:  # before SNIRF: our own trees hold /nirs too
        return "neurofuse netCDF"
    if any(name == "nirs" or name.startswith("nirs1") for name in names):
        return "SNIRF"
    return "EEGLAB" if "EEG" in names or "data" in names else "HDF5"


def _is_text(head: bytes) -> bool:
    try:
        head[: len(head) - len(head) % 4].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x00" not in head


def _suffix_for(content: str) -> str:
    return next((s for s, (name, _) in SUFFIXES.items() if name == content), "")


def _convert(suffix: str) -> str:
    return {
        ".nirs": "convert Homer's .nirs to SNIRF first (Homer3 does it on loading)",
        ".eeg": "give the .vhdr file that lies beside it",
        ".vmrk": "give the .vhdr file that lies beside it",
        ".wl1": "give NIRx's folder or its .hdr file",
        ".wl2": "give NIRx's folder or its .hdr file",
        ".fdt": "give the .set file that lies beside it",
        ".xdf": "export its streams to EDF and SNIRF first",
    }.get(suffix, "convert the recording to one of these formats")
