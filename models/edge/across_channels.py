"""What the other fNIRS channels say about a channel, as in `models.joint.across_channels`."""

import numpy as np

from neurofuse.models.edge.pools import hann, max_pool, mean_pool, overlap_add, padded_frames
from neurofuse.models.edge.wiener import EPS as LEAST
from neurofuse.models.edge.wiener import inverse
from neurofuse.models.joint.architecture import AcrossChannels
from neurofuse.models.joint.constants import LARGEST_MATRICES

EPS = 1e-30


def predict_from_others(
    cleaned: np.ndarray, gate: np.ndarray, rate: float, settings: AcrossChannels
) -> np.ndarray:
    """Prediction (channel, wavelength, time) of each channel from all other channels.

    Parameters
    ----------
    cleaned : array (channel, wavelength, time)
        Derivative of optical density less a first estimate of the artifact; any scale.
    gate : array (channel, time)
        Motion mask, 0 to 1.
    rate : float
        Sampling rate [Hz].
    settings : AcrossChannels
        Constants of the method.
    """
    channels, waves, length = cleaned.shape
    if channels == 1:
        return np.zeros_like(cleaned)
    series = cleaned.reshape(-1, length)
    moving = np.repeat(gate, waves, 0)
    longest = max(2 * ((length - 1) // 2) - 1, 1)
    width = min(max(round(settings.slow * rate) | 1, 3), longest)
    slow, reached = mean_pool(series, width), max_pool(moving, width)
    size = max(2 * round(settings.window * rate / 2), 4)
    predicted = _predicted(slow, reached, waves, size, 1 / width, settings)
    predicted += _predicted(series - slow, reached, waves, size, 1.0, settings)
    return predicted.reshape(cleaned.shape)


def _predicted(
    series: np.ndarray,
    gate: np.ndarray,
    waves: int,
    size: int,
    independent: float,
    settings: AcrossChannels,
) -> np.ndarray:
    """Of (row, time), `waves` rows a channel; few samples are `independent`."""
    rows, length = series.shape
    rest = (1 - gate).clip(0, 1).prod(0)
    shared = (series * rest) @ series.T / (rest.sum() + LEAST)
    variance = np.diagonal(shared).copy()
    trust = _trust(shared, waves, float(rest.sum()) * independent)
    shared = trust * shared
    shared[np.diag_indices(rows)] += (1 + settings.ridge - trust) * variance + EPS
    hop = size // 2
    observed = padded_frames(series, size, hop).swapaxes(0, 1)  # (window, row, size)
    error = settings.error * padded_frames(gate, size, hop).mean(-1).T * variance
    error = error.astype(np.float32)
    at_once = max(LARGEST_MATRICES // rows**2, 1)
    found = np.empty(observed.shape, np.float32)
    still = ~error.any(1)
    if still.any():  # the same covariance in all of them
        part = observed[still].swapaxes(0, 1).reshape(rows, -1)
        alone = _alone(shared[None], part[None], waves)[0]
        found[still] = (part - alone).reshape(rows, -1, size).swapaxes(0, 1)
    busy = np.flatnonzero(~still)
    for first in range(0, len(busy), at_once):
        part = busy[first : first + at_once]
        total = np.repeat(shared[None], len(part), 0)
        np.einsum("kii->ki", total)[:] += error[part]
        found[part] = observed[part] - _alone(total, observed[part], waves)
    return overlap_add(found.swapaxes(0, 1) * hann(size), hop, length)


def _alone(total: np.ndarray, observed: np.ndarray, waves: int) -> np.ndarray:
    """What other channels do not predict of windows (window, row, size) of each channel.

    `total` (window, row, row) is the covariance; leaving a channel out is a matter of its own block
    of the precision.
    """
    count, rows, size = observed.shape
    scale = np.sqrt(np.diagonal(total, axis1=-2, axis2=-1)) + EPS
    precision = inverse(total / scale[:, :, None] / scale[:, None, :])
    here = np.arange(rows).reshape(-1, waves)
    block = precision[:, here[:, :, None], here[:, None, :]]
    pulled = (precision @ (observed / scale[..., None])).reshape(count, -1, waves, size)
    return (inverse(block) @ pulled).reshape(observed.shape) * scale[..., None]


def _trust(shared: np.ndarray, waves: int, known: float) -> float:
    """Factor on covariances between channels from few `known` samples."""
    root = np.sqrt(np.diagonal(shared)) + EPS
    correlation = shared / root[:, None] / root
    own = np.arange(len(shared)) // waves
    square = np.square(correlation[own[:, None] != own])
    chance = np.square(np.maximum(1 - square, 0)) / max(known, 1.0)
    share = float(chance.sum()) / (float(square.sum()) + EPS)
    return 1 - min(max(share, 0.0), 1.0)
