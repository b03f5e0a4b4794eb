"""The samples of a SNIRF data block and the even grid of times that they lie on."""

from pathlib import Path
from typing import Any

import numpy as np

from neurofuse.io.clock.grid import Grid, even_grid
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.snirf.hdf5 import numbers
from neurofuse.io.snirf.table import Channels, shape_of, tag

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "μs": 1e-6, "µs": 1e-6}
UNKNOWN_UNITS = ("", "unknown")
VOLTAGES = {"mV": 1e-3, "uV": 1e-6, "μV": 1e-6, "µV": 1e-6, "nV": 1e-9}
SLOWEST, FASTEST = 0.5, 1000.0  # Hz; beyond, the unit of time cannot be true


def samples(block: Any, channels: Channels) -> np.ndarray:
    """Samples (row, time), in volts where the unit is one of voltage, else as they are."""
    stored = block["dataTimeSeries"][()]  # `shape_of` has checked its size
    data = np.ascontiguousarray(stored.reshape(len(stored), -1).T, float)
    offset = numbers(block.get("dataOffset")).ravel()  # of the draft 1.2
    if len(offset) == len(data):
        data += offset[:, None]
    if len(channels.column) < len(data):
        data = data[channels.column]
    scale = np.array([VOLTAGES.get(unit, 1.0) for unit in channels.unit])
    return data if (scale == 1).all() else data * scale[:, None]


def sample_grid(nirs: Any, block: Any, path: Path) -> Grid:
    """The even grid that the sample times of a data block lie on [s]."""
    count = shape_of(block, path)[0]
    time = times(block, count)
    if len(time) != count:
        raise ReadError(
            f"{path} with {count} samples and {len(time)} sample times",
            "one time a sample, or start and spacing",
            "export the recording again",
        )
    scale = time_scale(nirs, path)
    grid = even_grid(time * scale, path, _resolution(block["time"], count) * scale)
    unit = tag(nirs, "TimeUnit").strip() or "none"
    check_rate(grid.rate, f"{path} (TimeUnit {unit})", "correct /nirs/metaDataTags/TimeUnit")
    return grid


def check_rate(rate: float, source: object, remedy: str) -> None:
    """Raise ReadError if no fNIRS device has such a rate [Hz]: the times are in another unit."""
    if SLOWEST <= rate <= FASTEST:
        return
    factors = {"milliseconds, not seconds": 1e3, "seconds, not milliseconds": 1e-3}
    hints = [
        f"if times are in {what}, it is {rate * factor:.4g} Hz"
        for what, factor in factors.items()
        if SLOWEST <= rate * factor <= FASTEST
    ]
    raise ReadError(
        f"{rate:.3g} samples a second in {source}",
        f"a rate between {SLOWEST:g} and {FASTEST:g} Hz",
        "; ".join([remedy, *hints]),
    )


def time_scale(nirs: Any, path: Path) -> float:
    """Seconds in the file's unit of time; a unit that the file calls unknown is a second."""
    unit = tag(nirs, "TimeUnit").strip()
    if unit not in TIME_UNITS and unit.lower() not in UNKNOWN_UNITS:
        raise ReadError(
            f"{path} with TimeUnit {unit!r}",
            f"one of {', '.join(list(TIME_UNITS)[:3])}",
            "correct /nirs/metaDataTags/TimeUnit",
        )
    return TIME_UNITS.get(unit, 1.0)


def times(group: Any, count: int) -> np.ndarray:
    """Times of `count` samples in the file's unit, stored as all of them or start and spacing."""
    time = numbers(group.get("time")).ravel()
    if len(time) == 2 and (count != 2 or time[1] <= time[0]):
        time = time[0] + time[1] * np.arange(count)
    return time


def report_gaps(grid: Grid, path: Path) -> None:
    """Warn of samples that are missing, or of times that are uneven."""
    if grid.gaps:
        warn_of_gaps(grid, path)
    elif not grid.even:
        LOG.warning(
            "%s: uneven sample times (%.3g ms off an even grid of %.6g Hz for 5 %% of the samples);"
            " samples are interpolated linearly at even times",
            path,
            1e3 * grid.scatter,
            grid.rate,
        )


def warn_of_gaps(grid: Grid, source: object) -> None:
    """Warn that a grid's gaps were interpolated; `source` is the file or stream."""
    count = len(grid.gaps)
    LOG.warning(
        "%s: %d %s (%.3g s in total) %s interpolated linearly and annotated BAD_gap",
        source,
        count,
        "gap" if count == 1 else "gaps",
        sum(length for _, length in grid.gaps) - count / grid.rate,
        "was" if count == 1 else "were",
    )


def _resolution(node: Any, count: int) -> float:
    """Smallest difference [unit of the file] that float32 times can hold, else 0."""
    if node.dtype.kind != "f" or node.dtype.itemsize >= 8:
        return 0.0
    stored = node[()].ravel()
    return float(np.spacing(stored[-1])) * (1 if len(stored) == count else count)
