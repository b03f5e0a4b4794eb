"""From what the network decodes to the artifact: masks and filters, as in `joint.autoencoder`."""

import math

import numpy as np
from scipy.special import expit

from neurofuse.models.edge.across_channels import predict_from_others
from neurofuse.models.edge.bands import to_samples
from neurofuse.models.edge.features import quiet_weight
from neurofuse.models.edge.network import Decoded, Numbers
from neurofuse.models.edge.pools import max_pool, mean_pool
from neurofuse.models.edge.spectral_gain import spectral_gain
from neurofuse.models.edge.wiener import spatial_filter, temporal_filter
from neurofuse.models.edge.window import Window, mixed
from neurofuse.models.inference.windows import Piece
from neurofuse.models.joint.architecture import Architecture

SPARSE = 0.7  # of the samples in motion; with fewer, only these are looked at


def estimate(
    window: Window, name: str, piece: Piece, decoded: Decoded, numbers: Numbers, uncertainty: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Motion mask (channel, time), artifact and variance (like the signal) of a modality.

    Parameters
    ----------
    window : Window
    name : {"eeg", "nirs"}
    piece : Piece
        The signal.
    decoded : tuple of array
        What the network decodes of it.
    numbers : Numbers
        What filters have learned.
    uncertainty : bool
        Also give the variance of the error.
    """
    a, rate, length = window.architecture, piece.rate, piece.signal.shape[-1]
    gate_logit, fraction_logit, clean = decoded
    # a frame of margin: a movement's first sample lies anywhere in its frame
    motion = to_samples(max_pool(expit(gate_logit), 3), rate, length, a.latent_rate)
    closed, opened = a.motion_mask.limits(name)
    gate = ((motion - closed) / (opened - closed)).clip(0, 1)
    if name == "eeg" and len(gate) < a.few_electrodes.below:
        gate = np.maximum(gate, _loud(window.energy[name], rate, length, a))
    artifact = np.zeros_like(piece.signal)
    variance = np.zeros_like(piece.signal) if uncertainty else None
    reached = gate.any(0) if a.gated else np.ones(length, bool)
    if not reached.any():
        return gate, artifact, variance
    some = np.flatnonzero(reached) if reached.mean() < SPARSE else np.arange(length)
    fraction = to_samples(expit(fraction_logit), rate, length, a.latent_rate, some)
    bands, open_ = window.bands[name], gate[:, some] if a.gated else np.ones_like(gate[:, some])
    if variance is not None:
        variance[..., some] = _variance(window, name, piece, gate[:, some], fraction, clean, some)
    if name == "eeg":
        part = np.zeros((len(gate), some.size), np.float32)
        for band in range(fraction.shape[1]):
            part += fraction[:, band] * bands[:, band][:, some]
        rough = np.zeros_like(piece.signal)
        rough[:, some] = open_ * part
        if a.filtered:
            filtered = _filter_eeg(piece, rough, gate, a, numbers)
            artifact[:, some] = open_ * filtered[:, some]
        else:
            artifact = rough * gate if a.gated else rough
    else:
        rough = np.zeros((len(gate), fraction.shape[1], bands.shape[1], length), np.float32)
        shares = (open_[:, None] * fraction)[:, :, None]
        rough[..., some] = shares * bands[..., some].swapaxes(1, 2)
        filtered = _filter_nirs(piece, rough, gate, a, numbers) if a.filtered else rough.sum(1)
        artifact[..., some] = open_[:, None] * filtered[..., some]
    return gate, artifact, variance


def _loud(energy: np.ndarray, rate: float, length: int, a: Architecture) -> np.ndarray:
    """Mask (channel, time) of samples in which a band is far above its quiet energy."""
    few = a.few_electrodes
    loudest = energy[:, 1:].max(1)  # electrodes drift in the lowest band
    above = (np.exp(loudest) - few.quiet) / (few.loud - few.quiet)
    return to_samples(above.clip(0, 1), rate, length, a.latent_rate)


def _variance(
    window: Window,
    name: str,
    piece: Piece,
    gate: np.ndarray,
    fraction: np.ndarray,
    clean: np.ndarray,
    some: np.ndarray,
) -> np.ndarray:
    """Variance of the error of some samples, before calibration (`joint.uncertainty`)."""
    a, signal = window.architecture, piece.signal
    frames = window.quiet[name] * np.exp(clean.clip(-6, 6))
    energy = to_samples(frames, piece.rate, signal.shape[-1], a.latent_rate, some)
    variance = gate * (fraction * energy).sum(-2)
    if name == "eeg":
        return variance
    size = np.quantile(np.square(signal), a.quiet.quantile, axis=-1, keepdims=True)
    size = size.astype(np.float32)  # of each wavelength
    return variance[:, None] * size / (size.mean(1, keepdims=True) + 1e-38)


def spatial_settings(
    channels: int, rate: float, a: Architecture, numbers: Numbers
) -> dict[str, object]:
    """Settings of the EEG's filter across channels, as `spatial_filter` takes them."""
    return {
        "size": max(2 * round(a.eeg_window * rate / 2), 8),
        "lags": a.lags(channels, rate),
        "shrinkage": math.exp(numbers.log_shrinkage),
        "pooling": 1 / (1 + math.exp(-numbers.pooling_logit)),
    }


def _filter_eeg(
    piece: Piece, rough: np.ndarray, gate: np.ndarray, a: Architecture, numbers: Numbers
) -> np.ndarray:
    signal, rate, few = piece.signal, piece.rate, a.few_electrodes
    channels = len(signal)
    quiet = quiet_weight(signal[None], gate.max(0)[None], rate, a.quiet)[0]
    settings = spatial_settings(channels, rate, a, numbers)
    spatial = spatial_filter(signal, rough, quiet, **settings)  # type: ignore[arg-type]
    if channels >= few.below:
        return spatial
    own = quiet_weight(signal[:, None], gate, rate, a.quiet)
    size = max(4 * round(few.window * rate / 4), 8)
    spectral = spectral_gain(signal, own, size=size, excess=few.excess)
    return mixed(spectral, spatial, channels / (channels + few.half))


def _filter_nirs(
    piece: Piece, rough: np.ndarray, gate: np.ndarray, a: Architecture, numbers: Numbers
) -> np.ndarray:
    """Twice: a second time on what the other channels, cleaned once, do not predict."""
    observed = piece.signal
    if a.across and len(gate) > 1:
        window = a.across_channels.first_window
        first = _filter_channels(observed, piece.rate, rough, gate, window, a, numbers)
        cleaned = observed - gate[:, None] * first
        observed = observed - predict_from_others(cleaned, gate, piece.rate, a.across_channels)
    return _filter_channels(observed, piece.rate, rough, gate, a.nirs_window, a, numbers)


def _filter_channels(
    observed: np.ndarray,
    rate: float,
    rough: np.ndarray,
    gate: np.ndarray,
    window: float,
    a: Architecture,
    numbers: Numbers,
) -> np.ndarray:
    """Artifact (channel, wavelength, time), each channel on its own."""
    length = observed.shape[-1]
    size = max(2 * round(window * rate / 2), 8)
    size = min(size, max(2 * (length // 2), 2))
    return temporal_filter(
        observed,
        rough,
        math.exp(numbers.log_spread) * mean_pool(np.square(rough.sum(1)), 3),
        quiet_weight(observed, gate, rate, a.quiet),
        size=size,
        reach=np.exp(numbers.log_reach) * rate,
    )
