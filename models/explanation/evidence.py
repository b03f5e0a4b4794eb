"""The evidence for movement, as a function of what the network sees that can be differentiated.

It is the logit of motion of every channel and frame, before the mask is clipped: the same as in
`CrossModalAutoencoder.forward`, but also for parts of the input, and batches of variants of it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.features import features
from neurofuse.models.joint.network import neighbours
from neurofuse.models.joint.tensors import Stream
from neurofuse.models.joint.witnesses import Trust


@dataclass(frozen=True)
class Seen:
    """What the network sees of one window, as far as it is there."""

    features: dict[str, Tensor]  # by modality (batch, channel, feature, frame)
    near: dict[str, Tensor]  # (1, channel, channel): weights of the pool over neighbours
    head: Tensor | None  # (batch, frame): how surely the head moves
    trust: Trust  # how far the witnesses are believed in this recording


def seen_of(model: CrossModalAutoencoder, streams: dict[str, Stream], trust: Trust) -> Seen:
    """What the network sees of a window of tensors."""
    a = model.architecture
    found, near = {}, {}
    with torch.no_grad():
        for name, stream in streams.items():
            found[name] = features(name, stream, a)[1]
            near[name] = neighbours(stream.position, a.neighbourhood)
    frames = min(one.shape[-1] for one in found.values())
    head = next((stream.head for stream in streams.values()), None)
    return Seen({s: one[..., :frames] for s, one in found.items()}, near, head, trust)


@dataclass(frozen=True)
class Encoded:
    """One modality of a window as encoders see it, and what it says on its own."""

    channel: Tensor
    pooled: Tensor
    alone: Tensor  # logits of motion (batch, channel, frame) without the others
    near: Tensor


def encode(model: CrossModalAutoencoder, name: str, own: Tensor, near: Tensor) -> Encoded:
    """Features (batch, channel, feature, frame) of one modality to what the decoders need."""
    near = near.expand(len(own), -1, -1)
    alone = model.own_model(name).decode_alone(name, own, near)[0]
    channel, pooled = model.encoders[name](own, near)
    return Encoded(channel, pooled, alone, near)


def evidence(model: CrossModalAutoencoder, name: str, seen: Seen) -> Tensor:
    """Logits of motion (batch, channel, frame) of one modality.

    Another modality or an IMU that is not there has no say, as if there were none.
    """
    parts = {s: encode(model, s, one, seen.near[s]) for s, one in seen.features.items()}
    return decode(model, name, parts, seen.head, seen.trust)


def decode(
    model: CrossModalAutoencoder,
    name: str,
    parts: dict[str, Encoded],
    head: Tensor | None,
    trust: Trust,
) -> Tensor:
    """The same from what was encoded before."""
    own = parts[name]
    believed = Trust(trust.partner if len(parts) > 1 else None, {} if head is None else trust.head)
    if believed.partner is None and name not in believed.head:
        return own.alone
    view = model.fusion({name: own.pooled})
    if believed.partner is not None:
        fused = model.fusion({s: one.pooled for s, one in parts.items()})
        view = torch.lerp(view, fused, believed.partner.to(view).view(-1, 1, 1))
    witnessed = None
    if model.architecture.witnessed:
        moves = {
            s: torch.sigmoid(one.alone.mean(1) if s == "eeg" else one.alone.amax(1))
            for s, one in parts.items()
        }
        if head is not None:
            head = head.expand(len(view), -1)
        witnessed = model.witnessed_by(name, moves, head, believed)
    decoded = model.decoders[name](own.channel, view, own.near, witnessed)[0]
    if name not in model.single:
        return decoded
    return model.beside(name, (own.alone,), (decoded,), believed)[0]
