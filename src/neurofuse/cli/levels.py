"""Figures of a live session: delays, and how strongly both modalities vary."""

from collections import deque
from collections.abc import Callable

import numpy as np

from neurofuse.io.recording import GATE_OPEN

REMEMBERED = 600  # latencies that percentiles are taken of: a minute of hops
SHOWN = 60  # bins of levels that a view shows
BIN = {"eeg": 0.25, "nirs": 1.0}  # s


class Latency:
    """Percentiles of the last minute [ms], and the longest of all."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=REMEMBERED)
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self._last.append(seconds)
        self._longest = max(self._longest, seconds)

    def facts(self) -> dict[str, float] | None:
        """p50, p99 and max [ms]; None before the first."""
        if not self._last:
            return None
        p50, p99 = np.percentile(self._last, [50, 99])
        return {
            "p50": round(1e3 * float(p50), 2),
            "p99": round(1e3 * float(p99), 2),
            "max": round(1e3 * self._longest, 2),
        }


class Levels:
    """How strongly a modality varies, bin by bin: what a view shows of it."""

    def __init__(self, samples: int):
        self._samples, self._held = samples, np.empty((0, 0))
        self.bins: deque[float] = deque(maxlen=SHOWN)

    def add(self, values: np.ndarray, measure: Callable[[np.ndarray], float]) -> None:
        """Take in samples (…, time)."""
        flat = values.reshape(-1, values.shape[-1])
        held = self._held if len(self._held) else flat[:, :0]
        self._held = np.concatenate([held, flat], axis=1)
        while self._held.shape[1] >= self._samples:
            self.bins.append(measure(self._held[:, : self._samples]))
            self._held = self._held[:, self._samples :]


def _spread(values: np.ndarray) -> float:
    """Median over channels of the standard deviation in time; NaN where all samples are lost."""
    known = values[:, np.isfinite(values).all(axis=0)]
    return float(np.median(known.std(axis=1))) if known.shape[1] > 1 else float("nan")


def _relative(values: np.ndarray) -> float:
    """Median over channels of the standard deviation in time over the mean."""
    known = values[np.isfinite(values).all(axis=1)]
    if not len(known):
        return float("nan")
    return float(np.median(known.std(axis=1) / np.maximum(np.abs(known.mean(axis=1)), 1e-300)))


def share_moving(gate: np.ndarray) -> float:
    """Share of channel-time of a motion mask (channel, time) in motion."""
    return float((gate > GATE_OPEN).mean())


LEVEL: dict[str, Callable[[np.ndarray], float]] = {"eeg": _spread, "nirs": _relative}
