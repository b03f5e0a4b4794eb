"""Closed-form filters without training: a no-reference filter, and a bound that knows the truth.

The no-reference filter is the multichannel Wiener filter of Somers, Francart and Bertrand (2018):
in each bout of motion that a modality itself shows, directions whose energy exceeds that of the
quiet parts are artifact. The bound knows the true artifact's covariance in short windows, with a
few lags. For fNIRS both work on the derivative of optical density across channels and wavelengths,
where a shift is a short pulse. Rows of scaled samples in, rows out: (row, time).
"""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import solve
from scipy.ndimage import binary_dilation

from benchmarks.joint_gain.segments import Material
from neurofuse.fusion.methods.wiener import (
    AROUND,
    ENOUGH,
    SPREAD,
    covariance,
    excess,
    lagged,
)
from neurofuse.fusion.signal.motion import eeg_in_motion
from neurofuse.io.optics.gvtd import gvtd
from neurofuse.io.runs import runs

WINDOW = {"eeg": 0.5, "nirs": 1.0}  # s of the bound's covariances
LAGS = {"eeg": 2, "nirs": 1}  # samples to each side that the bound may use


def no_reference(data: Material) -> np.ndarray:
    """Cleaned rows: one filter a bout, from nothing but the contaminated recording."""
    observed = _ready(data, data.contaminated)
    mask: np.ndarray
    if data.stream == "eeg":
        mask = eeg_in_motion(data.contaminated, data.rate)
    else:
        speed = gvtd(data.contaminated, data.rate)
        middle = np.median(speed)
        mask = speed > middle + SPREAD * 1.4826 * np.median(np.abs(speed - middle))
        mask = np.asarray(binary_dilation(mask, iterations=max(1, round(AROUND * data.rate))))
    cleaned = observed.copy()
    if mask.any() and (~mask).sum() >= ENOUGH * data.rate:
        quiet = covariance(observed[:, ~mask])
        for first, last in runs(mask):
            bout = observed[:, first:last]
            cleaned[:, first:last] = bout - excess(bout @ bout.T / (last - first), quiet) @ bout
    return _back(data, cleaned)


def bound(data: Material) -> np.ndarray:
    """Cleaned rows by the filter that knows the true artifact's covariance and mask."""
    observed = _ready(data, data.contaminated)
    artifact = observed - _ready(data, data.truth)
    still = ~data.motion.any(0)
    reach = LAGS[data.stream]
    stacked, artifacts = lagged(observed, reach), lagged(artifact, reach)
    own = slice(reach * len(observed), (reach + 1) * len(observed))
    if still.sum() >= max(ENOUGH * data.rate, 2 * len(stacked)):
        quiet = covariance(stacked[:, still])
    else:  # some channel is always in motion
        quiet = covariance(lagged(_ready(data, data.truth), reach))
    removed, weight = np.zeros_like(observed), np.zeros(observed.shape[1])
    for first, last in windows(observed.shape[1], WINDOW[data.stream] * data.rate):
        taper = np.hanning(last - first + 2)[1:-1]
        weight[first:last] += taper
        part = artifacts[:, first:last]
        if part.any():
            known = (part * taper) @ part.T / taper.sum()
            filter_ = solve(known + quiet, known[:, own], assume_a="pos")
            removed[:, first:last] += taper * (filter_.T @ stacked[:, first:last])
    rows = np.repeat(data.motion, data.waves, axis=0)
    return _back(data, observed - rows * removed / weight)


def windows(length: int, size: float) -> Iterator[tuple[int, int]]:
    """Half-overlapping windows (first, last) that cover all samples."""
    hop = max(int(size) // 2, 1)
    for first in range(-hop, length, hop):
        yield max(first, 0), min(first + 2 * hop, length)


def _ready(data: Material, rows: np.ndarray) -> np.ndarray:
    """EEG without constants, or the derivative of optical density, scaled to about 1."""
    if data.stream == "eeg":
        return 1e5 * (rows - data.contaminated.mean(-1, keepdims=True))
    return 1e3 * np.diff(rows, axis=-1, prepend=rows[:, :1])


def _back(data: Material, rows: np.ndarray) -> np.ndarray:
    """Undo `_ready`."""
    if data.stream == "eeg":
        return rows / 1e5 + data.contaminated.mean(-1, keepdims=True)
    return rows.cumsum(-1) / 1e3 + data.contaminated[:, :1]
