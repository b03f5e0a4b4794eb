"""How large something is: samples in units that can be compared, and their peak-to-peak size."""

import numpy as np
import xarray as xr

from neurofuse.io.modality import NIRS


def density(node: xr.Dataset, samples: np.ndarray) -> np.ndarray:
    """Optical density up to a constant, of samples of a node; NaN where there is no light."""
    if NIRS.variable(node) == NIRS.cleaned_variable:
        return samples
    return -np.log(np.where(samples > 0, samples, np.nan))


def detrended(rows: np.ndarray) -> np.ndarray:
    """Rows (channel, time) without their straight line; missing samples stay missing."""
    known = np.isfinite(rows)
    count = np.maximum(known.sum(1, keepdims=True), 1)
    at = np.broadcast_to(np.linspace(-1, 1, rows.shape[1]), rows.shape)

    def centred(values: np.ndarray) -> np.ndarray:
        held = np.where(known, values, 0)
        return np.where(known, held - held.sum(1, keepdims=True) / count, 0)

    x, y = centred(at), centred(rows)
    energy = (x * x).sum(1, keepdims=True)
    slope = (x * y).sum(1, keepdims=True) / np.where(energy > 0, energy, 1)
    return np.where(known, y - slope * x, np.nan)


def peak_to_peak(rows: np.ndarray) -> np.ndarray:
    """Largest minus smallest value over time; NaN without any."""
    return np.fmax.reduce(rows, axis=-1) - np.fmin.reduce(rows, axis=-1)
