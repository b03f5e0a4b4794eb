"""One heart for both modalities: its beats and its pulse wave."""

from dataclasses import dataclass

import numpy as np

from neurofuse.synth.brain import GRID_RATE, shaped

# Hz: mean and SD between participants (Example6: 0.87-1.19; FineMI up to 1.5)
HEART_RATE = (1.03, 0.11)
BREATH_RATE = (0.27, 0.04)
HARMONICS = ((1.0, 0.0), (0.42, 1.1), (0.16, 2.3))  # amplitude and phase [rad] of a pulse wave


@dataclass(frozen=True)
class Heart:
    """Phases of heart and breath on a grid of 4 Hz."""

    cycles: np.ndarray  # heart beats since the start
    breaths: np.ndarray  # since the start
    rate: float  # Hz, on average

    def phase(self, time: np.ndarray, of: str = "cycles") -> np.ndarray:
        """Heart ("cycles") or breath ("breaths") since the start, in cycles."""
        course = getattr(self, of)
        return np.interp(time, np.arange(len(course)) / GRID_RATE, course)

    def wave(self, time: np.ndarray, rate: float, delay: float = 0.0) -> np.ndarray:
        """Pulse wave (time,) of unit RMS, as far as the sampling rate [Hz] resolves it, or zeros.

        A rate too low for the fundamental shows no pulse (rather than an aliased one).
        """
        if rate <= 4 * self.rate * 0.95:
            return np.zeros(len(time))
        angle = 2 * np.pi * self.phase(time - delay)
        shown = [(n, a, p) for n, (a, p) in enumerate(HARMONICS, 1) if n * self.rate < 0.45 * rate]
        course = sum(a * np.cos(n * angle + p) for n, a, p in shown)
        return course / np.sqrt(sum(a**2 for _, a, _ in shown) / 2)

    def breathing(self, time: np.ndarray) -> np.ndarray:
        """Breath (time,) of unit RMS."""
        return np.sqrt(2) * np.sin(2 * np.pi * self.phase(time, "breaths"))


def sample_heart(duration: float, rng: np.random.Generator) -> Heart:
    """Sample a heart whose rate varies and follows the breath.

    Examples
    --------
    >>> heart = sample_heart(60.0, np.random.default_rng(0))
    >>> bool(0.8 < heart.rate < 1.5)
    True
    """
    rate = float(np.clip(rng.normal(*HEART_RATE), 0.8, 1.5))
    breath = float(np.clip(rng.normal(*BREATH_RATE), 0.17, 0.36))
    samples = int((duration + 2) * GRID_RATE) + 2
    wander = shaped((2,), samples, GRID_RATE, _slow, rng).astype(float)
    breaths = np.cumsum(breath * np.clip(1 + 0.12 * wander[1], 0.5, 1.5)) / GRID_RATE
    # respiratory sinus arrhythmia: faster while breathing in
    speed = rate * np.clip(1 + 0.035 * wander[0] + 0.025 * np.sin(2 * np.pi * breaths), 0.6, 1.5)
    start = rng.uniform(0, 1)
    return Heart(start + np.cumsum(speed) / GRID_RATE, breaths, rate)


def _slow(frequency: np.ndarray) -> np.ndarray:
    return np.maximum(frequency, 0.01) ** -0.5 / (1 + (frequency / 0.1) ** 4) * (frequency > 0)
