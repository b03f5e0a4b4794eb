"""Movements: when somebody moves, how, how strongly, and what of it each stream sees.

Movement comes in bouts (measured gaps, durations and rates: `docs/synth.md`). One movement has one
onset, duration, type and intensity; how much of its waveform EEG and fNIRS share is a setting.
"""

from dataclasses import dataclass

import numpy as np

from neurofuse.io.errors import ParameterError

# Share of a movement's waveform (R²) that both streams have in common. "none": not even timing.
SHARE = {"none": 0.0, "timing": 0.0, "partial": 0.2, "full": 0.8}

# type: (how often, frequency range of the movement itself [Hz], intensity relative to a nod)
TYPES = {
    "nod": (0.22, (0.4, 2.5), 1.0),
    "shake": (0.16, (1.0, 4.0), 1.2),
    "tilt": (0.16, (0.2, 1.0), 0.8),
    "jerk": (0.12, (1.5, 8.0), 1.5),
    "gait": (0.08, (1.0, 4.0), 0.7),
    "jaw": (0.14, (1.0, 4.0), 0.6),
    "touch": (0.12, (0.5, 8.0), 1.5),
}
BOUTS_PER_MINUTE = 1.3
EVENTS_PER_BOUT = 2.6
WAVES = 6  # sinusoids that make up one axis of a movement


@dataclass(frozen=True)
class Movement:
    """One movement as one stream sees it."""

    onset: float  # s
    duration: float  # s
    type: str
    intensity: float  # 1 for a typical nod
    shared: np.ndarray  # (wave, 3): frequency [Hz], phase [rad], amplitude of the common waveform
    share: float  # R² of the common waveform in what the stream sees

    def envelope(self, time: np.ndarray) -> np.ndarray:
        """Smooth 0..1 rise and fall over the movement; exactly 0 outside it."""
        phase = (time - self.onset) / self.duration
        inside = (phase > 0) & (phase < 1)
        ramp = np.minimum(np.clip(phase, 0, 1), np.clip(1 - phase, 0, 1)) / 0.3
        return np.where(inside, np.sin(np.pi / 2 * np.clip(ramp, 0, 1)) ** 2, 0.0)

    def waveform(self, time: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Waveform (…, time) of unit energy at `time` [s]: the shared part mixed with `own`."""
        return np.sqrt(self.share) * waves(self.shared, time - self.onset) + np.sqrt(
            1 - self.share
        ) * waves(own, time - self.onset)


def draw_waves(rng: np.random.Generator, kind: str, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Draw sinusoids (*shape, wave, 3) for movement of a kind; energy falls as 1 / frequency²."""
    low, high = TYPES[kind][1]
    frequency = np.exp(rng.uniform(np.log(low), np.log(high), (*shape, WAVES)))
    amplitude = rng.rayleigh(1.0, frequency.shape) / frequency
    amplitude /= np.sqrt((amplitude**2).sum(-1, keepdims=True) / 2)
    phase = rng.uniform(0, 2 * np.pi, frequency.shape)
    return np.stack([frequency, phase, amplitude], axis=-1)


def waves(parts: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Sum sinusoids (…, wave, 3) at `time` [s] to (…, time)."""
    frequency, phase, amplitude = np.moveaxis(parts, -1, 0)
    argument = 2 * np.pi * frequency[..., None] * time + phase[..., None]
    return (amplitude[..., None] * np.sin(argument)).sum(-2)


def draw_movements(
    duration: float,
    rng: np.random.Generator,
    share: str = "timing",
    bouts_per_minute: float = BOUTS_PER_MINUTE,
) -> dict[str, list[Movement]]:
    """Draw what moves in `duration` seconds, as EEG and as fNIRS see it.

    Parameters
    ----------
    duration : float
        Length [s] to fill.
    rng : Generator
        Source of randomness.
    share : {"none", "timing", "partial", "full"}
        "none": each stream has movements of its own. "timing": onsets and intensity are shared,
        waveforms are not. "partial" and "full": the waveform is shared too (R² 0.2 and 0.8).
    bouts_per_minute : float
        How often somebody begins to move.

    Returns
    -------
    dict
        "eeg" and "nirs": movements in order of onset. Some leave no trace in one of the streams.
    """
    if share not in SHARE:
        raise ParameterError(
            f"share={share!r}", f"one of {', '.join(SHARE)}", "choose one of these"
        )
    if share == "none":
        return {s: _draw_sequence(duration, rng, 0.0, bouts_per_minute) for s in ("eeg", "nirs")}
    sequence = _draw_sequence(duration, rng, SHARE[share], bouts_per_minute)
    lag = rng.uniform(-0.3, 0.3)
    seen: dict[str, list[Movement]] = {"eeg": [], "nirs": []}
    for movement in sequence:
        # A tight cap moves without artifact; jaw muscles hardly reach the optodes.
        in_eeg = rng.random() < 0.9
        in_nirs = rng.random() < (0.4 if movement.type == "jaw" else 0.85)
        strength = np.exp(rng.normal(0, 0.4, 2))
        stretch = np.exp(rng.normal(0, 0.15))
        if in_eeg:
            seen["eeg"].append(_seen(movement, 0.0, 1.0, strength[0]))
        if in_nirs:
            onset = max(lag, -movement.onset)
            seen["nirs"].append(_seen(movement, onset, stretch, strength[1]))
    return seen


def _seen(movement: Movement, lag: float, stretch: float, strength: float) -> Movement:
    return Movement(
        movement.onset + lag,
        movement.duration * stretch,
        movement.type,
        movement.intensity * strength,
        movement.shared,
        movement.share,
    )


def _draw_sequence(
    duration: float, rng: np.random.Generator, share: float, bouts_per_minute: float
) -> list[Movement]:
    names = list(TYPES)
    frequency = np.array([TYPES[n][0] for n in names])
    movements: list[Movement] = []
    onset = rng.exponential(30.0 / bouts_per_minute)
    while onset < duration - 0.2:
        kind = str(rng.choice(names, p=frequency / frequency.sum()))
        for _ in range(rng.geometric(1 / EVENTS_PER_BOUT)):
            length = float(np.clip(rng.lognormal(np.log(1.1), 0.7), 0.2, 8.0))
            length = min(length, duration - onset)
            if length < 0.2:
                break
            intensity = TYPES[kind][2] * rng.lognormal(0, 0.6)
            movements.append(Movement(onset, length, kind, intensity, draw_waves(rng, kind), share))
            onset += length + rng.lognormal(np.log(1.2), 0.8)
            if rng.random() < 0.3:
                kind = str(rng.choice(names, p=frequency / frequency.sum()))
        onset += rng.exponential(60.0 / bouts_per_minute)
    return movements
