"""Matrices between channels: coherence of EEG, correlation of haemoglobin, and their distance."""

import numpy as np

from neurofuse.fusion.signal.bands import ALPHA, windows


def coherence(data: np.ndarray, rate: float, size: int) -> np.ndarray:
    """Magnitude-squared coherence (channel, channel) in 8-13 Hz, by Welch's method.

    Parameters
    ----------
    data : array (channel, time)
        EEG in any unit.
    rate : float
        Sampling rate [Hz].
    size : int
        Samples of a window.
    """
    low, high = ALPHA
    frequency = np.fft.rfftfreq(size, 1 / rate)
    inside = (frequency >= low) & (frequency < high)
    taper = np.hanning(size + 1)[:-1]
    rows = []
    for row in data:  # channel by channel: windows of all would take much memory
        parts = windows(row, rate, size / rate)
        rows.append(np.fft.rfft((parts - parts.mean(-1, keepdims=True)) * taper)[:, inside])
    lines = np.stack(rows)  # (channel, window, frequency)
    cross = np.einsum("awf,bwf->abf", lines, lines.conj(), optimize=True)
    own = np.einsum("aaf->af", cross).real
    power = own[:, None] * own[None]
    return (np.abs(cross) ** 2 / np.where(power > 0, power, np.inf)).mean(-1)


def correlation_matrix(data: np.ndarray) -> np.ndarray:
    """Pearson's correlation (channel, channel) of rows (channel, time); 0 for flat ones."""
    centred = data - data.mean(-1, keepdims=True)
    centred = centred / np.linalg.norm(centred, axis=-1, keepdims=True).clip(1e-300)
    return centred @ centred.T


def distance(wanted: np.ndarray, got: np.ndarray) -> float:
    """Mean absolute difference off the diagonal over the mean there; NaN for one channel."""
    off = ~np.eye(len(wanted), dtype=bool)
    if not off.any() or not np.abs(wanted[off]).mean() > 0:
        return np.nan
    return float(np.abs(got - wanted)[off].mean() / np.abs(wanted[off]).mean())
