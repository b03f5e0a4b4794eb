"""What a file holds, whatever its name says: recognised by its first bytes."""

from pathlib import Path

from neurofuse.io.detect.folder import folder_content
from neurofuse.io.integrity.hdf5 import check_heaps

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


def content_of(path: str | Path) -> str:
    """The format that a file's first bytes show: "EDF", "SNIRF", "text", "unknown" …

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
