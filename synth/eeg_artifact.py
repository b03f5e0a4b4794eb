"""What movement does to EEG: slow electrode movement, cable and cap pops, muscle.

Head movement lies below 8 Hz, cable and cap artifacts are broadband with steps that recover, jaw
and neck muscle is above 13 Hz (measured gains per band: `docs/synth.md`).
"""

import numpy as np
from scipy import signal

from neurofuse.synth.movement import Movement, draw_waves

HEAD_RMS = 30e-6  # V a typical nod leaves in a typical electrode
CABLE_RMS = 40e-6  # V
MUSCLE_RMS = 12e-6  # V
CABLE_TYPES = {"touch": 1.0, "jerk": 0.5}  # share of the channels that a cable movement reaches
MUSCLE_TYPES = {"jaw": 1.0, "jerk": 0.4, "shake": 0.25}  # relative strength


def eeg_artifact(
    movements: list[Movement],
    time: np.ndarray,
    position: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Artifact (channel, time) [V] and its mask (channel, time) for EEG.

    Parameters
    ----------
    movements : list of Movement
        What the EEG sees of the movements.
    time : array (time,)
        Sample times [s], evenly spaced.
    position : array (channel, 3)
        Electrode positions [m]; NaN where unknown.
    rng : Generator
        Source of randomness: couplings of this recording, waveforms of each electrode.

    Returns
    -------
    artifact, mask
        The artifact is exactly zero where the mask is False.
    """
    channels, rate = len(position), 1 / (time[1] - time[0]) if len(time) > 1 else 1.0
    artifact = np.zeros((channels, len(time)))
    mask = np.zeros((channels, len(time)), bool)
    coupling = _session_coupling(position, rng)
    for movement in movements:
        tail = _recovery(movement, rng)
        first, last = np.searchsorted(
            time, [movement.onset, movement.onset + movement.duration + tail]
        )
        if last - first < 3:
            continue
        window = slice(first, last)
        piece = _head(movement, time[window], coupling, rng)
        if movement.type in CABLE_TYPES:
            piece += _cable(movement, time[window], rate, channels, tail, rng)
        if movement.type in MUSCLE_TYPES:
            piece += _muscle(movement, time[window], rate, position, rng)
        fade = np.minimum(1, (movement.onset + movement.duration + tail - time[window]) / 0.1)
        artifact[:, window] += piece * fade
        mask[:, window] |= piece != 0
    return artifact, mask


def _recovery(movement: Movement, rng: np.random.Generator) -> float:
    """Seconds for which the amplifier and electrode settle after the movement."""
    return float(rng.uniform(0.3, 1.5)) if movement.type in CABLE_TYPES else 0.0


def _session_coupling(position: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain (channel, 3) of each electrode for the head's three axes in this recording."""
    channels = len(position)
    unit = np.where(np.isfinite(position), position, rng.normal(0, 0.07, position.shape))
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-3)
    smooth = unit @ rng.normal(0, 1, (3, 3))
    gain = 0.7 * smooth + 0.7 * rng.normal(0, 1, (channels, 3))
    contact = rng.lognormal(0, 0.5, channels)  # impedance differs between electrodes
    contact[rng.random(channels) < 0.08] *= rng.uniform(3, 6)  # a loose one now and then
    return gain * contact[:, None]


def _head(
    movement: Movement, time: np.ndarray, coupling: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    channels = len(coupling)
    axes = movement.waveform(time, draw_waves(rng, movement.type, (3,)))
    own = movement.waveform(time, draw_waves(rng, movement.type, (channels,)))
    direction = rng.normal(0, 0.6, 3) + np.eye(3)[rng.integers(3)]
    moved = (coupling * direction) @ axes + 0.35 * np.linalg.norm(coupling, axis=1)[:, None] * own
    rectified = rng.random(channels) < 0.25  # half-cell potentials follow pressure, not direction
    moved = np.where(rectified[:, None], np.abs(moved), moved)
    level = HEAD_RMS * movement.intensity
    return level * moved * movement.envelope(time)


def _cable(
    movement: Movement,
    time: np.ndarray,
    rate: float,
    channels: int,
    tail: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Steps and pops that recover exponentially, with broadband noise, on some channels."""
    level = CABLE_RMS * movement.intensity * rng.lognormal(0, 0.7)
    reached = rng.random(channels) < CABLE_TYPES[movement.type] * rng.uniform(0.3, 1.0)
    gain = rng.normal(0, 1, channels) * reached
    common = np.zeros(len(time))
    own = np.zeros((channels, len(time)))
    for _ in range(1 + rng.poisson(1.5 * movement.duration)):
        at = movement.onset + rng.uniform(0, movement.duration)
        decay = rng.uniform(0.05, max(tail, 0.1) / 2)
        pop = np.where(time >= at, np.exp(-(time - at).clip(0) / decay), 0.0)
        common += rng.normal(0, 2.0) * pop
        own += rng.normal(0, 0.8, (channels, 1)) * pop
    noise = rng.normal(0, 1, (channels + 1, len(time))) * movement.envelope(time)
    corner = min(25.0, 0.4 * rate)
    noise = signal.sosfilt(signal.butter(1, corner, fs=rate, output="sos"), noise)
    common += 1.0 * noise[0]
    own += 0.5 * noise[1:]
    return level * (gain[:, None] * common + np.abs(gain)[:, None] * own)


def _muscle(
    movement: Movement,
    time: np.ndarray,
    rate: float,
    position: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Bursts above 15 Hz, strongest low and lateral on the head (temporal, neck)."""
    channels = len(position)
    if rate < 60:
        return np.zeros((channels, len(time)))
    side = np.nan_to_num(np.abs(position[:, 0]) / 0.07 - position[:, 2] / 0.1, nan=0.3)
    weight = np.exp(np.clip(1.2 * side, -2, 1.5)) * rng.lognormal(0, 0.4, channels)
    sources = rng.normal(0, 1, (4, len(time)))
    mixing = rng.normal(0, 1, (channels, 4)) * 0.4
    noise = mixing @ sources + rng.normal(0, 0.7, (channels, len(time)))
    band = signal.butter(2, [15.0, min(110.0, 0.45 * rate)], "bandpass", fs=rate, output="sos")
    bursts = 0.4 + np.abs(np.sin(2 * np.pi * rng.uniform(0.5, 2.5) * (time - movement.onset)))
    level = MUSCLE_RMS * MUSCLE_TYPES[movement.type] * movement.intensity * rng.lognormal(0, 0.4)
    return level * weight[:, None] * signal.sosfilt(band, noise) * bursts * movement.envelope(time)
