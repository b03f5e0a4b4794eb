"""The baseline level that movements leave: optical density comes back to where it usually is.

A filter of the derivative cannot know how far the signal went during a movement, so that its sum
would wander off further with every movement. Here the level after each movement is the one at which
the whole series, before and after, is most probable as an Ornstein-Uhlenbeck process (Uhlenbeck and
Ornstein 1930), the simplest that returns to a mean, about a mean that drifts: a Gaussian smoother
of means over a second. `Architecture.baseline_level` holds its settings.
"""

import numpy as np
from scipy import ndimage
from scipy.linalg import solveh_banded

from neurofuse.models.joint.architecture import BaselineLevel

NORMAL_MEDIAN = 0.455  # median of squared standard normal deviates


def baseline_level_error(
    density: np.ndarray,
    artifact: np.ndarray,
    gate: np.ndarray,
    rate: float,
    settings: BaselineLevel | None = None,
    posture: np.ndarray | None = None,
) -> np.ndarray:
    """What to add to the artifact, so that the baseline level after each movement is right.

    Parameters
    ----------
    density : array (row, time)
        Optical density less the artifact.
    artifact : array (row, time)
        What was subtracted.
    gate : array (row, time)
        Motion mask, 0 to 1.
    rate : float
        Sampling rate [Hz].
    settings : BaselineLevel, optional
        The defaults of `Architecture` otherwise.
    posture : array (time,) of bool, optional
        Where the participant's posture has just changed, so that the mean may be another one.

    Returns
    -------
    array (row, time)
        Constant wherever there is no motion, and zero in rows without any.

    Examples
    --------
    A series that a movement left 0.3 too high:

    >>> rng = np.random.default_rng(0)
    >>> course = np.convolve(rng.normal(0, 1e-3, 1300), np.exp(-np.arange(100) / 50))[100:1300]
    >>> shift = np.where(np.arange(1200) < 600, 0.0, 0.3)
    >>> gate = np.zeros(1200)
    >>> gate[590:610] = 1.0
    >>> high = (course + shift)[None]
    >>> error = baseline_level_error(high, shift[None], gate[None], 10.0)[0]
    >>> bool(abs(error[-1] - error[0] - 0.3) < 0.02), float(np.ptp(error[:590]))
    (True, 0.0)
    """
    settings = settings or BaselineLevel()
    size = max(round(settings.block * rate), 1)
    count = density.shape[-1] // size
    error = np.zeros_like(density)
    if count < 3:
        return error
    motion = gate > settings.motion_above
    drift = np.full(count - 1, settings.drift)
    if posture is not None:
        changed = np.asarray(posture)[: count * size].reshape(count, size).max(-1)
        drift[changed[1:]] = settings.drift_with_posture
    for row, series, taken, moving in zip(error, density, artifact, motion, strict=True):
        if moving.any() and not moving.all():
            offset = _offset(series, taken, moving, size, rate, drift, settings)
            row[:] = _constant_at_rest(offset, moving)
    return error


def _offset(
    series: np.ndarray,
    taken: np.ndarray,
    motion: np.ndarray,
    size: int,
    rate: float,
    drift: np.ndarray,
    settings: BaselineLevel,
) -> np.ndarray:
    """How far (time,) a series is off, from means of blocks of `size` samples."""
    count = series.size // size

    def blocks(x: np.ndarray) -> np.ndarray:
        return x[: count * size].reshape(count, size)

    means = blocks(series).mean(-1)
    means = means - np.median(means)
    blocks_in_motion: np.ndarray = np.any(blocks(motion), axis=-1)
    moving = np.logical_or(blocks_in_motion[1:], blocks_in_motion[:-1])
    course = blocks(np.abs(np.diff(taken, prepend=taken[:1]))).sum(-1)
    change = np.diff(means)
    known = change[~moving] if (~moving).sum() > 4 else change
    usual = np.median(known**2) / NORMAL_MEDIAN
    if usual == 0:
        return np.zeros_like(series)
    slack = np.where(
        moving,
        settings.error**2 * usual + (settings.missed * np.maximum(course[1:], course[:-1])) ** 2,
        settings.error_at_rest * usual,
    )
    decay = np.exp(-size / rate / settings.return_time)
    offset, _ = _most_probable(means, usual / slack, decay, drift, settings.centring)
    at = (np.arange(count) + 0.5) * size - 0.5
    return np.interp(np.arange(series.size), at, offset)


def _most_probable(
    means: np.ndarray, tie: np.ndarray, decay: float, drift: np.ndarray, centring: float
) -> tuple[np.ndarray, np.ndarray]:
    """Offset and drifting mean (block,) at which means (block,) are most probable.

    The least of Σ (y_t - decay y_{t-1})² + Σ tie_t (offset_t - offset_{t-1})² + Σ (drift_t -
    drift_{t-1})² / `drift`_t², where y = means - offset - drift. Both unknowns take turns, so that
    the matrix is banded.
    """
    count = means.size
    middle = np.full(count, 1 + decay**2)
    middle[0] = middle[-1] = 1.0
    pull = middle * means
    pull[1:] -= decay * means[:-1]
    pull[:-1] -= decay * means[1:]
    banded = np.zeros((4, 2 * count))
    for first, stiff in ((0, tie), (1, drift**-2.0)):
        own = banded[3, first::2]
        own += middle
        own[1:] += stiff
        own[:-1] += stiff
        banded[1, first + 2 :: 2] = -decay - stiff
    banded[3, 1::2] += centring
    banded[2, 1::2] = middle  # of an offset with the drift of its block
    banded[2, 2::2] = -decay  # with the drift of the block before
    banded[0, 3::2] = -decay  # and of the one after
    solution = solveh_banded(banded, np.repeat(pull, 2))
    return solution[0::2], solution[1::2]


def _constant_at_rest(offset: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """The mean offset of each stretch at rest, with straight lines through motion."""
    stretch, count = ndimage.label(~motion)  # type: ignore[misc]
    names = np.arange(1, count + 1)
    mean = ndimage.mean(offset, stretch, names)
    ends = [(part[0].start, part[0].stop - 1) for part in ndimage.find_objects(stretch)]
    return np.interp(np.arange(offset.size), np.ravel(ends), np.repeat(mean, 2))
