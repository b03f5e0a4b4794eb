"""Check the tags of a FIF file before MNE reads them: damaged ones can loop its reader forever.

A tag is a kind, a type, a size and the place of the next tag, each a big-endian 4-byte integer,
and `size` bytes. Layout: mne.tools, "The FIF file format"; Hämäläinen, MNE manual (2009), ch. B.
"""

import gzip
import math
import struct
from pathlib import Path
from typing import Any

from neurofuse.io.errors import ReadError

HEADER = struct.Struct(">4i")
DIRECTORY = 32  # the type of a directory: an array of headers of other tags
MATRIX = 0x40000000  # set in the type of an array with dimensions of its own
SPARSE = 0x00300000
END = -1


class _DamageError(Exception):
    """Damage in a tag."""


def check_fif(path: str | Path) -> None:
    """Raise ReadError if a tag of a FIF file reaches beyond the file or leads backwards.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".fif") as file:
    ...     _ = file.write(HEADER.pack(100, 31, 20, 0) + bytes(7)) and file.flush()
    ...     check_fif(file.name)
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /tmp/..., which is damaged or cut off (20 bytes announced \
at 0, 7 left); wanted a whole FIF file; copy or export the recording again
    """
    path = Path(path)
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            _walk(file)
    except (_DamageError, EOFError, OSError, struct.error) as error:
        raise ReadError(
            f"{path}, which is damaged or cut off ({error})",
            "a whole FIF file",
            "copy or export the recording again",
        ) from None


def _walk(file: Any) -> None:
    end = file.seek(0, 2) if not isinstance(file, gzip.GzipFile) else _length(file)
    at, directories = 0, []
    while at + HEADER.size <= end:
        file.seek(at)
        _, kind, size, following = HEADER.unpack(file.read(HEADER.size))
        _check_tag(file, at, kind, size, end)
        if kind == DIRECTORY:
            directories.append((at, size))
        if following == END:
            break
        if following < 0 or 0 < following <= at:
            raise _DamageError(f"the tag at {at} leads to {following}")
        at = following or at + HEADER.size + size
    for at, size in directories:
        file.seek(at + HEADER.size)
        for _, _, _, place in HEADER.iter_unpack(file.read(size - size % HEADER.size)):
            if not 0 <= place <= end - HEADER.size:
                raise _DamageError(f"a directory leads to {place} in {end} bytes")
            here = file.tell()
            file.seek(place)
            _, kind, own, _ = HEADER.unpack(file.read(HEADER.size))
            _check_tag(file, place, kind, own, end)
            file.seek(here)


def _check_tag(file: Any, at: int, kind: int, size: int, end: int) -> None:
    left = end - at - HEADER.size
    if not 0 <= size <= left:
        raise _DamageError(f"{size} bytes announced at {at}, {left} left")
    if not kind & MATRIX or size < 8:
        return
    file.seek(at + HEADER.size + size - 4)
    count = struct.unpack(">i", file.read(4))[0]
    extra = 1 if kind & SPARSE else 0  # the number of entries that are not zero
    if not 1 <= count <= 3 or 4 * (count + 1 + extra) > size:
        raise _DamageError(f"an array of {count} dimensions at {at}")
    file.seek(at + HEADER.size + size - 4 * (count + 1 + extra))
    dims = struct.unpack(f">{count + extra}i", file.read(4 * (count + extra)))
    if min(dims) < 0 or max(dims) > size or (not extra and math.prod(dims) > size):
        raise _DamageError(f"an array of {dims} in {size} bytes at {at}")


def _length(file: gzip.GzipFile) -> int:
    """Bytes of an unpacked file, in which no seek to the end is possible."""
    length = 0
    while block := file.read(2**20):
        length += len(block)
    return length
