"""Spectra of series in windows, and how far they are apart."""

import numpy as np

from neurofuse.fusion.signal.bands import NYQUIST_SHARE, spectrum, windows

WINDOW = 15.0  # s
FEWEST = 3  # windows of a spectrum
LOWEST, HIGHEST = 0.1, 2.0  # Hz
PER_OCTAVE = 3  # frequencies, each the mean over its third of an octave


def mean_spectrum(row: np.ndarray, rate: float, chosen: np.ndarray) -> np.ndarray:
    """Power spectral density (frequency,) of a series over chosen windows; NaN if under three.

    Parameters
    ----------
    row : array (time,)
        Samples.
    rate : float
        Sampling rate [Hz].
    chosen : bool array (window,)
        Which half-overlapping windows of 15 s are used.

    Returns
    -------
    array (frequency,)
        Density at `frequencies(rate)` [unit²/Hz].
    """
    middle = frequencies(rate)
    if chosen.sum() < FEWEST:
        return np.full(middle.size, np.nan)
    frequency, density = spectrum(row, rate, WINDOW, chosen)
    half = 2 ** (0.5 / PER_OCTAVE)
    inside = (frequency >= middle[:, None] / half) & (frequency < middle[:, None] * half)
    nearest = np.abs(frequency - middle[:, None]).argmin(-1)
    inside[np.arange(middle.size), nearest] = True
    return (inside * density).sum(-1) / inside.sum(-1)


def frequencies(rate: float) -> np.ndarray:
    """Frequencies [Hz] at which spectra are compared: three an octave from 0.1 to 2 Hz.

    Examples
    --------
    >>> frequencies(10.0)[[0, 3]].tolist(), bool(frequencies(1.0).max() < 0.5)
    ([0.1, 0.2], True)
    """
    top = min(HIGHEST, NYQUIST_SHARE * rate / 2)
    return LOWEST * 2 ** (np.arange(int(PER_OCTAVE * np.log2(top / LOWEST)) + 1) / PER_OCTAVE)


def quiet_windows(mask: np.ndarray, rate: float) -> np.ndarray:
    """Which half-overlapping windows (window,) of 15 s lie wholly in a mask (time)."""
    return np.all(windows(mask, rate, WINDOW), axis=-1)


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """RMS over frequencies [dB] of the difference of two spectra (row, frequency).

    Examples
    --------
    >>> distance(np.array([[1.0, 1.0]]), np.array([[10.0, 0.1]])).tolist()
    [10.0]
    """
    difference = 10 * np.log10(np.maximum(one, 1e-300) / np.maximum(other, 1e-300))
    return np.sqrt((difference**2).mean(-1))
