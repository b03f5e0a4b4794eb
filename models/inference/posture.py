"""When the head is held otherwise than before, by the direction of gravity in its accelerometers.

Who lies down, sits up or bends over moves blood: optical density then goes to another level and
stays there, which no baseline level after a movement may undo (Tachtsidis et al. 2004,
Physiological Measurement 25, 437, measured it in people who lay, sat and stood). Turning about the
vertical is not seen.
"""

import numpy as np
import xarray as xr
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from neurofuse.io.imu import head_imu

HELD = 5.0  # s over which a posture is averaged, before and after
TURNED = 20.0  # degrees between both from which on it is another posture
STEADY = 5.0  # mean length of gravity over its SD, below which a sensor does not measure gravity
SETTLING = 30.0  # s in which the blood follows


def posture_changes(recording: xr.DataTree, at: np.ndarray) -> np.ndarray:
    """Whether the participant's posture has just changed.

    Parameters
    ----------
    recording : Recording
    at : array (time,)
        When to tell [s].

    Returns
    -------
    array (time,) of bool
        True from `HELD` before a change to `SETTLING` after it; False without an accelerometer that
        measures gravity.

    Examples
    --------
    >>> from neurofuse import simulate
    >>> _, recording = simulate(60.0, sensors=True, seed=0)
    >>> bool(posture_changes(recording, np.arange(0.0, 60.0)).any())
    False
    """
    changed = np.zeros(len(at), bool)
    imu = head_imu(recording)
    for sensor in imu.acceleration if imu is not None else ():
        time, rate = sensor.time.values, float(sensor.attrs["rate"])
        begins, ends = changes(sensor.values, rate)
        for begin, end in zip(begins, ends, strict=True):
            last = time[min(end, len(time) - 1)]
            changed |= (at >= time[begin]) & (at < last + SETTLING)
    return changed


def changes(acceleration: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """First and last sample of each change of posture in an accelerometer (axis, time).

    Examples
    --------
    >>> upright, lying = np.tile([[0.0], [0.0], [9.81]], 300), np.tile([[9.81], [0.0], [0.0]], 300)
    >>> begins, ends = changes(np.concatenate([upright, lying], 1), 10.0)
    >>> bool(begins[0] < 300 < ends[0]), len(begins)
    (True, 1)
    """
    none = np.zeros(0, int), np.zeros(0, int)
    values = np.asarray(acceleration, float)
    values = values[np.isfinite(values).any(1)]
    span = round(HELD * rate)
    if len(values) < 2 or values.shape[-1] < 3 * span or span < 2:
        return none
    values = np.nan_to_num(values, nan=0.0)
    held = uniform_filter1d(values, span, axis=1, mode="nearest")
    length = np.linalg.norm(held, axis=0)
    if length.mean() <= STEADY * length.std() or length.min() <= 0:
        return none
    direction = held / length
    lag = span // 2
    before, after = direction[:, : -2 * lag], direction[:, 2 * lag :]
    angle = np.degrees(np.arccos(np.clip((before * after).sum(0), -1, 1)))
    turned = np.pad(angle > TURNED, lag)
    turned = maximum_filter1d(turned, span)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], turned.astype(int), [0]])))
    return edges[::2], edges[1::2] - 1
