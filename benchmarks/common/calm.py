"""Calm and loud stretches of a recording, found without any cleaning method.

The amplitude of every channel is its RMS over a second: of an EEG in 0.5-45 Hz; of optical density
the change from sample to sample below 0.7 Hz (as in GVTD, Sherafati et al. 2020, Hum Brain Mapp
41:4093, but channel by channel) and, for short spikes, the samples in 0.7-5 Hz. Its quiet level is
the lower quartile of the RMS over 5 s, which holds as long as a quarter of the recording is at
rest. A channel is calm where it stays below a multiple of that level in each band, with a guard
before and after; it is loud above a larger one.

Not `neurofuse.io.quality.calm`, by which training chooses its truth: recordings at rest on which a
model is judged are not to be chosen by what chose those that it was trained on.
"""

import numpy as np
from scipy.ndimage import binary_dilation, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from neurofuse.fusion.signal.bands import EEG_MOTION, NYQUIST_SHARE
from neurofuse.io.runs import runs

SHORT, LONG = 1.0, 5.0  # s over which the RMS is taken: of a moment, of the quiet level
QUIET = 0.25  # quantile of the long RMS over time
CALM = {"eeg": 2.0, "nirs": 4.0}  # times the quiet level: slow waves of light vary more
LOUD = {"eeg": 3.0, "nirs": 6.0}
SLOWER = 0.7  # Hz, than the heart beat: in which changes of optical density are looked at
SPIKES = (0.7, 5.0)  # Hz, holds the heart beat, which is part of the quiet level
SLOWEST_RATE = 3.6  # Hz, at which these are looked at
PADDING = 5.0  # s beyond the ends, for filters
GUARD = {"eeg": 1.0, "nirs": 2.0}  # s before and after what is not calm
FEW = 0.2  # of the channels may be in motion in a calm stretch: one bad contact is no movement


def loudness(series: np.ndarray, rate: float, stream: str) -> np.ndarray:
    """RMS over 1 s of every channel, in units of its own quiet level.

    Parameters
    ----------
    series : array (row, time)
        EEG in any unit, or optical density.
    rate : float
        Sampling rate [Hz].
    stream : {"eeg", "nirs"}
        The modality.

    Returns
    -------
    array (row, time)
        About 1 at rest; 0 throughout for a channel that never changes.

    Examples
    --------
    >>> eeg = np.random.default_rng(0).standard_normal((1, 5000))
    >>> eeg[0, 2000:2250] *= 20
    >>> loud = loudness(eeg, 250.0, "eeg")[0]
    >>> bool(loud[2125] > 15), bool(loud[:1500].max() < 1.5)
    (True, True)
    """
    if stream == "eeg":
        return _relative(_filtered(series, rate, *EEG_MOTION), rate)
    steps = np.diff(series, axis=-1, prepend=series[:, :1])
    # no high-pass: it would ring for a minute beside every large step
    found = _relative(_filtered(steps, rate, None, SLOWER), rate)
    if rate < SLOWEST_RATE:
        return found
    return np.maximum(found, _relative(_filtered(series, rate, *SPIKES), rate))


def calm(series: np.ndarray, rate: float, stream: str) -> np.ndarray:
    """Samples (row, time) at which a channel is at rest, a guard away from whatever is not.

    Examples
    --------
    >>> od = 1e-3 * np.random.default_rng(0).standard_normal((1, 3000))
    >>> od[0, 1500:] += 1.0
    >>> rest = calm(od, 10.0, "nirs")[0]
    >>> bool(rest[1480:1521].any()), bool(rest[:1400].all())
    (False, True)
    """
    return ~_widened(loudness(series, rate, stream) > CALM[stream], GUARD[stream] * rate)


def all_calm(series: np.ndarray, rate: float, stream: str) -> np.ndarray:
    """Samples (time) at which nearly all channels are at rest, with the guard."""
    moving = (loudness(series, rate, stream) > CALM[stream]).mean(0) > FEW
    return ~_widened(moving[None], GUARD[stream] * rate)[0]


def longest(mask: np.ndarray) -> slice:
    """The longest run of True in a mask (time); empty where there is none.

    Examples
    --------
    >>> longest(np.array([True, False, True, True, False]))
    slice(2, 4, None)
    """
    return slice(*max(runs(mask), key=lambda run: run[1] - run[0], default=(0, 0)))


def _filtered(series: np.ndarray, rate: float, low: float | None, high: float) -> np.ndarray:
    """Zero-phase filter, mirrored at both ends: a noisy first sample is no step there."""
    top = min(high, NYQUIST_SHARE * rate / 2)
    if low is None:
        sections = butter(4, top, fs=rate, output="sos")
    else:
        sections = butter(4, (low, top), "bandpass", fs=rate, output="sos")
    padding = min(series.shape[-1] - 1, round(PADDING * rate))
    return np.asarray(sosfiltfilt(sections, series, padtype="even", padlen=padding))


def _relative(moving: np.ndarray, rate: float) -> np.ndarray:
    level = np.quantile(_rms(moving, rate, LONG), QUIET, axis=-1, keepdims=True)
    return _rms(moving, rate, SHORT) / np.where(level > 0, level, np.inf)


def _rms(series: np.ndarray, rate: float, seconds: float) -> np.ndarray:
    size = min(series.shape[-1], max(3, round(seconds * rate)))
    return np.sqrt(np.maximum(uniform_filter1d(series**2, size, axis=-1), 0))


def _widened(mask: np.ndarray, samples: float) -> np.ndarray:
    return binary_dilation(mask, structure=np.ones((1, 2 * max(1, round(samples)) + 1), bool))
