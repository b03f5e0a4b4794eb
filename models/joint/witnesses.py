"""What others witness of a modality's movement: the other modality, and the head's IMU.

Their probability of motion enters the decoder beside the latents, since what a witness knows best
is when a movement begins and ends. It counts as far as the witness is trusted in this recording
(`sharing`): where it does not move along with the modality, or is absent, nothing enters.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool1d, pad

from neurofuse.models.joint.architecture import Sharing
from neurofuse.models.joint.constants import REACHES
from neurofuse.models.joint.sharing import agreement, partner_weight


@dataclass(frozen=True)
class Trust:
    """How far the witnesses of a window are believed, 0 to 1; an empty dict: there are none."""

    partner: Tensor | None  # (batch,): both modalities in each other
    head: dict[str, Tensor]  # (batch,) for each modality: the head's IMU


@dataclass(frozen=True)
class Agreement:
    """Correlation of movements with what witnesses saw; None and an empty dict: there are none."""

    partner: Tensor | None  # (batch,): of both modalities
    head: dict[str, Tensor]  # (batch,) of each modality with the head's IMU

    def trust(self, settings: Sharing) -> Trust:
        """How far the witnesses are believed."""
        partner = None if self.partner is None else partner_weight(self.partner, settings)
        return Trust(partner, {s: partner_weight(r, settings) for s, r in self.head.items()})


def agreements(
    movement: dict[str, Tensor], head: Tensor | None, frame_rate: float, settings: Sharing
) -> Agreement:
    """How much witnesses agree with each modality's own movement (batch, frame) in a window."""
    partner = None
    if len(movement) > 1:
        first, second = movement.values()
        partner = agreement(first, second, frame_rate, settings)
    if head is None:
        return Agreement(partner, {})
    heads = {}
    for name, own in movement.items():
        frames = min(own.shape[-1], head.shape[-1])
        seen = head[:, :frames].to(own)
        heads[name] = agreement(own[:, :frames], seen, frame_rate, settings)
    return Agreement(partner, heads)


def evidence(movement: Tensor, weight: Tensor, frame_rate: float, causal: bool = False) -> Tensor:
    """What one witness says (batch, `TOLD`, frame).

    How far it is believed, without which its silence would say nothing, and the largest of its
    movement around each frame.

    Parameters
    ----------
    movement : Tensor (batch, frame)
        Probability of motion, 0 to 1.
    weight : Tensor (batch,)
        How far it is believed, 0 to 1.
    frame_rate : float
        [Hz].
    causal : bool
        As much is known only up to the frame before: the same times, all of them past.

    Examples
    --------
    >>> moves = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0]])
    >>> evidence(moves, torch.tensor([0.5]), 1.0)[0, -1].tolist()
    [0.0, 0.5, 0.5, 0.5, 0.0]
    """
    spans = [2 * round(reach * frame_rate) + 1 for reach in REACHES]
    if causal:
        past = pad(movement[:, None], (max(spans), 0))[..., :-1]
        seen = [max_pool1d(past[..., max(spans) - span :], span, 1) for span in spans]
    else:
        seen = [max_pool1d(movement[:, None], span, 1, span // 2) for span in spans]
    said = torch.cat([torch.ones_like(movement)[:, None], *seen], 1)
    return weight.to(movement)[:, None, None] * said
