"""How much both modalities share of their movements: a partner is believed as far as it agrees.

An optode can slip on a head that is at rest, and a jaw can clench under still optodes. Whether the
other modality knows when this one moves is a property of the recording, and shows in it: where both
see the same movements, their probabilities of motion, each estimated without the other, go up and
down together.
"""

import torch
from torch import Tensor

from neurofuse.models.joint.architecture import Sharing


def agreement(first: Tensor, second: Tensor, frame_rate: float, settings: Sharing) -> Tensor:
    """Correlation (batch,) of two modalities' probabilities of motion (batch, frame).

    The largest over small shifts, as an artifact need not begin in both at once.

    Examples
    --------
    >>> movement = (torch.arange(600) % 100 < 20).float()[None]
    >>> later = movement.roll(3, -1)
    >>> float(agreement(movement, later, 10.0, Sharing()))
    1.0
    """
    shift = min(round(settings.lag * frame_rate), first.shape[1] // 2)
    found = [
        _correlation(first[:, max(k, 0) : first.shape[1] + min(k, 0)], _other(second, k))
        for k in (-shift, 0, shift)
    ]
    return torch.stack(found).amax(0)


def partner_weight(agreement: Tensor, settings: Sharing) -> Tensor:
    """Weight of the other modality, 0 to 1, for an agreement (batch,)."""
    return ((agreement - settings.none) / (settings.full - settings.none)).clamp(0, 1)


def _other(x: Tensor, shift: int) -> Tensor:
    return x[:, max(-shift, 0) : x.shape[1] + min(-shift, 0)]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b = (x - x.mean(-1, keepdim=True) for x in (a, b))
    size = (a.square().sum(-1) * b.square().sum(-1)).sqrt()
    return (a * b).sum(-1) / (size + 1e-12)
