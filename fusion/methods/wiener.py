"""A multichannel Wiener filter without training: what exceeds the quiet covariance in motion.

The least that a learned method must exceed: closed form, no training, any montage.
"""

import numpy as np
import xarray as xr
from scipy.linalg import eigh
from scipy.ndimage import binary_dilation

from neurofuse.fusion.methods.classical_base import Classical, Treatment
from neurofuse.fusion.signal.motion import eeg_in_motion
from neurofuse.io.errors import ParameterError
from neurofuse.io.optics.gvtd import gvtd
from neurofuse.io.runs import runs

SPREAD = 5.0  # robust SD of GVTD above its median: in motion
AROUND = 0.5  # s added around it
ENOUGH = 10.0  # s of quiet samples that a covariance needs
SHRINKAGE = 0.01  # fraction of each variance added to the diagonal of quiet covariances


def wiener_eeg(node: xr.Dataset, *, reach: int, whole: bool) -> np.ndarray:
    """Filter the samples in motion that `eeg_in_motion` detects.

    Parameters
    ----------
    node : Dataset
        With `eeg` (channel, time).
    reach : int
        Samples to both sides that the filter also sees.
    whole : bool
        One filter for all movements, and not one for each.
    """
    data = node.eeg.values
    middle = data.mean(-1, keepdims=True)
    mask = eeg_in_motion(data, node.attrs["rate"])
    filtered = _filtered(data - middle, mask, float(node.attrs["rate"]), reach, whole)
    return np.where(mask, middle + filtered, data)  # quiet samples bit for bit


def wiener_nirs(node: xr.Dataset, *, reach: int, whole: bool) -> np.ndarray:
    """The same on the derivative of optical density, across channels and wavelengths, by GVTD."""
    rows, rate = node.od.values.reshape(-1, node.sizes["time"]), float(node.attrs["rate"])
    speed = gvtd(rows, rate)
    middle = np.median(speed)
    mask = speed > middle + SPREAD * 1.4826 * np.median(np.abs(speed - middle))
    mask = np.asarray(binary_dilation(mask, iterations=max(1, round(AROUND * rate))))
    steps = np.diff(rows, axis=-1, prepend=rows[:, :1])
    filtered = _filtered(steps, mask, rate, reach, whole)
    return (rows[:, :1] + filtered.cumsum(-1)).reshape(node.od.shape)


def _filtered(
    rows: np.ndarray, mask: np.ndarray, rate: float, reach: int, whole: bool
) -> np.ndarray:
    if not mask.any():
        return rows
    if (~mask).sum() < ENOUGH * rate:
        raise ParameterError(
            f"{(~mask).sum() / rate:.1f} s without movement",
            f"at least {ENOUGH:g} s for 'wiener'",
            "give a longer recording, or choose another method",
        )
    scale = np.sqrt((rows[:, ~mask] ** 2).mean()) or 1.0
    stacked = lagged(rows / scale, reach)
    own = slice(reach * len(rows), (reach + 1) * len(rows))
    quiet = covariance(stacked[:, ~mask])
    out = rows.copy()
    bouts = [np.flatnonzero(mask)] if whole else [np.arange(*cut) for cut in runs(mask)]
    for samples in bouts:
        bout = stacked[:, samples]
        out[:, samples] -= scale * (excess(bout @ bout.T / samples.size, quiet)[own] @ bout)
    return out


def covariance(rows: np.ndarray) -> np.ndarray:
    """Covariance (row, row) of rows (row, time) about zero, a little of its diagonal added."""
    matrix = rows @ rows.T / rows.shape[1]
    scale = matrix.diagonal()
    return matrix + np.diag(SHRINKAGE * scale + 1e-6 * scale.mean() + 1e-30)


def excess(moving_: np.ndarray, quiet: np.ndarray) -> np.ndarray:
    """Filter (row, row) whose output is the artifact: what exceeds the quiet covariance.

    Examples
    --------
    >>> excess(np.diag([4.0, 0.5]), np.eye(2)).round(2).tolist()
    [[0.75, 0.0], [0.0, 0.0]]
    """
    ratio, axes = eigh(moving_, quiet)  # axes.T @ quiet @ axes = 1
    share = 1 - 1 / np.maximum(ratio, 1)
    return quiet @ (axes * share) @ axes.T


def lagged(rows: np.ndarray, reach: int) -> np.ndarray:
    """Rows shifted by -reach … reach samples below each other, zeros beyond the ends.

    Examples
    --------
    >>> lagged(np.array([[1, 2, 3]]), 1).tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 0]]
    """
    padded = np.pad(rows, ((0, 0), (reach, reach)))
    length = rows.shape[1]
    return np.concatenate([padded[:, k : k + length] for k in range(2 * reach + 1)])


WIENER = Classical(
    "wiener",
    "multichannel Wiener filter with a mask by thresholds: Somers, Francart and Bertrand 2018, "
    "J Neural Eng 15:036007; fNIRS on the derivative of optical density",
    {
        "eeg": Treatment(
            wiener_eeg,
            settings={"reach": 0, "whole": False},
            choices={"reach": (0, 3), "whole": (False, True)},
        ),
        "nirs": Treatment(
            wiener_nirs,
            settings={"reach": 1, "whole": False},
            choices={"reach": (0, 1), "whole": (False, True)},
        ),
    },
    needs=f"{ENOUGH:g} s without motion",
)
