"""Check a zarr 3 store before its arrays are read: damaged chunks would reserve huge memory.

Layouts: Zarr core specification 3.0 and its codec `sharding_indexed` 1.0, for files (shards) that
hold many chunks; RFC 8878 (Zstandard), 3.1.1.1, for the length of a chunk.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import ReadError

WIDTHS = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
          "float32": 4, "int64": 8, "uint64": 8, "float64": 8}  # fmt: skip
ABSENT = 2**64 - 1  # place of a chunk that a shard does not hold
CHECK = 4  # bytes of a checksum (CRC-32C)
FRAME = b"\x28\xb5\x2f\xfd"  # first bytes of a Zstandard frame
LENGTH_BYTES = {0: 0, 1: 2, 2: 4, 3: 8}  # flag -> bytes that hold the length
LARGEST_RATIO = 100_000  # by which a chunk of equal numbers may be compressed
UNCHECKED_BYTES = 2**24
WANTED = "a whole Recording saved as .zarr"
REMEDY = "copy the store again"


class _DamageError(Exception):
    """Damage in an array of a store."""


def check_store(path: str | Path) -> None:
    """Raise ReadError if an array of a zarr 3 store is not as large as its chunks announce.

    Examples
    --------
    >>> import tempfile
    >>> import zarr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     array = zarr.create_array(f"{folder}/x", shape=(10,), chunks=(10,), dtype="f8")
    ...     array[:] = 1.0
    ...     chunk = array.store_path.store.root / "c" / "0"
    ...     _ = chunk.write_bytes(FRAME + bytes([0xE0, 0, 0, 0, 0, 0, 1, 0, 0]))
    ...     check_store(folder)
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /tmp/..., which cannot be read (array x: a chunk of \
80 bytes announces 1099511627776); wanted a whole Recording saved as .zarr; copy the store again
    """
    path = Path(path)
    for described in sorted(path.rglob("zarr.json")):
        name = described.parent.relative_to(path).as_posix()
        try:
            lost, whole = _lost(described)
        except (_DamageError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            reason = str(error) if isinstance(error, _DamageError) else "a damaged description"
            raise ReadError(
                f"{path}, which cannot be read (array {name}: {reason})", WANTED, REMEDY
            ) from error
        if lost > 0:  # zarr would fill them with NaN without a warning
            raise ReadError(
                f"{path} without {lost} of the {whole} chunks of {name}", WANTED, REMEDY
            )


def _lost(described: Path) -> tuple[int, int]:
    """How many of an array's chunks are missing, and how many there should be."""
    description = json.loads(described.read_text("utf-8"))
    if description["node_type"] != "array":
        return 0, 0
    shape, chunk = description["shape"], description["chunk_grid"]["configuration"]["chunk_shape"]
    if len(shape) != len(chunk) or not all(type(n) is int for n in (*shape, *chunk)):
        raise _DamageError(f"shape {shape} in chunks of {chunk}")
    if min((*shape, *chunk, 0)) < 0 or 0 in chunk:
        raise _DamageError(f"shape {shape} in chunks of {chunk}")
    grid = tuple(-(-n // m) for n, m in zip(shape, chunk, strict=True))
    chunks = described.parent / "c"
    files = [p for p in (chunks, *chunks.rglob("*")) if p.is_file() and _is_chunk(p, chunks, grid)]
    wanted = math.prod(grid)
    codecs = [codec["name"] for codec in description["codecs"]]
    width = WIDTHS.get(
        description["data_type"] if isinstance(description["data_type"], str) else "", 0
    )
    inner = description["codecs"][0]["configuration"] if codecs == ["sharding_indexed"] else None
    for file in files:
        if inner is None:
            _check_chunk(file, 0, file.stat().st_size, math.prod(chunk), width, codecs)
            continue
        part, names = inner["chunk_shape"], [codec["name"] for codec in inner["codecs"]]
        place = [int(k) for k in file.relative_to(chunks).parts]
        left = [min(n - k * m, m) for n, k, m in zip(shape, place, chunk, strict=True)]
        held = math.prod(-(-n // m) for n, m in zip(left, part, strict=True))
        found = list(_chunks_of(file, math.prod(m // n for m, n in zip(chunk, part, strict=True))))
        if len(found) != held:
            raise _DamageError(f"{len(found)} of {held} chunks in a file")
        for first, size in found:
            _check_chunk(file, first, size, math.prod(part), width, names)
    return wanted - len(files), wanted


def _chunks_of(file: Path, most: int) -> Iterator[tuple[int, int]]:
    """First byte and length of every chunk in a shard, whose list of them is at its end."""
    import google_crc32c

    size, room = 16 * most, file.stat().st_size
    if not 0 < size + CHECK <= room:
        raise _DamageError(f"a list of {most} chunks in {room} bytes")
    with file.open("rb") as stream:
        stream.seek(room - size - CHECK)
        listed = stream.read()
    if google_crc32c.value(listed[:size]) != int.from_bytes(listed[size:], "little"):
        raise _DamageError("a list of chunks with a wrong checksum")
    for first, length in np.frombuffer(listed[:size], "<u8").reshape(-1, 2).tolist():
        if first == ABSENT:
            continue
        if first + length > room:
            raise _DamageError("a chunk beyond the end of its file")
        yield first, length


def _is_chunk(file: Path, chunks: Path, grid: tuple[int, ...]) -> bool:
    """Whether a file's name is that of a chunk: its place in the grid, c/0/2."""
    place = file.relative_to(chunks).parts
    return len(place) == len(grid) and all(
        k.isdecimal() and k == str(int(k)) and int(k) < n for k, n in zip(place, grid, strict=True)
    )


def _check_chunk(
    file: Path, first: int, held: int, count: int, width: int, codecs: list[str]
) -> None:
    """Check a chunk of `count` values, which takes `held` bytes of a file from `first` on."""
    if codecs[-1:] == ["crc32c"]:  # which is compared when the chunk is read
        held, codecs = held - CHECK, codecs[:-1]
    if count * max(width, 4) > max(UNCHECKED_BYTES, LARGEST_RATIO * held):
        raise _DamageError(f"a chunk of {count} values in {held} bytes")
    with file.open("rb") as stream:
        stream.seek(first)
        head = stream.read(min(18, max(held, 0)))
    packed = codecs[-1:] == ["zstd"]
    announced = _announced(head) if packed else held
    if width and announced is not None and announced != count * width:
        raise _DamageError(f"a chunk of {count * width} bytes announces {announced}")
    if codecs[:1] != ["vlen-utf8"]:
        return
    if packed and (announced is None or announced > max(UNCHECKED_BYTES, LARGEST_RATIO * held)):
        raise _DamageError("texts of unknown length")
    with file.open("rb") as stream:
        stream.seek(first)
        data = stream.read(held)
    _check_texts(_unpacked(data) if packed else data, count)


def _announced(head: bytes) -> int | None:
    """Bytes that a Zstandard frame announces to unpack to, or None where it announces none."""
    if head[:4] != FRAME or len(head) < 6:
        raise _DamageError("a chunk that is not compressed as described")
    flags: Any = head[4]
    single = bool(flags & 0x20)
    at = 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
    size = LENGTH_BYTES[flags >> 6] or (1 if single else 0)
    if not size:
        return None
    return int.from_bytes(head[at : at + size], "little") + (256 if size == 2 else 0)


def _unpacked(data: bytes) -> bytes:
    from numcodecs import Zstd

    try:
        return bytes(Zstd().decode(data))
    except RuntimeError as error:
        raise _DamageError(str(error)) from error


def _check_texts(data: bytes, count: int) -> None:
    """Texts follow one another, each after its length; first comes their number."""
    number, at = int.from_bytes(data[:4], "little"), 4
    if number != count or len(data) < 4 + 4 * count:
        raise _DamageError(f"{number} texts in {len(data)} bytes, not {count}")
    for _ in range(count):
        at += 4 + int.from_bytes(data[at : at + 4], "little")
        if at > len(data):
            raise _DamageError("a text that is cut off")
