"""The factor by which standard deviations of the error are too small, where truth is known.

It becomes the buffer `calibration` of the model.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Stream, Target

COVERED = 0.9  # fraction of errors in motion within NORMAL_QUANTILE standard deviations, calibrated
NORMAL_QUANTILE = 1.645


@torch.no_grad()
def calibrate(
    model: CrossModalAutoencoder, batches: Iterable[dict[str, tuple[Stream, Target]]]
) -> Tensor:
    """Factor on standard deviations, from windows whose truth is known.

    Returns
    -------
    Tensor (stream,), float64
        In the order of `model.architecture.streams`; 1 where nothing could be judged.
    """
    off: dict[str, list[Tensor]] = {s: [] for s in model.architecture.streams}
    for batch in batches:
        estimates, _ = model({s: seen for s, (seen, _) in batch.items()})
        for stream, (_, target) in batch.items():
            estimate = estimates[stream]
            error, variance = estimate.artifact - target.artifact, estimate.variance
            mask = target.mask > 0
            if stream == "nirs":
                gate = estimate.gate[:, :, None].expand_as(error)
                mask = mask[:, :, None].expand_as(error)
                variance, error = (
                    since_motion_began(variance, gate),
                    since_motion_began(error, gate),
                )
            judged = (variance > 0) & mask
            off[stream].append((error[judged].abs() / variance[judged].sqrt()).cpu())
    factors = [_factor(torch.cat([*map(_thinned, v), torch.zeros(0)])) for v in off.values()]
    return torch.tensor(factors, dtype=torch.float64)


def since_motion_began(changes: Tensor, gate: Tensor) -> Tensor:
    """Sum of changes (…, time), or of variances, since motion began; 0 where the mask is 0."""
    total = changes.cumsum(-1)
    steps = torch.arange(total.shape[-1], device=total.device).expand_as(total)
    last = torch.where(gate > 0, torch.zeros_like(steps), steps).cummax(-1).values
    return torch.where(gate > 0, total - total.gather(-1, last), torch.zeros_like(total))


def _factor(ratio: Tensor) -> float:
    """From errors over their standard deviations."""
    return float(ratio.quantile(COVERED)) / NORMAL_QUANTILE if len(ratio) else 1.0


def _thinned(x: Tensor, most: int = 100_000) -> Tensor:
    """`torch.quantile` takes 16 million values at most, and neighbours are alike."""
    return x[:: max(len(x) // most, 1)]
