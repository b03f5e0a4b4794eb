"""What is removed from a signal before a model takes it: gaps, and the drift of electrodes."""

import numpy as np
from scipy import ndimage

from neurofuse.io.runs import runs
from neurofuse.models.joint.architecture import ElectrodeDrift

BRIDGED = 8  # samples of a gap up to which a line does no harm
FADED = 0.2  # of a longer gap, over which what was before goes over into what is after
QUIET = 0.3  # quantile of the changes that is taken for the change without motion


def drift(x: np.ndarray, rate: float, settings: ElectrodeDrift | None = None) -> np.ndarray:
    """Slow drift of electrodes: a running median, on which movements have little effect.

    Where a channel changes fast, the drift is a straight line between the calm parts around: a
    movement longer than half the median's window would be taken for drift. A high-pass filter would
    spread every movement over the seconds around it.

    Parameters
    ----------
    x : array (channel, time)
        Any unit, without gaps.
    rate : float
        Sampling rate [Hz].
    settings : ElectrodeDrift, optional
        The defaults of `Architecture` otherwise.

    Returns
    -------
    array (channel, time)
        In the unit of `x`.
    """
    settings = settings or ElectrodeDrift()
    step = max(int(rate / 10), 1)
    count = max(x.shape[-1] // step, 1)
    frames = x[:, : count * step].reshape(len(x), count, -1).mean(-1)
    frames = _calm(frames, rate / step, settings)
    size = int(min(settings.window * rate / step, 2 * count + 1))
    # row by row: scipy is much faster in one dimension
    slow = np.stack([ndimage.median_filter(f, max(size, 1), mode="nearest") for f in frames])
    slow = ndimage.uniform_filter1d(slow, max(size // 3, 1), axis=-1, mode="nearest")
    at = np.arange(x.shape[-1])
    centre = (np.arange(count) + 0.5) * step
    return np.stack([np.interp(at, centre, row) for row in slow])


def _calm(frames: np.ndarray, rate: float, settings: ElectrodeDrift) -> np.ndarray:
    """Frames (channel, frame); a straight line replaces those in which a channel changes fast."""
    around = 2 * round(rate) + 1  # a second to each side
    jump = np.abs(np.diff(frames, axis=-1, prepend=frames[:, :1]))
    jump = ndimage.uniform_filter1d(jump, 5, axis=-1)
    wild = jump > settings.jump * np.quantile(jump, QUIET, axis=-1, keepdims=True)
    wild = ndimage.binary_dilation(wild, np.ones((1, around), bool))
    size = max(around // 2, 1)
    medians = np.stack([ndimage.median_filter(f, size, mode="nearest") for f in frames])
    at, out = np.arange(frames.shape[-1]), frames.copy()
    for row, median, jumps, calm in zip(out, medians, wild, np.invert(wild), strict=True):
        if jumps.any() and calm.mean() > settings.calm:
            row[jumps] = np.interp(at[jumps], at[calm], median[calm])
    return out


def filled(x: np.ndarray) -> np.ndarray:
    """Samples (…, time) with gaps (NaN, infinite) filled from both sides; without any, zeros.

    A few samples are bridged linearly. A longer gap holds the samples before it backwards, and then
    those after it: a line in its place would be the quietest stretch of all, beside which
    everything else counts as motion.

    Examples
    --------
    >>> filled(np.array([1.0, np.nan, 3.0])).tolist()
    [1.0, 2.0, 3.0]
    >>> series = np.arange(40.0)
    >>> series[20:] = np.nan
    >>> filled(series)[18:23].tolist()
    [18.0, 19.0, 19.0, 18.0, 17.0]
    """
    gaps = ~np.isfinite(x)
    if not gaps.any():
        return np.asarray(x, float)
    out = np.array(x, float)
    for row, gap in zip(out.reshape(-1, x.shape[-1]), gaps.reshape(-1, x.shape[-1]), strict=True):
        if gap.all():
            row[:] = 0.0
        elif gap.any():
            known, counted = row[~gap], np.cumsum(~gap)
            row[gap] = np.interp(np.flatnonzero(gap), np.flatnonzero(~gap), known)
            for first, last in runs(gap):
                if last - first > BRIDGED:
                    before, after = known[: counted[first]], known[counted[first] :]
                    row[first:last] = _mirrored(before, after, last - first)
    return out


def _mirrored(before: np.ndarray, after: np.ndarray, count: int) -> np.ndarray:
    """Samples (time,) for a gap: what was before it backwards, then what is after it backwards."""
    parts = []
    if before.size:
        parts.append(np.pad(before, (0, count), mode="symmetric")[before.size :])
    if after.size:
        parts.append(np.pad(after, (count, 0), mode="symmetric")[:count])
    at = (np.arange(count) + 0.5) / count
    over = ((at - 0.5) / FADED + 0.5).clip(0, 1)
    return (1 - over) * parts[0] + over * parts[-1]
