"""fNIRS sampled faster than haemodynamics need, while it is recorded: a slow copy, and the rest.

The slow copy is made of means of as many samples as it takes; what is faster is attenuated where
the motion mask is open, as `inference.multirate` does it with whole recordings.
"""

from collections import deque

import numpy as np

from neurofuse.models.inference.multirate import SURROUNDINGS
from neurofuse.models.live.cleaned import Cleaned
from neurofuse.models.live.temporal import MEMORY, History


class SlowCopy:
    """Means of blocks of samples, and artifacts of these back at the original rate.

    Parameters
    ----------
    channels, wavelengths : int
    rate : float
        Sampling rate [Hz].
    highest : float
        Of the slow copy [Hz].
    """

    def __init__(self, channels: int, wavelengths: int, rate: float, highest: float):
        self.factor: int = max(int(np.ceil(rate / highest - 1e-9)), 1)
        self.rate: float = rate / self.factor
        self.shape: tuple[int, int] = channels, wavelengths
        self.block: list[np.ndarray] = []
        self.recent: deque[np.ndarray] = deque()  # samples that no artifact was given out for
        self.means: deque[np.ndarray] = deque()  # of the blocks since the one settled last
        self.before: tuple[np.ndarray, ...] | None = None  # mean, artifact, mask, deviation of it
        self.width: int = max(int(SURROUNDINGS * rate), 3)
        self.squares: History = History(self.shape, self.width)
        self.rest: deque[np.ndarray] = deque()
        self.usual: np.ndarray = np.zeros((*self.shape, max(round(MEMORY * self.rate), 8)))
        self.quiet: np.ndarray = np.zeros(self.shape)
        self.blocks: int = 0

    def lookahead(self, seconds: float, rate: float) -> int:
        """Samples of the slow copy by which an artifact may come late."""
        if self.factor == 1:
            return int(seconds * rate + 1e-9)
        # artifacts lie on lines between the middles of two blocks
        half = (self.factor - 1) // 2
        return max(int((seconds * rate + 2 + half) / self.factor - 2 + 1e-9), 0)

    def push(self, density: np.ndarray) -> np.ndarray | None:
        """Take a sample (channel, wavelength); the mean of its block, if it is the last of it."""
        if self.factor == 1:
            return density
        self.recent.append(density)
        self.block.append(density)
        if len(self.block) < self.factor:
            return None
        samples = np.stack(self.block)
        self.block = []
        known = np.isfinite(samples)
        count = known.sum(0)
        mean = np.where(known, samples, 0).sum(0) / np.maximum(count, 1)
        mean = np.where(count > 0, mean, np.nan)
        self.means.append(mean)
        return mean

    def back(self, artifact: np.ndarray, gate: np.ndarray, deviation: np.ndarray) -> Cleaned:
        """The samples that are done once an artifact (channel, wavelength) of the copy is.

        Parameters
        ----------
        artifact, deviation : array (channel, wavelength)
        gate : array (channel,)
        """
        if self.factor == 1:
            return Cleaned(artifact[..., None], gate[:, None], deviation[..., None])
        here = (self.means.popleft(), artifact, gate, deviation)
        half = (self.factor - 1) / 2
        if self.before is None:
            self.before = here
            steps = np.zeros(int(half) + 1)
        else:
            steps = np.arange(int(half) + 1, int(half) + 1 + self.factor) - half
        share = steps / self.factor
        lines = [
            a[..., None] + (b - a)[..., None] * share
            for a, b in zip(self.before, here, strict=True)
        ]
        self.before = here
        self.blocks += 1
        samples = np.stack([self.recent.popleft() for _ in steps], -1)
        smooth, artifact, gate, deviation = lines
        rest = np.nan_to_num(samples - smooth)
        return Cleaned(artifact + gate[:, None] * self._excess(rest) * rest, gate, deviation)

    def _excess(self, rest: np.ndarray) -> np.ndarray:
        """How much (channel, wavelength, time) of what is faster is more than usual, 0 to 1."""
        energy = np.empty(rest.shape)
        for k, sample in enumerate(np.moveaxis(rest, -1, 0)):
            self.squares.push(sample**2)
            energy[..., k] = self.squares.last(self.width).mean(-1)
        length = self.usual.shape[-1]
        self.usual[..., self.blocks % length] = energy[..., -1]
        held = min(self.blocks + 1, length)
        if self.blocks % 8 == 0 or self.blocks < 8:
            self.quiet = np.median(self.usual[..., :held], -1)
        return (1 - self.quiet[..., None] / energy.clip(1e-30)).clip(0, 1)
