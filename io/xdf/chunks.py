"""The chunks that an XDF file is made of: whole, cut off at the end, or damaged.

Layout: XDF 1.0, `[length of length][length][tag][content]` after the magic "XDF:"; tags are 1 file
header, 2 stream header, 3 samples, 4 clock offset, 5 boundary, 6 stream footer.
"""

import re
import struct
from pathlib import Path
from typing import BinaryIO

from neurofuse.io.errors import ReadError

MAGIC = b"XDF:"
BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
WANTED = "a whole XDF file"
WIDTHS = {"double64": 8, "float32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "string": 0}


def whole_length(path: str | Path) -> int:
    """Bytes of an XDF file up to the end of its last whole chunk.

    A recorder that died leaves a last chunk that is cut off: what comes before it is whole.

    Raises
    ------
    ReadError
        If a chunk in the middle is damaged: what follows cannot be distinguished from noise.
    """
    path = Path(path)
    size = path.stat().st_size
    layouts: dict[int, tuple[int, int]] = {}  # stream -> channels, bytes a value (0: text)
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise ReadError(f"{path} without the mark XDF:", WANTED, "copy it again")
        while (start := file.tell()) < size:
            length, tag = _head(file)
            end = file.tell() + length - 2
            if length < 2 or not 1 <= tag <= 6 or end > size:
                return _cut(path, file, start, size)
            if not _sound(file, tag, length - 2, layouts):
                raise _damaged(path, start, size)
            file.seek(end)
    return size


def _head(file: BinaryIO) -> tuple[int, int]:
    """Length and tag of the chunk that begins here; length 0 if there is none."""
    length = _number(file)
    tag = file.read(2)
    return (0, 0) if length is None or len(tag) < 2 else (length, struct.unpack("<H", tag)[0])


def _number(file: BinaryIO) -> int | None:
    width = file.read(1)
    if width not in (b"\x01", b"\x04", b"\x08"):
        return None
    value = file.read(width[0])
    return int.from_bytes(value, "little") if len(value) == width[0] else None


def _sound(file: BinaryIO, tag: int, length: int, layouts: dict[int, tuple[int, int]]) -> bool:
    """Whether a chunk's content can be what its tag says; learns layouts from stream headers."""
    if tag in (1, 5):
        return True
    stream = file.read(4)
    if len(stream) < 4:
        return False
    number = int.from_bytes(stream, "little")
    if tag == 2:
        text = file.read(length - 4)
        channels = re.search(rb"<channel_count>\s*(\d+)\s*</", text)
        kind = re.search(rb"<channel_format>\s*(\w+)\s*</", text)
        width = WIDTHS.get(kind[1].decode()) if kind else None
        if channels is None or width is None:
            return False
        layouts[number] = int(channels[1]), width
        return True
    if number not in layouts:
        return False
    if tag == 3:
        before = file.tell()
        count = _number(file)
        left = length - 4 - (file.tell() - before)
        channels, width = layouts[number]
        if count is None:
            return False
        if width:  # a stamp takes one byte or nine
            return count * (1 + channels * width) <= left <= count * (9 + channels * width)
        return count * (1 + 2 * channels) <= left
    return tag == 6 or length == 20


def _cut(path: Path, file: BinaryIO, start: int, size: int) -> int:
    """Where whole chunks end, if no further one follows."""
    file.seek(start)
    tail = b""
    while block := file.read(2**20):
        if BOUNDARY in tail + block:
            raise _damaged(path, start, size)
        tail = block[-len(BOUNDARY) :]
    return start


def _damaged(path: Path, start: int, size: int) -> ReadError:
    return ReadError(
        f"{path}, damaged at byte {start} of {size}", WANTED, "copy the recording again"
    )
