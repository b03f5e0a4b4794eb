"""Names of sources and detectors in a SNIRF file: its labels, or their numbers."""

import re
from collections.abc import Callable
from typing import Any

from neurofuse.io.snirf.hdf5 import texts


def labels_of(nirs: Any, kind: str) -> list[str]:
    """The labels of all sources or detectors as the file has them; empty where it has none."""
    return [label.strip() for label in texts(nirs.get(f"probe/{kind}Labels"))]


def named(labels: list[str], kind: str) -> bool:
    """Whether labels can serve in the names of channels: each once, like S4 or D12.

    Examples
    --------
    >>> named(["S1", "S4"], "source"), named(["Tx1", "Tx2"], "source"), named([], "detector")
    (True, False, False)
    """
    letter = kind[0].upper()
    fit = all(re.fullmatch(rf"{letter}[1-9]\d*", label) for label in labels)
    return fit and bool(labels) and len(set(labels)) == len(labels)


def optode_names(nirs: Any, kind: str, most: int) -> Callable[[int], str]:
    """What sources or detectors 1 to `most` are called: the labels, else S1, D1 and so on."""
    labels, letter = labels_of(nirs, kind), kind[0].upper()
    if named(labels, kind) and len(labels) >= most:
        return lambda index: labels[index - 1]
    return lambda index: f"{letter}{index}"
