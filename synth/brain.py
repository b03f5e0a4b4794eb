"""Brain and body signals of a resting or tapping person: EEG and haemoglobin.

EEG: sources with 1/f² power and an alpha rhythm, mixed smoothly to the electrodes; each task onset
brings an evoked response and suppresses alpha over the opposite motor area. fNIRS: haemodynamic
response, Mayer wave, respiration, pulse and slow drift (amplitudes as measured: `docs/synth.md`).
"""

import numpy as np
from scipy import signal

EEG_RMS = 9e-6  # V
ALPHA_RMS = 5e-6  # V, strongest at the back of the head
EVOKED = 6e-6  # V, P300-like, largest at the vertex
RESPONSE_HBO = 0.6e-6  # mol/L
RESPONSE_HBR = -0.2e-6


def coloured(
    shape: tuple[int, ...], rate: float, slope: float, lowest: float, rng: np.random.Generator
) -> np.ndarray:
    """Gaussian noise (…, time), unit variance, power ~ 1 / frequency^slope above `lowest` [Hz]."""
    spectrum = np.fft.rfft(rng.normal(size=shape))
    frequency = np.fft.rfftfreq(shape[-1], 1 / rate)
    gain = np.maximum(frequency, lowest) ** (-slope / 2) * (frequency > 0)
    noise = np.fft.irfft(spectrum * gain, shape[-1])
    return noise / np.maximum(noise.std(axis=-1, keepdims=True), 1e-30)


def eeg_background(
    time: np.ndarray, position: np.ndarray, onsets: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """EEG (channel, time) [V] at `position` (channel, 3) [m], with a task at `onsets` [s]."""
    rate = 1 / (time[1] - time[0])
    count = 48
    direction = rng.normal(size=(count, 3))
    source_at = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    source_at *= np.linalg.norm(position, axis=1).mean() * rng.uniform(0.5, 0.95, (count, 1))
    distance = np.linalg.norm(position[:, None] - source_at, axis=-1)
    mixing = rng.normal(1, 0.5, count) * np.exp(-(distance**2) / (2 * 0.05**2))
    mixing *= rng.choice([-1, 1], count)
    background = mixing @ coloured((count, len(time)), rate, 1.7, 1.0, rng)
    background *= EEG_RMS / background.std()
    alpha = _alpha(time, rate, rng)
    towards_back = np.clip(0.55 - position[:, 1] / 0.19, 0.1, 1)
    suppression = 1 - 0.5 * _boxcar(time, onsets, 0.3, 5.0)
    central = np.exp(-((position[:, 0] + 0.065) ** 2 + position[:, 1] ** 2) / (2 * 0.04**2))
    rhythm = towards_back[:, None] * alpha[0] + 0.8 * central[:, None] * alpha[1] * suppression
    vertex = np.exp(-(position[:, 0] ** 2 + (position[:, 1] + 0.03) ** 2) / (2 * 0.06**2))
    evoked = sum(np.exp(-((time - o - 0.32) ** 2) / (2 * 0.06**2)) for o in onsets)
    sensor = 0.5e-6 * rng.normal(size=background.shape)
    return background + ALPHA_RMS * rhythm + EVOKED * np.outer(vertex, evoked) + sensor


def _alpha(time: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Two waxing and waning rhythms (2, time) of unit size near 10 Hz."""
    peak = rng.uniform(8.5, 12.0)
    band = signal.butter(2, [peak - 1.0, peak + 1.0], "bandpass", fs=rate, output="sos")
    rhythm = signal.sosfiltfilt(band, rng.normal(size=(2, len(time))), padlen=0)
    return rhythm / rhythm.std(axis=1, keepdims=True)


def haemoglobin(
    time: np.ndarray,
    source_at: np.ndarray,
    detector_at: np.ndarray,
    onsets: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Changes of HbO and HbR (channel, time) [mol/L] under each source-detector pair."""
    rate, channels = 1 / (time[1] - time[0]), len(source_at)
    middle = (source_at + detector_at) / 2
    near = np.exp(-((middle[:, 0] + 0.07) ** 2 + middle[:, 1] ** 2) / (2 * 0.03**2))
    response = np.zeros(len(time))
    for onset in onsets:
        response += _haemodynamic(time - onset)
    scalp = rng.lognormal(0, 0.25, channels)[:, None]
    mayer = _rhythm(time, rng.uniform(0.085, 0.115), 0.015, rng)
    breath = _rhythm(time, rng.uniform(0.22, 0.3), 0.02, rng)
    pulse = _rhythm(time, rng.uniform(0.95, 1.3), 0.03, rng)
    if rate < 4:
        pulse = np.zeros_like(pulse)
    common = 0.25e-6 * mayer + 0.06e-6 * breath + 0.15e-6 * pulse
    slow = coloured((1, len(time)), rate, 2.0, 0.01, rng)
    own = coloured((2 * channels, len(time)), rate, 1.7, 0.01, rng)
    hbo = RESPONSE_HBO * near[:, None] * response + scalp * common
    hbo = hbo + 0.15e-6 * (scalp * slow + own[:channels])
    hbr = RESPONSE_HBR * near[:, None] * response + 0.12 * scalp * common
    return hbo, hbr + 0.05e-6 * own[channels:]


def _haemodynamic(time: np.ndarray, task: float = 5.0) -> np.ndarray:
    """Double-gamma response to `task` seconds of work, peak 1 (Glover 1999)."""
    step = 0.1
    grid = np.arange(0, 40, step)
    kernel = grid**5 * np.exp(-grid) / 120 - grid**15 * np.exp(-grid) / 1.307674368e12 / 6
    shape = np.convolve(kernel, np.ones(int(task / step)))[: len(grid)]
    return np.interp(time, grid, shape / shape.max(), left=0, right=0)


def _rhythm(
    time: np.ndarray, frequency: float, wander: float, rng: np.random.Generator
) -> np.ndarray:
    """Rhythm of unit RMS whose rate wanders by the fraction `wander`·√s and whose size breathes."""
    step = time[1] - time[0]
    speed = frequency * (1 + wander * np.cumsum(rng.normal(0, np.sqrt(step), len(time))) * 0.3)
    speed = np.clip(speed, 0.7 * frequency, 1.3 * frequency)
    phase = 2 * np.pi * np.cumsum(speed) * step + rng.uniform(0, 2 * np.pi)
    size = 1 + 0.3 * np.sin(2 * np.pi * 0.03 * time + rng.uniform(0, 2 * np.pi))
    return np.sqrt(2) * np.sin(phase) * size


def _boxcar(time: np.ndarray, onsets: np.ndarray, delay: float, length: float) -> np.ndarray:
    return sum(
        (((time - o) > delay) & ((time - o) < delay + length)).astype(float) for o in onsets
    ) + np.zeros(len(time))
