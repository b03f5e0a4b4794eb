"""Quality of EEG channels: faults, found in one pass over all samples, and measures of noise.

The pass goes in blocks of time, so that a recording in a file is never loaded as a whole.
"""

import numpy as np
import xarray as xr

from neurofuse.io.lazy import time_blocks
from neurofuse.io.quality import rails
from neurofuse.io.quality.noise import noise_measures

FLAT = 1e-8  # V peak to peak: a tenth of the noise of the best amplifiers (about 0.1 uV)
FLAT_WINDOW = 1.0  # s
UNUSABLE = 0.5  # fraction of missing samples, or of flat windows
JUDGED = ("eeg", "eog", "ecg", "emg")  # types that must show a voltage; a trigger may be flat
BURST = 8  # samples in a row that are stored together, to show whether they stay at a rail
MOST_SAMPLES = 2**22  # of all channels stored for rails and percentiles (32 MB) …
MOST_PER_CHANNEL = 2**16  # … and of one channel


def eeg_quality(node: xr.Dataset) -> xr.Dataset:
    """Every measure of an `/eeg` node's channels, as `channel_quality` describes them.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 5000))
    >>> eeg_quality(eeg_dataset(noise, 250.0, ["C3", "C4"])).deviation.round(6).values.tolist()
    [6e-06, 6e-06]
    """
    table = eeg_faults(node)
    noise = noise_measures(node, table.usable.values & ~node.bad.values)
    return table.merge(noise).assign_attrs(noise.attrs)


def eeg_faults(node: xr.Dataset) -> xr.Dataset:
    """Faults that make an EEG channel unusable, from one pass over all samples.

    Fractions of samples at a rail and percentiles are exact up to 65,536 samples (fewer for more
    than 64 channels); of a longer recording they are estimated from bursts of 8 samples spread
    over all of it.

    Parameters
    ----------
    node : Dataset
        An `/eeg` node; `eeg` may be a dask array.

    Returns
    -------
    Dataset
        Over `channel`: `missing_share`, `missing`, `flat_share`, `flat`, `rail_share`, `railed`,
        `amplitude` [V], `usable`, `reason`, as `channel_quality` describes them.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> wave = 1e-5 * np.sin(np.arange(500))
    >>> node = eeg_dataset(np.stack([np.zeros(500), wave]), 250.0, ["C3", "C4"])
    >>> eeg_faults(node).reason.values.tolist()
    ['flat', '']
    """
    data = node.eeg.transpose("channel", "time")
    count, length = data.shape
    window = max(2, round(FLAT_WINDOW * node.attrs["rate"]))
    index, burst = bursts(length, max(min(MOST_PER_CHANNEL, MOST_SAMPLES // max(count, 1)), BURST))
    samples = np.empty((count, len(index)))
    high, low = np.full(count, -np.inf), np.full(count, np.inf)
    present, windows, flat = np.zeros(count), np.zeros(count), np.zeros(count)
    for first, block in time_blocks(data, node.attrs["rate"]):
        some = slice(*np.searchsorted(index, [first, first + block.shape[1]]))
        samples[:, some] = block[:, index[some] - first]
        top, bottom, finite = extremes(block, window)
        present += finite
        windows += (top >= bottom).sum(1)
        if length > 1:
            flat += ((top - bottom <= FLAT) & (top >= bottom)).sum(1)
        high, low = np.maximum(high, top.max(1)), np.minimum(low, bottom.min(1))
    still = (high - low <= FLAT) & (present > 1)
    missing = 1 - present / max(length, 1)
    flat = np.divide(flat, windows, out=np.zeros(count), where=windows > 0)
    rail, amplitude = np.zeros(count), np.full(count, np.nan)
    samples = samples.reshape(count, -1, burst)
    for row in np.flatnonzero(present > 0):
        if not still[row]:
            rail[row] = rails.rail_share(samples[row], low[row], high[row])
        finite = samples[row][np.isfinite(samples[row])]
        if finite.size:
            # half the range from the 5th to the 95th percentile over 1.645: a Gaussian's SD
            amplitude[row] = np.diff(np.percentile(finite, [5, 95])).item() / 3.29
    judged = np.isin(node.ch_type.values, JUDGED)
    rows = zip(missing, rail, flat, still, judged, strict=True)
    reason = np.array([_reason(*row) for row in rows], object).astype(str)
    values = {
        "missing_share": missing,
        "missing": missing > 0,
        "flat_share": flat,
        "flat": still | (flat > UNUSABLE) & (rail <= rails.UNUSABLE),
        "rail_share": rail,
        "railed": rail > rails.REPORTED,
        "amplitude": amplitude,
        "usable": reason == "",
        "reason": reason,
    }
    table = xr.Dataset({name: ("channel", column) for name, column in values.items()})
    table["amplitude"].attrs["units"] = "V"
    return table.assign_coords(channel=node.channel.values)


def bursts(length: int, most: int) -> tuple[np.ndarray, int]:
    """Indices of at most `most` of `length` samples, in bursts; and the length of a burst.

    Bursts are spread evenly except for a shift within their step, so that no rhythm is missed.

    Examples
    --------
    >>> bursts(10, 16)[0].size, bursts(10, 16)[1]
    (10, 10)
    >>> samples, burst = bursts(1000, 16)
    >>> burst, bool((np.diff(samples.reshape(-1, burst)) == 1).all())
    (8, True)
    """
    if length <= most:
        return np.arange(length), max(length, 1)
    number = np.arange(most // BURST)
    step = length / len(number)
    shift = (number * 0.6180339887498949) % 1 * (step - BURST)  # golden section: evenly scattered
    start = np.minimum(number * step + shift, length - BURST).astype(int)
    return (start[:, None] + np.arange(BURST)).ravel(), BURST


def extremes(block: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest and smallest finite sample of each window, and how many samples are finite.

    Windows without a finite sample have -inf as their largest and inf as their smallest. A
    remainder shorter than a window belongs to the last one.

    Parameters
    ----------
    block : array (channel, time)
        Samples.
    window : int
        Samples of a window.

    Returns
    -------
    top, bottom : array (channel, window)
        In the unit of the samples.
    finite : array (channel,)
        Number of finite samples.

    Examples
    --------
    >>> top, bottom, finite = extremes(np.array([[1.0, 3.0, np.nan, 2.0, np.inf]]), 2)
    >>> top.tolist(), bottom.tolist(), finite.tolist()
    ([[3.0, 2.0]], [[1.0, 2.0]], [3])
    """
    top, bottom = _windowed(block, window, np.maximum), _windowed(block, window, np.minimum)
    finite = np.full(len(block), block.shape[1])
    for row in np.flatnonzero(~(np.isfinite(top) & np.isfinite(bottom)).all(1)):
        known = np.isfinite(block[row : row + 1])
        finite[row] = known.sum()
        lowest = np.where(known, block[row], -np.inf)
        highest = np.where(known, block[row], np.inf)
        top[row], bottom[row] = (
            _windowed(lowest, window, np.maximum)[0],
            _windowed(highest, window, np.minimum)[0],
        )
    return top, bottom, finite


def _windowed(block: np.ndarray, window: int, ufunc: np.ufunc) -> np.ndarray:
    count, length = block.shape
    whole = max(length // window * window, min(window, length))
    result = ufunc.reduce(block[:, :whole].reshape(count, -1, min(window, length)), axis=-1)
    if whole < length:
        result[:, -1] = ufunc(result[:, -1], ufunc.reduce(block[:, whole:], axis=-1))
    return result


def _reason(missing: float, rail: float, flat: float, still: bool, judged: bool) -> str:
    if not judged:
        return ""
    if missing == 1:
        return "all samples missing"
    if missing > UNUSABLE:
        return f"{100 * missing:.0f} % missing samples"
    if still:
        return "flat"
    if rail > rails.UNUSABLE:
        return f"{100 * rail:.0f} % at the rail"
    if flat > UNUSABLE:
        return f"flat for {100 * flat:.0f} % of the time"
    return ""
