"""What the causal network tells of each modality, frame after frame, and how it heeds witnesses.

Frames of both modalities and of the head's IMU are counted on one clock. Neither waits for the
other: what a partner knows counts if it is there, and is absent otherwise.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.layers import decoded_late, delay
from neurofuse.models.live.network import Decoder, Encoder, Fusion, neighbours, sigmoid
from neurofuse.models.live.weights import Weights

STALE = 10  # frames after which what a partner said last counts no more
REACHES = (1, 7, 21)  # frames of a witness's movement that evidence looks back over
REMEMBERED = 3000  # frames in which movements are compared
COMPARED = 50  # frames between two comparisons
ENOUGH = 150  # frames that both must know before one is believed


@dataclass(frozen=True)
class Decoded:
    """What the network says of one frame of a modality."""

    frame: int
    motion: np.ndarray  # (channel,): probability
    fraction: np.ndarray  # (channel, band): of the energy that is artifact
    clean: np.ndarray  # (channel, band): log energy of the clean signal over the quiet one


class Movement:
    """How surely something moved in the last frames."""

    def __init__(self) -> None:
        self.values: np.ndarray = np.full(REMEMBERED, np.nan)
        self.newest: int = -1
        self.latents: deque[tuple[int, np.ndarray]] = deque(maxlen=4 * STALE)

    def tell(self, frame: int, value: float) -> None:
        """What is known of a frame; frames between are not known."""
        for skipped in range(max(self.newest + 1, frame - REMEMBERED + 1), frame):
            self.values[skipped % REMEMBERED] = np.nan
        self.values[frame % REMEMBERED] = value
        self.newest = max(self.newest, frame)

    def series(self, until: int, frames: int) -> np.ndarray:
        """Values (frame,) up to a frame, NaN where they are not known."""
        at = np.arange(until - frames + 1, until + 1)
        known = (at >= 0) & (at <= self.newest) & (at > self.newest - REMEMBERED)
        return np.where(known, self.values[at % REMEMBERED], np.nan)

    def recent(self, until: int) -> np.ndarray:
        """Largest value (reach,) in each of `REACHES` that end with a frame."""
        seen = np.nan_to_num(self.series(until, max(REACHES)))
        if until > self.newest >= until - STALE and self.newest >= 0:  # it may go on
            seen[-1] = max(seen[-1], self.values[self.newest % REMEMBERED])
        return np.array([seen[-reach:].max() for reach in REACHES])

    def latent(self, frame: int) -> np.ndarray | None:
        """What was last said (width,) up to a frame; None if that is long ago."""
        for said, latent in reversed(self.latents):
            if said <= frame:
                return latent if frame - said <= STALE else None
        return None


class Stream:
    """The state of the network for one modality."""

    def __init__(
        self,
        modality: str,
        position: np.ndarray,
        weights: Weights,
        architecture: Architecture,
        partner: str | None,
    ):
        near, rows = neighbours(position, architecture), len(position)
        self.partner: str | None = partner
        self.late: int = decoded_late(modality)
        self.back: int = max(delay(modality), 1)  # to the partner's latent that counts
        self.encoder: Encoder = Encoder(weights, f"encoders.{modality}", rows, near)
        self.fusion: Fusion = Fusion(weights, architecture.streams, 2)  # alone, and with others
        self.decoder: Decoder = Decoder(weights, f"decoders.{modality}", rows, near)


class LiveEstimate:
    """The causal network with its state, for all modalities that there may be.

    Parameters
    ----------
    weights : dict of array
    architecture : Architecture
    positions : dict of array
        (channel, 3) [m] of each modality.
    head : bool
        Whether there may be an IMU on the head.
    """

    def __init__(
        self,
        weights: Weights,
        architecture: Architecture,
        positions: dict[str, np.ndarray],
        head: bool = False,
    ):
        self.architecture: Architecture = architecture
        names = [s for s in architecture.streams if s in positions]
        self.streams: dict[str, Stream] = {}
        for s in names:
            partner = next((other for other in names if other != s), None)
            self.streams[s] = Stream(s, positions[s], weights, architecture, partner)
        self.width: int = weights["fusion.enter.bias"].size
        self.movements: dict[str, Movement] = {s: Movement() for s in names}
        self.head: Movement | None = Movement() if head else None
        self.trust: dict[str, float] = {}  # of the partner ("partner"), and of the head by modality
        self.compared: int = 0

    def push(self, modality: str, frame: int, features: np.ndarray) -> Decoded:
        """What features (channel, feature) of a modality's next frame say.

        `frame` counts on the clock that all share. What comes out describes a frame some before it.
        """
        stream, moves = self.streams[modality], self.movements[modality]
        channel, pooled = stream.encoder.push(features.astype(np.float32))
        alone = {modality: pooled}
        given = dict(alone)
        if stream.partner is not None:
            told = self._latent(stream.partner, frame - stream.back)
            if told is not None:
                given[stream.partner] = told
        fused = stream.fusion.push([alone, given])
        believed = self.trust.get("partner", 0.0) if len(given) > 1 else 0.0
        fused[1] = fused[0] + np.float32(believed) * (fused[1] - fused[0])
        motion, fraction, clean = stream.decoder.push(
            channel, fused, self._evidence(modality, frame)
        )
        moves.latents.append((frame, pooled))
        logit = motion[0].mean() if modality == "eeg" else motion[0].max()
        moves.tell(frame, float(sigmoid(logit)))
        if modality == next(iter(self.streams)) and frame - self.compared >= COMPARED:
            self.compared = frame
            self._compare(frame)
        at = frame - stream.late
        return Decoded(at, sigmoid(motion[1]), sigmoid(fraction[1]), clean[1])

    def tell_head(self, frame: int, activity: float) -> None:
        """How surely the head moves in a frame, 0 to 1."""
        if self.head is not None:
            self.head.tell(frame, activity)

    def _latent(self, partner: str, frame: int) -> np.ndarray | None:
        if frame < 0:
            return np.zeros(self.width, np.float32)
        return self.movements[partner].latent(frame)

    def _evidence(self, modality: str, frame: int) -> np.ndarray:
        """What partner and head say of a modality's movement (evidence,)."""
        partner = self.streams[modality].partner
        said = []
        for moves, weight in (
            (self.movements.get(partner or ""), self.trust.get("partner", 0.0)),
            (self.head, self.trust.get(modality, 0.0)),
        ):
            if moves is None or moves.newest < frame - STALE:
                said.append(np.zeros(1 + len(REACHES)))
            else:
                said.append(weight * np.concatenate([[1.0], moves.recent(frame - 1)]))
        return np.concatenate(said).astype(np.float32)

    def _compare(self, frame: int) -> None:
        """How far each witness is believed from now on, as `models.joint.sharing` defines it."""
        moved = {
            s: self.movements[s].series(frame + stream.late - STALE, REMEMBERED)
            for s, stream in self.streams.items()
        }
        if len(moved) > 1:
            self.trust["partner"] = self._believed(*moved.values())
        if self.head is not None:
            shaken = self.head.series(frame - STALE, REMEMBERED)
            for s, own in moved.items():
                self.trust[s] = self._believed(own, shaken)

    def _believed(self, first: np.ndarray, second: np.ndarray) -> float:
        settings = self.architecture.sharing
        shift = round(settings.lag * self.architecture.latent_rate)
        found = []
        for k in (-shift, 0, shift):
            a = first[max(k, 0) : len(first) + min(k, 0)]
            b = second[max(-k, 0) : len(second) + min(-k, 0)]
            known = np.isfinite(a) & np.isfinite(b)
            if known.sum() < ENOUGH:
                return 0.0
            a, b = (x[known] - x[known].mean() for x in (a, b))
            found.append(a @ b / (np.sqrt((a @ a) * (b @ b)) + 1e-12))
        weight = (max(found) - settings.none) / (settings.full - settings.none)
        return float(np.clip(weight, 0, 1))
