"""Check that a file's structure is consistent before a reader trusts its header.

A damaged header makes readers return a part without a warning, reserve terabytes, loop forever or
crash the process.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG

if TYPE_CHECKING:
    import mne

REMEDY = "copy or export the recording again"
MOST_SIGNALS = 10_000  # more than any amplifier has
WIDTHS = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}  # bytes
SAMPLES_PER_BYTE = 100  # at most: pauses of a FIF file and gzip take no space
UNCHECKED_SAMPLES = 10_000_000
HIGHEST_RATE = 1e9  # Hz


def check_intact(path: str | Path, kind: str) -> None:
    """Raise ReadError if a file of format `kind` is damaged or shorter than it announces.

    Parameters
    ----------
    path : path
        An existing file or folder of that format.
    kind : str
        As `neurofuse.io.detect.format.find_format` returns it.
    """
    path = Path(path)
    if kind in ("EDF", "BDF"):
        check_edf(path)
    elif kind == "BrainVision":
        check_brainvision(path)
    elif kind == "FIF":
        from neurofuse.io.integrity.fif import check_fif

        check_fif(path)
    elif kind in ("EEGLAB", "Homer", "neurofuse netCDF"):
        _check_container(path, tree=kind == "neurofuse netCDF")
    elif kind == "NIRx":
        folder = path if path.is_dir() else path.parent
        for probe in sorted(folder.glob("*.mat")):
            _check_container(probe)
        from neurofuse.io.integrity.nirx import check_nirx

        check_nirx(folder)


def check_edf(path: Path) -> None:
    """Raise ReadError if an EDF or BDF file is shorter than its own header announces.

    MNE reads some truncated files without a warning. A header with -1 records (a recording that was
    never closed) is allowed. Layout: Kemp et al. 1992, doi:10.1016/0013-4694(92)90009-7.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(256)
        try:
            width = 3 if head.startswith(b"\xff") else 2
            header, records = int(head[184:192]), int(head[236:244])
            seconds, signals = float(head[244:252]), int(head[252:256])
            if not 0 <= signals < MOST_SIGNALS or not 0 <= seconds < 1e9 or records < -1:
                raise ValueError
            file.seek(256 + signals * 216)
            samples = [int(file.read(8)) for _ in range(signals)]
            if header < 256 or any(count < 0 for count in samples):
                raise ValueError
        except ValueError:
            raise ReadError(
                f"{path} with a damaged or cut-off header ({size} bytes)",
                "a whole EDF or BDF file",
                REMEDY,
            ) from None
    record = width * sum(samples)
    if signals < 1 or record == 0 or records == 0:
        raise ReadError(
            f"{path}, which holds a header and no samples", "at least one data record", REMEDY
        )
    whole = (size - header) // record
    if whole < records or whole < 1:
        raise ReadError(
            f"{path}, cut off: {max(whole, 0)} of {records} data records "
            f"({max(whole, 0) * seconds:g} of {records * seconds:g} s)",
            "a whole EDF or BDF file",
            REMEDY,
        )
    announced = whole if records < 0 else records
    behind = size - header - announced * record
    if behind:
        _check_behind(path, size - behind, behind, record)


def _check_behind(path: Path, at: int, count: int, record: int) -> None:
    """Warn of bytes behind the data records of an EDF or BDF file; refuse a second recording."""
    with path.open("rb") as file:
        file.seek(at)
        head = file.read(8)
    if head in (b"0       ", b"\xffBIOSEMI"):
        raise ReadError(
            f"{path}, in which a second recording of {count} bytes follows the first",
            "one EDF or BDF recording",
            "split it, or export the recordings again",
        )
    more, rest = divmod(count, record)
    words = f"{more} further records of {record} bytes are read" if more else ""
    left = f"{rest} bytes, which are no whole record, are left out" if rest else ""
    LOG.warning(
        "%s: %d bytes behind the data records that its header announces; %s",
        path,
        count,
        " and ".join(part for part in (words, left) if part),
    )


def check_brainvision(path: Path) -> None:
    """Raise ReadError if a BrainVision .eeg file is shorter than its .vhdr header announces.

    MNE reads truncated files without a warning. Headers need not announce a length; then only an
    incomplete last sample shows the damage.
    """
    text = path.read_text("utf-8", errors="replace")
    if not text.endswith("\n"):
        LOG.warning("%s: its last line has no end, so that it may be cut off", path)
    fields = dict(re.findall(r"(?m)^(\w+)=(.*?)\r?$", text))
    samples = path.parent / fields.get("DataFile", "").replace("$b", path.stem)
    width, channels = (
        WIDTHS.get(fields.get("BinaryFormat", ""), 0),
        _count(fields, "NumberOfChannels"),
    )
    if samples.is_file() and fields.get("DataFormat", "").upper() == "ASCII":
        whole, rest = _rows(samples, _count(fields, "SkipLines"))
    elif samples.is_file() and width and channels:
        whole, rest = divmod(samples.stat().st_size, width * channels)
    else:
        return  # MNE reports this better
    announced = _count(fields, "DataPoints")
    wanted = announced or whole + bool(rest)
    if whole < wanted:
        raise ReadError(
            f"{samples}, cut off: {whole} of {wanted} samples",
            "a whole BrainVision recording",
            REMEDY,
        )
    if announced and whole > announced:
        LOG.warning("%s: %d samples; %s announces %d", samples, whole, path.name, announced)


def _rows(path: Path, skipped: int) -> tuple[int, int]:
    """How many lines a text has after those that are skipped, and 1 if the last one has no end."""
    count, rest = -skipped, 0
    with path.open("rb") as file:
        for line in file:
            rest = int(not line.endswith(b"\n"))
            count += 1 - rest
    return max(count, 0), rest


def _count(fields: dict[str, str], name: str) -> int:
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _check_container(path: Path, tree: bool = False) -> None:
    """MATLAB 5 or HDF5: .set, .nirs, .nc and the .mat files beside others."""
    with path.open("rb") as file:
        head = file.read(14)
    if head == b"MATLAB 5.0 MAT":
        from neurofuse.io.integrity.matlab import check_matlab

        check_matlab(path)
    else:
        from neurofuse.io.integrity.hdf5 import check_hdf5

        check_hdf5(path, tree)


def check_announced(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Raise ReadError if a Raw that is still in its files announces more than they can hold.

    Channel types and the rate, which some readers do not check, are checked as well.

    Raises
    ------
    ReadError
        If there is no channel, no rate, or more than 100 samples for each byte of the files.
    """
    types = raw.get_channel_types() if raw.ch_names else []
    if not types:
        raise ReadError(f"{path} without channels", "at least one channel", "export it again")
    rate = float(raw.info["sfreq"])
    if not 0 < rate < HIGHEST_RATE:
        raise ReadError(f"{path} at {rate:g} Hz", "a sampling rate", "export it again")
    files = {Path(f) for f in raw.filenames if f is not None} | {Path(path)}
    held = sum(f.stat().st_size for f in files if f.is_file())
    announced = len(types) * raw.n_times
    if not raw.preload and announced > max(SAMPLES_PER_BYTE * held, UNCHECKED_SAMPLES):
        raise ReadError(
            f"{path}, which announces {announced:.3g} samples in {held} bytes",
            "samples that the file can hold",
            "copy or export the recording again",
        )
