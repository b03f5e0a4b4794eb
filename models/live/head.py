"""How surely the head moves, from its IMU, frame by frame (`models.inference.head_activity`)."""

import numpy as np

from neurofuse.models.inference.head_activity import LOWEST, QUIET, RATIO, STEEPNESS
from neurofuse.models.joint.causal_bands import frame_edges
from neurofuse.models.joint.running import RunningQuantile

GRAVITY_SPAN = 0.5  # s in which the running mean follows gravity or bias
SMOOTHING = 0.15  # s in which the energy follows
SENSOR_AXES = 3  # of an accelerometer, then of a gyroscope
SETTLING = 2.0  # s before anything is said: the running mean has to find gravity


class RunningActivity:
    """How surely the head moves in each frame: the largest of what its sensors say.

    Parameters
    ----------
    axes : int
        Of the accelerometer, and of the gyroscope if there are more than three.
    rate : float
        [Hz].
    frame_rate : float
        [Hz].
    """

    def __init__(self, axes: int, rate: float, frame_rate: float):
        self.rate: float = rate
        self.frame_rate: float = frame_rate
        self.sensors: list[slice] = [
            slice(k, min(k + SENSOR_AXES, axes)) for k in range(0, axes, SENSOR_AXES)
        ]
        self.mean: np.ndarray | None = None
        self.energy: np.ndarray = np.zeros(len(self.sensors))
        self.total: np.ndarray = np.zeros(len(self.sensors))
        self.quiet: RunningQuantile = RunningQuantile(QUIET)
        self.held: np.ndarray = np.zeros((axes, 0))
        self.frame: int = 0

    def push(self, x: np.ndarray) -> list[tuple[int, float]]:
        """Frames that the samples (axis, time) complete, and how surely the head moved in each."""
        self.held = np.concatenate([self.held, x], 1)
        found = []
        while True:
            begin, end = frame_edges(self.frame, 1, self.rate, self.frame_rate)
            if self.held.shape[1] < max(end - begin, 1):
                return found
            part, self.held = np.split(self.held, [end - begin], axis=1)
            found.append((self.frame, self._frame(part)))
            self.frame += 1

    def _frame(self, x: np.ndarray) -> float:
        x = x[:, np.isfinite(x).all(0)]
        if not x.shape[1]:
            return 0.0
        if self.mean is None:
            self.mean = x[:, 0]
        follows = 1 - np.exp(-1 / (GRAVITY_SPAN * self.rate))
        square = np.empty(x.shape)
        for k, values in enumerate(x.T):
            self.mean = self.mean + follows * (values - self.mean)
            square[:, k] = (values - self.mean) ** 2
        now = np.array([square[axes].sum(0).mean() for axes in self.sensors])
        self.energy += (1 - np.exp(-1 / (SMOOTHING * self.frame_rate))) * (now - self.energy)
        if self.frame < SETTLING * self.frame_rate:
            return 0.0
        self.total += now
        quiet = self.quiet.push(self.energy, self.frame)
        count = self.frame + 1 - SETTLING * self.frame_rate
        quiet = np.maximum(quiet, LOWEST * self.total / count)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            moves = 1 / (1 + (RATIO * quiet / self.energy) ** STEEPNESS)
        return float(np.nan_to_num(moves).max())
