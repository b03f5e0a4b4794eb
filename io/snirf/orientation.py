"""Tables of positions, stored with one row or one column per optode → one row per optode."""

import numpy as np


def rows_of_optodes(
    source: np.ndarray,
    detector: np.ndarray,
    index: tuple[np.ndarray, np.ndarray],
    width: int,
) -> tuple[np.ndarray, np.ndarray, bool] | None:
    """Source and detector positions (optode, width), and whether they were stored as columns.

    The specification has one row per optode. Files also hold one column per optode, and a single
    optode without a second axis. A table that can be either is taken like the other one; if both
    can, as rows, unless these place a source at its own detector.

    Parameters
    ----------
    source, detector : arrays
        As stored.
    index : two integer arrays (row,)
        Which source and detector each channel has, counted from 1.
    width : int
        Numbers of a position: 3 in space, 2 on a plane.

    Returns
    -------
    source, detector : arrays (optode, width), and bool
        None if one of them is no table of positions.

    Examples
    --------
    >>> lying = np.array([[0.0, 40.0, 80.0, 120.0], [0, 0, 0, 0], [50, 50, 50, 50]])
    >>> four = np.arange(1, 5)
    >>> rows_of_optodes(lying, lying, (four, four), 3)[0][1].tolist()
    [40.0, 0.0, 50.0]
    """
    tables = [p[None] if p.ndim == 1 and p.size >= width else p for p in (source, detector)]
    if any(p.ndim != 2 or not p.size for p in tables):
        return None
    needed = [int(rows.max(initial=0)) for rows in index]
    standing = [p.shape[1] >= width for p in tables]
    lying = [p.shape[0] == width for p in tables]
    # rows that are too few for the channels, where columns are enough
    surely = [
        across and (not rows or p.shape[0] < n <= p.shape[1])
        for p, rows, across, n in zip(tables, standing, lying, needed, strict=True)
    ]
    several = [sure and p.shape[1] > 1 for sure, p in zip(surely, tables, strict=True)]
    turned = [sure or (across and any(several)) for sure, across in zip(surely, lying, strict=True)]
    if not all(rows or turn for rows, turn in zip(standing, turned, strict=True)):
        return None
    if not any(turned) and all(lying) and _touching(tables, index):
        across = [p.T for p in tables]
        turned = [not _touching(across, index)] * 2
    made = [(p.T if turn else p)[:, :width] for p, turn in zip(tables, turned, strict=True)]
    return made[0], made[1], any(turned)


def _touching(tables: list[np.ndarray], index: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether a channel's source and detector are at one place."""
    listed = (index[0] <= len(tables[0])) & (index[1] <= len(tables[1]))
    source, detector = (p[rows[listed] - 1] for p, rows in zip(tables, index, strict=True))
    if source.shape != detector.shape:
        return False
    return bool((source == detector).all(axis=1).any())
