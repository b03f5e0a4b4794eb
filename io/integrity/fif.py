"""Check the tags of a FIF file before MNE reads them: damaged ones can loop its reader forever.

A tag is a kind, a type, a size and the place of the next tag, each a big-endian 4-byte integer,
and `size` bytes. Layout: mne.tools, "The FIF file format"; Hämäläinen, MNE manual (2009), ch. B.
"""

import gzip
import io
import math
import struct
import zlib
from pathlib import Path
from typing import Any

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG, reading

HEADER = struct.Struct(">4i")
DIRECTORY = 32  # the type of a directory: an array of headers of other tags
MATRIX = 0x40000000  # set in the type of an array with dimensions of its own
SPARSE = 0x00300000
END = -1
# Kinds of tags.
BLOCK_STARTS, BLOCK_ENDS = 104, 105
CHANNELS, BUFFER = 200, 300
FILE_NUMBER, FILE_NAME = 117, 118  # of a file that comes before this one or after it
RAW_BLOCKS = (102, 112, 119)  # raw data, continuous data, raw data with active shielding
# Kinds between samples: structure, first and last sample, skips.
AMONG_SAMPLES = {*range(100, 111), 208, 209, BUFFER, 301, 303}
LARGEST_FACT = 20  # bytes of a tag between samples: an identity
UNCHECKED_BYTES, LARGEST_RATIO = 2**26, 100  # by which gzip compresses samples, at most
LARGEST_UNPACKED = 2**29  # bytes of a .fif.gz, which is unpacked from its start for every block
WIDTHS = {2: 2, 3: 4, 4: 4, 5: 8, 16: 2, 20: 8, 21: 16}  # of a sample, by the type of its buffer
WANTED = "a whole FIF file"
REMEDY = "copy or export the recording again"


class _DamageError(Exception):
    """Damage in a tag."""


def check_fif(path: str | Path) -> None:
    """Raise ReadError if tags of a FIF file, or of the files it goes on in, are damaged.

    No tag may reach beyond the file or lead backwards, blocks end in turn before the last tag,
    and between samples there is nothing unknown: MNE would leave samples out without a warning.
    Files do not lead in a circle, in which MNE would read on forever.

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
    checked, waiting, alone = {path}, [path], True
    while waiting:
        named = _check_one(waiting.pop())
        alone = alone and not named
        parts = {path.parent / Path(name).name for name in named if name} - checked
        waiting += [part for part in parts if part.is_file()]  # MNE reports those that are missing
        checked |= parts
    if not alone:
        _check_chain(path)


def _check_chain(path: Path) -> None:
    """Raise ReadError if files that go on in each other, as MNE follows them, form a circle."""
    from mne._fiff.open import _get_next_fname, fiff_open

    chain: list[Path] = []
    part: Any = path
    with reading(path, WANTED, REMEDY):
        while part is not None and part.is_file():
            if part in chain:
                raise ReadError(
                    f"{path}, whose parts form a circle: {chain[-1].name} leads to {part.name}",
                    WANTED,
                    REMEDY,
                )
            chain.append(part)
            file, tree, _ = fiff_open(part, verbose="error")
            with file:
                part = _get_next_fname(file, part, tree)


def _check_one(path: Path) -> list[str]:
    """The other files that a whole file leads to: names, "" where it has a number only."""
    packed = path.suffix.lower() == ".gz"
    try:
        with _unpacked(path) if packed else path.open("rb") as file:
            return _walk(file, path)
    except (_DamageError, EOFError, OSError, struct.error, zlib.error) as error:
        raise ReadError(f"{path}, which is damaged or cut off ({error})", WANTED, REMEDY) from None


def _walk(file: Any, path: Path) -> list[str]:
    if file.read(4) != b"\x00\x00\x00\x64":
        raise _DamageError("it does not begin as a FIF file")
    end = file.seek(0, 2)
    at, directories, others, blocks = 0, [], [], _Blocks()
    while at + HEADER.size <= end:
        file.seek(at)
        what, kind, size, following = HEADER.unpack(file.read(HEADER.size))
        _check_tag(file, at, kind, size, end)
        if kind == DIRECTORY:
            directories.append((at, size))
        if what == FILE_NUMBER:
            others.append("")
        if what in (BLOCK_STARTS, BLOCK_ENDS, CHANNELS, FILE_NAME):
            file.seek(at + HEADER.size)
            if what == FILE_NAME:
                others.append(file.read(size).decode("latin-1"))
            else:
                blocks.enter(what, file.read(size), at)
        elif blocks.raw:
            blocks.check(what, kind, size, at)
        behind = at + HEADER.size + size
        if following == END:
            if behind < end and not blocks.open:
                LOG.warning("%s: %d bytes behind its last tag are not read", path, end - behind)
            break
        if following < 0 or 0 < following <= at or (blocks.raw and following not in (0, behind)):
            raise _DamageError(f"the tag at {at} leads to {following}")
        at = following or behind
    if blocks.open:
        raise _DamageError(f"its last tag, at {min(at, end)} of {end} bytes, is in the middle")
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
    return others


class _Blocks:
    """The blocks that are open at a tag, and the samples in them."""

    def __init__(self) -> None:
        self.open: list[int] = []
        self.channels, self.type = 0, 0

    @property
    def raw(self) -> bool:
        """Whether the next tag stands between samples."""
        return bool(self.open) and self.open[-1] in RAW_BLOCKS

    def enter(self, what: int, data: bytes, at: int) -> None:
        """Note where a block starts or ends, or how many channels there are."""
        if len(data) != 4:
            raise _DamageError(f"{len(data)} bytes for a number at {at}")
        value = struct.unpack(">i", data)[0]
        if what == CHANNELS:
            self.channels = value
        elif what == BLOCK_STARTS:
            self.open.append(value)
        elif not self.open or self.open.pop() != value:
            raise _DamageError(f"the end of a block at {at} that is not open")

    def check(self, what: int, kind: int, size: int, at: int) -> None:
        """Check a tag between samples."""
        if what not in AMONG_SAMPLES or (what != BUFFER and size > LARGEST_FACT):
            raise _DamageError(f"{size} bytes of kind {what} among the samples at {at}")
        if what != BUFFER:
            return
        self.type = self.type or kind
        width = WIDTHS.get(kind, 0) * self.channels
        if kind != self.type or width < 1 or size % width:
            raise _DamageError(f"samples of another type or number of channels at {at}")


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


def _unpacked(path: Path) -> io.BytesIO:
    """What a .fif.gz holds; no more of it is unpacked than a reader may hold."""
    size, content = path.stat().st_size, io.BytesIO()
    with gzip.open(path) as file:
        while block := file.read(2**20):
            content.write(block)
            if content.tell() > max(UNCHECKED_BYTES, LARGEST_RATIO * size):
                raise _DamageError(f"{size} bytes that unpack to more than {content.tell()}")
            if content.tell() > LARGEST_UNPACKED:
                raise ReadError(
                    f"{path}, which unpacks to more than {LARGEST_UNPACKED / 2**20:g} MB",
                    "a .fif.gz file of no more than that: all of it is unpacked for every block",
                    f"unpack it first (gunzip {path.name}) and give the .fif file",
                )
    content.seek(0)
    return content
