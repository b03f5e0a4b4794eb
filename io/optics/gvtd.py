"""Movement in all fNIRS channels at once: global variance of temporal derivatives (GVTD)."""

from functools import lru_cache

import numpy as np
import xarray as xr

from neurofuse.io.errors import SchemaError
from neurofuse.io.modality import NIRS
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import stream_dataset, streams

BAND = (0.01, 0.7)  # Hz: slower is drift, faster the heart beat
HIGHEST_EDGE = 0.9  # of Nyquist
THRESHOLD = 6.0  # robust SD above the median: in motion


def global_variance(recording: xr.DataTree) -> xr.DataArray:
    """Global variance of temporal derivatives (GVTD) of the fNIRS of a Recording.

    The root mean square, over channels and wavelengths, of the change of optical density from
    sample to sample in 0.01-0.7 Hz (Sherafati et al. 2020, Hum Brain Mapp 41:4093). Channels marked
    bad or with missing samples are left out.

    Parameters
    ----------
    recording : Recording
        With `/nirs`.

    Returns
    -------
    DataArray
        `gvtd` (time) [1]; NaN throughout if no channel is complete, the rate is too low for the
        band, or there are fewer than four samples. Coordinate `moving` (time; bool): in motion,
        above the median by 6 robust SD. Attrs: `median`, `percentile_95` and `threshold` [1],
        `moving_share` (fraction of the time in motion), `channels` (how many are used).

    Raises
    ------
    SchemaError
        If there is no fNIRS stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, nirs_dataset
    >>> light = np.random.default_rng(0).normal(1, 0.001, (1, 2, 600))
    >>> light[..., 300:] *= 1.2
    >>> node = nirs_dataset(light, 10.0, [760, 850], ["S1"], ["D1"])
    >>> course = global_variance(build(nirs=node))
    >>> round(float(course.time[course.argmax("time")]))
    30
    """
    if NIRS.name not in streams(recording):
        raise SchemaError(
            "a Recording without an fNIRS stream", "an /nirs node", "read a SNIRF file with it"
        )
    node = stream_dataset(to_optical_density(recording), NIRS.name)
    whole = ~node.bad.values & np.isfinite(node.od).all(("wavelength", "time")).values
    rows = node.od.transpose(*NIRS.dims).values[whole]
    rows = rows.reshape(-1, node.sizes["time"])
    course = gvtd(rows, float(node.attrs["rate"]))
    middle = float(np.median(course))
    threshold = middle + THRESHOLD * 1.4826 * float(np.median(np.abs(course - middle)))
    moving = course > threshold
    return xr.DataArray(
        course,
        dims="time",
        coords={"time": node.time, "moving": ("time", moving)},
        name="gvtd",
        attrs={
            "units": "1",
            "median": middle,
            "percentile_95": float(np.percentile(course, 95)),
            "threshold": threshold,
            "moving_share": float(moving.mean()) if np.isfinite(middle) else np.nan,
            "channels": int(whole.sum()),
        },
    )


def gvtd(od: np.ndarray, rate: float) -> np.ndarray:
    """GVTD [1] over time of rows of optical density (row, time); the first value is 0.

    Examples
    --------
    >>> gvtd(np.zeros((3, 100)), 10.0).max().item()
    0.0
    """
    if not len(od):
        return np.full(od.shape[-1], np.nan)
    total = np.zeros(od.shape[-1])
    for row in od:  # one by one: a long recording is not copied
        total += changes(row, rate) ** 2
    return np.sqrt(total / len(od))


def changes(od: np.ndarray, rate: float) -> np.ndarray:
    """Change of optical density (time) from sample to sample in 0.01-0.7 Hz; the first is 0.

    Zero-phase Butterworth band-pass of order 4; its upper edge is at most 0.9 of Nyquist.

    Examples
    --------
    >>> changes(np.zeros(100), 10.0).max().item()
    0.0
    """
    from scipy.signal import sosfiltfilt

    top = min(BAND[1], HIGHEST_EDGE * rate / 2)
    if top <= BAND[0] or od.shape[-1] < 4 or not np.isfinite(od).all():
        return np.full(od.shape[-1], np.nan)
    # one period of the lowest frequency, for the default padding is far too short for 0.01 Hz
    padding = min(od.shape[-1] - 1, int(np.ceil(rate / BAND[0])))
    slow = sosfiltfilt(_sections(top, rate), np.asarray(od, np.float64), padlen=padding)
    return np.diff(slow, prepend=slow[:1])


@lru_cache
def _sections(top: float, rate: float) -> np.ndarray:
    """The filter from `BAND[0]` to `top` [Hz]; designed once for all channels."""
    from scipy.signal import butter

    return np.asarray(butter(4, (BAND[0], top), "bandpass", fs=rate, output="sos"))
