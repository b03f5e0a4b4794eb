"""Principal components of EEG in motion, removed where they hold more motion than brain signal."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, refuse_few
from neurofuse.fusion.signal.motion import eeg_in_motion


def pca(node: xr.Dataset, *, excess: float) -> np.ndarray:
    """Remove from samples in motion the components that are mostly movement.

    Components are those of the covariance of samples in motion (detected by `eeg_in_motion`). One
    whose variance there exceeds `excess` times its variance in quiet samples is removed; at 2 it
    holds more movement than brain.
    """
    refuse_few(node, "pca", 2)
    data = node.eeg.values
    mask = eeg_in_motion(data, node.attrs["rate"])
    if not mask.any() or mask.all():
        return data
    centred = data - data[:, ~mask].mean(-1, keepdims=True)
    variance, axes = np.linalg.eigh(centred[:, mask] @ centred[:, mask].T / mask.sum())
    quiet = ((axes.T @ centred[:, ~mask]) ** 2).mean(-1)
    removed = axes[:, variance > excess * quiet]
    cleaned = data.copy()
    cleaned[:, mask] -= removed @ (removed.T @ centred[:, mask])
    return cleaned


PCA = Classical(
    "pca",
    "principal components of samples in motion, removed where motion explains more than half: "
    "after Lagerlund et al. 1997, J Clin Neurophysiol 14:73, applied to samples in motion "
    "only as Yücel et al. 2014, J Innov Opt Health Sci 7:1350066",
    {"eeg": Treatment(pca, settings={"excess": 2.0}, choices={"excess": (1.5, 2.0, 4.0, 8.0)})},
    needs="2 EEG channels",
)
