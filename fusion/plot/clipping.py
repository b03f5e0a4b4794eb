"""Lines that leave their lane: a gap with an arrow, since a flat line reads as saturation."""

import numpy as np


def clip_line(x: np.ndarray, y: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """A line that ends where it reaches ±`limit` and begins anew where it comes back.

    Parameters
    ----------
    x, y : array (point)
        The line; NaN where there is a gap already.
    limit : float
        Half the height of the lane, in the unit of `y`.

    Returns
    -------
    x, y : array (point)
        The same points, NaN where the line is outside, with a point at the edge for every crossing.

    Examples
    --------
    >>> x, y = clip_line(np.arange(4.0), np.array([0.0, 2.0, 2.0, 0.0]), 1.0)
    >>> y.tolist()
    [0.0, 1.0, nan, nan, 1.0, 0.0]
    >>> x[[1, 4]].tolist()
    [0.5, 2.5]
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    side = _side(y, limit)
    inside = np.where(side == 0, y, np.nan)
    first, second = y[:-1], y[1:]
    known = np.isfinite(first) & np.isfinite(second)
    places, edges = [], []
    for which in (side[:-1], side[1:]):  # where the line leaves, and where it comes back
        at = np.flatnonzero((side[:-1] != side[1:]) & (which != 0) & known)
        places.append(at)
        edges.append(which[at] * limit)
    at, edge = np.concatenate(places), np.concatenate(edges)
    order = np.argsort(at, kind="stable")
    at, edge = at[order], edge[order]
    part = (edge - first[at]) / (second[at] - first[at])
    between = x[at] + part * (x[at + 1] - x[at])
    return np.insert(x, at + 1, between), np.insert(inside, at + 1, edge)


def arrows(
    x: np.ndarray, y: np.ndarray, limit: float, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where an arrow points at a line that is outside its lane, one in every `spacing` of x.

    Returns
    -------
    x : array (arrow)
        The middle of the points outside.
    side : int array (arrow)
        1 where they are above, -1 where they are below.

    Examples
    --------
    >>> arrows(np.arange(4.0), np.array([0.0, 2.0, 2.0, -3.0]), 1.0, spacing=10.0)
    (array([3. , 1.5]), array([-1,  1]))
    """
    side = _side(y, limit)
    outside = np.flatnonzero(side)
    if not outside.size:
        return np.empty(0), np.empty(0, int)
    x, side = np.asarray(x, float)[outside], side[outside]
    bins = np.stack([side, np.floor(x / spacing).astype(int)])
    (side, _), which, count = np.unique(bins, axis=1, return_inverse=True, return_counts=True)
    return np.bincount(which.ravel(), x) / count, side


def _side(y: np.ndarray, limit: float) -> np.ndarray:
    """1 above the lane, -1 below, 0 inside and where nothing is known."""
    return (np.asarray(y) >= limit).astype(int) - (np.asarray(y) <= -limit).astype(int)
