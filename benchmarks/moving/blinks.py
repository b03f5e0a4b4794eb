"""Eye blinks in EEG with few electrodes, found without any cleaning method."""

import numpy as np
from scipy.signal import find_peaks

from neurofuse.fusion.signal.bands import bandpass

# where blinks are largest: behind the ears against the Muse's frontal reference, else on the front
SEEN_BY: dict[str, tuple[str, ...]] = {"muse_cueing": ("TP9", "TP10"), "umindsleep": ("EEG",)}
BAND = (1.0, 10.0)  # Hz
LEAST, SPREADS = 50e-6, 6.0  # V, robust SD: a peak is above both
WIDTH = (0.05, 0.4)  # s at half height
APART = 0.4  # s
AROUND = 0.3  # s before and after the peak
AGREE = 0.5  # every channel that sees blinks deflects by this share of their mean, at least
FEWEST = 5  # blinks


def blinks(samples: np.ndarray, rate: float) -> np.ndarray:
    """Samples (blink,) at which channels (channel, time) [V] that see blinks deflect together.

    Peaks in 1-10 Hz of one sign (that of the larger ones) above 50 µV and six robust standard
    deviations, 0.05 to 0.4 s wide.

    Examples
    --------
    >>> time = np.arange(5000) / 250
    >>> eye = -2e-4 * sum(np.exp(-((time - t) ** 2) / 0.01) for t in (4.0, 9.0, 15.0))
    >>> (blinks(np.stack([eye, eye]), 250.0) / 250).round(1).tolist()
    [4.0, 9.0, 15.0]
    """
    course = bandpass(samples, rate, *BAND)
    mean = course.mean(0)
    height = max(LEAST, SPREADS * 1.4826 * float(np.median(np.abs(mean))))
    width = WIDTH[0] * rate, WIDTH[1] * rate
    found = {}
    for sign in (1.0, -1.0):
        peaks, facts = find_peaks(
            sign * mean, height=height, distance=APART * rate, width=width, rel_height=0.5
        )
        together = (sign * course[:, peaks] >= AGREE * sign * mean[peaks]).all(0)
        found[float(facts["peak_heights"][together].sum())] = peaks[together]
    margin = AROUND * rate
    at = found[max(found)]
    return at[(at >= margin) & (at < mean.size - margin)]


def blink_left(before: np.ndarray, after: np.ndarray, rate: float, at: np.ndarray) -> float:
    """Share of the average blink that is left: its projection on that before, over all channels.

    Parameters
    ----------
    before, after : array (channel, time)
        EEG.
    rate : float
        Sampling rate [Hz].
    at : array (blink,)
        Samples of blinks.

    Returns
    -------
    float
        1 where blinks stay, 0 where they are gone; NaN with fewer than five.
    """
    if len(at) < FEWEST:
        return np.nan
    span = np.arange(-round(AROUND * rate), round(AROUND * rate))
    index = at[:, None] + span
    one, other = (bandpass(x, rate, *BAND)[:, index].mean(1) for x in (before, after))
    return float((one * other).sum() / (one**2).sum())


def near(at: np.ndarray, rate: float, count: int) -> np.ndarray:
    """Samples (time) of a recording with `count` samples within 0.3 s of a blink."""
    mask = np.zeros(count, bool)
    reach = round(AROUND * rate)
    for sample in at:
        mask[max(0, sample - reach) : sample + reach + 1] = True
    return mask
