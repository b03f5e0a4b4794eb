"""Indirect indicators of a cleaning whose truth is unknown: alpha, pulse and accelerometer."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from neurofuse.fusion.signal.bands import (
    ALPHA,
    HEAD_ACCELERATION,
    PULSE,
    bandpass,
    spectrum,
    windows,
)

PULSE_HALF_WIDTH = 0.15  # Hz about the pulse's line
ENVELOPE_RATE = 4.0  # Hz, of the envelopes that are compared with the accelerometer
FEWEST_SAMPLES = 40  # of an envelope
ACCELEROMETER = ("acc", "imu")  # how names of sensors begin that report head movement
NO_CHANGE = 1e-4  # of the mean amplitude of what was removed: what float32 rounds is no change
WINDOW = {"eeg": 2.0, "nirs": 10.0}  # s of spectra


def preserved_alpha(before: np.ndarray, after: np.ndarray, rate: float, quiet: np.ndarray) -> float:
    """Power in 8-13 Hz of quiet windows after over before, median over channels.

    Parameters
    ----------
    before, after : array (channel, time)
        EEG.
    rate : float
        Sampling rate [Hz].
    quiet : bool array (time,)
        Where nothing moves.

    Returns
    -------
    float
        1 where alpha is preserved, 0 where it is gone; NaN without a quiet window.
    """
    return QuietPower.of_alpha(before, rate, quiet).ratio(after)


def preserved_pulse(before: np.ndarray, after: np.ndarray, rate: float, quiet: np.ndarray) -> float:
    """Power around the pulse's line of quiet windows after over before, median over series.

    The line is the largest in 0.7-1.8 Hz before cleaning.

    Parameters
    ----------
    before, after : array (row, time)
        Optical density.
    rate : float
        Sampling rate [Hz].
    quiet : bool array (time,)
        Where nothing moves.

    Returns
    -------
    float
        1 where the pulse is preserved, 0 where it is gone; NaN without a quiet window, and below
        4 Hz, where no pulse is seen.
    """
    return QuietPower.of_pulse(before, rate, quiet).ratio(after)


class QuietPower:
    """Power in a band of quiet windows, of the uncorrected series prepared once.

    Parameters
    ----------
    before : array (row, time)
        Uncorrected series.
    rate : float
        Sampling rate [Hz].
    quiet : bool array (time,)
        Only windows that are quiet throughout count.
    seconds : float
        Length of windows [s].
    band : function
        Of frequencies and density, both (frequency,), to the frequencies that count.
    """

    def __init__(
        self,
        before: np.ndarray,
        rate: float,
        quiet: np.ndarray,
        seconds: float,
        band: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> None:
        self.rate: float = rate
        self.seconds: float = seconds
        self.chosen: np.ndarray = np.all(windows(quiet, rate, seconds), axis=-1)
        self.inside: list[np.ndarray] = []
        self.power: list[float] = []
        for row in before if self.chosen.any() else ():
            frequency, density = spectrum(row, rate, seconds, self.chosen)
            self.inside.append(band(frequency, density))
            self.power.append(density[self.inside[-1]].sum())

    @classmethod
    def of_alpha(cls, before: np.ndarray, rate: float, quiet: np.ndarray) -> "QuietPower":
        """In 8-13 Hz of EEG."""
        low, high = ALPHA
        return cls(before, rate, quiet, WINDOW["eeg"], lambda f, _: (f >= low) & (f <= high))

    @classmethod
    def of_pulse(cls, before: np.ndarray, rate: float, quiet: np.ndarray) -> "QuietPower":
        """About the largest line in 0.7-1.8 Hz of optical density."""

        def line(frequency: np.ndarray, density: np.ndarray) -> np.ndarray:
            inside = (frequency >= PULSE[0]) & (frequency <= PULSE[1])
            middle = frequency[inside][(density * frequency**2)[inside].argmax()]
            return np.abs(frequency - middle) <= PULSE_HALF_WIDTH

        if rate < 2.2 * PULSE[1]:
            quiet = np.zeros_like(quiet)
        return cls(before, rate, quiet, WINDOW["nirs"], line)

    def ratio(self, after: np.ndarray) -> float:
        """Power of `after` (row, time) over that before, median over rows; NaN without quiet."""
        ratios = [
            spectrum(row, self.rate, self.seconds, self.chosen)[1][inside].sum() / power
            for row, inside, power in zip(after, self.inside, self.power, strict=False)
            if power > 0
        ]
        return float(np.median(ratios)) if ratios else np.nan


Envelope = tuple[np.ndarray, np.ndarray]  # times [s], values; both (time,)


def accelerometer_agreement(
    head_movement: Envelope | None, change: np.ndarray, time: np.ndarray
) -> float:
    """Rank correlation of what was removed with how much the head moved.

    Parameters
    ----------
    head_movement : pair of array (time,), or None
        As of `head_movement`; NaN for None.
    change : array (row, time)
        What a cleaner removed.
    time : array (time,)
        Its times [s].

    Returns
    -------
    float
        Spearman's correlation of both envelopes (RMS in 0.25 s): 1 where the most was removed when
        the head moved the most, 0 where the two are unrelated.
    """
    from scipy.stats import spearmanr

    if head_movement is None or not change.any():
        return np.nan
    own_time, amount = head_movement
    start, end = max(time[0], own_time[0]), min(time[-1], own_time[-1])
    grid = np.arange(start, end, 1 / ENVELOPE_RATE)
    if grid.size < FEWEST_SAMPLES:
        return np.nan
    scale = np.sqrt((change**2).mean(-1, keepdims=True))
    removed = np.sqrt(((change / np.where(scale > 0, scale, np.inf)) ** 2).mean(0))
    removed[removed < NO_CHANGE] = 0  # ranks would distinguish one rounding error from another
    rank_correlation, _ = spearmanr(_rms_on(grid, removed, time), _rms_on(grid, amount, own_time))
    return float(rank_correlation)  # pyright: ignore[reportArgumentType]


def head_movement(recording: xr.DataTree) -> Envelope | None:
    """Times [s] and magnitude of the acceleration of the head, without gravity.

    Parameters
    ----------
    recording : Recording
        With a sensor in `/aux` whose name begins with acc or imu.

    Returns
    -------
    pair of array (time,), or None
        Of the first such sensor; None without one.
    """
    for name, sensor in recording["aux"].children.items() if "aux" in recording.children else ():
        if str(name).lower().startswith(ACCELEROMETER):
            values = next(iter(sensor.data_vars.values())).transpose("channel", "time").values
            time = sensor.time.values
            finite = np.isfinite(values).all(0)
            if finite.sum() > FEWEST_SAMPLES:
                rate = (time.size - 1) / (time[-1] - time[0])
                axes = bandpass(values[:3, finite], rate, *HEAD_ACCELERATION)
                return time[finite], np.linalg.norm(axes, axis=0)
    return None


def _rms_on(grid: np.ndarray, values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """RMS of values in cells of the grid."""
    cell = np.searchsorted(grid, time, side="right") - 1
    inside = (cell >= 0) & (cell < grid.size)
    count = np.bincount(cell[inside], minlength=grid.size)
    power = np.bincount(cell[inside], values[inside] ** 2, minlength=grid.size)
    return np.sqrt(power / np.maximum(count, 1))
