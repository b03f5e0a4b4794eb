"""Input of the encoders, as `models.joint.features` makes it, and what counts as quiet."""

import numpy as np

from neurofuse.models.edge.bands import (
    agreement,
    degrees_of_freedom,
    log_energy,
    split,
)
from neurofuse.models.edge.pools import max_pool, mean_pool
from neurofuse.models.edge.wiener import inverse
from neurofuse.models.joint.architecture import Architecture, Quiet


def features(
    modality: str, signal: np.ndarray, rate: float, architecture: Architecture
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bands of the signal, features of each channel and band energies without motion.

    Returns
    -------
    bands : array (channel[, wavelength], band, time)
    features : array (channel, feature, frame)
    quiet : array (channel, band, 1)
    """
    a = architecture
    edges = a.bands.edges(modality)
    bands = split(signal, rate, edges)
    series, alone = bands.reshape(-1, *bands.shape[-2:]), signal.reshape(-1, signal.shape[-1])
    weight = quiet_weight(alone[None], np.zeros_like(alone[:1]), rate, a.quiet)[0]
    values = degrees_of_freedom(edges, rate, bands.shape[-1])
    residual = prediction_residual(series, weight, values).reshape(bands.shape)
    energy, quiet = log_energy(bands, rate, a.latent_rate, a.quiet.quantile)
    unpredicted, at_rest = log_energy(residual, rate, a.latent_rate, a.quiet.quantile)
    usual = np.log((at_rest + 1e-30) / (quiet + 1e-30)).clip(-6, 0)
    parts = [0.5 * energy, 0.5 * unpredicted, np.broadcast_to(0.5 * usual, energy.shape)]
    if modality == "eeg":
        return bands, np.concatenate(parts, 1), quiet
    parts = [p.mean(1) for p in parts]
    together = agreement(signal[:, 0], signal[:, -1], rate, a.latent_rate)[:, None]
    return bands, np.concatenate([*parts, together], 1), quiet.mean(1)


def quiet_weight(signal: np.ndarray, gate: np.ndarray, rate: float, quiet: Quiet) -> np.ndarray:
    """Weight (batch, time) of samples in the covariance of the signal without motion.

    Parameters
    ----------
    signal : array (batch, channel, time)
        Any scale.
    gate : array (batch, time)
        Motion mask, 0 to 1.
    rate : float
        Sampling rate [Hz].
    quiet : Quiet
        What counts as quiet.
    """
    size = round(quiet.margin * rate) | 1
    near = max_pool(gate, size)
    energy = np.square(signal)
    middle = (energy.shape[-1] - 1) // 2
    usual = np.partition(energy, middle, -1)[..., middle, None]
    usual = usual + 1e-9 * energy.mean(-1, keepdims=True)
    local = mean_pool((energy / (usual + 1e-30)).mean(1), size)
    usual = np.quantile(local, quiet.quantile, axis=-1, keepdims=True).astype(np.float32)
    with np.errstate(over="ignore"):  # infinite: no weight at all
        return ((1 - near) + 1e-3) / (1 + (local / (quiet.excess * usual + 1e-30)) ** 4)


def prediction_residual(
    bands: np.ndarray, weight: np.ndarray, degrees_of_freedom: np.ndarray
) -> np.ndarray:
    """Each channel less its best linear prediction from all the others, band by band.

    Parameters
    ----------
    bands : array (channel, band, time)
        Any scale.
    weight : array (time,)
        Weight 0..1 of each sample in the covariance of the quiet signal.
    degrees_of_freedom : array (band,)
        Independent values in each band.
    """
    x = bands.swapaxes(0, 1)
    channels = x.shape[1]
    if channels == 1:
        return bands
    covariance = (x * weight) @ x.swapaxes(-1, -2) / (weight.sum() + 1e-8)
    size = np.diagonal(covariance, axis1=-2, axis2=-1)
    known = degrees_of_freedom * weight.mean()
    trust = (known / (known + 2 * channels)).astype(np.float32)[:, None]
    floor = 1e-4 * size + 1e-7 * size.mean(-1, keepdims=True) + 1e-30
    own = (1 - trust) * size + floor
    covariance = trust[..., None] * covariance
    np.einsum("bii->bi", covariance)[:] += own
    root = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    precision = inverse(covariance / root[:, :, None] / root[:, None, :])
    precision = precision / np.diagonal(precision, axis1=-2, axis2=-1)[..., None]
    precision = precision * root[:, :, None] / root[:, None, :]
    return (precision @ x).swapaxes(0, 1)
