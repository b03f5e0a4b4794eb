"""What training minimises: errors of motion mask, artifact fractions and clean energies, and of the
cleaned signal.

Errors are taken relative to the clean signal of the same channel and window, on a log scale, so
that neither loose channels nor 500 µV events dominate. Where several processes share a batch, the
mean of their losses is the loss of the whole batch: ratios have its denominator.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import max_pool1d, pad, smooth_l1_loss

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.bands import FLOOR, split, to_frames
from neurofuse.models.joint.tensors import Estimate, Stream, Target
from neurofuse.models.training.distributed import over_processes, process_count

NOTICEABLE = 0.2  # artifact energy over clean energy in a band from which a channel is in motion
LATE = 20  # frames after a movement in which the mask must be shut
LATE_COSTS = {"eeg": 1.0, "nirs": 3.0}  # times as much as elsewhere
LARGEST_LOG_ODDS = 7.0  # 30 dB: beyond it nothing is left of the artifact, or of the signal
BESIDE = 2.0  # s beside a movement in which a wrong baseline level counts
HARM = 100.0  # a change of 1 / HARM of the clean energy without motion begins to cost


def band_energies(stream: str, x: Tensor, rate: float, architecture: Architecture) -> Tensor:
    """Energy (batch, channel, band, frame), mean over wavelengths."""
    bands = split(x, rate, architecture.bands.edges(stream))
    energy = to_frames(bands**2, rate, architecture.latent_rate)
    return energy if stream == "eeg" else energy.mean(2)


@dataclass(frozen=True)
class Truth:
    """What is true of one modality of a batch at the latent rate."""

    artifact: Tensor  # (batch, channel, band, frame): energy of the artifact
    clean: Tensor  # (batch, channel, band, frame): energy of the clean signal
    gate: Tensor  # (batch, channel, frame): 1 where the artifact is noticeable


def truth(stream: str, seen: Stream, target: Target, architecture: Architecture) -> Truth:
    """Energies of artifact and clean signal, and where the motion mask should be open."""
    artifact = band_energies(stream, target.artifact, seen.rate, architecture)
    clean = band_energies(stream, target.clean, seen.rate, architecture)
    usual = clean.mean(-1, keepdim=True)
    noticed = (artifact > NOTICEABLE * usual) & (usual > 1e-6 * usual.sum(2, keepdim=True))
    # the bands' filters ring around strong artifacts, where there is no motion
    within = to_frames(target.mask, seen.rate, architecture.latent_rate) > 0
    return Truth(artifact, clean, (noticed.any(2) & within).to(clean.dtype))


def statistics_loss(stream: str, true: Truth, estimate: Estimate) -> dict[str, Tensor]:
    """Losses at the latent rate: motion mask, artifact fractions, energies of the clean signal."""
    artifact, clean, gate = true.artifact, true.clean, true.gate
    usual = clean.mean(-1, keepdim=True)
    frames = estimate.gate_logit.shape[-1]
    fraction = artifact / (artifact + clean + 1e-12 * usual + 1e-30)
    weight = 0.1 + gate[..., :frames].unsqueeze(2).expand_as(estimate.fraction_logit)
    reference = estimate.quiet + FLOOR * estimate.quiet.sum(2, keepdim=True) + 1e-30
    present = (estimate.quiet > 1e-6 * estimate.quiet.sum(2, keepdim=True)).to(clean.dtype)
    wanted = torch.log(clean[..., :frames] / reference + 1e-3)
    moving = gate[..., :frames]
    # artifact over clean energy: a fraction of 0.99 leaves ten times less than one of 0.9
    odds = torch.log((artifact + 1e-30) / (clean + 1e-12 * usual + 1e-30))[..., :frames]
    odds = odds.clamp(-LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    off = smooth_l1_loss(estimate.fraction_logit * present, odds * present, reduction="none")
    count = over_processes(moving.sum()) * off.shape[2] + 1
    return {
        "gate": cross_entropy(estimate.gate_logit, moving, _late(moving, LATE_COSTS[stream])),
        "share": cross_entropy(estimate.fraction_logit, fraction[..., :frames], weight),
        "odds": process_count() * 0.1 * (off * moving.unsqueeze(2)).sum() / count,
        "clean": 0.1 * smooth_l1_loss(estimate.clean * present, wanted * present),
    }


def _late(moving: Tensor, costs: float) -> Tensor:
    """Weight (batch, channel, frame): a mask that stays open after a movement costs more.

    What another modality knows best is when a movement ends, and the filter of fNIRS bridges each
    sample of a mask that is open for too long.
    """
    before = pad(moving, (LATE, 0))
    after = max_pool1d(before, LATE + 1, 1) * (1 - moving)
    return 1 + (costs - 1) * after


def motion_target(true: Truth) -> Tensor:
    """Whether any channel of a modality is in motion (batch, frame)."""
    return true.gate.amax(1)


def residual_loss(
    stream: str, target: Target, estimate: Estimate, rate: float, return_time: float
) -> dict[str, Tensor]:
    """Residual error in motion (log) and change without motion, over the clean energy.

    `return_time` [s] is how fast the baseline level of fNIRS is assumed to return.
    """
    error = estimate.artifact - target.artifact
    mask = target.mask if stream == "eeg" else target.mask[:, :, None]
    clean = target.clean
    inside = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-6 * (clean**2).sum(-1))
    moving = mask.any(-1).expand_as(inside)
    count = over_processes(moving.sum()).clamp_min(1) / process_count()
    outside = (estimate.artifact**2 * (1 - mask)).sum(-1) / (clean**2).sum(-1)
    losses = {
        "left": (torch.log(inside + 0.03) * moving).sum() / count,
        # on a log scale, since "clean" recordings contain small unmarked movements
        "harm": torch.log1p(HARM * outside).mean(),
    }
    if stream == "nirs":  # a wrong sum over a movement leaves a wrong baseline level
        around = widened(target.mask, rate)[:, :, None]
        wrong, truth = (returning_sum(x, rate, return_time) for x in (error, clean))
        ratio = (wrong**2 * around).sum(-1) / ((truth**2 * around).sum(-1) + 1e-30)
        losses["level"] = (torch.log(ratio + 0.03) * moving).sum() / count
        losses["left"] = 0.3 * losses["left"]
    return losses


def widened(mask: Tensor, rate: float) -> Tensor:
    """A mask (batch, channel, time) widened by 2 s."""
    reach = round(BESIDE * rate)
    return max_pool1d(mask, 2 * reach + 1, 1, reach)


def returning_sum(changes: Tensor, rate: float, return_time: float) -> Tensor:
    """Leaky sum over time (…, time), which falls to 1/e in `return_time` [s]."""
    length = changes.shape[-1]
    time = torch.arange(length, dtype=changes.dtype, device=changes.device) / rate
    memory = torch.fft.rfft(torch.exp(-time / return_time), 2 * length)
    return torch.fft.irfft(torch.fft.rfft(changes, 2 * length) * memory, 2 * length)[..., :length]
