"""Where a series of optical density moves, for methods that correct only there."""

import numpy as np
from scipy.ndimage import binary_dilation, uniform_filter1d

from neurofuse.fusion.signal.bands import EEG_MOTION, bandpass

WINDOW = 1.0  # s over which the moving standard deviation is taken
AROUND = 0.5  # s to both sides that count as movement as well
SHORTEST = 3  # samples
THRESHOLD = 6.0  # robust SD above the median: in motion


def moving_deviation(series: np.ndarray, rate: float) -> np.ndarray:
    """Standard deviation (row, time) of each row within a window of 1 s (Scholkmann et al. 2010).

    Examples
    --------
    >>> step = np.repeat([0.0, 1.0], 50)[None]
    >>> moving_deviation(step, 10.0).argmax() in range(45, 56)
    True
    """
    size = max(SHORTEST, 2 * round(WINDOW * rate / 2) + 1)
    centred = series - np.median(series, axis=-1, keepdims=True)
    mean, square = (uniform_filter1d(x, size, axis=-1) for x in (centred, centred**2))
    return np.sqrt(np.maximum(square - mean**2, 0))


def moving_rows(series: np.ndarray, rate: float, threshold: float) -> np.ndarray:
    """Samples (row, time) whose moving deviation is above its median + `threshold` robust SD.

    The level that a row usually has decides, so that a bad contact is not all movement.
    """
    level = moving_deviation(series, rate)
    middle = np.median(level, axis=-1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(level - middle), axis=-1, keepdims=True)
    mask = level > middle + threshold * np.maximum(spread, 1e-3 * middle)
    grow = np.ones((1, 2 * max(1, round(AROUND * rate)) + 1), bool)
    return binary_dilation(mask, structure=grow)


def segments(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last-but-one sample of every run of True (time,).

    Examples
    --------
    >>> segments(np.array([0, 1, 1, 0, 1], bool))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def joined(series: np.ndarray, cuts: list[tuple[int, int]], rate: float) -> np.ndarray:
    """A row (time,) whose segments, and what lies between them, meet at the same level.

    Each part is moved by a constant, so that its first part goes on where the last part of the one
    before ended: means over a third of a second, or a tenth of parts that last longer than 3 s
    (Scholkmann et al. 2010).
    """
    edges = sorted({0, series.size, *(edge for cut in cuts for edge in cut)})
    out = series.copy()
    for first, middle, last in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        before = out[first:middle][-_reach(middle - first, rate) :]
        after = out[middle:last][: _reach(last - middle, rate)]
        out[middle:last] += before.mean() - after.mean()
    return out


def _reach(length: int, rate: float) -> int:
    """Samples of a part whose mean stands for its end."""
    short = max(1, round(rate / 3))
    return min(length, short if length < 3 * rate else max(short, length // 10))


def moving(data: np.ndarray, rate: float) -> np.ndarray:
    """Samples of an EEG at which any channel's RMS over 1 s is above its median + 6 robust SD.

    Parameters
    ----------
    data : array (channel, time)
        EEG in any unit.
    rate : float
        Sampling rate [Hz].

    Returns
    -------
    bool array (time,)

    Examples
    --------
    >>> eeg = np.random.default_rng(0).standard_normal((2, 5000))
    >>> eeg[1, 2000:2250] *= 20
    >>> mask = moving(eeg, 250.0)
    >>> bool(mask[2000:2250].all()), bool(mask[:1500].any())
    (True, False)
    """
    return np.any(above_usual(rms_in_motion_band(data, rate)), axis=0)


def rms_in_motion_band(data: np.ndarray, rate: float) -> np.ndarray:
    """RMS (channel, time) over 1 s of what lies in 0.5-45 Hz of an EEG (channel, time)."""
    power = uniform_filter1d(bandpass(data, rate, *EEG_MOTION) ** 2, round(rate), axis=-1)
    return np.sqrt(np.maximum(power, 0))


def above_usual(amplitude: np.ndarray) -> np.ndarray:
    """Samples (..., time) at which an amplitude is above its median + 6 robust SD: in motion."""
    middle = np.median(amplitude, axis=-1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(amplitude - middle), axis=-1, keepdims=True)
    return amplitude > middle + THRESHOLD * spread
