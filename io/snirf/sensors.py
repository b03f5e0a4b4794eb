"""Auxiliary sensors of a SNIRF file: accelerometers, short-wave light, heart rate and others."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid, even_grid
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.snirf.hdf5 import numbered, numbers, text
from neurofuse.io.snirf.samples import time_scale, times


def read_sensors(nirs: Any, grid: Grid, count: int, path: Path) -> dict[str, xr.Dataset]:
    """The sensors of a /nirs group, one Dataset (channel, time) each.

    Times are in seconds since the first optical sample. A sensor without two ascending times, one
    for each sample, is left out with a warning.

    Parameters
    ----------
    nirs : h5py.Group
    grid : Grid
        Of the optical samples.
    count : int
        Number of the optical samples.
    path : Path
        For messages.
    """
    sensors: dict[str, xr.Dataset] = {}
    keys = numbered(nirs, "aux")
    scale, span = time_scale(nirs, path), count / grid.rate
    for key in keys:
        sensor = nirs[key]
        name = (text(sensor.get("name")) or key).replace("/", "_")
        name = name if name not in sensors else f"{name} {key}"
        data = _by_channel(sensor, f"{path}: auxiliary {name!r}")
        time = times(sensor, data.shape[-1])
        try:
            if data.ndim != 2 or len(time) != data.shape[1]:
                raise ReadError(f"{len(time)} times, samples {data.shape}", "", "")
            time = time * _true_scale(time, scale, span, f"{path}: auxiliary {name!r}")
            time = time + _shift(sensor, time, grid.start, span, f"{path}: auxiliary {name!r}")
            rate = even_grid(time, path).rate
        except ReadError as error:
            LOG.warning("%s: auxiliary %r left out: %s", path, name, error.found)
            continue
        labels = str(sensor["dataTimeSeries"].attrs.get("channels", "")).split("\n")
        if len(labels) != len(data) or not all(labels):
            labels = [f"{name}{i}" if len(data) > 1 else name for i in range(len(data))]
        sensors[name] = xr.Dataset(
            {name: (("channel", "time"), data, {"units": text(sensor.get("dataUnit"))})},
            coords={"channel": labels, "time": time - grid.start},
            attrs={"rate": rate},
        )
    return sensors


def _by_channel(sensor: Any, what: str) -> np.ndarray:
    """The samples (channel, time); the file has them by time, or, against the standard, so."""
    data = numbers(sensor.get("dataTimeSeries"))
    count = numbers(sensor.get("time")).size
    if data.ndim == 2 and count > 1:
        by_time = data.shape[0] == count or (count == 2 and data.shape[0] > 1)
        if not by_time and (data.shape[1] == count or data.shape[0] == 1):
            LOG.warning("%s: its samples hold one channel a row; taken as such", what)
            return data
    return np.atleast_2d(data.T)


def _shift(sensor: Any, time: np.ndarray, start: float, span: float, what: str) -> float:
    """The sensor's `timeOffset` [s], unless it takes it away from all optical samples."""
    shift = float(next(iter(numbers(sensor.get("timeOffset")).ravel()), 0.0))
    if not np.isfinite(shift) or not len(time) or shift == 0:
        return 0.0
    if time[0] + shift > start + span or time[-1] + shift < start:
        LOG.warning("%s: timeOffset %g s leads out of the recording; not applied", what, shift)
        return 0.0
    return shift


def _true_scale(time: np.ndarray, scale: float, span: float, what: str) -> float:
    """Seconds in a sensor's unit of time.

    LUMO stores seconds where the file's TimeUnit says milliseconds: then the sensor would last far
    less than the optical samples do, `span` [s]. Milliseconds may stand for seconds as well.
    """
    length = time[-1] - time[0] if len(time) else 0.0
    if span / 20 <= length * scale <= 20 * span:
        return scale
    for unit, name in ((1.0, "seconds"), (1e-3, "milliseconds")):
        if unit != scale and span / 2 < length * unit < 2 * span:
            LOG.warning("%s: its times are taken for %s, not for the file's TimeUnit", what, name)
            return unit
    return scale
