"""Whose evidence it was: Shapley values of what a model was given, frame by frame, while it cleans.

Evidence is the logit of the motion mask before it is clipped, above that of a channel at rest. Its
players are the modality's own signal, the other modality and the IMU. The others are left out by
taking them away. The own signal is left out by one channel at rest in place of all: what others
witness is told to every channel alike. A player that is not believed in this recording says
nothing, and is no player.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import conv1d

from neurofuse.io.recording import EVIDENCE_INPUTS
from neurofuse.models.inference.shapley import shapley
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.bands import to_frames
from neurofuse.models.joint.constants import SPEAKERS
from neurofuse.models.joint.network import Decoder
from neurofuse.models.joint.rest import at_rest
from neurofuse.models.joint.tensors import Estimate, Latent, Stream
from neurofuse.models.joint.witnesses import Trust

IMU = EVIDENCE_INPUTS[-1]


@dataclass(frozen=True)
class Player:
    """One modality of a window as it enters a coalition."""

    channel: Tensor  # (1, channel, width, frame)
    pooled: Tensor  # (1, width, frame)
    view: Tensor  # (1, width, frame): the fused latent of this modality alone
    alone: Tensor  # (1, channel, frame): logits of motion without the others
    near: Tensor


def evidence_of(
    model: CrossModalAutoencoder,
    streams: dict[str, Stream],
    latents: dict[str, Latent],
    estimates: dict[str, Estimate],
    trust: Trust,
) -> dict[str, Tensor]:
    """Shapley values (input, frame) [log odds] of each modality of a window.

    They are means over channels (`speakers`) weighted by their motion mask, 0 where it is closed.

    Parameters
    ----------
    model : CrossModalAutoencoder
    streams, latents, estimates : dict
        A window, what encoders made of it, and what was estimated with this trust.
    trust : Trust
        How far witnesses are believed in this recording.
    """
    found = {}
    window: _Window | None = None
    for name, one in estimates.items():
        logits = one.gate_logit[0]
        found[name] = logits.new_zeros(len(EVIDENCE_INPUTS), logits.shape[-1])
        if model.architecture.causal:  # what it decodes of each input is late in its own way
            continue
        masked = to_frames(one.gate, streams[name].rate, model.architecture.latent_rate)[0]
        rows = speakers(masked)
        if not len(rows):
            continue
        window = window or _Window(model, streams, latents, trust)
        weight = masked[rows, : logits.shape[-1]]
        total = weight.sum(0)
        weight = weight / total.clamp_min(1e-12)
        inputs = window.inputs(name)
        value = window.values(name, rows, weight)
        value[frozenset(inputs)] = (weight * logits[rows]).sum(0)
        for player, share in shapley(value, inputs).items():
            found[name][EVIDENCE_INPUTS.index(player)] = torch.where(total > 0, share, 0)
    return found


def speakers(mask: Tensor) -> Tensor:
    """Numbers of the channels that stand for all in a window.

    The `SPEAKERS` that move most, and further ones only where none of these moves: the network
    would take long for all of a large cap.

    Parameters
    ----------
    mask : Tensor (channel, frame)
        Motion mask, 0 to 1.

    Examples
    --------
    >>> mask = torch.zeros(40, 100)
    >>> mask[:20, :50], mask[3, 80] = 0.9, 0.5
    >>> found = speakers(mask).tolist()
    >>> len(found), 3 in found
    (12, True)
    """
    unheard, chosen = mask.any(0), torch.zeros(len(mask), dtype=torch.bool)
    while unheard.any() or chosen.sum() < min(SPEAKERS, int(mask.any(1).sum())):
        heard = (mask * unheard if unheard.any() else mask).sum(1)
        most = heard.masked_fill(chosen, -1).argmax()
        chosen[most] = True
        unheard &= mask[most] == 0
    return chosen.nonzero().squeeze(1)


class _Window:
    """One window of a recording: what coalitions of its inputs say of movement."""

    def __init__(
        self,
        model: CrossModalAutoencoder,
        streams: dict[str, Stream],
        latents: dict[str, Latent],
        trust: Trust,
    ) -> None:
        self.model, self.latents, self.trust = model, latents, trust
        self.head: Tensor | None = next(iter(streams.values())).head
        self.players = {s: _player(model, s, latent) for s, latent in latents.items()}

    def inputs(self, name: str) -> tuple[str, ...]:
        """The players of one modality's evidence, itself first."""
        partners = [s for s in self.players if s != name and _believed(self.trust.partner)]
        seen = self.head is not None and _believed(self.trust.head.get(name))
        return (name, *partners, *((IMU,) if seen else ()))

    def values(self, name: str, rows: Tensor, weight: Tensor) -> dict[frozenset[str], Tensor]:
        """Evidence (frame,) of each coalition but the whole.

        The mean over the channels `rows` with a weight (channel, frame).
        """
        others = self.inputs(name)[1:]
        parts = [frozenset(p) for n in range(1, len(others) + 1) for p in combinations(others, n)]
        me, still = self.players[name], _at_rest(self.model, name, self.latents[name])
        value = {frozenset({name}): (weight * me.alone[0, rows]).sum(0)}
        value[frozenset()] = still.alone[0, 0]
        for part, logits in self._with(name, me, rows, parts[:-1]):  # the last are all others
            value[part | {name}] = (weight * logits).sum(0)
        for part, logits in self._with(name, still, torch.zeros(1, dtype=torch.long), parts):
            value[part] = logits[0]
        return value

    def _with(
        self, name: str, me: Player, rows: Tensor, parts: Sequence[frozenset[str]]
    ) -> Iterator[tuple[frozenset[str], Tensor]]:
        """Logits of motion (channel, frame) of one modality together with others."""
        if not parts:
            return
        model, trust = self.model, self.trust
        decoder = cast(Decoder, model.decoders[name])
        local = _local(decoder, me, rows)
        fused = None
        for part in parts:
            view, moves = me.view, {name: _moving(name, me.alone)}
            believed = Trust(None, {name: trust.head[name]} if IMU in part else {})
            for partner in part - {IMU}:
                other = self.players[partner]
                if fused is None:
                    pooled = {name: me.pooled, partner: other.pooled}
                    # in the order of the modalities, which the network knows them by
                    fused = model.fusion({s: pooled[s] for s in self.players})
                believed = Trust(trust.partner, believed.head)
                if trust.partner is not None:
                    view = torch.lerp(view, fused, trust.partner.to(view).view(-1, 1, 1))
                moves[partner] = _moving(partner, other.alone)
            witnessed = None
            if model.architecture.witnessed:
                head = self.head if IMU in part else None
                witnessed = model.witnessed_by(name, moves, head, believed)
            logits = _logits(decoder, local, view, witnessed)
            if name in model.single:
                logits = model.beside(name, (me.alone[0, rows],), (logits,), believed)[0]
            yield part, logits


def _believed(trust: Tensor | None) -> bool:
    return trust is not None and bool((trust > 0).any())


def _player(model: CrossModalAutoencoder, name: str, latent: Latent) -> Player:
    view = model.fusion({name: latent.pooled})
    if latent.own is not None:
        alone = latent.own[0]
    else:
        alone = model.decoders[name](latent.channel, view, latent.near)[0]
    return Player(latent.channel, latent.pooled, view, alone, latent.near)


def _at_rest(model: CrossModalAutoencoder, name: str, latent: Latent) -> Player:
    """One channel at rest, the mean of all."""
    seen = at_rest(name, latent.seen).mean(1, keepdim=True)
    near = seen.new_ones(1, 1, 1)
    channel, pooled = model.encoders[name](seen, near)
    alone = model.own_model(name).decode_alone(name, seen, near)[0]
    return Player(channel, pooled, model.fusion({name: pooled}), alone, near)


def _moving(name: str, logits: Tensor) -> Tensor:
    """As `CrossModalAutoencoder.movement`."""
    return torch.sigmoid(logits.mean(1) if name == "eeg" else logits.amax(1))


def _local(decoder: Decoder, me: Player, rows: Tensor | slice) -> Tensor:
    """What a decoder's first layer makes of channels (channel, width, frame), without the view."""
    around = torch.einsum("ij,jwt->iwt", me.near[0, rows], me.channel[0])
    given = torch.cat([me.channel[0, rows], around], 1)
    return conv1d(given, decoder.enter.weight[:, : given.shape[1]], decoder.enter.bias)


def _logits(decoder: Decoder, local: Tensor, view: Tensor, witnessed: Tensor | None) -> Tensor:
    """The decoder's logits of motion (channel, frame)."""
    everywhere = conv1d(view, decoder.enter.weight[:, -view.shape[1] :])
    if witnessed is not None:
        everywhere = everywhere + decoder.witnessed(witnessed)
    return decoder.leave(decoder.along_time(local + everywhere))[:, 0]
