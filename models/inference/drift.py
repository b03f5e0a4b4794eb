"""What comes off a stream before a model sees it: gaps, and the slow drift of electrodes."""

import numpy as np
from scipy import ndimage

DRIFT = 30.0  # s; the running median over so long is electrode drift, left as it is
WILD = 4.0  # times the usual change in a tenth of a second: there a channel jumps about
ENOUGH = 0.1  # share of a window that must be calm to say where the baseline is


def drift(x: np.ndarray, rate: float) -> np.ndarray:
    """Slow baseline (channel, time): running median, which movements do not pull along.

    Where a channel jumps about, the baseline is the line between the calm parts around: a movement
    that lasts longer than half the median's window would be taken for drift. A high-pass filter
    would spread every movement over the seconds around it.
    """
    step = max(int(rate / 10), 1)
    count = max(x.shape[-1] // step, 1)
    frames = x[:, : count * step].reshape(len(x), count, -1).mean(-1)
    frames = _calm(frames, rate / step)
    size = int(min(DRIFT * rate / step, 2 * count + 1))
    # row by row: for one dimension scipy has a much faster way
    slow = np.stack([ndimage.median_filter(f, max(size, 1), mode="nearest") for f in frames])
    slow = ndimage.uniform_filter1d(slow, max(size // 3, 1), axis=-1, mode="nearest")
    at = np.arange(x.shape[-1])
    centre = (np.arange(count) + 0.5) * step
    return np.stack([np.interp(at, centre, row) for row in slow])


def _calm(frames: np.ndarray, rate: float) -> np.ndarray:
    """Frames (channel, frame), those in which a channel jumps about replaced by a line."""
    around = 2 * round(rate) + 1  # a second to each side
    jump = np.abs(np.diff(frames, axis=-1, prepend=frames[:, :1]))
    jump = ndimage.uniform_filter1d(jump, 5, axis=-1)
    wild = jump > WILD * np.quantile(jump, 0.3, axis=-1, keepdims=True)
    wild = ndimage.binary_dilation(wild, np.ones((1, around), bool))
    size = max(around // 2, 1)
    level = np.stack([ndimage.median_filter(f, size, mode="nearest") for f in frames])
    at, out = np.arange(frames.shape[-1]), frames.copy()
    for row, middle, moved in zip(out, level, wild, strict=True):
        if moved.any() and (~moved).mean() > ENOUGH:
            row[moved] = np.interp(at[moved], at[~moved], middle[~moved])
    return out


def filled(x: np.ndarray) -> np.ndarray:
    """Samples (…, time) with gaps (NaN, infinite) bridged linearly; a row without any is zero."""
    gaps = ~np.isfinite(x)
    if not gaps.any():
        return np.asarray(x, float)
    out = np.array(x, float)
    for row, gap in zip(out.reshape(-1, x.shape[-1]), gaps.reshape(-1, x.shape[-1]), strict=True):
        if gap.all():
            row[:] = 0.0
        elif gap.any():
            row[gap] = np.interp(np.flatnonzero(gap), np.flatnonzero(~gap), row[~gap])
    return out
