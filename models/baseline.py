"""What comes off a stream before a model sees it: gaps, and the slow drift of electrodes."""

import numpy as np
from scipy import ndimage

DRIFT = 30.0  # s; the running median over so long is electrode drift, left as it is


def drift(x: np.ndarray, rate: float) -> np.ndarray:
    """Slow baseline (channel, time): running median, which short movements do not pull along.

    A high-pass filter would spread every movement over the seconds around it.
    """
    step = max(int(rate / 10), 1)
    count = max(x.shape[-1] // step, 1)
    frames = x[:, : count * step].reshape(len(x), count, -1).mean(-1)
    size = int(min(DRIFT * rate / step, 2 * count + 1))
    slow = ndimage.median_filter(frames, (1, max(size, 1)), mode="nearest")
    slow = ndimage.uniform_filter1d(slow, max(size // 3, 1), axis=-1, mode="nearest")
    at = np.arange(x.shape[-1])
    centre = (np.arange(count) + 0.5) * step
    return np.stack([np.interp(at, centre, row) for row in slow])


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
