"""The recording's own movements: what they added to its samples, estimated without a model.

Spectral subtraction (Boll 1979, IEEE Trans Acoust 27:113): in each moment and frequency of a
movement the channel's usual quiet energy is taken off. What a cleaner made of the movement is not
used, as it would be easy for this cleaner to find again. fNIRS is treated from sample to sample, so
that a change of level stays one.
"""

import numpy as np
from scipy.ndimage import uniform_filter, uniform_filter1d
from scipy.signal import istft, stft

from neurofuse.io.quality.calm import widened

WINDOW = {"eeg": 1.0, "nirs": 4.0}  # s
SUBTRACTED = 2.0  # times the quiet energy: what stays beside a movement looks like brain or blood
FEWEST = 5  # quiet windows that a channel's usual energy is taken of
EDGE = 0.2  # s over which a movement begins and ends


def own_artifact(
    signal: np.ndarray, rate: float, stream: str, moving: np.ndarray, quiet: np.ndarray
) -> np.ndarray:
    """What movements added to a signal.

    Parameters
    ----------
    signal : array (channel, time) or (channel, wavelength, time)
        EEG [V], or optical density [1]; samples that are not finite count as 0.
    rate : float
        [Hz].
    stream : {"eeg", "nirs"}
    moving, quiet : bool array (channel, time)
        Where a channel moves, and where it is quiet.

    Returns
    -------
    array
        EEG [V], 0 outside motion; of fNIRS the changes from sample to sample.

    Examples
    --------
    >>> eeg = 1e-5 * np.random.default_rng(0).standard_normal((1, 5000))
    >>> eeg[0, 2000:2250] += 5e-4 * np.hanning(250)
    >>> moving = np.zeros((1, 5000), bool)
    >>> moving[0, 2000:2250] = True
    >>> artifact = own_artifact(eeg, 250.0, "eeg", moving, ~moving)
    >>> bool(abs(artifact).max() > 3e-4), bool(artifact[~widened(moving, 100)].any())
    (True, False)
    """
    known = np.isfinite(signal).any(-1, keepdims=True)  # a channel may lack all samples
    rows = np.where(known, signal, 0.0)
    rows = np.nan_to_num(rows - np.nanmedian(rows, axis=-1, keepdims=True))
    if stream == "nirs":
        rows = np.diff(rows, axis=-1, prepend=rows[..., :1])
    size = min(max(8, round(WINDOW[stream] * rate)), rows.shape[-1])
    step = max(1, size // 4)
    _, times, spectra = stft(rows, rate, nperseg=size, noverlap=size - step)
    centres = np.clip(np.round(times * rate).astype(int), 0, rows.shape[-1] - 1)
    resting = ~widened(~quiet, size // 2)[:, centres]
    for channel, own in enumerate(spectra):
        power = np.abs(own) ** 2
        chosen = resting[channel]
        if chosen.sum() < FEWEST:
            chosen = ~moving[channel, centres]
        if chosen.sum() < FEWEST:
            own[:] = 0  # nothing tells movement from rest
            continue
        usual = power[..., chosen].mean(-1, keepdims=True)
        around = uniform_filter(power, 3, axes=(-2, -1))
        own *= np.maximum(0, 1 - SUBTRACTED * usual / np.maximum(around, 1e-40))
    found = istft(spectra, rate, nperseg=size, noverlap=size - step)[1][..., : rows.shape[-1]]
    ramp = max(3, round(EDGE * rate))
    weight = uniform_filter1d(widened(moving, ramp // 2).astype(float), ramp, axis=-1)
    return found * (weight[:, None] if found.ndim == 3 else weight)
