"""The causal network of `models.joint.network`, frame by frame and without torch.

Each layer keeps what it still needs of the past; a frame costs the same however long a recording
lasts. A test compares it with the network that was trained.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import erf

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.layers import DECODED, ENCODED, FUSED, waits
from neurofuse.models.live.weights import Weights

NORM_MEMORY = 600  # frames whose mean and variance normalise a layer
EPS = 1e-5  # of torch's GroupNorm
ROOT_HALF = np.float32(np.sqrt(0.5))


def gelu(x: np.ndarray) -> np.ndarray:
    """x times the probability that a standard normal deviate is below it."""
    return 0.5 * x * (1 + erf(x * ROOT_HALF))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


class Line:
    """The last frames of something."""

    def __init__(self, frames: int, shape: tuple[int, ...]):
        self.held: np.ndarray = np.zeros((frames, *shape), np.float32)
        self.at: int = 0

    def push(self, x: np.ndarray) -> np.ndarray:
        """Take the newest frame and give the oldest."""
        self.held[self.at] = x
        self.at = (self.at + 1) % len(self.held)
        return self.held[self.at]

    def back(self, frames: int) -> np.ndarray:
        """The frame that was the newest so many frames ago."""
        return self.held[(self.at - 1 - frames) % len(self.held)]


class Convolution:
    """A causal convolution over frames of (row, width)."""

    def __init__(self, weights: Weights, name: str, rows: int, dilation: int = 1):
        weight = weights[f"{name}.weight"]
        self.taps: int = weight.shape[-1]
        self.dilation: int = dilation
        self.matrix: np.ndarray = np.ascontiguousarray(
            weight.transpose(2, 1, 0).reshape(-1, len(weight))
        )
        self.bias: np.ndarray | float = weights.get(f"{name}.bias", 0.0)
        self.past: Line = Line(dilation * (self.taps - 1) + 1, (rows, weight.shape[1]))

    def push(self, x: np.ndarray) -> np.ndarray:
        """The next frame (row, width) of the result."""
        if self.taps == 1:
            return x @ self.matrix + self.bias
        self.past.push(x)
        back = [self.past.back(self.dilation * k) for k in reversed(range(self.taps))]
        return np.concatenate(back, -1) @ self.matrix + self.bias


class Block:
    """`TemporalBlock`, late by its dilation if it waits."""

    def __init__(self, weights: Weights, name: str, rows: int, dilation: int, waits: bool):
        width = len(weights[f"{name}.norm.weight"])
        self.convolution: Convolution = Convolution(weights, f"{name}.conv", rows, dilation)
        self.mix: Convolution = Convolution(weights, f"{name}.mix", rows)
        self.scale: np.ndarray = weights[f"{name}.norm.weight"]
        self.offset: np.ndarray = weights[f"{name}.norm.bias"]
        self.average: np.ndarray = np.full((width, 1), 1 / width, np.float32)
        self.mean: np.ndarray = np.zeros((rows, 1), np.float32)
        self.square: np.ndarray = np.zeros((rows, 1), np.float32)
        self.count: int = 0
        self.line: Line | None = Line(dilation + 1, (rows, width)) if waits else None

    def push(self, x: np.ndarray) -> np.ndarray:
        """The next frame (row, width) of the result."""
        self.count = min(self.count + 1, NORM_MEMORY)
        self.mean = self.mean + (x @ self.average - self.mean) / self.count
        self.square = self.square + ((x * x) @ self.average - self.square) / self.count
        spread = np.sqrt(np.maximum(self.square - self.mean**2, 0) + EPS)
        normed = (x - self.mean) / spread * self.scale + self.offset
        change = self.mix.push(gelu(self.convolution.push(normed)))
        return (x if self.line is None else self.line.push(x)) + change


class Encoder:
    """Features of the channels of one modality to latents of channels and modality."""

    def __init__(self, weights: Weights, name: str, rows: int, near: np.ndarray):
        modality = name.rpartition(".")[2]
        self.near: np.ndarray = near
        self.enter: Convolution = Convolution(weights, f"{name}.enter", rows)
        self.blocks: list[Block] = [
            Block(weights, f"{name}.along_time.{k}", rows, d, waits(modality, d))
            for k, d in enumerate(ENCODED)
        ]
        self.leave: Convolution = Convolution(weights, f"{name}.leave", 1)

    def push(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Latents (channel, width) and (width,) of the next frame (channel, feature)."""
        own = self.enter.push(features)
        for block in self.blocks:
            own = block.push(own)
        mixed = gelu(own + self.near @ own)
        pooled = np.concatenate([mixed.mean(0), mixed.max(0), mixed.std(0)])
        return mixed, self.leave.push(pooled[None])[0]


class Fusion:
    """Latents of the modalities to one latent, several times at once."""

    def __init__(self, weights: Weights, streams: tuple[str, ...], times: int):
        self.streams: tuple[str, ...] = streams
        self.absent: dict[str, np.ndarray] = {s: weights[f"fusion.absent.{s}"] for s in streams}
        self.enter: Convolution = Convolution(weights, "fusion.enter", times)
        self.blocks: list[Block] = [
            Block(weights, f"fusion.along_time.{k}", times, d, False) for k, d in enumerate(FUSED)
        ]

    def push(self, given: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        """The latents (time, width) of a frame; each time of those (width,) that there are."""
        x = np.stack(
            [np.concatenate([one.get(s, self.absent[s]) for s in self.streams]) for one in given]
        )
        x = self.enter.push(x)
        for block in self.blocks:
            x = block.push(x)
        return x


class Decoder:
    """Latents to logits of motion (channel,), of fractions and clean energies (channel, band).

    Twice at once: as a modality tells on its own, and as it does with those who witness it move.
    """

    def __init__(self, weights: Weights, name: str, rows: int, near: np.ndarray):
        modality = name.rpartition(".")[2]
        self.near: np.ndarray = near
        self.rows: int = rows
        self.enter: Convolution = Convolution(weights, f"{name}.enter", rows)
        self.witnessed: Convolution = Convolution(weights, f"{name}.witnessed", 1)
        self.blocks: list[Block] = [
            Block(weights, f"{name}.along_time.{k}", 2 * rows, d, waits(modality, d))
            for k, d in enumerate(DECODED)
        ]
        self.leave: Convolution = Convolution(weights, f"{name}.leave", 2 * rows)

    def push(
        self, channel: np.ndarray, fused: np.ndarray, witnessed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the next frame says, (2, channel), (2, channel, band) and the same.

        `fused` (2, width) are the latents, `witnessed` (evidence,) is what others say of movement.
        """
        own, around, everywhere = np.split(self.enter.matrix, 3)
        x = channel @ own + (self.near @ channel) @ around + self.enter.bias
        told = fused @ everywhere
        told[1] += self.witnessed.push(witnessed[None])[0]
        x = (x[None] + told[:, None]).reshape(2 * self.rows, -1)
        for block in self.blocks:
            x = block.push(x)
        out = self.leave.push(x).reshape(2, self.rows, -1)
        bands = (out.shape[-1] - 1) // 2
        return out[..., 0], out[..., 1 : 1 + bands], out[..., 1 + bands :]


def neighbours(position: np.ndarray, architecture: Architecture) -> np.ndarray:
    """Pooling weights (channel, channel), as `models.joint.network.neighbours`."""
    known = np.asarray(np.isfinite(position).all(-1))
    place = np.nan_to_num(position)
    square = ((place[:, None] - place[None]) ** 2).sum(-1)
    weight = np.exp(-square / (2 * architecture.neighbourhood**2))
    weight = np.where(known[:, None] & known, weight, 0.5)
    return (weight / weight.sum(-1, keepdims=True)).astype(np.float32)
