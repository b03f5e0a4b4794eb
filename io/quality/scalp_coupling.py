"""How clearly fNIRS shows the heart beat, which only light through living tissue carries.

Scalp coupling index: Pollonini et al. 2014, Hear Res 309:84. Peak spectral power: Pollonini et al.
2016, Biomed Opt Express 7:5104.
"""

from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.logs import quiet
from neurofuse.io.optics.conversion import plain_raw

BAND = (0.7, 1.5)  # Hz
TRANSITION = 0.3  # Hz on either side, as in MNE
SHORTEST = 12.0  # s, the length of the band-pass filter
WINDOW = 10.0  # s, of the peak power
GROUP = 8  # channels at once: a long recording is not copied as a whole


def reason_missing(node: xr.Dataset) -> str:
    """Why the heart beat of an `/nirs` node cannot be judged; "" if it can.

    Examples
    --------
    >>> from neurofuse.io.recording import nirs_dataset
    >>> reason_missing(nirs_dataset(np.ones((1, 2, 90)), 2.0, [760, 850], ["S1"], ["D1"]))
    'the rate of 2 Hz is below 3.6 Hz'
    """
    rate = float(node.attrs["rate"])
    least = 2 * (BAND[1] + TRANSITION)
    if rate <= least:
        return f"the rate of {rate:g} Hz is {'below ' if rate < least else ''}{least:g} Hz"
    if node.sizes["time"] / rate < SHORTEST:
        return f"{node.sizes['time'] / rate:.3g} s are less than {SHORTEST:g} s"
    if node.sizes["wavelength"] < 2:
        return "there is one wavelength"
    return ""


def scalp_coupling_index(node: xr.Dataset) -> np.ndarray:
    """Scalp coupling index (channel,) alone, as `scalp_coupling` gives it, in half of the time."""
    return _judged(node, peaks=False)[0]


def scalp_coupling(node: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Scalp coupling index and peak spectral power of each channel.

    The least value over all pairs of wavelengths. The scalp coupling index (Pollonini et al. 2014)
    is the correlation of both wavelengths in 0.7-1.5 Hz; the peak power (Pollonini et al. 2016) is
    the median over windows of 10 s of the largest value of the Hamming periodogram [1/Hz] of their
    cross-correlation, as MNE-NIRS computes it for two wavelengths.

    Parameters
    ----------
    node : Dataset
        An `/nirs` node with `od`; a channel with NaN cannot be judged.

    Returns
    -------
    sci, peak_power : array (channel,)
        NaN where they cannot be judged (see `reason_missing`).

    Examples
    --------
    >>> from neurofuse.io.recording import nirs_dataset
    >>> beat = np.sin(2 * np.pi * 1.1 * np.arange(600) / 10)
    >>> od = 0.01 * np.stack([beat, beat])[None]
    >>> node = nirs_dataset(od, 10.0, [760, 850], ["S1"], ["D1"], variable="od")
    >>> [round(float(value[0]), 1) for value in scalp_coupling(node)]
    [1.0, 3.3]
    """
    return _judged(node, peaks=True)


def _judged(node: xr.Dataset, *, peaks: bool) -> tuple[np.ndarray, np.ndarray]:
    """Both figures of each channel; without `peaks` the peak power is NaN."""
    import mne
    from mne.filter import filter_data

    widths: dict[str, Any] = dict.fromkeys(("l_trans_bandwidth", "h_trans_bandwidth"), TRANSITION)
    count = node.sizes["channel"]
    sci, power = np.full(count, np.nan), np.full(count, np.nan)
    if reason_missing(node):
        return sci, power
    whole = np.isfinite(node.od).all(("wavelength", "time")).values
    for group in np.array_split(np.flatnonzero(whole), -(-int(whole.sum()) // GROUP) or 1):
        if not group.size:
            continue
        with quiet():
            raw = plain_raw(node.isel(channel=group))
            every = mne.preprocessing.nirs.scalp_coupling_index(raw, *BAND, **widths)
            rate = float(raw.info["sfreq"])
            beat = filter_data(raw.get_data(), rate, *BAND, **widths) if peaks else None
        row = {name: i for i, name in enumerate(raw.ch_names)}
        waves = [f"{w:g}" for w in node.wavelength.values]
        for number, channel in enumerate(group, 1):
            rows = [row[f"S{number}_D{number} {wave}"] for wave in waves]
            sci[channel] = every[rows[0]]
            if beat is not None:
                power[channel] = peak_power(beat[rows], float(node.attrs["rate"]))
    return sci, power


def peak_power(beat: np.ndarray, rate: float) -> float:
    """Peak spectral power [1/Hz] of a channel's wavelengths (wavelength, time), band-passed."""
    from scipy.signal import periodogram

    size = int(np.ceil(WINDOW * rate))
    parts = beat[:, : beat.shape[1] // size * size].reshape(len(beat), -1, size)
    spread = parts.std(-1, keepdims=True)
    parts = np.divide(parts, spread, out=np.zeros_like(parts), where=spread > 0)
    lines = np.fft.rfft(parts, 2 * size - 1)
    least = np.inf
    for one, other in combinations(lines, 2):
        both = np.fft.fftshift(np.fft.irfft(one * other.conj(), 2 * size - 1), axes=-1) / size
        peak = periodogram(both, rate, window="hamming")[1].max(-1)
        least = min(least, float(np.median(peak)))
    return least
