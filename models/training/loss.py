"""What training minimises: wrong gates, shares and latents, and what is left of the artifact.

Errors are taken relative to the clean signal of the same channel and window, on a log scale, so
that neither loose channels nor 500 µV events rule.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import max_pool1d, smooth_l1_loss

from neurofuse.models.joint.bands import EEG_EDGES, FLOOR, NIRS_EDGES, split, to_frames
from neurofuse.models.joint.baseline_level import RETURN
from neurofuse.models.joint.tensors import Estimate, Stream, Target

NOTICEABLE = 0.2  # artifact energy over clean energy in a band at which a channel counts as moving
BESIDE = 2.0  # s beside a movement in which a wrong level counts
HARM = 100.0  # a change of 1 / HARM of the clean energy where nothing moves begins to cost


def band_energies(stream: str, x: Tensor, rate: float) -> Tensor:
    """Energy (batch, channel, band, frame), mean over wavelengths."""
    edges = EEG_EDGES if stream == "eeg" else NIRS_EDGES
    energy = to_frames(split(x, rate, edges) ** 2, rate)
    return energy if stream == "eeg" else energy.mean(2)


@dataclass(frozen=True)
class Truth:
    """What is true of one stream of a batch at the latent rate."""

    moving: Tensor  # (batch, channel, band, frame): energy of the artifact
    clean: Tensor  # (batch, channel, band, frame): energy of the clean signal
    gate: Tensor  # (batch, channel, frame): 1 where the artifact is noticeable


def truth(stream: str, seen: Stream, target: Target) -> Truth:
    """Energies of artifact and clean signal, and where gates should be open."""
    moving = band_energies(stream, target.artifact, seen.rate)
    clean = band_energies(stream, target.clean, seen.rate)
    level = clean.mean(-1, keepdim=True)
    noticed = (moving > NOTICEABLE * level) & (level > 1e-6 * level.sum(2, keepdim=True))
    # the bands' filters ring around strong artifacts, where nothing moves
    within = to_frames(target.mask, seen.rate) > 0
    return Truth(moving, clean, (noticed.any(2) & within).to(clean.dtype))


def statistics_loss(true: Truth, estimate: Estimate) -> dict[str, Tensor]:
    """Losses at the latent rate: gate, band shares, and reconstruction of the clean energies."""
    moving, clean, gate = true.moving, true.clean, true.gate
    level = clean.mean(-1, keepdim=True)
    frames = estimate.gate_logit.shape[-1]
    share = moving / (moving + clean + 1e-12 * level + 1e-30)
    weight = 0.1 + gate[..., :frames].unsqueeze(2).expand_as(estimate.share_logit)
    reference = estimate.quiet + FLOOR * estimate.quiet.sum(2, keepdim=True) + 1e-30
    present = (estimate.quiet > 1e-6 * estimate.quiet.sum(2, keepdim=True)).to(clean.dtype)
    wanted = torch.log(clean[..., :frames] / reference + 1e-3)
    return {
        "gate": cross_entropy(estimate.gate_logit, gate[..., :frames]),
        "share": cross_entropy(estimate.share_logit, share[..., :frames], weight),
        "clean": 0.1 * smooth_l1_loss(estimate.clean * present, wanted * present),
    }


def motion_target(true: Truth) -> Tensor:
    """Whether any channel of a stream moves noticeably (batch, frame)."""
    return true.gate.amax(1)


def residual_loss(
    stream: str, target: Target, estimate: Estimate, rate: float
) -> dict[str, Tensor]:
    """Energy left in motion (log) and change where nothing moves, over the clean energy."""
    error = estimate.artifact - target.artifact
    mask = target.mask if stream == "eeg" else target.mask[:, :, None]
    clean = target.clean
    inside = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-6 * (clean**2).sum(-1))
    moved = mask.any(-1).expand_as(inside)
    outside = (estimate.artifact**2 * (1 - mask)).sum(-1) / (clean**2).sum(-1)
    losses = {
        "left": (torch.log(inside + 0.03) * moved).sum() / moved.sum().clamp_min(1),
        # on a log scale, since "clean" recordings hold small movements that nobody marked
        "harm": torch.log1p(HARM * outside).mean(),
    }
    if stream == "nirs":  # a wrong sum over a movement leaves a wrong level
        around = widened(target.mask, rate)[:, :, None]
        level, truth = (returning_sum(x, rate) for x in (error, clean))
        ratio = (level**2 * around).sum(-1) / ((truth**2 * around).sum(-1) + 1e-30)
        losses["level"] = (torch.log(ratio + 0.03) * moved).sum() / moved.sum().clamp_min(1)
        losses["left"] = 0.3 * losses["left"]
    return losses


def widened(mask: Tensor, rate: float) -> Tensor:
    """A mask (batch, channel, time) with what lies up to 2 s beside it."""
    reach = round(BESIDE * rate)
    return max_pool1d(mask, 2 * reach + 1, 1, reach)


def returning_sum(changes: Tensor, rate: float) -> Tensor:
    """Sum over time (…, time) that forgets as the level of optical density does, `level.RETURN`."""
    length = changes.shape[-1]
    time = torch.arange(length, dtype=changes.dtype, device=changes.device) / rate
    kept = torch.fft.rfft(torch.exp(-time / RETURN), 2 * length)
    return torch.fft.irfft(torch.fft.rfft(changes, 2 * length) * kept, 2 * length)[..., :length]
