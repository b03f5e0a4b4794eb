"""Wavelet coefficients that are too large for their level, set to zero."""

import numpy as np
import xarray as xr

from neurofuse.fusion.peers.peer import Peer, Treatment, lacking, samples

FEWEST = 16  # coefficients of a level that tell what is usual
EEG_LOWEST = 0.5  # Hz; levels below hold drift


def wavelet(node: xr.Dataset, *, wave: str, outlying: float) -> np.ndarray:
    """Detail coefficients outside the quartiles by `outlying` interquartile ranges set to zero.

    Each channel by itself, decimated wavelet transform over the whole length, mirrored at the ends.

    Parameters
    ----------
    node : Dataset
        EEG, or fNIRS with `od`.
    wave : str
        A wavelet that PyWavelets knows.
    outlying : float
        Interquartile ranges beyond the quartiles; 1.5 is Tukey's fence, less takes more out.
    """
    try:
        import pywt
    except ImportError as error:
        raise lacking("wavelet", "PyWavelets", "neurofuse[peers]") from error

    data = samples(node)
    rows = data.reshape(-1, data.shape[-1])
    most = pywt.dwt_max_level(rows.shape[-1], wave)
    slowest = int(np.log2(node.attrs["rate"] / EEG_LOWEST)) if "eeg" in node else most
    count = max(1, min(most, slowest))
    out = np.empty_like(rows)
    for row, series in enumerate(rows):
        approximation, *details = pywt.wavedec(series, wave, mode="symmetric", level=count)
        kept = [approximation, *(_usual(detail, outlying) for detail in details)]
        out[row] = pywt.waverec(kept, wave, mode="symmetric")[: series.size]
    return out.reshape(data.shape)


def _usual(detail: np.ndarray, outlying: float) -> np.ndarray:
    if detail.size < FEWEST:
        return detail
    low, high = np.quantile(detail, [0.25, 0.75])
    reach = outlying * (high - low)
    return np.where((detail < low - reach) | (detail > high + reach), 0.0, detail)


WAVELET = Peer(
    "wavelet",
    "outlying wavelet coefficients set to zero: Molavi and Dumont 2012, Physiol Meas 33:259; "
    "PyWavelets",
    {
        "eeg": Treatment(
            wavelet,
            settings={"wave": "sym4", "outlying": 1.5},
            choices={"outlying": (0.5, 1.0, 1.5, 3.0)},
        ),
        "nirs": Treatment(
            wavelet,
            settings={"wave": "db2", "outlying": 0.1},
            choices={"outlying": (0.1, 0.5, 0.8, 1.5, 3.0)},
        ),
    },
)
