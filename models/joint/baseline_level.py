"""What level a movement leaves: optical density comes back to where it usually is.

A filter of the derivative cannot know how far the signal went while it could not be seen, so that
its sum would wander off further with every movement. Here the level after each movement is the one
at which the whole series, before and after, is most probable as an Ornstein-Uhlenbeck process
(Uhlenbeck and Ornstein 1930), the simplest that returns to a mean, about a mean that drifts: a
Gaussian smoother of means over a second.
"""

import numpy as np
from scipy import ndimage
from scipy.linalg import solveh_banded

STEP = 1.0  # s of which means are taken
RETURN = 10.0  # s in which a deviation falls to 1/e
DRIFT = 0.2  # usual changes by which the mean drifts in a second
FREE = 0.4  # usual changes that the level may be off after each second of movement
MISSED = 0.1  # of the artifact's course, that it may be off as well
FIXED = 1e-4  # of the usual change's energy: nearly none where nothing moves
LOOSE = 1e-6  # what holds the drift to the median: offset and drift would share a constant freely
OPEN = 0.02  # gate from which on a sample moves


def level_error(
    density: np.ndarray, artifact: np.ndarray, gate: np.ndarray, rate: float
) -> np.ndarray:
    """What to add to the artifact (row, time), constant wherever nothing moves.

    Parameters
    ----------
    density : array (row, time)
        Optical density less the artifact.
    artifact : array (row, time)
        What was taken off.
    gate : array (row, time)
        0 where nothing moves.
    rate : float
        Hz.

    Examples
    --------
    A series that a movement left 0.3 too high:

    >>> rng = np.random.default_rng(0)
    >>> course = np.convolve(rng.normal(0, 1e-3, 1300), np.exp(-np.arange(100) / 50))[100:1300]
    >>> shift = np.where(np.arange(1200) < 600, 0.0, 0.3)
    >>> gate = np.zeros(1200)
    >>> gate[590:610] = 1.0
    >>> error = level_error((course + shift)[None], shift[None], gate[None], 10.0)[0]
    >>> bool(abs(error[-1] - error[0] - 0.3) < 0.02), float(np.ptp(error[:590]))
    (True, 0.0)
    """
    size = max(round(STEP * rate), 1)
    count = density.shape[-1] // size
    error = np.zeros_like(density)
    if count < 3:
        return error
    for row, series, taken, open_ in zip(error, density, artifact, gate > OPEN, strict=True):
        if open_.any() and not open_.all():
            offset = _offset(series, taken, open_, size, count, rate)
            row[:] = _where_it_moves(offset, open_)
    return error


def _offset(series, taken, open_, size: int, count: int, rate: float) -> np.ndarray:
    """How far (time,) a series is off, from means of `size` samples."""

    def blocks(x: np.ndarray) -> np.ndarray:
        return x[: count * size].reshape(count, size)

    means = blocks(series).mean(-1)
    means = means - np.median(means)
    moving = blocks(open_).any(-1)
    moving = moving[1:] | moving[:-1]
    course = blocks(np.abs(np.diff(taken, prepend=taken[:1]))).sum(-1)
    change = np.diff(means)
    known = change[~moving] if (~moving).sum() > 4 else change
    usual = np.median(known**2) / 0.455  # median of squared normal deviates
    if usual == 0:
        return np.zeros_like(series)
    slack = np.where(
        moving,
        FREE**2 * usual + (MISSED * np.maximum(course[1:], course[:-1])) ** 2,
        FIXED * usual,
    )
    offset, _ = _most_probable(means, usual / slack, np.exp(-size / rate / RETURN))
    at = (np.arange(count) + 0.5) * size - 0.5
    return np.interp(np.arange(series.size), at, offset)


def _most_probable(means: np.ndarray, tie: np.ndarray, decay: float) -> tuple[np.ndarray, ...]:
    """Offset and drifting mean (second,) at which means (second,) are most probable.

    The least of Σ (y_t - decay y_{t-1})² + Σ tie_t (offset_t - offset_{t-1})² + Σ (drift_t -
    drift_{t-1})² / DRIFT², where y = means - offset - drift. Both unknowns take turns, so that the
    matrix is banded.
    """
    count = means.size
    middle = np.full(count, 1 + decay**2)
    middle[0] = middle[-1] = 1.0
    pull = middle * means
    pull[1:] -= decay * means[:-1]
    pull[:-1] -= decay * means[1:]
    banded = np.zeros((4, 2 * count))
    for first, stiff in ((0, tie), (1, np.full(count - 1, DRIFT**-2))):
        own = banded[3, first::2]
        own += middle
        own[1:] += stiff
        own[:-1] += stiff
        banded[1, first + 2 :: 2] = -decay - stiff
    banded[3, 1::2] += LOOSE
    banded[2, 1::2] = middle  # of an offset with the drift of its second
    banded[2, 2::2] = -decay  # with the drift of the second before
    banded[0, 3::2] = -decay  # and of the one after
    found = solveh_banded(banded, np.repeat(pull, 2))
    return found[0::2], found[1::2]


def _where_it_moves(offset: np.ndarray, open_: np.ndarray) -> np.ndarray:
    """The mean offset of each stretch at rest, with straight lines through movements."""
    stretch, found = ndimage.label(~open_)
    names = np.arange(1, found + 1)
    mean = ndimage.mean(offset, stretch, names)
    ends = [(part[0].start, part[0].stop - 1) for part in ndimage.find_objects(stretch)]
    return np.interp(np.arange(offset.size), np.ravel(ends), np.repeat(mean, 2))
