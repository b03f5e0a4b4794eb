"""HDF5 datasets as text and numbers, with a guard against damaged headers."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.errors import ReadError

SMALL = 1_000_000  # bytes that need no check
ROOM = 100  # times its own size a file may hold when compressed; damaged headers claim more


def text(node: Any) -> str:
    """The (first) string of a dataset, "" where there is none."""
    return next(iter(texts(node)), "")


def texts(node: Any) -> list[str]:
    """The strings of a dataset."""
    values = [] if node is None else np.asarray(_whole(node)).ravel().tolist()
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def numbers(node: Any) -> np.ndarray:
    """A dataset as float64, empty where there is none."""
    return np.empty(0) if node is None else np.asarray(_whole(node), float)


def numbered(group: Any, stem: str) -> list[str]:
    """Names of the members `stem`, `stem1`, `stem2` …, by number."""
    found = [name for name in group if re.fullmatch(rf"{stem}\d*", name)]
    return sorted(found, key=lambda name: (int(name[len(stem) :] or 0), name))


def check_size(node: Any) -> None:
    """Raise ReadError if a dataset claims more values than its file can hold.

    Raises
    ------
    ReadError
        Before anything of that size is made.
    """
    claim = node.size * node.dtype.itemsize
    if claim < SMALL:
        return
    size = Path(node.file.filename).stat().st_size
    if claim > ROOM * size:
        raise ReadError(
            f"{node.size} values in {node.name} of {node.file.filename}, a file of {size} bytes",
            "values that the file can hold",
            "copy or export the recording again",
        )


def _whole(node: Any) -> Any:
    check_size(node)
    return node[()]
