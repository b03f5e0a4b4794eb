"""What counts as motion in EEG and in optical density, for methods and metrics alike."""

import numpy as np
from scipy.ndimage import binary_dilation, uniform_filter1d

from neurofuse.fusion.signal.bands import EEG_MOTION, bandpass

THRESHOLD = 6.0  # robust SD above the median: in motion
SD_OF_MAD = 1.4826  # standard deviation over median absolute deviation of a Gaussian
DEVIATION_WINDOW = 1.0  # s over which a standard deviation is taken
DEVIATION_SAMPLES = 3  # in that window, at least
MARGIN = 0.5  # s before and after motion that count as motion as well


def eeg_in_motion(data: np.ndarray, rate: float) -> np.ndarray:
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
    >>> mask = eeg_in_motion(eeg, 250.0)
    >>> bool(mask[2000:2250].all()), bool(mask[:1500].any())
    (True, False)
    """
    return np.any(above_usual(rms_in_motion_band(data, rate)), axis=0)


def rms_in_motion_band(data: np.ndarray, rate: float) -> np.ndarray:
    """RMS over 1 s of what lies in 0.5-45 Hz of an EEG.

    Parameters
    ----------
    data : array (channel, time)
        EEG in any unit.
    rate : float
        Sampling rate [Hz].

    Returns
    -------
    array (channel, time)
        In the same unit.
    """
    power = uniform_filter1d(bandpass(data, rate, *EEG_MOTION) ** 2, round(rate), axis=-1)
    return np.sqrt(np.maximum(power, 0))


def above_usual(amplitude: np.ndarray) -> np.ndarray:
    """Samples (..., time) at which an amplitude (..., time) is above its median + 6 robust SD.

    Examples
    --------
    >>> above_usual(np.array([1.0, 1.1, 0.9, 9.0, 1.0])).tolist()
    [False, False, False, True, False]
    """
    middle, spread = _usual(amplitude)
    return amplitude > middle + THRESHOLD * spread


def rows_in_motion(series: np.ndarray, rate: float, threshold: float) -> np.ndarray:
    """Samples at which a row's moving standard deviation is far above its usual one.

    Each row is judged by its own median, so that a channel with a noisy contact is not in motion
    all the time.

    Parameters
    ----------
    series : array (row, time)
        Optical density.
    rate : float
        Sampling rate [Hz].
    threshold : float
        Robust standard deviations above the median.

    Returns
    -------
    bool array (row, time)
        With 0.5 s before and after.
    """
    deviation = moving_standard_deviation(series, rate)
    middle, spread = _usual(deviation)
    mask = deviation > middle + threshold * np.maximum(spread, 1e-3 * middle)
    margin = np.ones((1, 2 * max(1, round(MARGIN * rate)) + 1), bool)
    return binary_dilation(mask, structure=margin)


def moving_standard_deviation(series: np.ndarray, rate: float) -> np.ndarray:
    """Standard deviation (row, time) of each row (row, time) in a window of 1 s around a sample.

    Scholkmann et al. 2010, Physiol Meas 31:649.

    Examples
    --------
    >>> step = np.repeat([0.0, 1.0], 50)[None]
    >>> moving_standard_deviation(step, 10.0).argmax() in range(45, 56)
    True
    """
    size = max(DEVIATION_SAMPLES, 2 * round(DEVIATION_WINDOW * rate / 2) + 1)
    centred = series - np.median(series, axis=-1, keepdims=True)
    mean, square = (uniform_filter1d(x, size, axis=-1) for x in (centred, centred**2))
    return np.sqrt(np.maximum(square - mean**2, 0))


def _usual(amplitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust standard deviation over time."""
    middle = np.median(amplitude, axis=-1, keepdims=True)
    return middle, SD_OF_MAD * np.median(np.abs(amplitude - middle), axis=-1, keepdims=True)
