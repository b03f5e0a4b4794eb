"""The windows that the nets of one modality work on: rate, length, resampling.

EEG is cleaned as it is, fNIRS as the change of optical density from sample to sample: a shift,
which would last to the end of a window, is a short pulse there, and is clipped before nets see the
sum. (After 240 steps the error of a U-Net was 6.1 dB below the clean energy that way, 4.6 dB when
it worked on changes alone, 5.0 dB on optical density alone.) Other rates are resampled to the
working rate, and only the estimated artifact is resampled back: what is faster stays as it was.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy import signal


@dataclass(frozen=True)
class Kind:
    """How the series of one modality are cut into windows."""

    rate: float  # Hz, working rate
    length: int  # samples of a window
    seconds: float  # s of the recordings that training windows are sampled from
    level: bool  # whether series are changes of a baseline level, which is their cumulative sum


KINDS = {"eeg": Kind(128.0, 1024, 60.0, False), "nirs": Kind(8.0, 512, 66.0, True)}


def ratio(rate: float, working: float) -> Fraction:
    """Samples at the working rate for each sample at `rate`, as a ratio of small numbers."""
    return Fraction(working / rate).limit_denominator(1000)


def resampled(x: np.ndarray, factor: Fraction) -> np.ndarray:
    """Series (…, time) with `factor` times as many samples; no ringing from the ends."""
    if factor == 1 or x.shape[-1] < 2:
        return x
    up, down = factor.numerator, factor.denominator
    return signal.resample_poly(x, up, down, axis=-1, window=_low_pass(up, down), padtype="line")


@lru_cache
def _low_pass(up: int, down: int) -> np.ndarray:
    """The default filter of scipy's `resample_poly`, normalised so that constants stay constant.

    The default leaves a ripple of some 0.05 %, which after a large shift is as large as the pulse.
    """
    most = max(up, down)
    at = np.arange(-10 * most, 10 * most + 1)
    taps = np.sinc(at / most) * np.kaiser(at.size, 5.0)
    for phase in range(up):
        taps[phase::up] /= taps[phase::up].sum()
    return taps / up


def changes(density: np.ndarray) -> np.ndarray:
    """Sample-to-sample changes (…, time), the first 0; `np.cumsum` undoes it up to a constant."""
    return np.diff(density, axis=-1, prepend=density[..., :1])
