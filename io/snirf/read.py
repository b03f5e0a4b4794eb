"""SNIRF files → an MNE Raw and auxiliary sensors, by the file's own times and indices.

Read through h5py: MNE's reader takes the mean of 1/step for the rate, knows seconds and
milliseconds only, and needs positions, two wavelengths and one group called /nirs. Where both
read a file, the result is the same (tests/io/test_snirf.py compares them on real files).
"""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid, even_grid
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG, reading
from neurofuse.io.snirf.hdf5 import numbered, numbers, text
from neurofuse.io.snirf.probe import mend_length, place_channels
from neurofuse.io.snirf.session import annotations, measured_at, subject
from neurofuse.io.snirf.table import (
    VOLTAGES,
    channel_table,
    data_blocks,
    measurement,
    sample_grid,
    shape_of,
    tag,
    time_scale,
    times,
)
from neurofuse.io.snirf.write import write_snirf

if TYPE_CHECKING:
    import mne

__all__ = ["mend_length", "read_aux", "read_snirf_raw", "write_snirf"]

WANTED = "a whole SNIRF file with one continuous-wave data block"


def read_snirf_raw(path: str | Path, group: str | None = None) -> "mne.io.BaseRaw":
    """The optical data of a SNIRF file as an MNE Raw in memory.

    Channels are called S1_D1 760 after their indices and stand in the file's order. The file's
    own time vector counts: its first sample is time 0, the rate is that of `even_grid`, holes are
    bridged linearly and annotated BAD_gap. Positions that are missing are NaN; those whose length
    unit cannot be true are mended (`mend_length`). Stimuli become annotations.

    Parameters
    ----------
    path : path
    group : str, optional
        Which /nirs group, for files that hold several recordings ("nirs2").

    Returns
    -------
    mne.io.RawArray

    Raises
    ------
    ReadError
        If the file is damaged, holds another kind of data or several recordings, or its parts
        contradict each other.
    """
    import h5py
    import mne

    path = Path(path)
    with reading(path, WANTED), h5py.File(path, "r") as file:
        nirs = measurement(file, path, group)
        block = _one_block(nirs, path)
        table, kind = channel_table(nirs, block, path)
        grid = sample_grid(nirs, block, path)
        info = mne.create_info(table["name"].tolist(), grid.rate, kind)
        place_channels(nirs, info, table)
        info["subject_info"] = subject(nirs)
        raw = mne.io.RawArray(grid.fill(_samples(block, table)), info, copy=None)
        date = measured_at(nirs)
        raw.set_meas_date(date and date + timedelta(seconds=grid.start))
        raw.set_annotations(annotations(nirs, grid, raw), emit_warning=False)
        bads = tag(nirs, "badChannels").split(",")
        ours = tag(nirs, "AppName") == "neurofuse"  # lengths are in m as the tag says
    raw.info["bads"] = [name for name in raw.ch_names if name in bads]
    raw.filenames = [path]
    _tell_holes(grid, path)
    if not ours:
        mend_length(raw, path)
    return raw


def read_aux(path: str | Path, group: str | None = None) -> dict[str, xr.Dataset]:
    """The auxiliary sensors of a SNIRF file: one Dataset (channel, time) each.

    Each keeps its own times, in seconds since the first sample of the optical data, as in
    `read_snirf_raw`. One without two ascending times, one for each sample, is left out and told.
    """
    import h5py

    path = Path(path)
    sensors: dict[str, xr.Dataset] = {}
    with reading(path, WANTED), h5py.File(path, "r") as file:
        nirs = measurement(file, path, group)
        block = data_blocks(nirs)[0]
        grid = sample_grid(nirs, block, path)
        scale, span = time_scale(nirs, path), shape_of(block, path)[0] / grid.rate
        for key in numbered(nirs, "aux"):
            sensor = nirs[key]
            name = (text(sensor.get("name")) or key).replace("/", "_")
            name = name if name not in sensors else f"{name} {key}"
            data = np.atleast_2d(numbers(sensor.get("dataTimeSeries")).T)
            time = times(sensor, data.shape[-1])
            try:
                if data.ndim != 2 or len(time) != data.shape[1]:
                    raise ReadError(f"{len(time)} times, samples {data.shape}", "", "")
                time = time * _true_scale(time, scale, span, f"{path}: auxiliary {name!r}")
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


def _one_block(nirs: Any, path: Path) -> Any:
    first, *others = data_blocks(nirs)
    if others:
        names = ", ".join(block.name for block in others)
        LOG.warning("%s: only %s is read, not %s", path, first.name, names)
    return first


def _samples(block: Any, table: dict[str, np.ndarray]) -> np.ndarray:
    """Samples (channel, time), in volts where the unit is one of voltage, else as they are."""
    stored = numbers(block["dataTimeSeries"])
    data = np.ascontiguousarray(stored.reshape(len(stored), -1).T)
    offset = numbers(block.get("dataOffset")).ravel()  # of the draft 1.2
    if len(offset) == len(data):
        data += offset[:, None]
    scale = np.array([VOLTAGES.get(unit, 1.0) for unit in table["dataUnit"]])
    return data if (scale == 1).all() else data * scale[:, None]


def _true_scale(time: np.ndarray, scale: float, span: float, what: str) -> float:
    """Seconds a unit of a sensor's times: LUMO gives seconds where the file says milliseconds."""
    length = time[-1] - time[0] if len(time) else 0.0
    if scale < 1 and length * scale < span / 20 and span / 2 < length < 2 * span:
        LOG.warning("%s: its times are taken for seconds, not for the file's TimeUnit", what)
        return 1.0
    return scale


def _tell_holes(grid: Grid, path: Path) -> None:
    if grid.holes:
        lost = sum(length for _, length in grid.holes) - len(grid.holes) / grid.rate
        LOG.warning(
            "%s: %d gaps of together %.3g s, bridged linearly and annotated BAD_gap",
            path,
            len(grid.holes),
            lost,
        )
    elif not grid.even:
        LOG.warning(
            "%s: uneven sample times (%.3g ms off an even grid of %.6g Hz for 5 %% of the samples);"
            " samples taken there linearly",
            path,
            1e3 * grid.scatter,
            grid.rate,
        )
