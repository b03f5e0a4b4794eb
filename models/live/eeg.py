"""EEG while it is recorded: samples in, cleaned samples out, one frame of 0.1 s at a time."""

import numpy as np

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.causal_bands import Drift, frame_edges, held
from neurofuse.models.joint.causal_features import RunningFeatures
from neurofuse.models.live.cleaned import Cleaned
from neurofuse.models.live.estimate import LiveEstimate
from neurofuse.models.live.network import sigmoid
from neurofuse.models.live.spatial import SpatialFilter
from neurofuse.models.live.weights import Weights


class EegFilter:
    """Cleans EEG frame by frame.

    Parameters
    ----------
    channels : int
    rate : float
        [Hz].
    weights : dict of array
    architecture : Architecture
    """

    def __init__(self, channels: int, rate: float, weights: Weights, architecture: Architecture):
        a = architecture
        self.architecture: Architecture = a
        self.channels: int = channels
        self.rate: float = rate
        self.drift: Drift = Drift(channels, a.latent_rate)
        self.features: RunningFeatures = RunningFeatures("eeg", channels, 1, rate, a)
        shrinkage = float(np.exp(weights["log_shrinkage"]))
        pooling = float(sigmoid(weights["pooling_logit"]))
        self.spatial: SpatialFilter = SpatialFilter(channels, a.latent_rate, shrinkage, pooling)
        self.last: np.ndarray = np.zeros((channels, 1))  # sample
        bands = self.features.splitter.bands
        self.motion: np.ndarray = np.zeros((2, channels))  # of the last frames
        self.mask: np.ndarray = np.zeros(channels)
        self.fraction: np.ndarray = np.zeros((channels, bands))
        self.variance: np.ndarray = np.zeros((channels, bands))
        self.frame: int = 0

    def due(self, samples: int) -> int:
        """How many of so many samples the next frame takes; 0 if they are too few."""
        begin, end = frame_edges(self.frame, 1, self.rate, self.architecture.latent_rate)
        return int(end - begin) if samples >= end - begin else 0

    def push(self, x: np.ndarray, network: LiveEstimate, at: int) -> Cleaned:
        """Clean the samples (channel, time) of the next frame, frame `at` on the common clock."""
        a = self.architecture
        missing = ~np.isfinite(x)
        if missing.any():
            x = _filled(x, missing, self.last)
        self.last = x[:, -1:]
        y = x - self.drift.push(x)
        seen = self.features.push(y, 1, missing)
        decoded = network.push("eeg", at, seen.features[0])
        # a frame of margin, as in training
        closed, opened = a.motion_mask.eeg
        motion = np.maximum(decoded.motion, self.motion[-1])
        self.motion = np.stack([self.motion[-1], decoded.motion])
        mask = ((motion - closed) / (opened - closed)).clip(0, 1)
        energy = 2 * seen.features[0][:, : seen.quiet.shape[-1]]
        few = self.channels < a.few_electrodes.below
        if few:
            loud = np.exp(energy[:, 1:].max(-1))
            above = (loud - a.few_electrodes.quiet) / (
                a.few_electrodes.loud - a.few_electrodes.quiet
            )
            mask = np.maximum(mask, above.clip(0, 1))
        variance = decoded.fraction * seen.quiet[0] * np.exp(decoded.clean.clip(-6, 6))
        begin = frame_edges(self.frame, 1, self.rate, a.latent_rate)[0]
        _, weight = held(int(begin), x.shape[-1], self.rate, a.latent_rate)
        gate = self.mask[:, None] + (mask - self.mask)[:, None] * weight
        fraction = self.fraction[..., None] + (decoded.fraction - self.fraction)[..., None] * weight
        spread = self.variance[..., None] + (variance - self.variance)[..., None] * weight
        self.mask, self.fraction, self.variance = mask, decoded.fraction, variance
        gate[missing] = 0.0
        rough = gate * (fraction * seen.bands).sum(1)
        calm = float(seen.calm[0] * (1 - mask.max(initial=0.0)))
        artifact = self.spatial.push(y, rough, calm)
        if few and gate.any():
            with np.errstate(over="ignore"):
                gain = (1 - a.few_electrodes.excess * np.exp(-energy)).clip(0)
            spectral = (gain[..., None] * seen.bands).sum(1)
            share = self.channels / (self.channels + a.few_electrodes.half)
            artifact = spectral + share * (artifact - spectral)
        self.frame += 1
        return Cleaned(gate * artifact, gate, np.sqrt(gate * spread.sum(1)))

    def forget(self) -> None:
        """Let the statistics of what is quiet follow a recording that has changed."""
        self.spatial.forget()


def _filled(x: np.ndarray, missing: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Samples (channel, time) in which the last known one stands for those that are lost."""
    known = np.where(missing, -1, np.arange(x.shape[-1]))
    newest = np.maximum.accumulate(known, axis=1)
    found = np.take_along_axis(x, newest.clip(0), 1)
    return np.where(newest >= 0, found, np.nan_to_num(last))
