"""Frequency bands, all of them [Hz]; a zero-phase band-pass; spectra over chosen windows."""

from functools import lru_cache

import numpy as np

from neurofuse.io.errors import ParameterError

Band = tuple[float, float]  # lowest and highest frequency [Hz]

# rhythms of the brain
EEG_BANDS: dict[str, Band] = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
}
ALPHA = EEG_BANDS["alpha"]
ALPHA_AND_BETA: Band = (8.0, 30.0)  # falls where the brain is active, and blood follows
ALPHA_PEAK: Band = (7.0, 14.0)  # where an individual's alpha peak is looked for
EVOKED_EEG: Band = (0.5, 30.0)  # in which averages over events are shown
# the blood
HAEMODYNAMIC: Band = (0.01, 0.2)  # responses of haemoglobin; slower is drift, faster the heart
PULSE: Band = (0.7, 1.8)  # the heart beat
# movement
EEG_MOTION: Band = (0.5, 45.0)  # in which motion is detected in EEG
HEAD_MOVEMENT: Band = (0.5, 8.0)  # holds most of the energy that head movement leaves in EEG
HEAD_ACCELERATION: Band = (0.5, 20.0)  # of an accelerometer on the head, without gravity
# what metrics compare, and what the band-pass baseline method leaves
NIRS_ERROR: Band = (0.01, 0.7)  # in which errors of optical density are scored
BANDPASS_EEG: Band = (1.0, 40.0)  # of the baseline method "bandpass"
BANDPASS_NIRS: Band = (0.01, 0.5)  # of the baseline method "bandpass"

NYQUIST_SHARE = 0.9  # a filter edge closer to Nyquist than this rings or is refused


def bandpass(data: np.ndarray, rate: float, low: float, high: float) -> np.ndarray:
    """Zero-phase Butterworth band-pass (order 4, forwards and backwards).

    Parameters
    ----------
    data : array (..., time)
        Samples in any unit; returned as float64 in the same unit.
    rate : float
        Sampling rate [Hz].
    low, high : float
        Edges [Hz]; `high` is lowered to 0.9 × Nyquist where the rate is too low for it.

    Raises
    ------
    ParameterError
        If nothing of the band lies below Nyquist.

    Examples
    --------
    >>> time = np.arange(2000) / 100
    >>> drift = bandpass(np.sin(2 * np.pi * 0.05 * time), 100.0, 1.0, 40.0)
    >>> bool(np.abs(drift[500:1500]).max() < 1e-3)
    True
    """
    from scipy.signal import sosfiltfilt

    top = min(high, NYQUIST_SHARE * rate / 2)
    if top <= low:
        raise ParameterError(
            f"a band from {low:g} to {high:g} Hz at {rate:g} Hz",
            f"a rate above {2 * low / NYQUIST_SHARE:g} Hz",
            "record faster, or choose another method or band",
        )
    # One period of the lowest frequency of padding: the default is far too short for 0.01 Hz.
    padding = min(data.shape[-1] - 1, int(np.ceil(rate / low)))
    sections = _butterworth(low, top, rate)
    data = np.asarray(data, np.float64)
    return np.asarray(sosfiltfilt(sections, data, axis=-1, padlen=padding))


@lru_cache
def _butterworth(low: float, high: float, rate: float) -> np.ndarray:
    from scipy.signal import butter

    return np.asarray(butter(4, (low, high), "bandpass", fs=rate, output="sos"))


def windows(samples: np.ndarray, rate: float, seconds: float) -> np.ndarray:
    """Half-overlapping windows (window, time) of a series, as a view.

    A series shorter than one window is one window.

    Examples
    --------
    >>> windows(np.arange(6), 2.0, 2.0).tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5]]
    """
    length = min(samples.shape[-1], max(2, round(seconds * rate)))
    view = np.lib.stride_tricks.sliding_window_view(samples, length)
    return view[:: max(1, length // 2)]


def spectrum(
    series: np.ndarray, rate: float, seconds: float, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density (Welch 1967, Hann windows) over the chosen `windows` of a series.

    Parameters
    ----------
    series : array (time,)
        Samples.
    rate : float
        Sampling rate [Hz].
    seconds : float
        Length of a window [s].
    chosen : bool array (window,)
        Which of `windows(series, rate, seconds)` are averaged.

    Returns
    -------
    frequency : array (frequency,)
        [Hz].
    density : array (frequency,)
        [unit²/Hz]; NaN where no window is chosen.
    """
    parts = windows(series, rate, seconds)
    length = parts.shape[-1]
    frequency = np.fft.rfftfreq(length, 1 / rate)
    if not chosen.any():
        return frequency, np.full(frequency.size, np.nan)
    parts = parts[chosen]
    taper = _hann(length)
    lines = np.fft.rfft((parts - parts.mean(-1, keepdims=True)) * taper)
    density = (np.abs(lines) ** 2).mean(0) / (rate * (taper**2).sum())
    density[1 : None if length % 2 else -1] *= 2
    return frequency, density


@lru_cache
def _hann(length: int) -> np.ndarray:
    return np.hanning(length + 1)[:-1]


def decibel(energy: float, reference: float) -> float:
    """10 log10 of a ratio of energies: −inf for no energy, NaN without a reference.

    Examples
    --------
    >>> decibel(10.0, 1.0), decibel(0.0, 1.0), decibel(1.0, 0.0)
    (10.0, -inf, nan)
    """
    if not reference > 0 or np.isnan(energy):
        return float("nan")
    return float(10 * np.log10(energy / reference)) if energy > 0 else float("-inf")
