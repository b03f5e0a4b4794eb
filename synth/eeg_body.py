"""Optional artifacts of body and room in EEG: blinks, the pulse, the mains."""

import zlib

import numpy as np

from neurofuse.synth.heart import Heart
from neurofuse.synth.sphere import directions

BLINKS_PER_MINUTE = (10.0, 20.0)  # between participants
BLINK_SIZE, BLINK_LENGTH = (100e-6, 300e-6), (0.2, 0.4)  # V above the eyes; s
EYES = np.array([0.0, 0.93, -0.36])  # direction from the middle of the head
PULSE_SIZE = (2e-6, 6e-6)  # V
LINE_SIZE = (1e-6, 8e-6)  # V, RMS


def blinks(time: np.ndarray, position: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blinks (channel, time) [V]: 0.2-0.4 s long, 100-300 µV at the forehead, fading backwards.

    Examples
    --------
    >>> front, back = [0.0, 0.115, 0.02], [0.0, -0.08, 0.05]
    >>> volts = blinks(np.arange(15000) / 250, np.array([front, back]), np.random.default_rng(0))
    >>> bool(volts[0].max() > 50e-6 > 10 * volts[1].max())
    True
    """
    rate, usual = rng.uniform(*BLINKS_PER_MINUTE) / 60, rng.uniform(*BLINK_SIZE)
    course = np.zeros(len(time), np.float32)
    at = rng.exponential(1 / rate)
    while len(time) and at < time[-1]:
        length = rng.uniform(*BLINK_LENGTH)
        first, last = np.searchsorted(time, (at, at + length))
        t = (time[first:last] - at) / length
        # closing is faster than opening
        course[first:last] += rng.lognormal(0, 0.15) * np.sin(np.pi * t**0.75) ** 2
        at += length + rng.exponential(1 / rate)
    unit = directions(position)
    away = np.linalg.norm(unit - EYES, axis=1)
    reach = np.exp(-((away / 0.5) ** 2) / 2) + 0.02
    reach = np.where(np.isfinite(reach), reach, 0.2)
    return (np.clip(usual, *BLINK_SIZE) * reach).astype(np.float32)[:, None] * course


def pulse_artifact(
    time: np.ndarray, names: list[str], heart: Heart, rng: np.random.Generator
) -> np.ndarray:
    """Pulse artifact (channel, time) [V] of the heart whose pulse fNIRS shows.

    Each electrode moves with the vessels beneath it: its sign and size differ.

    Examples
    --------
    >>> from neurofuse.synth.heart import sample_heart
    >>> rng = np.random.default_rng(0)
    >>> beat = pulse_artifact(np.arange(5000) / 250, ["Cz"], sample_heart(20.0, rng), rng)
    >>> bool(0 < beat.std() < 30e-6)
    True
    """
    rate = 1 / (time[1] - time[0])
    wave = heart.wave(time, rate, 0.2).astype(np.float32)
    seed, usual = int(rng.integers(2**62)), rng.uniform(*PULSE_SIZE)
    gain = [np.random.default_rng([seed, zlib.crc32(n.encode())]).normal() for n in names]
    return np.outer(usual * np.array(gain, np.float32), wave).astype(np.float32)


def line_noise(
    time: np.ndarray, names: list[str], frequency: float, rng: np.random.Generator
) -> np.ndarray:
    """Mains hum (channel, time) [V] of 50 or 60 Hz with its third harmonic.

    Examples
    --------
    >>> hum = line_noise(np.arange(1000) / 250, ["Cz"], 50.0, np.random.default_rng(0))
    >>> int(np.abs(np.fft.rfft(hum[0])).argmax() / 4)
    50
    """
    rate = 1 / (time[1] - time[0])
    seed, usual = int(rng.integers(2**62)), rng.uniform(*LINE_SIZE)
    wander = 0.02 * np.sin(2 * np.pi * time / 97)  # cycles by which the phase of the mains wanders
    angle = 2 * np.pi * (frequency * time + wander)
    hum = np.zeros((len(names), len(time)), np.float32)
    for row, name in enumerate(names):
        own = np.random.default_rng([seed, zlib.crc32(name.encode())])
        size, phase = usual * own.lognormal(0, 0.5), own.normal(0, 0.4)
        hum[row] = np.sqrt(2) * size * np.cos(angle + phase)
        if 3 * frequency < rate / 2:
            hum[row] += 0.2 * size * np.cos(3 * angle + own.uniform(0, 2 * np.pi))
    return hum
