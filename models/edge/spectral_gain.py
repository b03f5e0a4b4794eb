"""Artifact of single EEG channels by a gain over time and frequency (`models.joint`)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from neurofuse.models.edge.pools import hann

EPS = 1e-20


def spectral_gain(
    observed: np.ndarray, quiet: np.ndarray, *, size: int, excess: float
) -> np.ndarray:
    """Artifact (channel, time) by spectral subtraction (Boll 1979).

    Parameters
    ----------
    observed : array (channel, time)
        Recorded signal; any scale.
    quiet : array (channel, time)
        Weight 0..1 of each sample in the spectrum of the channel without motion.
    size : int
        Window length in samples, a multiple of four.
    excess : float
        Times the quiet energy up to which a frequency is left as it is.
    """
    length = observed.shape[-1]
    size = min(size, max(4 * (length // 4), 4))
    hop, taper = size // 4, hann(size)
    count = length // hop + 1
    padded = np.pad(observed, ((0, 0), (size // 2, size // 2)))
    frames = sliding_window_view(padded, size, -1)[:, ::hop][:, :count]
    spectrum = np.asarray(fft.rfft(frames * taper))
    energy = np.square(np.real(spectrum)) + np.square(np.imag(spectrum))
    # a window is quiet where all of it is: the least of its weights
    outside = np.pad(quiet, ((0, 0), (size // 2, size // 2)), constant_values=np.inf)
    least = sliding_window_view(outside, size, -1)[:, ::hop][:, :count].min(-1)[..., None] + 1e-4
    usual = (energy * least).sum(1, keepdims=True) / least.sum(1, keepdims=True)
    gain = np.maximum(1 - excess * usual / (energy + EPS), 0)
    parts = np.asarray(fft.irfft(spectrum * gain, size, overwrite_x=True)) * taper
    total = np.zeros((len(observed), count + 3, hop), parts.dtype)
    weight = np.zeros((count + 3, hop), np.float32)
    for k in range(4):
        total[:, k : count + k] += parts[..., k * hop : (k + 1) * hop]
        weight[k : count + k] += np.square(taper[k * hop : (k + 1) * hop])
    inside = slice(size // 2, size // 2 + length)
    missing = max(inside.stop - weight.size, 0)  # samples after the last window
    whole = np.pad(total.reshape(len(observed), -1), ((0, 0), (0, missing)))[:, inside]
    return whole / np.pad(weight.ravel(), (0, missing), constant_values=1)[inside]
