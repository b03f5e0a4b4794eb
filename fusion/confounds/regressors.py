"""Columns for a design matrix: steps of the baseline level, short channels, the head's movement."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter1d

from neurofuse.fusion.confounds.state import usable
from neurofuse.io.imu import head_imu
from neurofuse.io.logs import LOG
from neurofuse.io.recording import LOST
from neurofuse.io.runs import runs
from neurofuse.models.inference.head_activity import GAP, GRAVITY_SPAN

MOST = 0.5  # share of channels above which a movement is one of the whole head
APART = 2.0  # s of rest that separate two movements
# s of the recording for each step, at least: a response lasts as long, and more steps than that
# would follow it
ROOM = 30.0
EXPLAINED = 0.9  # share of the short channels' variance that components explain …
MOST_COMPONENTS = 6  # … if so many do


def level_steps(
    masked: np.ndarray, motion: np.ndarray, rate: float
) -> Iterator[tuple[str, np.ndarray]]:
    """A column (time,) for each movement of most channels, 0 before and 1 after its middle.

    Movements less than `APART` from each other are one; those less than that from the recording's
    ends leave no level to compare with. Of very many only the largest count.

    Parameters
    ----------
    masked, motion : array (time,)
        Shares of channels whose motion mask is above 0, so that their level may change there, and
        which count as in motion.
    rate : float
        [Hz].

    Examples
    --------
    >>> motion = np.zeros(900)
    >>> motion[300:310] = 1.0
    >>> [(name, int(np.argmax(step))) for name, step in level_steps(motion, motion, 10.0)]
    [('level_step_00', 305)]
    """
    movements = _movements(masked > MOST, round(APART * rate))
    strength = masked + motion
    room = max(int(masked.size / rate / ROOM), 1)
    if len(movements) > room:
        LOG.warning(
            "%d movements in %.0f s: steps of the baseline level for the largest %d only, since "
            "more would follow haemodynamic responses",
            *(len(movements), masked.size / rate, room),
        )
        largest = sorted(movements, key=lambda span: -strength[slice(*span)].sum())[:room]
        movements = sorted(largest)
    for number, (first, last) in enumerate(movements):
        during = strength[first:last]
        widest = first + np.flatnonzero(during == during.max())
        at = widest[len(widest) // 2]  # never in a pause between merged movements
        yield f"level_step_{number:02d}", (np.arange(masked.size) >= at).astype(float)


def _movements(moving: np.ndarray, apart: int) -> list[tuple[int, int]]:
    """First sample of each movement, and the sample after its last."""
    joined: list[tuple[int, int]] = []
    for first, last in runs(moving):
        if joined and first - joined[-1][1] < apart:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return [(a, b) for a, b in joined if a >= apart and b <= moving.size - apart]


def short_channels(node: xr.Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Principal components (time,) of the optical density of short channels, mean 0 and SD 1.

    Each channel and wavelength counts alike. What is lost is interpolated.
    """
    chosen = node.isel(channel=usable(node) & node.short.values)
    od = chosen.od.transpose("channel", "wavelength", "time").values
    known = np.isfinite(od)
    if "verdict" in chosen:
        known &= (chosen.verdict.transpose("channel", "time").values != LOST)[:, None]
    rows = []
    for row, here in zip(
        od.reshape(-1, od.shape[-1]), known.reshape(-1, od.shape[-1]), strict=True
    ):
        at = np.flatnonzero(here)
        series = np.interp(np.arange(row.size), at, row[at]) if at.size else np.zeros(row.size)
        series = series - series.mean()
        if series.std() > 0:
            rows.append(series / series.std())
    if not rows:
        return
    _, size, courses = np.linalg.svd(np.stack(rows), full_matrices=False)
    explained = np.cumsum(size**2) / np.sum(size**2)
    count = min(int(np.argmax(explained >= EXPLAINED)) + 1, MOST_COMPONENTS)
    for number, course in enumerate(courses[:count]):
        sign = np.sign(course @ np.sum(rows, axis=0)) or 1.0  # the same at each call
        yield f"short_channel_{number:02d}", sign * course / course.std()


def head_movement(
    recording: xr.DataTree, at: np.ndarray, rate: float
) -> Iterator[tuple[str, np.ndarray, str]]:
    """How much the head moves at times (time,) [s]: name, root mean square (time,), unit.

    By the first accelerometer and the first gyroscope that measured then, gravity and bias removed.
    """
    imu = head_imu(recording)
    for name, sensors in (
        ("head_acceleration", imu.acceleration if imu else ()),
        ("head_rotation", imu.rotation if imu else ()),
    ):
        for sensor in sensors:
            course = _root_mean_square(sensor, name == "head_acceleration", at, rate)
            if np.isfinite(course).any():
                yield name, course, str(sensor.attrs["units"])
                break


def _root_mean_square(
    sensor: xr.DataArray, gravity: bool, at: np.ndarray, rate: float
) -> np.ndarray:
    """RMS (time,) of the norm of a sensor (axis, time) within one sample around `at`."""
    known = np.isfinite(sensor.values).all(0)
    time, values = sensor.time.values[known], sensor.values[:, known]
    if time.size < 2:
        return np.full(at.size, np.nan)
    own_rate = float(sensor.attrs["rate"])
    if gravity:
        span = 2 * round(GRAVITY_SPAN * own_rate / 2) + 1
        values = values - uniform_filter1d(values, span, axis=1, mode="nearest")
    else:
        values = values - np.median(values, axis=1, keepdims=True)
    energy = (values**2).sum(0)
    steps = np.diff(time)
    summed = np.concatenate([[0.0], np.cumsum(steps * (energy[1:] + energy[:-1]) / 2)])
    edges = np.stack([at - 0.5 / rate, at + 0.5 / rate]).clip(time[0], time[-1])
    width = edges[1] - edges[0]
    mean = np.diff(np.interp(edges, time, summed), axis=0)[0] / np.where(width > 0, width, 1.0)
    after = np.searchsorted(time, at).clip(1, time.size - 1)
    limit = max(GAP, 2.5 / own_rate)
    there = (steps[after - 1] <= limit) & (at >= time[0] - limit) & (at <= time[-1] + limit)
    return np.where(there & (width > 0), np.sqrt(np.maximum(mean, 0.0)), np.nan)
