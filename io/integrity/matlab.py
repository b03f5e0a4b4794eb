"""Check the elements of a MATLAB 5 file before scipy reads them: damage can crash the process.

Layout: MathWorks, MAT-File Format (2024), chapter 1. An element is a type, a length and its bytes;
a matrix (an array, cell or struct) is made of further elements.
"""

import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from neurofuse.io.errors import ReadError

NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # type -> bytes
TEXTS = {16: 1, 17: 2, 18: 4}  # UTF-8, UTF-16, UTF-32
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
CLASSES = range(1, 18)
COMPLEX = 0x0800
DEEPEST = 64  # structs within structs
MOST_EMPTY = 1_000_000  # structs without fields: they take no space in the file
UNCHECKED_BYTES, LARGEST_RATIO = 2**28, 100  # of zeros; of recordings, at most
LARGEST_ELEMENT = 2**31  # bytes, unpacked: MATLAB writes larger ones as HDF5


class _DamageError(Exception):
    """Damage in an element."""


def check_matlab(path: str | Path) -> None:
    """Raise ReadError if a MATLAB 5 file's elements do not fit into each other or into the file.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     savemat(f"{folder}/a.set", {"EEG": {"srate": 250.0}})
    ...     check_matlab(f"{folder}/a.set")
    """
    path = Path(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(128)
        try:
            if len(head) < 128 or head[126:128] not in (b"IM", b"MI"):
                raise _DamageError("a cut-off header")
            order = "<" if head[126:128] == b"IM" else ">"
            at = 128
            while at < size:
                file.seek(at)
                stream = _Stream(file, size - at, order)
                kind, length, _ = stream.tag()
                if kind == COMPRESSED and length <= stream.left:
                    most = min(max(UNCHECKED_BYTES, LARGEST_RATIO * length), LARGEST_ELEMENT)
                    plain = _Stream(_Inflated(file, length), most, order)
                    _matrix(plain, *plain.tag()[:2])
                else:
                    _matrix(stream, kind, length)
                at += 8 + length
        except (_DamageError, zlib.error) as error:
            raise ReadError(
                f"{path}, which is damaged or cut off ({error})",
                "a whole MATLAB 5 file",
                "copy or export the recording again",
            ) from None


class _Stream:
    """Elements one after the other, out of at most `left` bytes."""

    def __init__(self, source: "BinaryIO | _Inflated", left: int, order: str):
        self.source, self.left, self.order = source, left, order

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise _DamageError(f"{count} bytes announced, {max(self.left, 0)} left")
        data = self.source.read(count)
        self.left -= count
        if len(data) < count:
            raise _DamageError(f"{count} bytes announced, {len(data)} left")
        return data

    def skip(self, count: int) -> None:
        if count > self.left:
            raise _DamageError(f"{count} bytes announced, {max(self.left, 0)} left")
        if count < 4096:
            self.take(count)
        else:
            self.source.seek(count, 1)
            self.left -= count

    def tag(self) -> tuple[int, int, bytes | None]:
        """Type and length of the next element; its bytes if they lie within the tag."""
        word = self.take(8)
        kind, length = struct.unpack(self.order + "II", word)
        if kind >> 16:  # the short form, of up to 4 bytes
            kind, length = kind & 0xFFFF, kind >> 16
            if length > 4:
                raise _DamageError(f"a short element of {length} bytes")
            return kind, length, word[4 : 4 + length]
        return kind, length, None

    def element(self, kinds: dict[int, int] | None = None, keep: bool = True) -> tuple[int, bytes]:
        """Length and bytes of the next element; its type must be one of `kinds`."""
        kind, length, data = self.tag()
        if kind not in (NUMBERS if kinds is None else kinds):
            raise _DamageError(f"an element of type {kind}")
        if data is not None:
            return length, data
        if keep and length < 1_000_000:
            data = self.take(length)
        else:
            self.skip(length)
        self.skip(min(-length % 8, self.left))
        return length, data or b""


class _Inflated:
    """The bytes of a deflated element, with those methods of a file that _Stream uses."""

    def __init__(self, file: BinaryIO, length: int):
        self.file, self.left = file, length
        self.engine, self.ready = zlib.decompressobj(), b""

    def read(self, count: int) -> bytes:
        parts = []
        while count > 0:
            if not self.ready:
                block = self.engine.unconsumed_tail or self.file.read(min(65536, self.left))
                if not self.engine.unconsumed_tail:
                    self.left -= len(block)
                if not block:
                    break
                self.ready = self.engine.decompress(block, 2**20)
                continue
            parts.append(self.ready[:count])
            count -= len(parts[-1])
            self.ready = self.ready[len(parts[-1]) :]
        return b"".join(parts)

    def seek(self, count: int, _whence: int) -> None:
        while count > 0:
            part = len(self.read(min(count, 2**20)))
            if not part:
                raise _DamageError("a deflated element that ends early")
            count -= part


def _matrix(stream: _Stream, kind: int, length: int, depth: int = 0) -> None:
    if kind != MATRIX:
        raise _DamageError(f"an element of type {kind} in place of an array")
    if length == 0:
        return
    if depth > DEEPEST:
        raise _DamageError(f"structs nested over {DEEPEST} deep")
    if length > stream.left:
        raise _DamageError(f"{length} bytes announced, {stream.left} left")
    inner = _Stream(stream.source, length, stream.order)
    _content(inner, depth)
    stream.left -= length - inner.left
    stream.skip(inner.left)


def _content(stream: _Stream, depth: int) -> None:
    size, flags = stream.element({6: 4})
    if size != 8:
        raise _DamageError(f"array flags of {size} bytes")
    word = struct.unpack(stream.order + "I", flags[:4])[0]
    shape = word & 0xFF
    if shape not in CLASSES:
        raise _DamageError(f"an array of class {shape}")
    if shape == OPAQUE:  # MATLAB's own objects: three names and an array
        for _ in range(3):
            stream.element({1: 1})
        _matrix(stream, *stream.tag()[:2], depth + 1)
        return
    size, data = stream.element({5: 4})
    dims = struct.unpack(stream.order + f"{len(data) // 4}i", data)
    if size % 4 or not 2 <= len(dims) <= 32 or min(dims) < 0:
        raise _DamageError(f"an array of dimensions {dims[:4]}")
    count = math.prod(dims)
    stream.element({1: 1, 16: 1})  # the name
    if shape in (CELL, STRUCT, OBJECT):
        if shape == OBJECT:
            stream.element({1: 1})
        fields = 1 if shape == CELL else _fields(stream)
        if 8 * count * fields > stream.left or count > max(MOST_EMPTY, stream.left):
            raise _DamageError(f"{count} cells of {fields} fields in {stream.left} bytes")
        for _ in range(count * fields):
            _matrix(stream, *stream.tag()[:2], depth + 1)
    elif shape == FUNCTION:
        _matrix(stream, *stream.tag()[:2], depth + 1)
    elif shape == SPARSE:
        for _ in range(3 + bool(word & COMPLEX)):
            stream.element(keep=False)
    else:
        kinds = {**NUMBERS, **TEXTS} if shape == CHAR else NUMBERS
        for _ in range(1 + bool(word & COMPLEX)):
            size, _ = stream.element(kinds, keep=False)
            if size < count and not (shape == CHAR and count < 1_000_000):
                raise _DamageError(f"{size} bytes for {count} numbers")


def _fields(stream: _Stream) -> int:
    """How many fields a struct has."""
    size, data = stream.element({5: 4})
    width = struct.unpack(stream.order + "i", data[:4])[0] if size == 4 else 0
    if width < 1:
        raise _DamageError(f"field names of {width} letters")
    size, names = stream.element({1: 1})
    if size % width or len(names) != size:
        raise _DamageError(f"{size} letters of field names of {width} each")
    return size // width
