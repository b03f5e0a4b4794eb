"""Augmentation: phase-randomised rest, simple artifacts, devices; no generator is to be learned.

Rest gets other phases (the same spectra, nothing else in common with the recording); motion gets
plain events: in EEG bursts of coloured noise from a few random sources and pops, in fNIRS spikes
that decay exponentially and shifts, as in the simulation of Gao et al. 2022
(doi:10.1117/1.NPh.9.4.041406). Devices have amplifiers that recover slowly or reach their rails,
electrodes that drift, and optodes that little light reaches.
"""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import butter, lfilter, sosfilt

from neurofuse.synth.movement import Movement

DRIFT = (10e-6, 200e-6)  # V, standard deviation of an electrode's slow drift
DRIFTS_BELOW = 0.1  # Hz
RAIL = (0.3, 1.0)  # of an artifact's peak, at which an amplifier saturates
RAIL_MEMORY = (0.3, 5.0)  # s in which it comes back to 1/e
NOISE = (0.1, 3.0)  # of a channel's own changes from sample to sample: noise of weak light
STEP = (0.3, 3.0)  # of the same: steps of a coarse converter
CUTOFF = (0.016, 0.5)  # Hz, of AC-coupled EEG amplifiers
TAIL = 0.3  # of a channel's standard deviation, from which on a recovery counts as motion


def recovering(
    artifact: np.ndarray, clean: np.ndarray, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """An artifact as an AC-coupled amplifier records it, and where it still recovers.

    A swing is followed by an undershoot for as long as the amplifier's high-pass remembers, which
    takes seconds.

    Parameters
    ----------
    artifact, clean : array (channel, time)
        EEG, in one unit.
    rate : float
        Sampling rate [Hz].
    rng : Generator
        Draws the high-pass: first or second order, 0.016 to 0.5 Hz.

    Returns
    -------
    artifact : array (channel, time)
    tail : bool array (channel, time)
        Where the artifact is noticeable beside the clean signal.
    """
    cutoff = float(np.exp(rng.uniform(*np.log(CUTOFF))))
    sections = butter(int(rng.integers(1, 3)), cutoff, "highpass", fs=rate, output="sos")
    recorded = np.asarray(sosfilt(sections, artifact, axis=-1))
    return recorded, np.abs(recorded) > TAIL * clean.std(-1, keepdims=True)


def railed(
    artifact: np.ndarray, clean: np.ndarray, rate: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """An artifact as an amplifier records it that saturates and then recovers slowly.

    Parameters and returns are those of `recovering`.
    """
    peak = np.abs(artifact).max(-1, keepdims=True)
    rail = peak * rng.uniform(*RAIL)
    recorded = np.clip(artifact, -rail, rail)
    beyond = artifact - recorded
    fade = np.exp(-1 / (rate * np.exp(rng.uniform(*np.log(RAIL_MEMORY)))))
    # what the amplifier could not follow it takes for an offset, which it forgets
    offset = lfilter([1 - fade], [1, -fade], beyond, axis=-1)
    recorded = recorded - np.where(beyond == 0, offset, 0)
    return recorded, np.abs(recorded) > TAIL * clean.std(-1, keepdims=True)


def electrode_drift(
    channels: int, length: int, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Slow drift (channel, time) [V] of skin potentials and sweat, in part common to all channels.

    Examples
    --------
    >>> drift = electrode_drift(2, 15_000, 250.0, np.random.default_rng(0))
    >>> bool(1e-6 < drift.std() < 1e-3), bool(np.abs(np.diff(drift)).max() < 1e-5)
    (True, True)
    """
    count = max(8, int(4 * DRIFTS_BELOW * length / rate))
    knots = np.cumsum(rng.normal(size=(channels + 1, count)), axis=-1)
    knots = 0.7 * knots[1:] + 0.7 * knots[:1]
    at, grid = np.linspace(0, count - 1, length), np.arange(count)
    course = CubicSpline(grid, knots, axis=-1)(at)
    course = course - course.mean(-1, keepdims=True)
    size = np.exp(rng.uniform(*np.log(DRIFT))) * rng.lognormal(0, 0.4, (channels, 1))
    return size * course / (course.std() + 1e-30)


def weak_light(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Optical density (channel, wavelength, time) with noise of weak light, here and there.

    Each channel has its own coupling to the skin.
    """
    usual = np.median(np.abs(np.diff(density)), axis=-1, keepdims=True)
    low, high = np.log(NOISE)
    gain = np.exp(rng.uniform(low, high, (len(density), 1, 1)))
    return density + gain * usual * rng.normal(size=density.shape)


def quantised(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Optical density (channel, wavelength, time) of a coarse converter."""
    usual = np.median(np.abs(np.diff(density)), axis=-1, keepdims=True)
    step = usual * np.exp(rng.uniform(*np.log(STEP))) + 1e-12
    return np.round(density / step) * step


def surrogate(piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A signal at rest with the same spectra and other phases.

    Parameters
    ----------
    piece : array (channel, time) or (channel, wavelength, time)
    rng : Generator

    Returns
    -------
    array like `piece`: EEG channels keep their correlations; wavelengths of an fNIRS channel keep
    theirs half of the time.
    """
    spectrum = np.fft.rfft(piece - piece.mean(-1, keepdims=True))
    shape = list(spectrum.shape)
    if piece.ndim == 2:
        shape[0] = 1
    elif rng.random() < 0.5:
        shape[1] = 1
    turn = np.exp(2j * np.pi * rng.random(shape))
    return np.fft.irfft(spectrum * turn, piece.shape[-1])


def plain_eeg(
    movements: list[Movement], channels: int, time: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bursts and pops (channel, time) of peaks near 1, and where they are."""
    total = np.zeros((channels, len(time)))
    where = np.zeros(total.shape, bool)
    step = time[1] - time[0]
    for at in _onsets(movements, time, rng):
        if rng.random() < 0.25:
            touched = rng.random(channels) < rng.uniform(0.1, 0.6)
            since = time - at
            course = np.where(
                since >= 0, np.exp(-np.maximum(since, 0) / rng.uniform(0.05, 1.5)), 0.0
            )
            course = course[None] * rng.normal(0, 1, (channels, 1))
            moves = (since >= 0) & (np.abs(course).max(0) > 0.01)
        else:
            length = float(np.exp(rng.normal(0.3, 0.9)))
            moves = np.abs(time - at - length / 2) < length / 2
            count = int(moves.sum())
            if count < 8:
                continue
            touched = rng.random(channels) < rng.uniform(0.3, 1.0)
            sources = int(rng.integers(1, 4))
            noise = np.fft.rfft(rng.normal(size=(sources, count)))
            frequency = np.fft.rfftfreq(count, step)
            colour = np.maximum(frequency, 0.3) ** -rng.uniform(0, 2, (sources, 1))
            courses = np.fft.irfft(noise * colour, count) * np.hanning(count) ** rng.uniform(0.3, 1)
            courses /= np.abs(courses).max(-1, keepdims=True) + 1e-30
            course = np.zeros_like(total)
            course[:, moves] = rng.normal(0, 1, (channels, sources)) @ courses
        total += rng.lognormal(0, 0.6) * touched[:, None] * course
        where |= touched[:, None] & moves
    return total, where


def plain_nirs(
    movements: list[Movement],
    channels: int,
    wavelengths: int,
    time: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and shifts (channel, wavelength, time) of peaks near 1, and where they are."""
    total = np.zeros((channels, wavelengths, len(time)))
    where = np.zeros((channels, len(time)), bool)
    for at in _onsets(movements, time, rng):
        if rng.random() < 0.3:
            course = np.clip((time - at) / rng.uniform(0.25, 1.5), 0, 1)
            moves = (course > 0) & (np.roll(course, 1) < 1)
        else:
            course = np.exp(-np.abs(time - at) / rng.uniform(0.05, 1.5))
            moves = course > 0.01
        size = rng.lognormal(0, 0.5, total.shape[:2]) * rng.choice([-1, 1], total.shape[:2])
        if rng.random() < 0.5:  # all channels in the same direction
            size = np.abs(size) * rng.choice([-1, 1])
        touched = rng.random(channels) < rng.uniform(0.3, 1.0)
        gain = rng.lognormal(0, 0.7)
        total += gain * (size * touched[:, None])[..., None] * course
        where |= touched[:, None] & (moves | np.roll(moves, 1))  # both samples of a step
    return total, where


def _onsets(movements: list[Movement], time: np.ndarray, rng: np.random.Generator) -> list[float]:
    """Onsets [s] of plain events: those of some movements, which both modalities share, or any."""
    if movements and rng.random() < 0.6:
        count = min(len(movements), 1 + int(rng.poisson(2)))
        picked = rng.choice(len(movements), count, replace=False)
        return [movements[i].onset for i in picked]
    return list(rng.uniform(time[0], time[-1], 1 + rng.poisson(2)))
