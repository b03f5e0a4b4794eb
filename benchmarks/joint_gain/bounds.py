"""Closed-form filters that no training touched: a blind one to beat and one that knows too much.

The blind one is the multichannel Wiener filter of Somers, Francart and Bertrand (2018): in each
bout of motion that the stream itself shows, directions whose energy exceeds that of the quiet parts
are artifact. The bound has the true artifact's covariance in short windows, with a few lags. For
fNIRS both work on the derivative of optical density across channels and wavelengths, where a shift
is a short pulse. Rows of scaled samples in, rows out: (row, time).
"""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigh, solve
from scipy.ndimage import binary_dilation

from benchmarks.joint_gain.segments import Material, stretches
from neurofuse.fusion.signal.motion import moving
from neurofuse.io.optics.gvtd import gvtd

WINDOW = {"eeg": 0.5, "nirs": 1.0}  # s of the bound's covariances
LAGS = {"eeg": 2, "nirs": 1}  # samples to each side that the bound may use
SPREAD = 5.0  # robust SD above the median at which GVTD is movement
AROUND = 0.5  # s added around it
SHRINKAGE = 0.01  # share of each variance added to the diagonal of quiet covariances
ENOUGH = 10.0  # s of quiet samples that a covariance needs


def blind(found: Material) -> np.ndarray:
    """Cleaned rows: one filter a bout, from nothing but the recording."""
    observed = _ready(found, found.contaminated)
    if found.stream == "eeg":
        mask = moving(found.contaminated, found.rate)
    else:
        speed = gvtd(found.contaminated, found.rate)
        middle = np.median(speed)
        mask = speed > middle + SPREAD * 1.4826 * np.median(np.abs(speed - middle))
        mask = np.asarray(binary_dilation(mask, iterations=max(1, round(AROUND * found.rate))))
    cleaned = observed.copy()
    if mask.any() and (~mask).sum() >= ENOUGH * found.rate:
        quiet = covariance(observed[:, ~mask])
        for first, last in stretches(mask):
            bout = observed[:, first:last]
            cleaned[:, first:last] = bout - excess(bout @ bout.T / (last - first), quiet) @ bout
    return _back(found, cleaned)


def bound(found: Material) -> np.ndarray:
    """Cleaned rows by the filter that knows the true artifact's covariance and mask."""
    observed = _ready(found, found.contaminated)
    artifact = observed - _ready(found, found.truth)
    still = ~found.motion.any(0)
    reach = LAGS[found.stream]
    stacked, spoilt = lagged(observed, reach), lagged(artifact, reach)
    own = slice(reach * len(observed), (reach + 1) * len(observed))
    if still.sum() >= max(ENOUGH * found.rate, 2 * len(stacked)):
        quiet = covariance(stacked[:, still])
    else:  # it never rests
        quiet = covariance(lagged(_ready(found, found.truth), reach))
    removed, weight = np.zeros_like(observed), np.zeros(observed.shape[1])
    for first, last in windows(observed.shape[1], WINDOW[found.stream] * found.rate):
        taper = np.hanning(last - first + 2)[1:-1]
        weight[first:last] += taper
        part = spoilt[:, first:last]
        if part.any():
            known = (part * taper) @ part.T / taper.sum()
            filter_ = solve(known + quiet, known[:, own], assume_a="pos")
            removed[:, first:last] += taper * (filter_.T @ stacked[:, first:last])
    rows = np.repeat(found.motion, found.waves, axis=0)
    return _back(found, observed - rows * removed / weight)


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


def windows(length: int, size: float) -> Iterator[tuple[int, int]]:
    """Half-overlapping windows (first, last) that cover all samples."""
    hop = max(int(size) // 2, 1)
    for first in range(-hop, length, hop):
        yield max(first, 0), min(first + 2 * hop, length)


def _ready(found: Material, rows: np.ndarray) -> np.ndarray:
    """EEG without constants, or the derivative of optical density, of handy size."""
    if found.stream == "eeg":
        return 1e5 * (rows - found.contaminated.mean(-1, keepdims=True))
    return 1e3 * np.diff(rows, axis=-1, prepend=rows[:, :1])


def _back(found: Material, rows: np.ndarray) -> np.ndarray:
    """Undo `_ready`."""
    if found.stream == "eeg":
        return rows / 1e5 + found.contaminated.mean(-1, keepdims=True)
    return rows.cumsum(-1) / 1e3 + found.contaminated[:, :1]
