"""The data block of a SNIRF recording; blocks that continue one another are read as one."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.logs import LOG
from neurofuse.io.snirf.hdf5 import check_size, first_numbers, numbered, numbers, text
from neurofuse.io.snirf.samples import times
from neurofuse.io.snirf.table import INDICES, data_blocks, shape_of

SAME_RATE = 0.01  # relative; blocks of one recording differ by less


def read_block(nirs: Any, path: Path) -> Any:
    """The block to read: the first, with those that continue it; a warning names the others.

    Some recorders begin a new block after a pause: one with the same channels and rate, and later
    times. The time between becomes a gap.
    """
    first, *others = blocks = data_blocks(nirs)
    alike = [block for block in others if _columns(block) == _columns(first)]
    pieces = sorted([first, *alike], key=lambda block: _times(block, path)[:1].tolist())
    if len(pieces) == 1 or not _continue(pieces, path):
        pieces = [first]
    left = ", ".join(block.name for block in blocks if block not in pieces)
    if left:
        LOG.warning("%s: only %s is read, not %s", path, first.name, left)
    if len(pieces) == 1:
        return first
    LOG.info("%s: %d data blocks are read as one recording", path, len(pieces))
    return _Joined(pieces, path)


class _Joined:
    """Blocks in the order of time, read like the group of one block."""

    def __init__(self, pieces: list[Any], path: Path) -> None:
        for piece in pieces:
            check_size(piece["dataTimeSeries"])
        self.first = pieces[0]
        self.joined = {
            "dataTimeSeries": np.concatenate([piece["dataTimeSeries"][()] for piece in pieces]),
            "time": np.concatenate([_times(piece, path) for piece in pieces]),
        }
        self.name = self.first.name

    def __getitem__(self, name: str) -> Any:
        found = self.first[name]
        return found if name not in self.joined else _Values(self.joined[name], found)

    def get(self, name: str) -> Any:
        """A member, or None."""
        found = self.first.get(name)
        return found if name not in self.joined else _Values(self.joined[name], found)

    def __contains__(self, name: str) -> bool:
        return name in self.first

    def __iter__(self) -> Iterator[str]:
        return iter(self.first)


class _Values:
    """An array that is read like a dataset of the file that it came from."""

    def __init__(self, values: np.ndarray, origin: Any) -> None:
        self.values, self.file, self.name = values, origin.file, origin.name
        self.shape, self.size, self.dtype = values.shape, values.size, values.dtype
        self.attrs = origin.attrs

    def __getitem__(self, key: Any) -> Any:
        return self.values[key]


def _times(block: Any, path: Path) -> np.ndarray:
    return times(block, shape_of(block, path)[0])


def _continue(pieces: list[Any], path: Path) -> bool:
    """Whether times ascend from piece to piece, at one rate."""
    stamps = [_times(piece, path) for piece in pieces]
    if any(len(time) < 2 or not np.isfinite(time).all() for time in stamps):
        return False
    step = np.array([np.median(np.diff(time)) for time in stamps])
    later = all(b[0] > a[-1] for a, b in pairwise(stamps))
    return later and bool((np.abs(step / step[0] - 1) < SAME_RATE).all())


def _columns(block: Any) -> list[Any]:
    """What the columns of a block are, to be compared."""
    groups = [block[name] for name in numbered(block, "measurementList")]
    lists = block.get("measurementLists", {})
    return [
        *(first_numbers(groups, name).tolist() for name in (*INDICES, "dataType")),
        *(numbers(lists.get(name)).ravel().tolist() for name in (*INDICES, "dataType")),
        *([text(group.get(name)) for group in groups] for name in ("dataTypeLabel", "dataUnit")),
        numbers(block.get("dataOffset")).ravel().tolist(),
    ]
