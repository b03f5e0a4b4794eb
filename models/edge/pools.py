"""Running means and maxima, and overlapping windows, of the last dimension of arrays."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d

FEW = 9  # samples up to which a mean is a sum of shifted copies


def mean_pool(x: np.ndarray, size: int, step: int = 1) -> np.ndarray:
    """Means of `size` samples, an odd number, around every `step`-th one; of those that exist.

    Examples
    --------
    >>> mean_pool(np.array([0.0, 3.0, 6.0, 9.0]), 3).tolist()
    [1.5, 3.0, 6.0, 7.5]
    """
    length, reach = x.shape[-1], size // 2
    centre = np.arange(0, length, step)
    first, last = np.maximum(centre - reach, 0), np.minimum(centre + reach + 1, length)
    if step == 1 and size <= FEW:
        total = x.copy()
        for k in range(1, min(reach, length - 1) + 1):
            total[..., k:] += x[..., :-k]
            total[..., :-k] += x[..., k:]
    elif step == 1:
        summed = np.zeros((*x.shape[:-1], length + 1))  # in double precision, as they cancel
        np.cumsum(x, -1, dtype=float, out=summed[..., 1:])
        total = np.take(summed, last, -1) - np.take(summed, first, -1)
    else:
        padded = np.zeros((*x.shape[:-1], length + 2 * reach), x.dtype)
        padded[..., reach : reach + length] = x
        total = np.einsum("...k->...", sliding_window_view(padded, size, -1)[..., ::step, :])
    return (total / (last - first)).astype(x.dtype, copy=False)


def max_pool(x: np.ndarray, size: int) -> np.ndarray:
    """Largest of `size` samples, an odd number, around each."""
    return maximum_filter1d(x, size, axis=-1, mode="constant", cval=-np.inf) if size > 1 else x


def padded_frames(x: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Overlapping windows (…, window, size) of (…, time), as `wiener.frames_of`; a view."""
    length = x.shape[-1]
    count = -(-length // hop) + 1
    padded = np.zeros((*x.shape[:-1], (count - 1) * hop + size), x.dtype)
    padded[..., hop : hop + length] = x
    return sliding_window_view(padded, size, -1)[..., ::hop, :]


def overlap_add(windows: np.ndarray, hop: int, length: int) -> np.ndarray:
    """Undo `padded_frames` for windows (…, window, 2 · hop) that were weighted to sum to one."""
    *shape, count, _ = windows.shape
    total = np.zeros((*shape, count + 1, hop), windows.dtype)
    total[..., :-1, :] += windows[..., :hop]
    total[..., 1:, :] += windows[..., hop:]
    return total.reshape(*shape, -1)[..., hop : hop + length]


def hann(size: int) -> np.ndarray:
    """A periodic Hann window, in single precision."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
