"""Which stretches of a recording are calm: no movement, blink, muscle burst or contact noise.

"Clean" recordings hold unmarked movements. Where such a recording serves as the truth, a method
that removes them would be counted as wrong, and a network trained on it would learn to keep them.
What is calm is decided here by peak-to-peak amplitudes alone, which no cleaning method uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import butter, sosfiltfilt

from neurofuse.io.errors import ParameterError

USUAL = 20  # percentile over time of a channel's peak-to-peak amplitudes: its amplitude at rest
FEWEST = 5  # samples of which a peak-to-peak amplitude is taken, at low rates too
EDGE = 0.45  # of the sampling rate: no band reaches higher


@dataclass(frozen=True)
class Look:
    """Peak-to-peak amplitude within some seconds, in a band, and how large it may be."""

    seconds: float
    band: tuple[float, float] | None  # Hz; None: as recorded
    times: float  # the channel's usual one
    most: float = np.inf  # in the unit of the signal


LOOKS: dict[str, tuple[Look, ...]] = {
    "eeg": (  # V
        Look(1.0, (0.5, 6.0), 3.0),  # blinks, movement, pops of an electrode
        Look(0.5, (25.0, 45.0), 3.0),  # muscles, contact noise
        Look(1.0, (0.5, 45.0), 1e6, 150e-6),  # no EEG of adults at rest is that large
    ),
    "nirs": (  # optical density
        Look(1.0, None, 3.0, 0.1),  # spikes
        Look(5.0, None, 5.0, 0.2),  # steps, slow shifts; blood waves reach 2 to 4 times the usual
    ),
}
MARGIN = {"eeg": 0.25, "nirs": 1.0}  # s on both sides that are not calm either
FLAT = 0.2  # s of equal samples in EEG: no contact, or a rail


def calm(signal: np.ndarray, rate: float, modality: str = "eeg") -> np.ndarray:
    """Samples of each channel at which nothing but the brain and the blood seems to be recorded.

    A sample is calm where the peak-to-peak amplitude around it stays below a multiple of the
    channel's usual one (20th percentile over time) and below an absolute limit:

    - EEG: within 1 s in 0.5-6 Hz at most 3 times the usual (blinks, movement), within 0.5 s in
      25-45 Hz at most 3 times (muscles, contact noise), within 1 s in 0.5-45 Hz at most 150 µV,
      and no 0.2 s of equal samples (rails, lost contact). Alpha waves may wax below that.
    - fNIRS, both wavelengths: within 1 s at most 3 times the usual and 0.1, within 5 s at most 5
      times and 0.2 (optical density).

    0.25 s (EEG) or 1 s (fNIRS) on both sides count as not calm either. No filter or detector of a
    cleaning method takes part, so that what it leaves favours none.

    Parameters
    ----------
    signal : array (channel, time) or (channel, wavelength, time)
        EEG [V], or optical density [1]. Samples that are not finite are not calm.
    rate : float
        Sampling rate [Hz].
    modality : {"eeg", "nirs"}
        What the signal is.

    Returns
    -------
    bool array (channel, time)

    Raises
    ------
    ParameterError
        For another modality.

    Examples
    --------
    >>> eeg = 1e-5 * np.random.default_rng(0).standard_normal((2, 5000))
    >>> eeg[1, 2000:2100] += 2e-4 * np.hanning(100)  # a blink
    >>> mask = calm(eeg, 250.0)
    >>> bool(mask[1, 2000:2100].any()), bool(mask[0].mean() > 0.9)
    (False, True)
    """
    if modality not in LOOKS:
        raise ParameterError(f"modality={modality!r}", "'eeg' or 'nirs'", "choose one of these")
    moving = disturbed(signal, rate, LOOKS[modality])
    if modality == "eeg":
        moving |= peak_to_peak(np.nan_to_num(signal), rate, FLAT) == 0
    return ~widened(moving, round(MARGIN[modality] * rate))


def disturbed(signal: np.ndarray, rate: float, looks: Sequence[Look]) -> np.ndarray:
    """Samples (channel, time) at which any look finds more than it allows, or no number.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((1, 500))
    >>> bool(disturbed(noise, 10.0, [Look(1.0, None, 1e6)]).any())
    False
    """
    finite = np.asarray(np.isfinite(signal))
    rows = np.where(finite, signal, 0.0)
    rows -= np.median(rows, axis=-1, keepdims=True)
    found = ~finite
    for look in looks:
        seen = rows if look.band is None else _within(rows, rate, look.band)
        width = peak_to_peak(seen, rate, look.seconds)
        usual = np.percentile(width, USUAL, axis=-1, keepdims=True)
        found |= width > np.minimum(look.most, usual * look.times)
    return np.asarray(found.any(axis=1)) if found.ndim == 3 else found


def widened(mask: np.ndarray, samples: int) -> np.ndarray:
    """A mask (channel, time) with some samples more on both sides of each True stretch.

    Examples
    --------
    >>> widened(np.array([[False, False, True, False, False]]), 1).tolist()
    [[False, True, True, True, False]]
    """
    return maximum_filter1d(mask, 2 * samples + 1, axis=-1)


def peak_to_peak(signal: np.ndarray, rate: float, seconds: float) -> np.ndarray:
    """Largest minus smallest value (..., time) within some seconds, or 5 samples, around each.

    Examples
    --------
    >>> peak_to_peak(np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]), 1.0, 5.0).tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    size = max(FEWEST, 2 * round(seconds * rate / 2) + 1)
    return maximum_filter1d(signal, size, axis=-1) - minimum_filter1d(signal, size, axis=-1)


def _within(signal: np.ndarray, rate: float, band: tuple[float, float]) -> np.ndarray:
    low, high = min(band[0], 0.8 * EDGE * rate), min(band[1], EDGE * rate)
    sections = butter(4, (low, high), "bandpass", fs=rate, output="sos")
    padding = min(signal.shape[-1] - 1, int(rate / low))
    return np.asarray(sosfiltfilt(sections, signal, axis=-1, padlen=padding))
