"""The factor by which standard deviations of the error are wrong, measured where truth is known."""

from collections.abc import Iterable

import torch
from torch import Tensor

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.tensors import Stream, Target

COVERED = 0.9  # of errors in motion lie within NORMAL standard deviations, once calibrated
NORMAL = 1.645


@torch.no_grad()
def calibrate(
    model: CrossModalAutoencoder, batches: Iterable[dict[str, tuple[Stream, Target]]]
) -> dict[str, float]:
    """Factor by stream on standard deviations, from windows whose truth is known."""
    off: dict[str, list[Tensor]] = {s: [] for s in model.architecture.streams}
    for batch in batches:
        estimates, _ = model({s: seen for s, (seen, _) in batch.items()})
        for stream, (_, target) in batch.items():
            found = estimates[stream]
            error, variance = found.artifact - target.artifact, found.variance
            mask = target.mask > 0
            if stream == "nirs":
                gate = found.gate[:, :, None].expand_as(error)
                mask = mask[:, :, None].expand_as(error)
                variance, error = since_opened(variance, gate), since_opened(error, gate)
            judged = (variance > 0) & mask
            off[stream].append((error[judged].abs() / variance[judged].sqrt()).cpu())
    found = {s: torch.cat([*map(_thinned, v), torch.zeros(0)]) for s, v in off.items()}
    return {s: float(v.quantile(COVERED)) / NORMAL if len(v) else 1.0 for s, v in found.items()}


def since_opened(changes: Tensor, gate: Tensor) -> Tensor:
    """Sum of changes (…, time), or of variances, since the gate opened; 0 where it is shut."""
    total = changes.cumsum(-1)
    steps = torch.arange(total.shape[-1], device=total.device).expand_as(total)
    last = torch.where(gate > 0, torch.zeros_like(steps), steps).cummax(-1).values
    return torch.where(gate > 0, total - total.gather(-1, last), torch.zeros_like(total))


def _thinned(x: Tensor, most: int = 100_000) -> Tensor:
    """`torch.quantile` takes 16 million values at most, and neighbours are alike."""
    return x[:: max(len(x) // most, 1)]
