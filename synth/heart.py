"""One heart for both streams: when it beats, and the wave that a beat sends round."""

from dataclasses import dataclass

import numpy as np

from neurofuse.synth.brain import GRID, shaped

RATE = (1.03, 0.11)  # Hz: mean and spread between people (Example6: 0.87-1.19; FineMI to 1.5)
HARMONICS = ((1.0, 0.0), (0.42, 1.1), (0.16, 2.3))  # size and phase of a pulse wave's parts
BREATH = (0.27, 0.04)  # Hz


@dataclass(frozen=True)
class Heart:
    """Courses of heart and breath on a grid of 4 Hz."""

    cycles: np.ndarray  # heart beats since the start
    breaths: np.ndarray
    rate: float  # Hz, on average

    def phase(self, time: np.ndarray, of: str = "cycles") -> np.ndarray:
        """Heart ("cycles") or breath ("breaths") since the start, in cycles."""
        course = getattr(self, of)
        return np.interp(time, np.arange(len(course)) / GRID, course)

    def wave(self, time: np.ndarray, rate: float, delay: float = 0.0) -> np.ndarray:
        """Pulse wave (time,) of unit RMS, as a stream at `rate` [Hz] can show it, or zeros.

        A rate too slow for the fundamental shows no pulse (rather than a false, folded one).
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


def draw_heart(duration: float, rng: np.random.Generator) -> Heart:
    """Draw a heart whose rate wanders and follows the breath.

    Examples
    --------
    >>> heart = draw_heart(60.0, np.random.default_rng(0))
    >>> bool(0.8 < heart.rate < 1.5)
    True
    """
    rate = float(np.clip(rng.normal(*RATE), 0.8, 1.5))
    breath = float(np.clip(rng.normal(*BREATH), 0.17, 0.36))
    samples = int((duration + 2) * GRID) + 2
    wander = shaped((2,), samples, GRID, _slow, rng).astype(float)
    breaths = np.cumsum(breath * np.clip(1 + 0.12 * wander[1], 0.5, 1.5)) / GRID
    # respiratory sinus arrhythmia: faster while breathing in
    speed = rate * np.clip(1 + 0.035 * wander[0] + 0.025 * np.sin(2 * np.pi * breaths), 0.6, 1.5)
    start = rng.uniform(0, 1)
    return Heart(start + np.cumsum(speed) / GRID, breaths, rate)


def _slow(frequency: np.ndarray) -> np.ndarray:
    return np.maximum(frequency, 0.01) ** -0.5 / (1 + (frequency / 0.1) ** 4) * (frequency > 0)
