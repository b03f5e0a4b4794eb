"""fNIRS while it is recorded: optical density in, artifacts out, one sample at a time."""

from collections import deque

import numpy as np

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.causal_bands import held
from neurofuse.models.joint.causal_features import RunningFeatures
from neurofuse.models.live.cleaned import Cleaned
from neurofuse.models.live.estimate import Decoded, LiveEstimate
from neurofuse.models.live.nirs import NirsFilter
from neurofuse.models.live.weights import Weights


class OpticsFilter:
    """Finds motion in optical density, and cleans it.

    Parameters
    ----------
    channels, wavelengths : int
    rate : float
        [Hz].
    weights : dict of array
    architecture : Architecture
    lookahead : float
        How long after it a sample is given out [s].
    """

    def __init__(
        self,
        channels: int,
        wavelengths: int,
        rate: float,
        weights: Weights,
        architecture: Architecture,
        lookahead: float,
    ):
        self.architecture: Architecture = architecture
        self.filter: NirsFilter = NirsFilter(
            channels,
            wavelengths,
            rate,
            architecture,
            np.exp(weights["log_reach"]),
            float(weights["log_spread"]),
            lookahead=lookahead,
        )
        self.rate: float = self.filter.slow_rate
        self.features: RunningFeatures = RunningFeatures(
            "nirs", channels, wavelengths, self.rate, architecture
        )
        rows = channels * wavelengths
        self.last: np.ndarray | None = None  # sample (row,)
        self.count: int = 0  # samples
        self.pending: list[np.ndarray] = []  # changes (row,) of frames that are not complete
        self.missing: list[np.ndarray] = []
        self.waiting: deque[tuple[int, float, np.ndarray]] = deque()  # frame, weight, bands
        self.motion: np.ndarray = np.zeros(channels)
        self.mask: np.ndarray = np.zeros(channels)
        self.fraction: np.ndarray = np.zeros((channels, self.features.splitter.bands))
        self.rows: int = rows

    def push(self, density: np.ndarray, network: LiveEstimate, shift: int) -> None:
        """Take the next sample (channel, wavelength).

        `shift` is the number of this modality's first frame on the common clock.
        """
        for slow in self.filter.observe(density):
            self._take(slow.ravel(), network, shift)

    def _take(self, density: np.ndarray, network: LiveEstimate, shift: int) -> None:
        missing = ~np.isfinite(density)
        if self.last is None:
            self.last = np.nan_to_num(density)
        density = np.where(missing, self.last, density)
        self.pending.append(density - self.last)
        self.missing.append(missing)
        self.last = density
        self.count += 1
        # what comes before the frame of the next sample is complete: nothing more falls into it
        frame_rate = self.architecture.latent_rate
        complete = int(held(self.count, 1, self.rate, frame_rate)[0][0]) - self.features.frame
        if complete <= 0:
            return
        first, number = self.count - len(self.pending), self.features.frame
        changes, gone = (np.stack(part, -1) for part in (self.pending, self.missing))
        seen = self.features.push(changes, complete, gone)
        frames, weights = held(first, len(self.pending), self.rate, frame_rate)
        self.waiting.extend(zip(frames, weights, np.moveaxis(seen.bands, -1, 0), strict=True))
        self.pending, self.missing = [], []
        for k, features in enumerate(seen.features):
            self._tell(network.push("nirs", number + k + shift, features), shift)

    def _tell(self, decoded: Decoded, shift: int) -> None:
        """Tell the filter of the motion in a frame that is decoded now."""
        frame = decoded.frame - shift
        if frame < 0:
            return
        closed, opened = self.architecture.motion_mask.nirs
        motion = np.maximum(decoded.motion, self.motion)  # a frame of margin, as in training
        mask = ((motion - closed) / (opened - closed)).clip(0, 1)
        while self.waiting and self.waiting[0][0] <= frame:
            _, weight, bands = self.waiting.popleft()
            gate = self.mask + weight * (mask - self.mask)
            fraction = self.fraction + weight * (decoded.fraction - self.fraction)
            rough = (gate[:, None] * fraction)[..., None] * bands.swapaxes(1, 2)
            self.filter.tell(gate, rough)
        self.motion, self.mask, self.fraction = decoded.motion, mask, decoded.fraction

    def forget(self) -> None:
        """Let the statistics of what is quiet follow a recording that has changed."""
        self.filter.quiet.forget()

    def settle(self) -> list[Cleaned]:
        """What is done, each (channel, wavelength, time), in order and only once."""
        return self.filter.settle()
