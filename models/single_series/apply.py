"""Apply a baseline network to whole recordings, series by series, in overlapping windows.

Arrays in, arrays out. Nets run in double precision: k times the input then gives k times the output
up to rounding.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import torch

from neurofuse.models.inference.drift import drift
from neurofuse.models.single_series.kind import KINDS, changes, ratio, resampled
from neurofuse.models.single_series.net import Net
from neurofuse.models.single_series.weights import load_net
from neurofuse.models.threads import torch_threads

TOGETHER = 4  # series that are resampled at once
BATCH = 32  # windows that a net sees at once


def clean_eeg(samples: np.ndarray, rate: float, net: str | Net) -> np.ndarray:
    """EEG less the artifact that a net estimates in each channel.

    Parameters
    ----------
    samples : array (channel, time)
        Any unit.
    rate : float
        Sampling rate [Hz].
    net : name or Net
        One of `neurofuse.models.single_series.NAMES`, or a net in double precision.

    Returns
    -------
    array (channel, time)
        Slow electrode drift, which is not in the nets' windows, stays.
    """
    net = load_net(net, "eeg") if isinstance(net, str) else net
    cleaned = np.array(samples, np.float64)
    if samples.shape[-1] < 2:
        return cleaned
    factor = ratio(rate, KINDS["eeg"].rate)
    for part in _parts(len(cleaned)):
        working = resampled(cleaned[part] - drift(cleaned[part], rate), factor)
        cleaned[part] -= _back(working - estimate(net, working), factor, cleaned.shape[-1])
    return cleaned


def clean_nirs(samples: np.ndarray, rate: float, net: str | Net) -> np.ndarray:
    """Optical density less the artifact that a net estimates in each channel and wavelength.

    The median of the artifact stays, so that the longest stretches come back as they were.

    Parameters
    ----------
    samples : array (channel, wavelength, time)
        Optical density.
    rate : float
        Sampling rate [Hz].
    net : name or Net
        One of `neurofuse.models.single_series.NAMES`, or a net in double precision.

    Returns
    -------
    array (channel, wavelength, time)
    """
    net = load_net(net, "nirs") if isinstance(net, str) else net
    cleaned = np.array(samples, np.float64)
    if samples.shape[-1] < 2:
        return cleaned
    rows = cleaned.reshape(-1, samples.shape[-1])
    factor = ratio(rate, KINDS["nirs"].rate)
    for part in _parts(len(rows)):
        working = changes(resampled(rows[part], factor))
        artifact = np.cumsum(working - estimate(net, working), -1)
        artifact -= np.median(artifact, -1, keepdims=True)
        rows[part] -= _back(artifact, factor, rows.shape[-1])
    return rows.reshape(samples.shape)


def estimate(net: Net, working: np.ndarray) -> np.ndarray:
    """Clean series (series, time) at the working rate: half-overlapping windows, cross-faded.

    The ends are mirrored, so that every sample lies in two windows.
    """
    size, length = net.length, working.shape[-1]
    hop = size // 2
    count = -(-length // hop) + 1
    padded = np.pad(working, ((0, 0), (hop, count * hop - length)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, -1)[:, ::hop]
    # rises over the middle half of the overlap: at the very ends of a window nets lack context
    fade = ((np.arange(hop) + 0.5) / hop * 2 - 0.5).clip(0, 1)
    weight = np.concatenate([fade, 1 - fade])
    total = np.zeros(padded.shape)
    for row, pieces in enumerate(windows):
        for first in range(0, count, BATCH):
            piece = torch.from_numpy(np.ascontiguousarray(pieces[first : first + BATCH]))
            with torch_threads(), torch.inference_mode():
                cleaned = net(piece[None])[0].numpy()
            for place, one in enumerate(cleaned, first):
                total[row, place * hop : place * hop + size] += weight * one
    return total[:, hop : hop + length]


def _parts(count: int) -> Iterator[slice]:
    for first in range(0, count, TOGETHER):
        yield slice(first, first + TOGETHER)


def _back(artifact: np.ndarray, factor: Fraction, length: int) -> np.ndarray:
    """An artifact at the working rate back at the original one, exactly `length` samples."""
    back = resampled(artifact, 1 / factor)[..., :length]
    return np.pad(back, ((0, 0), (0, length - back.shape[-1])), mode="edge")
