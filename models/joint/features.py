"""Input of the encoders: energies of bands, and of what other channels do not predict of them."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neurofuse.models.joint.architecture import Architecture, Quiet
from neurofuse.models.joint.bands import (
    agreement,
    degrees_of_freedom,
    frame_count,
    log_energy,
    split,
)
from neurofuse.models.joint.causal_features import RunningFeatures
from neurofuse.models.joint.prediction_residual import prediction_residual
from neurofuse.models.joint.tensors import Stream


def feature_count(modality: str, bands: int) -> int:
    """Features of a channel: three of each band and, for fNIRS, the agreement of wavelengths."""
    return 3 * bands + (modality == "nirs")


def features(
    modality: str, stream: Stream, architecture: Architecture
) -> tuple[Tensor, Tensor, Tensor]:
    """Bands of the signal, features of each channel and band energies without motion.

    Of each band: energy, energy of the prediction residual, and how much of the energy the latter
    is at rest, all on a log scale.

    Returns
    -------
    bands : Tensor (batch, channel[, wavelength], band, time)
    features : Tensor (batch, channel, feature, frame)
    quiet : Tensor (batch, channel, band, 1 or frame)
    """
    if architecture.causal:
        return _causal_features(modality, stream, architecture)
    a, rate = architecture, stream.rate
    edges = a.bands.edges(modality)
    bands = split(stream.signal, rate, edges)
    is_eeg = modality == "eeg"
    series, alone = (x if is_eeg else x.flatten(1, 2) for x in (bands, stream.signal))
    weight = quiet_weight(alone, torch.zeros_like(alone[:, 0]), rate, a.quiet)
    values = degrees_of_freedom(edges, rate, bands.shape[-1]).to(bands)
    residual = prediction_residual(series, weight, values).view_as(bands)
    energy, quiet = log_energy(bands, rate, a.latent_rate, a.quiet.quantile)
    unpredicted, at_rest = log_energy(residual, rate, a.latent_rate, a.quiet.quantile)
    usual = torch.log((at_rest + 1e-30) / (quiet + 1e-30)).clamp(-6, 0)
    parts = [0.5 * energy, 0.5 * unpredicted, 0.5 * usual.expand_as(energy)]
    if is_eeg:
        return bands, torch.cat(parts, 2), quiet
    parts = [p.mean(2) for p in parts]
    first, last = stream.signal[:, :, 0], stream.signal[:, :, -1]
    together = agreement(first, last, rate, a.latent_rate)[:, :, None]
    return bands, torch.cat([*parts, together], 2), quiet.mean(2)


def _causal_features(
    modality: str, stream: Stream, architecture: Architecture
) -> tuple[Tensor, Tensor, Tensor]:
    """As `features`, from nothing but what was before; `quiet` is then one of each frame."""
    signal = stream.signal.detach()
    channels, waves = signal.shape[1], 1 if modality == "eeg" else signal.shape[2]
    frames = frame_count(signal.shape[-1], stream.rate, architecture.latent_rate)
    found = []
    for series in signal.double().cpu().flatten(1, -2).numpy():
        running = RunningFeatures(modality, channels, waves, stream.rate, architecture)
        found.append(running.push(series, frames))
    parts = [f.bands for f in found], [f.features for f in found], [f.quiet for f in found]
    bands, seen, quiet = (torch.from_numpy(np.stack(part)).to(stream.signal) for part in parts)
    return bands, seen.permute(0, 2, 3, 1), quiet.permute(0, 2, 3, 1)


def quiet_weight(signal: Tensor, gate: Tensor, rate: float, quiet: Quiet | None = None) -> Tensor:
    """Weight of samples in the covariance of the signal without motion.

    The motion mask counts, and energy: strong samples weigh little even where the mask missed them,
    for one movement of a millivolt would dominate a minute of EEG.

    Parameters
    ----------
    signal : Tensor (batch, channel, time)
        Any scale.
    gate : Tensor (batch, time)
        Motion mask, 0 to 1.
    rate : float
        Sampling rate [Hz].
    quiet : Quiet, optional
        What counts as quiet; that of `Architecture` by default.

    Returns
    -------
    Tensor (batch, time), 0 to 1
    """
    quiet = quiet or Quiet()
    size = round(quiet.margin * rate) | 1
    near = functional.max_pool1d(gate.detach()[:, None], size, 1, size // 2).squeeze(1)
    energy = signal.detach().square()
    usual = energy.median(-1, keepdim=True).values  # 0 where a coarse converter stands still
    usual = usual + 1e-9 * energy.mean(-1, keepdim=True)
    energy = (energy / (usual + 1e-30)).mean(1)
    local = functional.avg_pool1d(energy[:, None], size, 1, size // 2, count_include_pad=False)
    local = local.squeeze(1)
    usual = local.quantile(quiet.quantile, dim=-1, keepdim=True)
    excess = local / (quiet.excess * usual + 1e-30)
    return ((1 - near) + 1e-3) / (1 + excess**4)
