"""The course of a movement: whether it has a rhythm, and how it begins and ends."""

import numpy as np

STEP = (0.4, 0.8)  # s between steps of a walk
LONGEST_LOOKED_AT = 12.0  # s


def rhythm(series: np.ndarray, rate: float) -> float:
    """How much series (row, time) repeat themselves at the pace of steps, 1 wholly.

    Largest autocorrelation at 0.4-0.8 s; NaN for what is shorter than 1.6 s.

    Examples
    --------
    >>> at = np.arange(500) / 100
    >>> round(rhythm(np.sin(2 * np.pi * 2 * at)[None], 100.0), 2)
    1.0
    """
    if series.shape[-1] < 2 * STEP[1] * rate or rate < 4:
        return np.nan
    series = series[:, : round(LONGEST_LOOKED_AT * rate)]
    length = series.shape[-1]
    spectrum = np.fft.rfft(series - series.mean(-1, keepdims=True), 2 * length)
    found = np.fft.irfft((np.abs(spectrum) ** 2).mean(0))[:length]
    found = found / (found[0] + 1e-30) * length / np.arange(length, 0, -1)
    return float(found[round(STEP[0] * rate) : round(STEP[1] * rate) + 1].max())


def thirds(course: np.ndarray) -> list[float]:
    """Log ratio of the first and of the last third of a course (time,) to its middle.

    Examples
    --------
    >>> [round(one, 2) for one in thirds(np.array([1.0, 10.0, 1.0]))]
    [-0.96, -0.96]
    """
    if len(course) < 3:
        return [np.nan, np.nan]
    first, middle, last = (part.mean() + 1e-12 for part in np.array_split(course, 3))
    least = 0.01 * (first + middle + last)
    return [float(np.log10((end + least) / (middle + least))) for end in (first, last)]
