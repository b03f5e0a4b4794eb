"""Outlying wavelet coefficients of each scale, set to zero."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment, lacking, samples

FEWEST = 4  # coefficients that the slowest scale would have without its shifts
LOWEST = 0.01  # Hz; slower than this is left as it is, however long the recording
GAUSSIAN = 0.6745  # median absolute value of a standard normal variable


def wavelet(node: xr.Dataset, *, wave: str, chance: float) -> np.ndarray:
    """Set detail coefficients to zero that are improbable for a Gaussian of their scale.

    Each channel by itself, as in the paper: a translation-invariant transform, lest the result
    depend on where a movement falls, and each scale's deviation from the median of its absolute
    coefficients. Scales go down to 0.01 Hz or a quarter of the recording; slower parts of a shift
    remain, as a ramp.

    Parameters
    ----------
    node : Dataset
        EEG, or fNIRS with `od`.
    wave : str
        A wavelet that PyWavelets knows.
    chance : float
        Coefficients less probable than this for a Gaussian are removed; 0.007 is Tukey's fence of
        1.5 interquartile ranges, larger values remove more.
    """
    try:
        import pywt
    except ImportError as error:
        raise lacking("wavelet", "PyWavelets", "neurofuse[methods]") from error
    from scipy.stats import norm

    data = samples(node)
    length = data.shape[-1]
    count = int(np.log2(min(length / FEWEST, node.attrs["rate"] / LOWEST)))
    if count < 1:  # too short to estimate a deviation
        return data
    # The transform is periodic: its seam must be out of reach of the longest filter.
    unit, margin = 2**count, (pywt.Wavelet(wave).dec_len - 1) * 2**count  # pyright: ignore
    after = margin + -(length + 2 * margin) % unit
    inside = slice(margin, margin + length)
    fence = norm.isf(chance / 2) / GAUSSIAN
    out = np.empty_like(data)
    for row in np.ndindex(data.shape[:-1]):
        mirrored = np.pad(data[row], (margin, after), mode="symmetric")
        slowest, *details = pywt.swt(mirrored, wave, level=count, trim_approx=True, norm=True)
        kept = [np.where(abs(d) > fence * np.median(abs(d[inside])), 0.0, d) for d in details]
        out[row] = pywt.iswt([slowest, *kept], wave, norm=True)[inside]
    return out


WAVELET = Classical(
    "wavelet",
    "outlying coefficients of a translation-invariant wavelet transform set to zero: Molavi and "
    "Dumont 2012, Physiol Meas 33:259; PyWavelets",
    {
        "eeg": Treatment(
            wavelet,
            settings={"wave": "haar", "chance": 0.01},
            choices={"wave": ("haar", "db2"), "chance": (0.1, 0.01, 0.001)},
        ),
        "nirs": Treatment(
            wavelet,
            settings={"wave": "haar", "chance": 0.03},
            choices={"wave": ("haar", "db2", "db5"), "chance": (0.1, 0.03, 0.01, 0.001)},
        ),
    },
    needs="PyWavelets",
)
