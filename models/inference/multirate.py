"""fNIRS sampled faster than haemodynamics need: the slow part is modelled, the rest is attenuated.

Devices sample at 2-100 Hz, physiology ends with the pulse's harmonics (about 4 Hz). The model works
on a slow copy; what is faster is attenuated where the motion mask is open.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

SURROUNDINGS = 0.3  # s over which the energy of what is faster is averaged


@dataclass(frozen=True)
class SlowSeries:
    """A series at a low rate; each of its samples stands for `factor` of the original ones."""

    values: np.ndarray  # (channel, wavelength, time)
    rate: float  # Hz
    factor: int


def slow_series(density: np.ndarray, rate: float, highest: float) -> SlowSeries:
    """Optical density (channel, wavelength, time) at a rate of at most `highest` [Hz]."""
    factor = int(np.ceil(rate / highest - 1e-9))
    if factor <= 1:
        return SlowSeries(density, rate, 1)
    slow = signal.resample_poly(density, 1, factor, axis=-1, padtype="line")
    return SlowSeries(slow, rate / factor, factor)


def fast_artifact(
    density: np.ndarray, slow: SlowSeries, artifact: np.ndarray, gate: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Artifact and motion mask at the original rate from those (…, time) of the slow series.

    Where the mask is zero, the artifact is that of the slow series alone.
    """
    if slow.factor == 1:
        return artifact, gate
    length, at = density.shape[-1], np.arange(density.shape[-1]) / slow.factor
    grid = np.arange(artifact.shape[-1])
    width = max(int(SURROUNDINGS * slow.rate * slow.factor), 3)
    whole, opened = np.empty(density.shape), np.empty((len(density), length))
    for row, values in enumerate(density):  # a copy of all channels would be large
        opened[row] = np.interp(at, grid, gate[row])
        back = signal.resample_poly(slow.values[row], slow.factor, 1, axis=-1, padtype="line")
        rest = values - back[..., :length]
        local = ndimage.uniform_filter1d(rest**2, width, axis=-1)
        quiet = np.median(local, axis=-1, keepdims=True)
        excess = (1 - quiet / np.maximum(local, 1e-30)).clip(0, 1)
        whole[row] = [np.interp(at, grid, series) for series in artifact[row]]
        whole[row] += opened[row] * excess * rest
    return whole, opened
