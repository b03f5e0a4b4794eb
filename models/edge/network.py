"""The latent network of an export: what onnxruntime makes of each graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from neurofuse.models.joint.constants import TOLD, WITNESSES

Decoded = tuple[np.ndarray, np.ndarray, np.ndarray]


class Session(Protocol):
    """What runs a graph; an onnxruntime.InferenceSession is one."""

    def run(self, outputs: None, inputs: Mapping[str, np.ndarray]) -> Any:
        """The outputs in their order."""
        ...


@dataclass(frozen=True)
class Numbers:
    """What was learned and is in no graph."""

    absent: dict[str, np.ndarray]  # (width,): the latent that stands for a missing modality
    log_spread: float
    log_reach: np.ndarray  # (band,)
    log_shrinkage: float
    pooling_logit: float
    calibration: dict[str, float]  # factor on standard deviations


@dataclass(frozen=True)
class Network:
    """Encoders, fusion, decoders and single-modality models of one export.

    Decoders give the logits of motion (channel, frame) and of the artifact fraction of each band
    (channel, band, frame), and the log energy of the clean signal over the quiet one.
    """

    sessions: Mapping[str, Session]
    streams: tuple[str, ...]
    numbers: Numbers

    def encode(self, name: str, features: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, ...]:
        """Latents of channels (channel, width, frame) and of the modality (width, frame)."""
        given = {"features": _ready(features), "near": near}
        channel, pooled = self.sessions[f"{name}.encoder"].run(None, given)
        return channel, pooled[0]

    def fuse(self, pooled: Mapping[str, np.ndarray]) -> np.ndarray:
        """One latent (width, frame) of those of the modalities that there are."""
        frames = next(iter(pooled.values())).shape[-1]
        parts = [
            pooled[s] if s in pooled else np.repeat(self.numbers.absent[s][:, None], frames, 1)
            for s in self.streams
        ]
        return self.sessions["fusion"].run(None, {"latents": np.concatenate(parts)[None]})[0][0]

    def decode(
        self,
        name: str,
        channel: np.ndarray,
        near: np.ndarray,
        fused: np.ndarray,
        witnessed: np.ndarray,
        rows: np.ndarray | None = None,
    ) -> Decoded:
        """What a modality's channels, or some of them, say with what others say (told, frame)."""
        rows = np.arange(len(channel)) if rows is None else rows
        given = {
            "channel": channel,
            "near": np.ascontiguousarray(near[rows]),
            "rows": rows.astype(np.int64),
            "fused": fused[None],
            "witnessed": witnessed[None],
        }
        return _split(self.sessions[f"{name}.decoder"].run(None, given)[0])

    def has_own(self, name: str) -> bool:
        """Whether a single-modality model is part of it."""
        return f"{name}.alone" in self.sessions

    def own(self, name: str, features: np.ndarray, near: np.ndarray) -> Decoded:
        """What a modality's own model decodes."""
        given = {"features": _ready(features), "near": near}
        return _split(self.sessions[f"{name}.alone"].run(None, given)[0])


def neighbours(position: np.ndarray, width: float) -> np.ndarray:
    """Pooling weights (channel, channel), as `models.joint.network.neighbours`."""
    known = np.asarray(np.isfinite(position).all(-1))
    place = np.nan_to_num(position).astype(float)
    square = np.square(place[:, None] - place).sum(-1)
    weight = np.where(known[:, None] & known, np.exp(-square / (2 * width**2)), 0.5)
    return (weight / weight.sum(-1, keepdims=True)).astype(np.float32)


def nothing(frames: int) -> np.ndarray:
    """What no witness says (told, frame)."""
    return np.zeros((len(WITNESSES) * TOLD, frames), np.float32)


def _ready(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x, np.float32)


def _split(decoded: np.ndarray) -> Decoded:
    bands = (decoded.shape[1] - 1) // 2
    return decoded[:, 0], decoded[:, 1 : 1 + bands], decoded[:, 1 + bands :]
