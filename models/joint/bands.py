"""Split a signal into frequency bands that sum to it, and measure their energy at the latent rate.

Everything is defined in Hz and seconds, so that any sampling rate gives the same features.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from neurofuse.models.joint.causal_bands import FLOOR, held


def split(x: Tensor, rate: float, edges: tuple[float, ...]) -> Tensor:
    """Bands (…, band, time) of (…, time) that sum to x; edges [Hz] are crossed over smoothly."""
    length = x.shape[-1]
    pad = min(int(2 * rate), length - 1)
    padded = (
        functional.pad(x.flatten(0, -2), (pad, pad), "reflect") if pad > 0 else x.flatten(0, -2)
    )
    spectrum = torch.fft.rfft(padded)
    frequency = torch.fft.rfftfreq(padded.shape[-1], 1 / rate, dtype=x.dtype, device=x.device)
    above = [torch.ones_like(frequency)]
    for edge in edges:
        octave = torch.log2(frequency.clamp_min(1e-6) / edge).clamp(-0.25, 0.25)
        above.append(0.5 + 0.5 * torch.sin(2 * math.pi * octave))
    above.append(torch.zeros_like(frequency))
    gains = torch.stack([a * (1 - b) for a, b in pairwise(above)])
    gains = gains / gains.sum(0)
    bands = torch.fft.irfft(spectrum.unsqueeze(-2) * gains, padded.shape[-1])
    return bands[..., pad : pad + length].unflatten(0, x.shape[:-1])


def frame_count(length: int, rate: float, frame_rate: float) -> int:
    """Latent frames, `frame_rate` [Hz], that cover `length` samples at `rate` [Hz]."""
    return max(1, math.ceil(length / rate * frame_rate))


def to_frames(x: Tensor, rate: float, frame_rate: float) -> Tensor:
    """Mean of (…, time) in each latent frame: (…, frame); interpolated where frames are shorter."""
    frames = frame_count(x.shape[-1], rate, frame_rate)
    flat, step = x.flatten(0, -2).unsqueeze(1), 1
    if rate > frame_rate:
        size = round(rate / frame_rate) | 1
        step = max(size // 5, 1)  # means on a coarser grid than samples: a fifth of the work
        flat = functional.avg_pool1d(flat, size, step, size // 2, count_include_pad=False)
    at = (torch.arange(frames, device=x.device, dtype=x.dtype) + 0.5) * (rate / frame_rate) - 0.5
    return _interpolate(flat, at / step).squeeze(1).unflatten(0, x.shape[:-1])


def to_samples(x: Tensor, rate: float, length: int, frame_rate: float) -> Tensor:
    """Latent frames (…, frame) interpolated linearly to samples (…, time)."""
    flat = x.flatten(0, -2).unsqueeze(1)
    at = (torch.arange(length, device=x.device, dtype=x.dtype) + 0.5) * (frame_rate / rate) - 0.5
    return _interpolate(flat, at).squeeze(1).unflatten(0, x.shape[:-1])


def to_samples_causal(x: Tensor, rate: float, length: int, frame_rate: float) -> Tensor:
    """Latent frames (…, frame) at samples (…, time), of which none sees a later frame."""
    frame, weight = held(0, length, rate, frame_rate)
    now = torch.from_numpy(frame).to(x.device).clamp_max(x.shape[-1] - 1)
    share = torch.from_numpy(weight).to(x)
    return torch.lerp(x[..., (now - 1).clamp_min(0)], x[..., now], share)


def _interpolate(x: Tensor, at: Tensor) -> Tensor:
    """Linear interpolation of (batch, 1, time) at fractional samples."""
    at = at.clamp(0, x.shape[-1] - 1)
    low = at.floor().long()
    high = (low + 1).clamp_max(x.shape[-1] - 1)
    weight = at - low
    return x.index_select(-1, low) * (1 - weight) + x.index_select(-1, high) * weight


def degrees_of_freedom(edges: tuple[float, ...], rate: float, length: int) -> Tensor:
    """Degrees of freedom (band,) of `length` samples: twice the bandwidth times the duration."""
    limits = torch.tensor((0.0, *edges, rate / 2)).clamp_max(rate / 2)
    return 2 * limits.diff() * length / rate


def log_energy(
    bands: Tensor, rate: float, frame_rate: float, quantile: float
) -> tuple[Tensor, Tensor]:
    """Log energy (…, band, frame) over the quiet energy of each band, and the latter (…, band, 1).

    The quiet energy is a low quantile over the window. Scaling the signal leaves the log energy as
    it is.
    """
    energy = to_frames(bands**2, rate, frame_rate)
    smooth = functional.avg_pool1d(
        energy.flatten(0, -2).unsqueeze(1), 5, 1, 2, count_include_pad=False
    )
    smooth = smooth.squeeze(1).unflatten(0, energy.shape[:-1])
    quiet = low_quantile(smooth, quantile)
    total = quiet.sum(-2, keepdim=True)
    floor = FLOOR * total + 1e-38
    # a band that holds nothing (rate too low, filtered away) has a log energy of zero
    present = (quiet > 1e-7 * total).to(energy.dtype)
    return torch.log((smooth + floor) / (quiet + floor)) * present, quiet


def low_quantile(x: Tensor, share: float) -> Tensor:
    """A quantile over time of (…, time), as `torch.quantile` in half of its time: (…, 1).

    Examples
    --------
    >>> low_quantile(torch.tensor([[4.0, 1.0, 2.0, 3.0]]), 0.5)
    tensor([[2.5000]])
    """
    rank = torch.tensor(share, dtype=x.dtype) * (x.shape[-1] - 1)
    below = int(rank)
    low = x.kthvalue(below + 1, keepdim=True).values
    high = x.kthvalue(min(below + 2, x.shape[-1]), keepdim=True).values
    return torch.lerp(low, high, (rank - below).to(x))


def agreement(first: Tensor, second: Tensor, rate: float, frame_rate: float) -> Tensor:
    """Local correlation (…, frame) of two signals (…, time) in half-second surroundings."""
    product = [
        to_frames(a * b, rate, frame_rate)
        for a, b in ((first, second), (first, first), (second, second))
    ]
    summed = [
        functional.avg_pool1d(p.flatten(0, -2).unsqueeze(1), 7, 1, 3).squeeze(1) for p in product
    ]
    value = summed[0] / torch.sqrt(summed[1] * summed[2] + 1e-38)
    return value.unflatten(0, first.shape[:-1])
