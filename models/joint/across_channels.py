"""What the other fNIRS channels say about the clean signal of a channel.

Neighbouring channels have systemic activity in common (heart beat, breathing, Mayer waves), and a
movement rarely reaches all of them: while one channel moves, others are at rest. So each channel is
predicted from the others, and the filter along time has to explain the rest only. It is the clean
signal that channels share; the waveforms of one movement differ between them.
"""

import torch
from torch import Tensor
from torch.nn import functional

from neurofuse.models.joint.architecture import AcrossChannels
from neurofuse.models.joint.wiener import covariance, frames_of, inverse, overlap_add

EPS = 1e-30
LARGEST_MATRICES = 2**23  # numbers in the covariances of the windows that are solved at once


def predict_from_others(
    cleaned: Tensor, gate: Tensor, rate: float, settings: AcrossChannels
) -> Tensor:
    """Prediction (batch, channel, wavelength, time) of each channel from all other channels.

    Slow and fast changes are predicted apart, since channels share the heart beat in other
    proportions than slow waves. A channel in motion says less about others: its variance is raised
    by `settings.error` times the signal's.

    Parameters
    ----------
    cleaned : Tensor (batch, channel, wavelength, time)
        Derivative of optical density less a first estimate of the artifact; any scale.
    gate : Tensor (batch, channel, time)
        Motion mask, 0 to 1.
    rate : float
        Sampling rate [Hz].
    settings : AcrossChannels
        Constants of the method.

    Returns
    -------
    Tensor (batch, channel, wavelength, time)
        Zero with one channel.
    """
    channels, waves, length = cleaned.shape[1:]
    if channels == 1:
        return torch.zeros_like(cleaned)
    series = cleaned.flatten(1, 2)
    moving = gate.repeat_interleave(waves, 1)
    longest = max(2 * ((length - 1) // 2) - 1, 1)
    width = min(max(round(settings.slow * rate) | 1, 3), longest)
    slow = functional.avg_pool1d(series, width, 1, width // 2, count_include_pad=False)
    reached = functional.max_pool1d(moving, width, 1, width // 2)
    size = max(2 * round(settings.window * rate / 2), 4)
    parts = (
        _predict(slow, reached, waves, size, 1 / width, settings),
        _predict(series - slow, reached, waves, size, 1.0, settings),
    )
    return sum(parts, torch.zeros_like(series)).unflatten(1, (channels, waves))


def _predict(
    series: Tensor,
    gate: Tensor,
    waves: int,
    size: int,
    independent: float,
    settings: AcrossChannels,
) -> Tensor:
    """Prediction of (batch, row, time), `waves` rows a channel; few samples are `independent`."""
    rows, length = series.shape[1:]
    rest = (1 - gate).clamp(0, 1).prod(1)
    shared = covariance(series, rest)
    variance = shared.diagonal(dim1=-2, dim2=-1)
    trust = _trust(shared, waves, rest.sum(-1) * independent)
    own = torch.diag_embed((1 + settings.ridge - trust[..., 0]) * variance + EPS)
    hop = size // 2
    taper = torch.hann_window(size, periodic=True, dtype=series.dtype, device=series.device)
    observed = frames_of(series, size, hop)
    error = settings.error * frames_of(gate, size, hop).mean(-1) * variance[:, None]
    here = torch.arange(rows, device=series.device).view(-1, waves)
    at_once = max(LARGEST_MATRICES // rows**2, 1)
    predicted = [
        seen - _alone((trust * shared + own)[:, None] + torch.diag_embed(wrong), seen, here)
        for seen, wrong in zip(observed.split(at_once, 1), error.split(at_once, 1), strict=True)
    ]
    return overlap_add(torch.cat(predicted, 1) * taper, hop, length)


def _alone(total: Tensor, observed: Tensor, here: Tensor) -> Tensor:
    """What other channels do not predict of windows (batch, window, row, size) of each channel.

    `total` (batch, window, row, row) is the covariance, `here` (channel, wavelength) the rows of
    each channel: leaving a channel out is a matter of its own block of the precision.
    """
    scale = total.diagonal(dim1=-2, dim2=-1).sqrt() + EPS
    total = total / scale[..., :, None] / scale[..., None, :]
    precision = inverse(total.flatten(0, 1)).view_as(total)
    block = precision[..., here[:, :, None], here[:, None, :]]
    pulled = (precision @ (observed / scale[..., None])).unflatten(2, here.shape)
    alone = inverse(block.flatten(0, 2)).view_as(block) @ pulled
    return alone.flatten(2, 3) * scale[..., None]


def _trust(shared: Tensor, waves: int, known: Tensor) -> Tensor:
    """Factor (batch, 1, 1) on covariances between channels from few `known` samples.

    The analytic shrinkage of correlations by Schäfer and Strimmer (2005): little where channels
    have much in common, a lot where correlations may be chance.
    """
    root = shared.diagonal(dim1=-2, dim2=-1).sqrt() + EPS
    correlation = shared / root[:, :, None] / root[:, None, :]
    own = torch.arange(shared.shape[-1], device=shared.device) // waves
    square = (correlation**2)[:, own[:, None] != own]
    chance = (1 - square).clamp_min(0) ** 2 / known.clamp_min(1)[:, None]
    return 1 - (chance.sum(-1) / (square.sum(-1) + EPS)).clamp(0, 1)[:, None, None]
