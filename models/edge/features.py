"""Input of the encoders, as `models.joint.features` makes it, and what counts as quiet."""

import numpy as np

from neurofuse.models.edge.bands import (
    agreement,
    degrees_of_freedom,
    log_energy,
    split,
    to_frames,
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
    both: list[list[np.ndarray]] = [[], []]
    for band, known in enumerate(values):  # one after the other: of all they would be large
        one = series[:, band]
        residual = prediction_residual(one, weight, float(known))
        for frames, samples in zip(both, (one, residual), strict=True):
            frames.append(to_frames(np.square(samples), rate, a.latent_rate))
    whole, rest = (np.stack(f, 1).reshape(*bands.shape[:-1], -1) for f in both)
    energy, quiet = log_energy(whole, a.quiet.quantile)
    unpredicted, at_rest = log_energy(rest, a.quiet.quantile)
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


def prediction_residual(x: np.ndarray, weight: np.ndarray, degrees_of_freedom: float) -> np.ndarray:
    """Each channel (channel, time) of a band less its best linear prediction from all the others.

    Parameters
    ----------
    x : array (channel, time)
        Any scale.
    weight : array (time,)
        Weight 0..1 of each sample in the covariance of the quiet signal.
    degrees_of_freedom : float
        Independent values in the band.
    """
    channels = len(x)
    if channels == 1:
        return x
    covariance = (x * weight) @ x.T / (weight.sum() + 1e-8)
    size = np.diagonal(covariance).copy()
    known = degrees_of_freedom * float(weight.mean())
    trust = known / (known + 2 * channels)
    covariance *= trust
    floor = 1e-4 * size + 1e-7 * size.mean() + 1e-30
    covariance[np.diag_indices(channels)] += (1 - trust) * size + floor
    root = np.sqrt(np.diagonal(covariance))
    precision = inverse(covariance / root[:, None] / root)
    precision = precision / np.diagonal(precision)[:, None]
    return (precision * root[:, None] / root) @ x
