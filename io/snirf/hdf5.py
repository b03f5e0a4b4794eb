"""HDF5 datasets as text and numbers, with a guard against damaged headers."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import ReadError

SMALL = 1_000_000  # bytes that need no check
PADDING = " \0"  # fills up strings of fixed length
LARGEST_RATIO = 100  # of a dataset's bytes to the file's; damaged headers announce more


def text(node: Any) -> str:
    """The (first) string of a dataset, "" where there is none.

    An array of single characters is one string.
    """
    found = texts(node)
    if len(found) > 1 and all(len(part) <= 1 for part in _strings(node)):
        return "".join(_strings(node)).rstrip(PADDING)
    return next(iter(found), "")


def texts(node: Any) -> list[str]:
    """The strings of a dataset, without the blanks that fill up a fixed length.

    A table of single characters holds one string a row.
    """
    values = _strings(node)
    if len(getattr(node, "shape", ())) == 2 and all(len(value) <= 1 for value in values):
        width = node.shape[1]
        values = ["".join(values[i : i + width]) for i in range(0, len(values), width)]
    return [value.rstrip(PADDING) for value in values]


def _strings(node: Any) -> list[str]:
    if node is None:
        return []
    stored = np.asarray(_value(node))
    if stored.dtype == np.uint16 and stored.size > 1:  # MATLAB's characters
        stored = np.array([chr(code) for code in stored.ravel()])
    values = stored.ravel().tolist()
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def numbers(node: Any) -> np.ndarray:
    """A dataset as float64, empty where there is none."""
    return np.empty(0) if node is None else np.asarray(_value(node), float)


def first_numbers(groups: list[Any], member: str) -> np.ndarray:
    """The first number of the dataset `member` in each group, NaN where there is none.

    Files hold one group for each channel. h5py's low-level calls read these hundreds of single
    numbers five times as fast as `group[member][()]`.
    """
    return np.array([_first_number(group, member) for group in groups])


def numbered(group: Any, stem: str) -> list[str]:
    """Names of the members `stem`, `stem1`, `stem2` …, by number."""
    names = [name for name in group if re.fullmatch(rf"{stem}\d*", name)]
    return sorted(names, key=lambda name: (int(name[len(stem) :] or 0), name))


def check_size(node: Any) -> None:
    """Raise ReadError if a dataset announces more values than its file can hold.

    Raises
    ------
    ReadError
        Before anything of that size is allocated.
    """
    announced = node.size * node.dtype.itemsize
    if announced < SMALL:
        return
    size = Path(node.file.filename).stat().st_size
    if announced > LARGEST_RATIO * size:
        raise ReadError(
            f"{node.size} values in {node.name} of {node.file.filename}, a file of {size} bytes",
            "values that the file can hold",
            "copy or export the recording again",
        )


def _value(node: Any) -> Any:
    check_size(node)
    return node[()]


def _first_number(group: Any, member: str) -> float:
    from h5py import h5d, h5s, h5t  # pyright: ignore[reportAttributeAccessIssue]

    try:
        node = h5d.open(group.id, member.encode())
        if node.shape in ((), (1,)) and node.get_type().get_class() in (h5t.INTEGER, h5t.FLOAT):
            value = np.empty(node.shape)
            node.read(h5s.ALL, h5s.ALL, value)
            return float(value.ravel()[0])
    except (KeyError, TypeError):
        pass  # missing, or not a dataset: below
    return float(next(iter(numbers(group.get(member)).ravel()), np.nan))
