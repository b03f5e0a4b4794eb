"""What the other fNIRS channels say about the clean signal of a channel.

Neighbouring channels have systemic activity in common (heart beat, breathing, Mayer waves), and a
movement rarely reaches all of them: while one channel moves, others are at rest. So each channel is
predicted from the others, and the filter along time has to explain the rest only. It is the clean
signal that channels share; the waveforms of one movement differ between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from neurofuse.models.joint.architecture import AcrossChannels
from neurofuse.models.joint.constants import LARGEST_MATRICES
from neurofuse.models.joint.wiener import covariance, frames_of, inverse, overlap_add

EPS = 1e-30


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
    predicted = torch.zeros_like(cleaned.flatten(1, 2))
    here = torch.arange(channels * waves, device=cleaned.device).view(-1, waves)
    for part in _parts(cleaned, gate, rate, settings):
        at_once = max(LARGEST_MATRICES // here.numel() ** 2, 1)
        windows = range(0, part.observed.shape[1], at_once)
        found = [
            part.observed[:, k : k + at_once] - _alone(*part.of(slice(k, k + at_once)), here)
            for k in windows
        ]
        predicted = predicted + overlap_add(torch.cat(found, 1) * part.taper, part.hop, length)
    return predicted.unflatten(1, (channels, waves))


def shares_of_prediction(
    cleaned: Tensor, gate: Tensor, rate: float, settings: AcrossChannels, first: float, last: float
) -> Tensor:
    """Shares (channel used, predicted channel) of the energy of predictions; columns sum up to 1.

    Parameters
    ----------
    cleaned, gate, rate, settings
        As of `predict_from_others`, of one window of the model.
    first, last : float
        Samples that are looked at.

    Returns
    -------
    Tensor (channel, channel)
        A share may be negative: that channel was subtracted. Zeros where nothing was predicted.
    """
    channels, waves = cleaned.shape[1:3]
    energy = cleaned.new_zeros(channels, channels)
    if channels == 1:
        return energy
    here = torch.arange(channels * waves, device=cleaned.device).view(-1, waves)
    for part in _parts(cleaned, gate, rate, settings):
        centre = torch.arange(part.observed.shape[1]) * part.hop  # windows are padded by a hop
        near = (centre > first - part.hop) & (centre < last + part.hop)
        total, observed = (x.double().flatten(0, 1) for x in part.of(near))
        precision = inverse(total)
        block = precision[:, here[:, :, None], here[:, None, :]]
        pull = precision.unflatten(1, here.shape)
        weights = -(inverse(block.flatten(0, 1)).view_as(block) @ pull).flatten(1, 2)
        own = torch.block_diag(*torch.ones(channels, waves, waves)).bool()
        weights = weights.masked_fill(own.to(weights.device), 0)
        seen = observed * part.taper
        of_rows = weights * (weights @ seen @ seen.mT)  # (window, predicted row, used row)
        by_channel = of_rows.sum(0).unflatten(1, here.shape).sum(-1).unflatten(0, here.shape).sum(1)
        energy += by_channel.T.to(energy)
    whole = energy.sum(0, keepdim=True)
    return torch.where(whole > 0, energy / whole.clamp_min(EPS), 0)


@dataclass(frozen=True)
class Part:
    """Slow or fast changes in overlapping windows, and how channels go together in them."""

    observed: Tensor  # (batch, window, row, size)
    shared: Tensor  # (batch, row, row): covariance at rest
    error: Tensor  # (batch, window, row): variance that motion adds
    taper: Tensor
    hop: int

    def of(self, windows: slice | Tensor) -> tuple[Tensor, Tensor]:
        """Covariances (batch, window, row, row), and what was observed, in some windows."""
        total = self.shared[:, None] + torch.diag_embed(self.error[:, windows])
        return total, self.observed[:, windows]


def _parts(cleaned: Tensor, gate: Tensor, rate: float, settings: AcrossChannels) -> Iterator[Part]:
    waves, length = cleaned.shape[2:]
    series = cleaned.flatten(1, 2)
    moving = gate.repeat_interleave(waves, 1)
    longest = max(2 * ((length - 1) // 2) - 1, 1)
    width = min(max(round(settings.slow * rate) | 1, 3), longest)
    slow = functional.avg_pool1d(series, width, 1, width // 2, count_include_pad=False)
    reached = functional.max_pool1d(moving, width, 1, width // 2)
    size = max(2 * round(settings.window * rate / 2), 4)
    yield _part(slow, reached, waves, size, 1 / width, settings)
    yield _part(series - slow, reached, waves, size, 1.0, settings)


def _part(
    series: Tensor,
    gate: Tensor,
    waves: int,
    size: int,
    independent: float,
    settings: AcrossChannels,
) -> Part:
    """Of (batch, row, time), `waves` rows a channel; few samples are `independent`."""
    rest = (1 - gate).clamp(0, 1).prod(1)
    shared = covariance(series, rest)
    variance = shared.diagonal(dim1=-2, dim2=-1)
    trust = _trust(shared, waves, rest.sum(-1) * independent)
    own = torch.diag_embed((1 + settings.ridge - trust[..., 0]) * variance + EPS)
    hop = size // 2
    taper = torch.hann_window(size, periodic=True, dtype=series.dtype, device=series.device)
    observed = frames_of(series, size, hop)
    error = settings.error * frames_of(gate, size, hop).mean(-1) * variance[:, None]
    return Part(observed, trust * shared + own, error, taper, hop)


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
