"""Runs of True in a mask over time."""

import numpy as np


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First sample of every run of True in a mask (time,), and the sample after its last.

    Examples
    --------
    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
