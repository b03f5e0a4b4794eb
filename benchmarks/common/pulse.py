"""The heart beat in optical density: where its line is, and how much of it is left."""

import numpy as np

from neurofuse.fusion.signal.bands import NYQUIST_SHARE, PULSE, spectrum, windows

SLOWEST_RATE = 3.6  # Hz, below which the heart beat may lie above Nyquist
WINDOW = 10.0  # s of spectra
HALF_WIDTH = 0.15  # Hz about the line


def pulse_line(rows: np.ndarray, rate: float, chosen: np.ndarray) -> float:
    """Frequency [Hz] of the heart beat in optical density (row, time); NaN below 3.6 Hz.

    The largest line in 0.7-1.8 Hz of the spectrum of all rows together (each in units of its own
    power there), weighted by frequency squared against the slope of slow waves.

    Parameters
    ----------
    rows : array (row, time)
        Optical density.
    rate : float
        Sampling rate [Hz].
    chosen : bool array (time,)
        Only windows of 10 s that lie wholly in it count.

    Examples
    --------
    >>> time = np.arange(600) / 10
    >>> round(pulse_line(np.sin(2 * np.pi * 1.1 * time)[None], 10.0, time >= 0), 2)
    1.1
    """
    quiet = np.all(windows(chosen, rate, WINDOW), axis=-1)
    if rate < SLOWEST_RATE or not quiet.any() or not len(rows):
        return np.nan
    found = [spectrum(row, rate, WINDOW, quiet) for row in rows]
    frequency = found[0][0]
    top = min(PULSE[1], NYQUIST_SHARE * rate / 2)
    inside = (frequency >= PULSE[0]) & (frequency <= top)
    density = np.stack([one[1][inside] for one in found]) * frequency[inside] ** 2
    density = density / np.maximum(density.sum(-1, keepdims=True), 1e-300)
    return float(frequency[inside][density.mean(0).argmax()])


def pulse_left(before: np.ndarray, after: np.ndarray, rate: float) -> float:
    """Power at the line of the heart beat after over before, median over rows; NaN below 3.6 Hz.

    Examples
    --------
    >>> series = np.sin(2 * np.pi * 1.1 * np.arange(600) / 10)[None]
    >>> round(pulse_left(series, 0.5 * series, 10.0), 2)
    0.25
    """
    everywhere = np.ones(before.shape[-1], bool)
    middle = pulse_line(before, rate, everywhere)
    if np.isnan(middle):
        return np.nan
    ratios = []
    for one, other in zip(before, after, strict=True):
        every = np.ones(len(windows(one, rate, WINDOW)), bool)
        frequency, density = spectrum(one, rate, WINDOW, every)
        line = np.abs(frequency - middle) <= HALF_WIDTH
        left = spectrum(other, rate, WINDOW, every)[1][line].sum()
        ratios.append(left / max(density[line].sum(), 1e-300))
    return float(np.median(ratios))
