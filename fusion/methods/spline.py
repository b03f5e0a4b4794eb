"""Movement in fNIRS as a smooth curve: subtracted, or left to a Savitzky-Golay filter."""

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.classical_base import Classical, Treatment
from neurofuse.fusion.signal.motion import DEVIATION_WINDOW, MARGIN, rows_in_motion
from neurofuse.fusion.signal.segments import join_segments
from neurofuse.io.runs import runs

SMOOTHEST = 4  # samples that a cubic spline needs
SAVITZKY_WINDOW = 10.0  # s
SAVITZKY_ORDER = 3
HALF = 0.5  # s: half a heart beat, the baseline on each side of a movement, the longest spike


def spline(node: xr.Dataset, *, smoothness: float, threshold: float) -> np.ndarray:
    """Subtract a smoothing spline from each movement of each series, and join the baseline levels.

    Parameters
    ----------
    node : Dataset
        With `od` (channel, wavelength, time).
    smoothness : float
        De Boor's p in p Σ(y - f)² + (1 - p) ∫f''², with time in seconds; at 1 the spline passes
        through every sample. With time in samples, 0.99 would nearly do so too, and subtract
        the pulse together with the movement.
    threshold : float
        Moving standard deviation above which a series is in motion [robust SD above its median].
    """
    return _corrected(node, smoothness, threshold, lambda row, cuts: cuts)


def spline_sg(node: xr.Dataset, *, smoothness: float, threshold: float) -> np.ndarray:
    """Shifts and long movements by splines, then a Savitzky-Golay filter for the spikes left.

    The filter smooths all of a series, its pulse as well: 10 s and a cubic, as published. A shift
    is a movement that changes the baseline level by more than a heart beat does.
    """
    from scipy.signal import savgol_filter

    rate = float(node.attrs["rate"])
    rows = _corrected(node, smoothness, threshold, lambda row, cuts: _lasting(row, cuts, rate))
    size = 2 * round(SAVITZKY_WINDOW * rate / 2) + 1
    size = min(size, 2 * ((rows.shape[-1] - 1) // 2) + 1)
    if size <= SAVITZKY_ORDER:
        return rows
    return np.asarray(savgol_filter(rows, size, SAVITZKY_ORDER, axis=-1, mode="interp"))


def _corrected(node: xr.Dataset, smoothness: float, threshold: float, choose) -> np.ndarray:
    rate = float(node.attrs["rate"])
    rows = node.od.values.reshape(-1, node.sizes["time"]).copy()
    for row, mask in zip(rows, rows_in_motion(rows, rate, threshold), strict=True):
        cuts = [cut for cut in runs(mask) if cut[1] - cut[0] > SMOOTHEST]
        cuts = choose(row, cuts)
        for first, last in cuts:
            row[first:last] -= _curve(row[first:last], smoothness, rate)
        row[:] = join_segments(row, cuts, rate)
    return rows.reshape(node.od.shape)


def _curve(samples: np.ndarray, smoothness: float, rate: float) -> np.ndarray:
    from scipy.interpolate import make_smoothing_spline

    at = np.arange(samples.size) / rate
    if smoothness >= 1:
        return samples.copy()
    return make_smoothing_spline(at, samples, lam=(1 - smoothness) / smoothness)(at)


def _lasting(row: np.ndarray, cuts: list[tuple[int, int]], rate: float) -> list[tuple[int, int]]:
    """Movements of a row (time,) that are no spikes: long, or shifting the baseline level."""
    half = max(1, round(HALF * rate))
    calm = np.ones(row.size, bool)
    for first, last in cuts:
        calm[first:last] = False
    still = calm[half:] & calm[:-half]
    beat = np.median(np.abs(row[half:] - row[:-half])[still]) if still.any() else 0.0
    # detection widens a movement
    longest = (HALF + DEVIATION_WINDOW + 2 * MARGIN) * rate

    def lasts(first: int, last: int) -> bool:
        before, after = row[max(0, first - half) : first], row[last : last + half]
        shifted = before.size and after.size and abs(after.mean() - before.mean()) > beat
        return bool(shifted) or last - first > longest

    return [cut for cut in cuts if lasts(*cut)]


_SETTINGS = {"smoothness": 0.99, "threshold": 3.0}
_CHOICES = {"smoothness": (0.99,), "threshold": (3.0, 5.0, 8.0, 12.0)}
SPLINE = Classical(
    "spline",
    "spline interpolation of motion detected by the moving standard deviation: Scholkmann et al. "
    "2010, Physiol Meas 31:649; thresholds are robust multiples of the channel's own",
    {"nirs": Treatment(spline, settings=_SETTINGS, choices=_CHOICES)},
)
SPLINE_SG = Classical(
    "spline_sg",
    "splines for shifts and long artifacts, a Savitzky-Golay filter for spikes: Jahani et al. "
    "2018, Neurophotonics 5:015003",
    {"nirs": Treatment(spline_sg, settings=_SETTINGS, choices=_CHOICES)},
)
