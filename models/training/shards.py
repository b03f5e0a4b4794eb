"""Rows of a sharded zarr array, read chunk by chunk.

zarr's own reading takes 1 to 2 ms in its event loop, whatever the size; training draws eight
windows in a step. Layouts: Zarr core specification 3.0, codec `sharding_indexed` 1.0.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import google_crc32c
import numpy as np
from numcodecs import Zstd

CODECS = ["bytes", "zstd", "crc32c"]  # of the chunks in a shard
CHECK = 4  # bytes of a CRC-32C


class ShardedRows:
    """A float array (row, …, time) in shards along time, each chunk of which holds one row.

    Parameters
    ----------
    folder : Path
        Of the zarr array; little-endian float64, chunks compressed by Zstandard and checked by
        CRC-32C.

    Raises
    ------
    ValueError
        If the array is of another layout, lacks a shard, or the list of a shard's chunks is
        damaged.
    """

    def __init__(self, folder: Path):
        described = json.loads((folder / "zarr.json").read_text("utf-8"))
        (sharding,) = described["codecs"]
        inner = sharding["configuration"]
        names = [codec["name"] for codec in inner["codecs"]]
        if described["data_type"] != "float64" or names != CODECS:
            raise ValueError(f"{described['data_type']} with codecs {names}")
        self.shape: tuple[int, ...] = tuple(described["shape"])
        self.chunk: tuple[int, ...] = tuple(inner["chunk_shape"])
        shard = described["chunk_grid"]["configuration"]["chunk_shape"]
        grid = [a // b for a, b in zip(shard, self.chunk, strict=True)]
        self.per_shard: int = grid[-1]  # chunks along time
        place = "/".join("0" * (len(self.shape) - 1))
        count = -(-self.shape[-1] // shard[-1])
        self.files: list[Path] = [folder / "c" / place / str(k) for k in range(count)]
        lists = [_chunks_of(file, grid) for file in self.files]
        self.chunks: np.ndarray = np.concatenate(lists, axis=1)  # (row, chunk, (first, bytes))

    def read(self, rows: Sequence[int] | np.ndarray, start: int, stop: int) -> np.ndarray:
        """Samples (row, …, time) of some rows from one sample to another.

        Raises
        ------
        ValueError, RuntimeError
            If a chunk is damaged.
        """
        step = self.chunk[-1]
        first, last = start // step, -(-stop // step)
        parts = np.empty((len(rows), *self.shape[1:-1], (last - first) * step))
        for number in sorted({k // self.per_shard for k in range(first, last)}):
            whole = number * self.per_shard
            wanted = range(max(first, whole), min(last, whole + self.per_shard))
            with self.files[number].open("rb", buffering=0) as file:
                for place, row in enumerate(rows):
                    for k in wanted:
                        at = (k - first) * step
                        offset, size = self.chunks[row, k]
                        file.seek(offset)
                        parts[place, ..., at : at + step] = self._decoded(file.read(size))[0]
        return parts[..., start - first * step : stop - first * step]

    def _decoded(self, held: bytes) -> np.ndarray:
        samples = np.frombuffer(Zstd().decode(_checked(held)), "<f8")
        return samples.reshape(self.chunk)


def one_chunk(folder: Path) -> np.ndarray:
    """A whole array of int64 in one chunk, such as the calm stretches of a recording.

    Raises
    ------
    ValueError, RuntimeError
        If the chunk is damaged.
    """
    shape = json.loads((folder / "zarr.json").read_text("utf-8"))["shape"]
    if 0 in shape:
        return np.empty(shape, np.int64)
    held = folder.joinpath("c", *"0" * len(shape)).read_bytes()
    return np.frombuffer(Zstd().decode(_checked(held)), "<i8").reshape(shape)


def _chunks_of(file: Path, grid: list[int]) -> np.ndarray:
    """Where the chunks (row, chunk, (first byte, bytes)) of a shard are, which is at its end."""
    size = 16 * math.prod(grid) + CHECK
    with file.open("rb") as opened:
        opened.seek(-size, 2)
        listed = np.frombuffer(_checked(opened.read()), "<u8")
    return listed.reshape(grid[0], grid[-1], 2)


def _checked(held: bytes) -> bytes:
    """Bytes without the checksum at their end; ValueError where it differs."""
    if google_crc32c.value(held[:-CHECK]) != int.from_bytes(held[-CHECK:], "little"):
        raise ValueError("a wrong checksum")
    return held[:-CHECK]
