"""Bands and their energies, as `models.joint.bands` makes them."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import fft

from neurofuse.models.edge.pools import mean_pool
from neurofuse.models.joint.causal_bands import FLOOR


def split(x: np.ndarray, rate: float, edges: tuple[float, ...]) -> np.ndarray:
    """Bands (…, band, time) of (…, time) that sum to x; edges [Hz] are crossed over smoothly."""
    length = x.shape[-1]
    pad = min(int(2 * rate), length - 1)
    if pad > 0:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(pad, pad)], mode="reflect")
    spectrum = np.asarray(fft.rfft(x))
    gains = _gains(x.shape[-1], rate, edges)
    bands = np.empty((*x.shape[:-1], len(gains), length), np.float32)
    for band, gain in enumerate(gains):  # one after the other: the whole spectrum is large
        made = np.asarray(fft.irfft(spectrum * gain, x.shape[-1], overwrite_x=True))
        bands[..., band, :] = made[..., pad : pad + length]
    return bands


@lru_cache(maxsize=8)
def _gains(length: int, rate: float, edges: tuple[float, ...]) -> np.ndarray:
    """Of each band (band, frequency); they sum to one."""
    frequency = fft.rfftfreq(length, 1 / rate).astype(np.float32)
    above = [np.ones_like(frequency)]
    for edge in edges:
        octave = np.log2(np.maximum(frequency, 1e-6) / edge).clip(-0.25, 0.25)
        above.append(0.5 + 0.5 * np.sin(2 * np.pi * octave))
    above.append(np.zeros_like(frequency))
    gains = np.stack([a * (1 - b) for a, b in pairwise(above)])
    return gains / gains.sum(0)


def frame_count(length: int, rate: float, frame_rate: float) -> int:
    """Latent frames, `frame_rate` [Hz], that cover `length` samples at `rate` [Hz]."""
    return max(1, int(np.ceil(length / rate * frame_rate)))


def to_frames(x: np.ndarray, rate: float, frame_rate: float) -> np.ndarray:
    """Mean of (…, time) in each latent frame: (…, frame); interpolated where frames are shorter."""
    frames, step = frame_count(x.shape[-1], rate, frame_rate), 1
    if rate > frame_rate:
        size = round(rate / frame_rate) | 1
        step = max(size // 5, 1)
        x = mean_pool(x, size, step)
    at = (np.arange(frames, dtype=np.float32) + 0.5) * (rate / frame_rate) - 0.5
    return _interpolated(x, at / step)


def to_samples(
    x: np.ndarray, rate: float, length: int, frame_rate: float, some: np.ndarray | None = None
) -> np.ndarray:
    """Latent frames (…, frame) interpolated linearly to samples (…, time), or to some of them."""
    at = np.arange(length, dtype=np.float32) if some is None else some.astype(np.float32)
    return _interpolated(x, (at + 0.5) * (frame_rate / rate) - 0.5)


def _interpolated(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    at = at.clip(0, x.shape[-1] - 1)
    low = at.astype(np.int64)
    high = np.minimum(low + 1, x.shape[-1] - 1)
    weight = at - low.astype(np.float32)
    return np.take(x, low, -1) * (1 - weight) + np.take(x, high, -1) * weight


def degrees_of_freedom(edges: tuple[float, ...], rate: float, length: int) -> np.ndarray:
    """Degrees of freedom (band,) of `length` samples: twice the bandwidth times the duration."""
    limits = np.minimum(np.array((0.0, *edges, rate / 2), np.float32), rate / 2)
    return 2 * np.diff(limits) * length / rate


def log_energy(energy: np.ndarray, quantile: float) -> tuple[np.ndarray, np.ndarray]:
    """Log energy over the quiet energy of each band, and the latter (…, band, 1).

    Of the energy of bands in frames (…, band, frame).
    """
    smooth = mean_pool(energy, 5)
    quiet = low_quantile(smooth, quantile)
    total = quiet.sum(-2, keepdims=True)
    floor = FLOOR * total + 1e-38
    present = quiet > 1e-7 * total
    return np.log((smooth + floor) / (quiet + floor)) * present, quiet


def low_quantile(x: np.ndarray, share: float) -> np.ndarray:
    """A quantile over time of (…, time): (…, 1)."""
    rank = np.float32(share) * np.float32(x.shape[-1] - 1)
    below = int(rank)
    above = min(below + 1, x.shape[-1] - 1)
    ordered = np.partition(x, (below, above), -1)
    low, high = ordered[..., below, None], ordered[..., above, None]
    return low + (rank - np.float32(below)) * (high - low)


def agreement(first: np.ndarray, second: np.ndarray, rate: float, frame_rate: float) -> np.ndarray:
    """Local correlation (…, frame) of two signals (…, time) in half-second surroundings."""
    pairs = (first, second), (first, first), (second, second)
    # the mean of those that exist, times their number: a sum, which torch divides by seven
    product = [to_frames(a * b, rate, frame_rate) for a, b in pairs]
    frames = product[0].shape[-1]
    at = np.arange(frames)
    share = (np.minimum(at + 4, frames) - np.maximum(at - 3, 0)).astype(np.float32) / 7
    both, one, other = (mean_pool(p, 7) * share for p in product)
    return both / np.sqrt(one * other + 1e-38)
