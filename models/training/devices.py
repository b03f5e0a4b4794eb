"""Randomised devices: the same rest with another noise floor, amplifier, spectrum and rate.

What is drawn is wider than what devices do, so that a real one is nothing new (domain
randomisation; Tobin et al. 2017, doi:10.1109/IROS.2017.8202133). Numbers of channels are drawn with
every batch anyway.
"""

from fractions import Fraction

import numpy as np
from scipy.signal import butter, resample_poly, sosfiltfilt

RATES = {"eeg": (100.0, 250.0), "nirs": (1.0, 25.0)}  # Hz, to which a batch may be resampled
NOISE = {"eeg": (0.03, 1.0), "nirs": (0.003, 0.1)}  # of a channel's standard deviation, white
TILT = (-0.5, 0.5)  # exponent of frequency by which a spectrum of amplitudes changes
HIGH_PASS = (0.05, 1.0)  # Hz, of EEG
LOW_PASS = (0.25, 0.9)  # of Nyquist


def other_rate(stream: str, own: float, rng: np.random.Generator) -> float:
    """A rate [Hz] of some device of a modality, not above the one that was recorded with.

    Examples
    --------
    >>> 100 <= other_rate("eeg", 250.0, np.random.default_rng(0)) <= 250
    True
    """
    low, high = RATES[stream]
    return float(np.exp(rng.uniform(np.log(min(low, own)), np.log(min(high, own)))))


def at_rate(piece: np.ndarray, own: float, rate: float, length: int) -> np.ndarray:
    """So many samples of a piece (..., time) at a lower rate [Hz], without aliases.

    Examples
    --------
    >>> at_rate(np.ones((2, 600)), 10.0, 7.8125, 468).shape
    (2, 468)
    """
    ratio = Fraction(rate / own).limit_denominator(500)
    made = resample_poly(piece, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    missing = max(0, length - made.shape[-1])  # of a ratio that is not exact
    return np.pad(made, [(0, 0)] * (made.ndim - 1) + [(0, missing)], mode="edge")[..., :length]


def other_device(
    piece: np.ndarray, artifact: np.ndarray, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rest and artifact (channel[, wavelength], time) as another device might record them.

    Spectrum, high-pass (EEG), low-pass and noise are changed in half of the cases each. Only the
    low-pass changes the artifact: a high-pass would leave tails of it outside its mask, which are
    an augmentation of their own (`augment.recovering`).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rest, moved = other_device(rng.normal(size=(2, 500)), np.zeros((2, 500)), 250.0, rng)
    >>> rest.shape, bool(moved.any())
    ((2, 500), False)
    """
    level = piece.mean(-1, keepdims=True)
    made = piece - level
    if rng.random() < 0.5:
        made = _tilted(made, rng.uniform(*TILT))
    if piece.ndim == 2 and rng.random() < 0.5:
        edge = float(np.exp(rng.uniform(*np.log(HIGH_PASS))))
        made = sosfiltfilt(butter(1, edge, "highpass", fs=rate, output="sos"), made)
    if rng.random() < 0.5:
        edge = rng.uniform(*LOW_PASS) * rate / 2
        sections = butter(1, edge, fs=rate, output="sos")
        made, artifact = (np.asarray(sosfiltfilt(sections, x)) for x in (made, artifact))
    if rng.random() < 0.5:
        low, high = np.log(NOISE["eeg" if piece.ndim == 2 else "nirs"])
        size = np.exp(rng.uniform(low, high)) * piece.std(-1, keepdims=True)
        made = made + size * rng.standard_normal(piece.shape)
    return made + level, artifact


def _tilted(piece: np.ndarray, exponent: float) -> np.ndarray:
    """A steeper or a flatter spectrum, with the same energy."""
    spectrum = np.fft.rfft(piece)
    frequency = np.arange(spectrum.shape[-1], dtype=float)
    frequency[0] = 1.0
    turned = np.fft.irfft(spectrum * frequency**exponent, piece.shape[-1])
    size, before = turned.std(-1, keepdims=True), piece.std(-1, keepdims=True)
    return turned * before / np.where(size > 0, size, 1.0)
