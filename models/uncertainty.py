"""How far the cleaned samples may be off: the posterior variance of the model's own statistics.

Where a share p of a band's energy is artifact and the clean signal's energy is c, the best linear
estimate of the clean signal is off by p·c on average. The model's p and c are estimates and its
filter also uses other channels, so that one factor a stream makes the figures true: it is measured
on validation people and stored beside the weights (`calibrate`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neurofuse.models.bands import to_samples

if TYPE_CHECKING:
    from neurofuse.models.autoencoder import CrossModalAutoencoder, Stream
    from neurofuse.models.draw import Target

COVERED = 0.9  # of errors in motion lie within NORMAL standard deviations, once calibrated
NORMAL = 1.645


def error_variance(
    signal: Tensor, gate: Tensor, share: Tensor, clean: Tensor, quiet: Tensor, rate: float
) -> Tensor:
    """Variance of the error, before calibration; 0 where the gate is shut.

    Parameters
    ----------
    signal : Tensor (batch, channel[, wavelength], time)
    gate : Tensor (batch, channel, time)
    share : Tensor (batch, channel, band, time)
    clean : Tensor (batch, channel, band, frame)
        Log energy of the clean signal over `quiet`.
    quiet : Tensor (batch, channel, band, 1)
    rate : float
        Hz

    Returns
    -------
    Tensor like `signal`
    """
    energy = to_samples(quiet * clean.clamp(-6, 6).exp(), rate, signal.shape[-1])
    variance = gate * (share * energy).sum(-2)
    if signal.dim() == 3:
        return variance
    level = signal.square().quantile(0.3, dim=-1, keepdim=True)  # wavelengths differ in size
    return variance[:, :, None] * level / (level.mean(2, keepdim=True) + 1e-38)


@torch.no_grad()
def calibrate(
    model: "CrossModalAutoencoder", batches: Iterable[dict[str, "tuple[Stream, Target]"]]
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
