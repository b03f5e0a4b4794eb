"""The EEG's filter across channels, frame by frame (`models.joint.wiener.spatial_filter`).

It uses no lags: those after a sample are not there yet, and those before it gained nothing in a
trial on windows of validation participants.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from neurofuse.models.joint.running import RunningCovariance

RECENT = 0.5  # s after which the artifact's covariance counts 1/e
PATTERN = 120.0  # s after which the pattern of earlier movements counts 1/e
QUIET = 60.0  # s after which quiet samples count 1/e
AT_ONCE = 0.75  # how far the artifact's size is that of now, 1, or of the last moments, 0
AFTER_DRIFT = 0.1  # of the weight of what was known stays when the recording has drifted
EPS = 1e-8


class SpatialFilter:
    """Artifact that is linear in the channels.

    Parameters
    ----------
    channels : int
    frame_rate : float
        [Hz].
    shrinkage : float
        Fraction of each variance added to the diagonal of the quiet covariance.
    pooling : float
        Weight, 0..1, of the pattern of all movements against that of the last moments.
    """

    def __init__(self, channels: int, frame_rate: float, shrinkage: float, pooling: float):
        self.shrinkage: float = shrinkage
        self.pooling: float = pooling
        keeps = [float(np.exp(-1 / frame_rate / span)) for span in (RECENT, PATTERN, QUIET)]
        self.recent_keeps, self.pattern_keeps = keeps[:2]
        self.noise: RunningCovariance = RunningCovariance((channels,), keeps[2])
        self.recent: np.ndarray = np.zeros((channels, channels))
        self.weight: float = 0.0
        self.pattern: np.ndarray = np.zeros((channels, channels))

    def push(self, x: np.ndarray, rough: np.ndarray, calm: float) -> np.ndarray:
        """Artifact (channel, time) of the next frame.

        Parameters
        ----------
        x : array (channel, time)
        rough : array (channel, time)
            Rough artifact; zero where there is no motion.
        calm : float
            Weight 0..1 of the frame in the covariance without motion.
        """
        self.noise.age()
        if calm > 0:
            self.noise.add(x, calm)
        self.recent *= self.recent_keeps
        self.weight *= self.recent_keeps
        self.pattern *= self.pattern_keeps
        if not rough.any():
            return np.zeros_like(x)
        moving = rough @ rough.T / x.shape[-1]
        self.recent += moving
        self.weight += 1
        size = np.trace(moving)
        noise = self.noise.value
        scale = np.diagonal(noise)
        self.pattern += moving / np.sqrt(size + 1e-6 * scale.mean() + 1e-300)
        return self._weights(noise, scale, float(size)).T @ x

    def forget(self) -> None:
        """Let what comes now count more than what was: the recording has changed."""
        for part in (self.noise.sum, self.pattern):
            part *= AFTER_DRIFT
        self.noise.weight *= AFTER_DRIFT

    def _weights(self, noise: np.ndarray, scale: np.ndarray, now: float) -> np.ndarray:
        moving = self.recent / self.weight
        moving *= (now / (np.trace(moving) + 1e-300)) ** AT_ONCE
        size = np.trace(moving)
        shape = self.pattern / (np.trace(self.pattern) + 1e-300)
        moving = (1 - self.pooling) * moving + self.pooling * size * shape
        total = moving + noise
        own = self.shrinkage * scale + EPS * (scale.mean() + size / len(scale)) + 1e-300
        total[np.diag_indices_from(total)] += own
        factor = cho_factor(total, check_finite=False)
        return cho_solve(factor, moving, check_finite=False)
