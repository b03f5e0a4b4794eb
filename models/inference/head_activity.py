"""How surely the head moves in each frame, from the accelerometers and gyroscopes worn on it.

What counts is how far the energy of the change exceeds the sensor's own quiet level, summed over
axes. Units, gravity and the way the sensor is mounted thus make no difference. The jaw, the face
and a touched cap hardly move the head: no activity does not mean that there is no artifact.
"""

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter1d

from neurofuse.io.imu import head_imu

GRAVITY_SPAN = 1.0  # s; the mean over this is gravity or bias: leaves what is faster than 0.5 Hz
SMOOTHING = 0.3  # s; bridges the turning points of a movement, where the head stands still
QUIET = 0.1  # quantile of a sensor's energy over time that is its quiet level
# Of a sensor's mean energy: the lowest quiet level. A device that lay on a table for a while is far
# quieter than any head, and stored samples of a still device may not change at all.
LOWEST = 1e-3
RATIO = 20.0  # of energy to quiet level at which movement is as likely as not
STEEPNESS = 2.0  # of the logistic curve, per natural logarithm of that ratio
GAP = 0.2  # s between samples beyond which a sensor has none


def activity(
    acceleration: np.ndarray | None, rotation: np.ndarray | None, rate: float, frame_rate: float
) -> np.ndarray:
    """How surely the head moves in each frame: the larger of what both sensors say.

    Parameters
    ----------
    acceleration, rotation : array (axis, time), optional
        Of one accelerometer and one gyroscope, in any unit, along any axes. NaN: no sample.
    rate : float
        Of both [Hz].
    frame_rate : float
        Frames in a second [Hz]; the first begins with the first sample.

    Returns
    -------
    array (frame,)
        0 (as quiet as the sensor ever is) to 1; 0 where there is no sample.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> acceleration = rng.normal(0, 0.02, (3, 1000)) + [[0], [0], [9.81]]
    >>> acceleration[0, 500:600] += np.sin(np.arange(100) / 5)
    >>> moves = activity(acceleration, None, 50.0, 10.0)
    >>> bool(moves[102:118].min() > 0.9), bool(moves[:90].max() < 0.1)
    (True, True)
    """
    given = [np.atleast_2d(v) for v in (acceleration, rotation) if v is not None and np.size(v)]
    length = max((values.shape[-1] for values in given), default=0)
    found = np.zeros(round(length / rate * frame_rate))
    for values in given:
        moves = _moves(values, rate, frame_rate)
        found[: len(moves)] = np.maximum(found[: len(moves)], moves)
    return found


def head_activity(
    recording: xr.DataTree, start: float, frames: int, frame_rate: float
) -> np.ndarray | None:
    """How surely the head moves in each frame of a Recording, from all of its head's IMUs.

    Parameters
    ----------
    recording : Recording
    start : float
        Where the first frame begins [s].
    frames : int
        Their number.
    frame_rate : float
        [Hz].

    Returns
    -------
    array (frame,) or None
        0 to 1, as `activity`; 0 where the IMU has no samples. None without a usable IMU.

    Examples
    --------
    >>> from neurofuse import simulate
    >>> _, recording = simulate(60.0, sensors=True, seed=0)
    >>> head_activity(recording, 0.0, 600, 10.0).shape
    (600,)
    """
    imu = head_imu(recording)
    if imu is None:
        return None
    found = np.zeros(frames)
    for sensor in (*imu.acceleration, *imu.rotation):
        moves, first = _on_frames(sensor, start, frame_rate)
        begin, end = max(first, 0), min(first + len(moves), frames)
        if end > begin:
            found[begin:end] = np.maximum(found[begin:end], moves[begin - first : end - first])
    return found


def _moves(values: np.ndarray, rate: float, frame_rate: float) -> np.ndarray:
    """Activity (frame,) of one sensor (axis, time)."""
    values = values[np.isfinite(values).any(1)].astype(float)
    frames = round(values.shape[-1] / rate * frame_rate)
    missing = np.asarray(~np.isfinite(values).all(0))
    if len(values) == 0 or frames == 0 or missing.all():
        return np.zeros(frames)
    if missing.any():
        at = np.arange(len(missing))
        values = np.stack([np.interp(at, at[~missing], axis[~missing]) for axis in values])
    values = values - values.mean(1, keepdims=True)
    span = 2 * round(GRAVITY_SPAN * rate / 2) + 1
    change = values - uniform_filter1d(values, span, axis=1)
    change = (change**2).sum(0)
    energy = _mean_in_frames(change, rate, frame_rate, frames)
    energy = uniform_filter1d(energy, max(round(SMOOTHING * frame_rate), 1), mode="nearest")
    known = _mean_in_frames(missing, rate, frame_rate, frames) < 0.5
    if not known.any():
        return np.zeros(frames)
    quiet = max(np.quantile(energy[known], QUIET), LOWEST * energy[known].mean())
    if quiet == 0:
        return np.zeros(frames)
    with np.errstate(over="ignore"):
        moves = 1 / (1 + (RATIO * quiet / np.maximum(energy, 1e-300)) ** STEEPNESS)
    return np.where(known, moves, 0)


def _mean_in_frames(series: np.ndarray, rate: float, frame_rate: float, frames: int) -> np.ndarray:
    """Mean of samples (time,) in each frame, whose edges may lie between samples."""
    summed = np.concatenate([[0.0], np.cumsum(series)])
    edges = np.minimum(np.arange(frames + 1) * rate / frame_rate, len(series))
    spans = np.maximum(np.diff(edges), 1e-9)
    return np.diff(np.interp(edges, np.arange(len(summed)), summed)) / spans


def _on_frames(sensor: xr.DataArray, start: float, frame_rate: float) -> tuple[np.ndarray, int]:
    """Activity of a sensor (axis, time) on frames that count from `start` [s]; the first's number.

    Samples are interpolated to even times that begin with that frame.
    """
    time, rate = sensor.time.values, float(sensor.attrs["rate"])
    first = int(np.ceil((time[0] - start) * frame_rate - 1e-6))
    begin = start + first / frame_rate
    at = begin + np.arange(max(int((time[-1] - begin) * rate + 1e-6) + 1, 0)) / rate
    values = np.stack([np.interp(at, time, axis) for axis in sensor.values])
    after = np.clip(np.searchsorted(time, at), 1, len(time) - 1)
    values[:, time[after] - time[after - 1] > max(GAP, 2.5 / rate)] = np.nan
    return _moves(values, rate, frame_rate), first
