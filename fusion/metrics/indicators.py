"""What witnesses outside the two streams say of a cleaning whose truth nobody knows."""

import numpy as np
import xarray as xr

from neurofuse.fusion.signal.bands import bandpass, spectrum, windows

ALPHA = (8.0, 13.0)  # Hz
PULSE = (0.7, 1.8)  # Hz
HALF = 0.15  # Hz about the pulse's line
COURSE = 4.0  # Hz of courses compared with the accelerometer
ACCELEROMETER = ("acc", "imu")  # how names of sensors begin that say when the head moves
NOTHING = 1e-4  # of what was taken out on average: what float32 rounds is no change
WINDOW = {"eeg": 2.0, "nirs": 10.0}  # s of spectra


def kept_alpha(before: np.ndarray, after: np.ndarray, rate: float, quiet: np.ndarray) -> float:
    """Power in 8-13 Hz of quiet windows after over before, median over channels.

    Parameters
    ----------
    before, after : array (channel, time)
        EEG.
    rate : float
        Sampling rate [Hz].
    quiet : bool array (time,)
        Where nothing moves.
    """
    return _kept(
        before, after, rate, quiet, WINDOW["eeg"], lambda f, _: (f >= ALPHA[0]) & (f <= ALPHA[1])
    )


def kept_pulse(before: np.ndarray, after: np.ndarray, rate: float, quiet: np.ndarray) -> float:
    """Power around the pulse's line of quiet windows after over before, median over series.

    The line is the largest in 0.7-1.8 Hz before cleaning. NaN below 4 Hz, where none is seen.
    """
    if rate < 2.2 * PULSE[1]:
        return np.nan

    def line(frequency: np.ndarray, density: np.ndarray) -> np.ndarray:
        inside = (frequency >= PULSE[0]) & (frequency <= PULSE[1])
        middle = frequency[inside][(density * frequency**2)[inside].argmax()]
        return np.abs(frequency - middle) <= HALF

    return _kept(before, after, rate, quiet, WINDOW["nirs"], line)


def _kept(before, after, rate, quiet, seconds, band) -> float:
    ratios = []
    chosen = np.all(windows(quiet, rate, seconds), axis=-1)
    if not chosen.any():
        return np.nan
    for one, other in zip(before, after, strict=True):
        frequency, own = spectrum(one, rate, seconds, chosen)
        left = spectrum(other, rate, seconds, chosen)[1]
        inside = band(frequency, own)
        if own[inside].sum() > 0:
            ratios.append(left[inside].sum() / own[inside].sum())
    return float(np.median(ratios)) if ratios else np.nan


def accelerometer_agreement(recording: xr.DataTree, change: np.ndarray, time: np.ndarray) -> float:
    """Rank correlation of what was taken out with how the head shook.

    Parameters
    ----------
    recording : Recording
        Sensors in `/aux` whose names begin with acc or imu; NaN without one.
    change : array (row, time)
        What a cleaner took out.
    time : array (time,)
        Its times [s].

    Returns
    -------
    float
        Spearman's correlation of both courses (RMS in 0.25 s): +1 where the most was taken out when
        the head shook the most, 0 where the two have nothing to do with each other.
    """
    from scipy.stats import spearmanr

    shaking = _shaking(recording)
    if shaking is None or not change.any():
        return np.nan
    own_time, size = shaking
    grid = np.arange(max(time[0], own_time[0]), min(time[-1], own_time[-1]), 1 / COURSE)
    if grid.size < 40:
        return np.nan
    scale = np.sqrt((change**2).mean(-1, keepdims=True))
    taken = np.sqrt(((change / np.where(scale > 0, scale, np.inf)) ** 2).mean(0))
    taken[taken < NOTHING] = 0  # ranks would tell one rounding from another
    courses = [_course(taken, time, grid), _course(size, own_time, grid)]
    return float(spearmanr(*courses).statistic)


def _shaking(recording: xr.DataTree) -> tuple[np.ndarray, np.ndarray] | None:
    for name, sensor in recording["aux"].children.items() if "aux" in recording.children else ():
        if str(name).lower().startswith(ACCELEROMETER):
            values = next(iter(sensor.data_vars.values())).transpose("channel", "time").values
            time = sensor.time.values
            finite = np.isfinite(values).all(0)
            if finite.sum() > 40:
                rate = (time.size - 1) / (time[-1] - time[0])
                axes = bandpass(values[:3, finite], rate, 0.5, 20.0)  # without gravity
                return time[finite], np.linalg.norm(axes, axis=0)
    return None


def _course(values: np.ndarray, time: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """RMS of values in cells of the grid."""
    cell = np.searchsorted(grid, time, side="right") - 1
    inside = (cell >= 0) & (cell < grid.size)
    count = np.bincount(cell[inside], minlength=grid.size)
    power = np.bincount(cell[inside], values[inside] ** 2, minlength=grid.size)
    return np.sqrt(power / np.maximum(count, 1))
