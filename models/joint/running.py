"""Statistics of what has been heard so far: quantiles and covariances of the last minute."""

import numpy as np

CAPACITY = 120  # values of which a quantile is taken
STRIDE = 5  # frames between them, once so many are there: a minute in all


class RunningQuantile:
    """Quantile of each of many series over the last minute, or as much of it as there is.

    Parameters
    ----------
    quantile : float
        0 to 1.
    """

    def __init__(self, quantile: float):
        self.quantile: float = quantile
        self.held: np.ndarray = np.zeros((0, CAPACITY))
        self.count: int = 0
        self.value: np.ndarray = np.zeros(0)

    def push(self, values: np.ndarray, frame: int) -> np.ndarray:
        """The quantile (series,) after values (series,) of a frame."""
        if self.count == 0:
            self.held = np.zeros((len(values), CAPACITY))
        elif self.count >= CAPACITY and frame % STRIDE:
            return self.value
        self.held[:, self.count % CAPACITY] = values
        self.count += 1
        known = self.held[:, : min(self.count, CAPACITY)]
        place = int(self.quantile * (known.shape[1] - 1))
        self.value = np.partition(known, place, axis=1)[:, place]
        return self.value


class RunningCovariance:
    """Covariance (…, row, row) of quiet samples, older ones counting less.

    Parameters
    ----------
    shape : tuple of int
        (…, row).
    keeps : float
        What is left of older samples' weight after `age`.
    """

    def __init__(self, shape: tuple[int, ...], keeps: float):
        self.sum: np.ndarray = np.zeros((*shape, shape[-1]))
        self.weight: float = 0.0
        self.keeps: float = keeps

    def add(self, x: np.ndarray, weight: float | np.ndarray) -> None:
        """Count samples (…, row, time) with a weight, one or (time,)."""
        weighted = x * weight
        self.sum += weighted @ np.swapaxes(x, -1, -2)
        self.weight += float(np.broadcast_to(weight, x.shape[-1:]).sum())

    def age(self) -> None:
        """Let older samples count less."""
        self.sum *= self.keeps
        self.weight *= self.keeps

    @property
    def value(self) -> np.ndarray:
        """The covariance; zero before the first sample."""
        return self.sum / max(self.weight, 1e-12)
