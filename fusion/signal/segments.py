"""Parts of a series brought to one baseline level."""

import numpy as np


def join_segments(series: np.ndarray, cuts: list[tuple[int, int]], rate: float) -> np.ndarray:
    """A series whose segments, and what lies between them, meet at the same baseline level.

    Each part is shifted by a constant, so that it begins where the part before it ended: means
    over a third of a second, or a tenth of parts that last longer than 3 s (Scholkmann et al.
    2010, Physiol Meas 31:649).

    Parameters
    ----------
    series : array (time,)
        Optical density.
    cuts : list of (int, int)
        As of `neurofuse.io.runs.runs`.
    rate : float
        Sampling rate [Hz].

    Returns
    -------
    array (time,)

    Examples
    --------
    >>> join_segments(np.repeat([0.0, 5.0, 3.0], 10), [(10, 20)], 10.0).any().item()
    False
    """
    edges = sorted({0, series.size, *(edge for cut in cuts for edge in cut)})
    out = series.copy()
    for first, middle, last in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        before = out[first:middle][-_end(middle - first, rate) :]
        after = out[middle:last][: _end(last - middle, rate)]
        out[middle:last] += before.mean() - after.mean()
    return out


def _end(length: int, rate: float) -> int:
    """Samples of a part whose mean stands for the baseline level at its end."""
    short = max(1, round(rate / 3))
    return min(length, short if length < 3 * rate else max(short, length // 10))
