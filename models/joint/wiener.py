"""Closed-form Wiener stages: from a rough artifact to the one that is linear in the data.

The network estimates when, where and in which band there is motion, which gives a rough artifact.
Its covariance, set against the covariance of the recording's quiet parts, makes the filter: for
EEG across channels and lags in short windows (multichannel Wiener filter, Somers et al. 2018, with
a learned artifact covariance as in neural beamforming), for fNIRS along time and wavelengths of
the derivative of optical density, where a shift is a short pulse.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from neurofuse.models.joint.constants import MOST_IN_MOTION, RIDGES

EPS = 1e-8
WINDOWS_AT_ONCE = 8  # of the temporal filter, whose systems should fit the cache


def lagged(x: Tensor, lags: list[int]) -> Tensor:
    """Stack shifted copies of (batch, channel, time) to (batch, lag * channel, time)."""
    reach = max(abs(k) for k in lags)
    padded = functional.pad(x, (reach, reach))
    return torch.cat([padded[..., reach + k : reach + k + x.shape[-1]] for k in lags], dim=-2)


def frames_of(x: Tensor, size: int, hop: int) -> Tensor:
    """Overlapping windows (batch, window, channel, size); x is padded by `hop` on both sides."""
    length = x.shape[-1]
    count = -(-length // hop) + 1
    padded = functional.pad(x, (hop, count * hop + size - hop - length))
    return padded.unfold(-1, size, hop)[..., :count, :].transpose(-3, -2)


def overlap_add(windows: Tensor, hop: int, length: int) -> Tensor:
    """Undo `frames_of` for windows that were weighted to sum to one: (batch, channel, time)."""
    batch, count, channels, size = windows.shape
    columns = windows.permute(0, 2, 3, 1).reshape(batch * channels, size, count)
    total = (count - 1) * hop + size
    summed = functional.fold(columns, (1, total), (1, size), stride=(1, hop))
    return summed.reshape(batch, channels, total)[..., hop : hop + length]


def covariance(x: Tensor, weight: Tensor) -> Tensor:
    """Weighted covariance (…, channel, channel) of (…, channel, time) with weight (…, time)."""
    weighted = x * weight.unsqueeze(-2)
    return weighted @ x.transpose(-1, -2) / (weight.sum(-1) + EPS)[..., None, None]


def solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Solve positive definite (batch, n, n) for (batch, n, k) by Cholesky factors.

    Not `torch.linalg.solve`: once `torch.set_num_threads` was called with more than one thread, its
    LU factors of large batches (torch 2.13 for CPUs) raise, are wrong or never end.
    """
    return torch.cholesky_solve(right, _factor(matrix))


def inverse(matrix: Tensor) -> Tensor:
    """Inverse of positive definite (batch, n, n) by Cholesky factors."""
    return torch.cholesky_inverse(_factor(matrix))


def _factor(matrix: Tensor) -> Tensor:
    """Cholesky factors of (batch, n, n).

    A matrix that rounding has made indefinite gets as much on its diagonal as that takes; one that
    is not even nearly positive definite raises.
    """
    size = matrix.diagonal(dim1=-2, dim2=-1).mean(-1)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    ridge = torch.zeros_like(size)
    for fraction in RIDGES:
        if not failed.any():
            break
        ridge = torch.where(failed > 0, fraction * size, ridge)  # what helped before stays
        added = torch.diag_embed(ridge[:, None].expand(matrix.shape[:2]))
        factor, failed = torch.linalg.cholesky_ex(matrix + added)
    if failed.any():
        count = int((failed > 0).sum())
        raise torch.linalg.LinAlgError(  # type: ignore[attr-defined]
            f"{count} of {len(matrix)} matrices are not positive definite"
        )
    return factor


def spatial_filter(
    observed: Tensor,
    rough: Tensor,
    quiet: Tensor,
    *,
    size: int,
    lags: list[int],
    shrinkage: float | Tensor = 0.02,
    pooling: float | Tensor = 0.5,
) -> Tensor:
    """Artifact (batch, channel, time) that is linear in the observed channels.

    Parameters
    ----------
    observed : Tensor (batch, channel, time)
        Recorded signal; any scale.
    rough : Tensor (batch, channel, time)
        Rough artifact, whose covariance in each window is taken for the artifact's.
    quiet : Tensor (batch, time)
        Weight 0..1 of each sample in the covariance of the signal without motion.
    size : int
        Window length in samples (even).
    lags : list of int
        Shifts [samples] of the channels that the filter may use; 0 among them.
    shrinkage : float
        Fraction of each variance added to the diagonal of the quiet covariance.
    pooling : float
        Weight, 0..1, of the artifact covariance of all motion in the signal against that of each
        window: the pattern over electrodes is much the same throughout, single windows are short.
    """
    length = observed.shape[-1]
    found = spatial_weights(
        observed, rough, quiet, size=size, lags=lags, shrinkage=shrinkage, pooling=pooling
    )
    artifact = found.weights.transpose(-1, -2) @ found.signal * found.taper
    whole = artifact.new_zeros(found.batch * found.windows, *artifact.shape[1:])
    whole = whole.index_copy(0, found.busy, artifact)
    return overlap_add(whole.unflatten(0, (found.batch, found.windows)), size // 2, length)


@dataclass(frozen=True)
class SpatialWeights:
    """The filter across channels and lags of every window with motion."""

    weights: Tensor  # (busy window, lag * channel, channel): of what each artifact is made
    signal: Tensor  # (busy window, lag * channel, size): what they apply to
    taper: Tensor  # (size,)
    busy: Tensor  # (busy window,): their numbers among batch * windows
    batch: int
    windows: int


def spatial_weights(
    observed: Tensor,
    rough: Tensor,
    quiet: Tensor,
    *,
    size: int,
    lags: list[int],
    shrinkage: float | Tensor = 0.02,
    pooling: float | Tensor = 0.5,
) -> SpatialWeights:
    """The weights of `spatial_filter`, which has the same parameters."""
    channels, hop = observed.shape[-2], size // 2
    stacked, rough_stacked = lagged(observed, lags), lagged(rough, lags)
    noise = covariance(stacked, quiet)
    scale = noise.diagonal(dim1=-2, dim2=-1)
    noise = noise + torch.diag_embed(shrinkage * scale + EPS * scale.mean(-1, keepdim=True) + 1e-30)
    taper = torch.hann_window(size, periodic=True, dtype=observed.dtype, device=observed.device)
    guess = frames_of(rough_stacked, size, hop)
    batch, windows = guess.shape[:2]
    busy = guess.detach().abs().amax((-1, -2)).flatten().nonzero().squeeze(1)  # mostly few
    owner = torch.div(busy, windows, rounding_mode="floor")
    guess = guess.flatten(0, 1)[busy]
    signal = frames_of(stacked, size, hop).flatten(0, 1)[busy]
    moving = covariance(guess, taper.expand(len(busy), size))
    size_of = moving.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None]
    # weighted by the root of its energy, so that the strongest window does not dominate
    part = moving / (size_of + 1e-6 * scale.mean(-1)[owner, None, None]).sqrt()
    shape = torch.zeros_like(noise).index_add(0, owner, part)
    shape = shape / (shape.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None] + 1e-20)
    moving = (1 - pooling) * moving + pooling * size_of * shape[owner]
    here = lags.index(0) * channels
    weights = solve(moving + noise[owner], moving[..., here : here + channels])
    return SpatialWeights(weights, signal, taper, busy, batch, windows)


def temporal_filter(
    observed: Tensor,
    rough: Tensor,
    variance: Tensor,
    quiet: Tensor,
    *,
    size: int,
    reach: Tensor,
    active: Tensor,
) -> Tensor:
    """Artifact (batch, wavelength, time) of single channels, from their own past and future.

    A Gaussian smoother: clean signal with the covariance of the channel's quiet parts over time and
    wavelengths, artifact with a covariance that is zero where the network detects no motion. Since
    it is zero there, only samples in motion are unknown: the clean signal's precision, one matrix a
    channel, tells what the samples at rest say about them, and systems are as small as movements.

    Parameters
    ----------
    observed : Tensor (batch, wavelength, time)
        Derivative of optical density; a batch entry is a channel.
    rough : Tensor (batch, band, wavelength, time)
        Rough artifact in bands; the artifact of a band is correlated over its reach.
    variance : Tensor (batch, wavelength, time)
        Variance of what the rough artifact misses, independent between samples.
    quiet : Tensor (batch, time)
        Weight 0..1 of each sample in the covariance of the clean signal.
    size : int
        Window length in samples (even): the context from which motion is interpolated.
    reach : Tensor (band,)
        Correlation length [samples] of the artifact in each band.
    active : Tensor (batch, window) of bool
        Windows to solve; in the others there is no artifact.
    """
    waves, length = observed.shape[-2:]
    hop = size // 2
    taper = torch.hann_window(size, periodic=True, dtype=observed.dtype, device=observed.device)
    bands = rough.shape[1]
    parts = (observed, rough.flatten(1, 2), variance)
    signal, guess, spread = (frames_of(x, size, hop).flatten(2) for x in parts)
    clean = _stationary_covariance(observed, quiet, size)
    precision = inverse(clean)
    pull = (signal @ precision).flatten(0, 1)
    signal, guess, spread = (x.flatten(0, 1) for x in (signal, guess, spread))
    guess = guess.unflatten(1, (bands, -1))
    lag = torch.arange(waves * size, device=observed.device) % size
    apart = (lag[:, None] - lag).to(observed.dtype)
    ties = torch.exp(-(apart**2) / (2 * reach[:, None, None] ** 2))
    moving = (spread > 0) & active.flatten()[:, None]
    owner = torch.arange(len(moving), device=observed.device) // active.shape[1]
    found, places = [torch.zeros_like(signal[:0])], [owner[:0]]
    for part, sample in _alike(moving):
        if sample is None:
            artifact = _artifact_covariance(guess[part], spread[part], ties)
            solved = solve(artifact + clean[owner[part]], signal[part][..., None])
            estimate = (artifact @ solved).squeeze(-1)
        else:
            there = moving[part].gather(1, sample)
            rows, columns = sample[:, :, None], sample[:, None, :]
            artifact = _artifact_covariance(
                guess[part].gather(2, sample[:, None].expand(-1, bands, -1)) * there[:, None],
                spread[part].gather(1, sample) * there,
                ties[:, rows, columns],
            )
            known = precision[owner[part, None, None], rows, columns]
            both = there[:, :, None] & there[:, None, :]
            unknown = inverse(torch.where(both, known, torch.eye(sample.shape[1]).to(known)))
            pulled = (pull[part].gather(1, sample) * there)[..., None]
            estimate = (artifact @ solve(artifact + unknown, unknown @ pulled)).squeeze(-1)
            estimate = torch.zeros_like(signal[part]).scatter(1, sample, estimate * there)
        found.append(estimate)
        places.append(part)
    filtered = torch.zeros_like(signal).index_copy(0, torch.cat(places), torch.cat(found))
    filtered = filtered.unflatten(1, (waves, size)).unflatten(0, active.shape)
    return overlap_add(filtered * taper, hop, length)


def _artifact_covariance(guess: Tensor, spread: Tensor, ties: Tensor) -> Tensor:
    """Of a rough artifact (batch, band, sample) and of what it misses (batch, sample)."""
    artifact = torch.diag_embed(spread)
    for part, tie in zip(guess.unbind(1), ties, strict=True):
        artifact = torch.addcmul(artifact, part[:, :, None] * tie, part[:, None, :])
    return artifact


def _alike(moving: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Windows (window, sample) of bool with about as many samples in motion, and which these are.

    The second tensor (window, count) is filled up with samples at rest; None where most samples of
    the windows are in motion.
    """
    count = moving.sum(1)
    order = count.argsort()
    order = order[count[order] > 0]
    for first in range(0, len(order), WINDOWS_AT_ONCE):
        part = order[first : first + WINDOWS_AT_ONCE]
        most = int(count[part[-1]])
        if most > MOST_IN_MOTION * moving.shape[1]:
            yield part, None
        else:
            chosen = moving[part].to(torch.uint8)
            yield part, chosen.argsort(dim=1, descending=True, stable=True)[:, :most]


def _stationary_covariance(x: Tensor, weight: Tensor, size: int) -> Tensor:
    """Covariance (batch, wavelength·size, wavelength·size) of a stationary signal in quiet parts.

    From the spectrum of the weighted signal, so that it is positive; a triangular taper over lags
    keeps that so.
    """
    waves, length = x.shape[-2:]
    quiet = x * weight[:, None]
    spectrum = torch.fft.rfft(quiet, 2 * max(length, size))
    cross = spectrum[:, :, None] * spectrum[:, None].conj()
    lags = torch.fft.irfft(cross, 2 * max(length, size))
    lags = lags / ((weight**2).sum(-1) + EPS)[:, None, None, None]
    steps = torch.arange(size, device=x.device)
    lag = steps[:, None] - steps[None, :]
    taper = 1 - lag.abs().to(x.dtype) / (2 * size)
    block = lags[..., lag] * taper  # negative lags wrap to the end, as they should
    matrix = block.permute(0, 1, 3, 2, 4).reshape(-1, waves * size, waves * size)
    scale = matrix.diagonal(dim1=-2, dim2=-1).mean(-1)
    nugget = (0.02 * scale + 1e-30)[:, None, None]
    return matrix + nugget * torch.eye(waves * size, dtype=x.dtype, device=x.device)
