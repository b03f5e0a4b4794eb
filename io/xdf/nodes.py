"""Streams of an XDF file → the Datasets of a Recording: volts, light, sensors with units."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid
from neurofuse.io.logs import LOG, quiet
from neurofuse.io.mne_objects.eeg import (
    TEMPLATE,
    channel_type,
    eeg_from_raw,
    template_positions,
)
from neurofuse.io.mne_objects.nirs import nirs_from_raw
from neurofuse.io.mne_objects.triggers import trigger_channels
from neurofuse.io.recording import KIND, time_axis
from neurofuse.io.xdf.optode_labels import Light, optode_names
from neurofuse.io.xdf.stamps import Timing
from neurofuse.io.xdf.stream import Stream

VOLTS = {"": 1.0, "milli": 1e-3, "m": 1e-3, "micro": 1e-6, "u": 1e-6, "nano": 1e-9, "n": 1e-9}
TYPES = {
    "eeg": "eeg",
    "eog": "eog",
    "ecg": "ecg",
    "ekg": "ecg",
    "emg": "emg",
    "stim": "stim",
    "trigger": "stim",
    "trig": "stim",
    "marker": "stim",
    "markers": "stim",
}
SENSORS = {"ACC": r"^acc", "GYRO": r"^gyr", "MAG": r"^mag"}


def eeg_node(stream: Stream, grid: Grid, path: Path, date: datetime | None) -> xr.Dataset:
    """The `/eeg` Dataset of a stream [V], its time from 0 s."""
    import mne

    kinds: Any = [TYPES.get(k, "misc" if k else "eeg") for k in _fields(stream, "type")]
    if "eeg" not in kinds:
        kinds = ["eeg"] * stream.width  # a stream of type EEG whose channels say something else
    scales = _scales(stream, kinds, path)
    samples = stream.values.T * scales[:, None]
    data = grid.fill(samples)
    for row in trigger_channels(stream.labels, _final_types(stream, kinds)):
        data[row] = _held(samples[row], grid)
    with quiet():
        info = mne.create_info(stream.labels, grid.rate, kinds)
        raw = mne.io.RawArray(data, info)
        raw.set_meas_date(date)
    node = eeg_from_raw(raw)
    node.attrs["file"] = path.name
    return node


def _final_types(stream: Stream, kinds: Sequence[str]) -> list[str]:
    return [channel_type(name, kind) for name, kind in zip(stream.labels, kinds, strict=True)]


def _held(codes: np.ndarray, grid: Grid) -> np.ndarray:
    """Codes on the grid: each stays until the next one, where samples are missing as well."""
    if grid.even:
        return codes
    slots = np.arange(round(float(grid.place[-1])) + 1)
    return codes[np.searchsorted(grid.place, slots + 0.5) - 1]


def nirs_node(
    stream: Stream, grid: Grid, lights: Sequence[Light], path: Path, date: datetime | None
) -> xr.Dataset:
    """The `/nirs` Dataset of the columns `lights` of a stream, its time from 0 s.

    Positions are those of the header [m], else, if labels hold a name of the 10-05 system
    ("S1_FCC3h"), those of MNE's template; `attrs["positions"]` says which.
    """
    import mne
    from mne._fiff.constants import FIFF

    from neurofuse.io.snirf.probe import correct_length

    names = optode_names(list(lights))
    positions, origin = _positions(stream, lights)
    channels = [
        f"{names['source', light.source]}_{names['detector', light.detector]} {light.wavelength:g}"
        for light in lights
    ]
    data = grid.fill(stream.values[:, [light.column for light in lights]].T.astype(float))
    with quiet():
        info = mne.create_info(channels, grid.rate, "fnirs_cw_amplitude")
        head = origin.startswith("template")
        for channel, light in zip(info["chs"], lights, strict=True):
            source, detector = positions[light.source], positions[light.detector]
            channel["loc"][:9] = np.concatenate([(source + detector) / 2, source, detector])
            channel["loc"][9] = light.wavelength
            channel["coord_frame"] = FIFF.FIFFV_COORD_HEAD if head else FIFF.FIFFV_COORD_UNKNOWN
        raw = mne.io.RawArray(data, info)
        raw.set_meas_date(date)
    if origin == "file":
        correct_length(raw, path)
    node = nirs_from_raw(raw)
    node.attrs.update(file=path.name, positions=origin)
    listed = {
        f"{names['source', light.source]}-{names['detector', light.detector]}": light.short
        for light in lights
        if light.short is not None
    }
    short = [
        listed.get(str(n), bool(s))
        for n, s in zip(node.channel.values, node.short.values, strict=True)
    ]
    return node.assign_coords(short=("channel", np.array(short, bool)))


def sensor_nodes(
    stream: Stream, own: Timing, columns: Sequence[int], zero: float
) -> dict[str, xr.Dataset]:
    """The `/aux` Datasets of some columns of a stream: one for each sensor and unit.

    A stream without a rate keeps its stamps; others lie on their fitted grid, gaps interpolated.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for column in columns:
        label = re.sub(r"^.*[_\s](?=(acc|gyr|mag))", "", stream.labels[column].lower())
        sensor = next((s for s, p in SENSORS.items() if re.search(p, label)), "")
        groups.setdefault((sensor, stream.field_of("unit", column)), []).append(column)
    nodes = {}
    grid, values = own.grid, np.asarray(stream.values)
    for (sensor, unit), group in groups.items():
        labels = [stream.labels[i] for i in group]
        data = values[:, group].T.astype(float)
        if stream.nominal > 0:
            data = grid.fill(data)
            time = time_axis(data.shape[1], grid.rate, grid.start - zero)
        else:
            time = stream.stamps - zero
        part = f" {sensor or labels[0]}" if len(groups) > 1 else ""
        name = f"{stream.name}{part}".replace("/", "_")
        nodes[name] = xr.Dataset(
            {name: (("channel", "time"), data, {"units": unit})},
            coords={"channel": labels, "time": time},
            attrs={"rate": float(grid.rate), KIND: f"{stream.title}{part}".replace("/", "_")},
        )
    return nodes


def _scales(stream: Stream, kinds: Sequence[str], path: Path) -> np.ndarray:
    """Volts in one unit of each channel; microvolts, as XDF recommends, where none is given."""
    scales, unknown = np.ones(stream.width), {}
    for column, (kind, unit) in enumerate(zip(kinds, _fields(stream, "unit"), strict=True)):
        match = re.fullmatch(r"(milli|micro|nano|m|u|n|)(volts?|v)", re.sub("[µμ]", "u", unit))
        if match:
            scales[column] = VOLTS[match[1]]
        elif kind not in ("misc", "stim"):
            scales[column] = 1e-6
            unknown[stream.labels[column]] = unit or "none"
    if unknown:
        LOG.warning(
            "%s: unit of %s taken as microvolts, as XDF recommends (header: %s)",
            path,
            ", ".join(unknown) if len(unknown) < 6 else f"{len(unknown)} channels",
            ", ".join(sorted(set(unknown.values()))),
        )
    return scales


def _positions(stream: Stream, lights: Sequence[Light]) -> tuple[dict[str, np.ndarray], str]:
    """Position [m] of every optode, NaN where unknown, and the origin of positions."""
    labels = list(dict.fromkeys(x for light in lights for x in (light.source, light.detector)))
    listed = {label: stream.optodes[label] for label in labels if label in stream.optodes}
    if listed:
        return {label: listed.get(label, np.full(3, np.nan)) for label in labels}, "file"
    sites = [label.rsplit("_", 1)[-1] for label in labels]
    table, known = template_positions(sites, np.ones(len(sites), bool))
    origin = "none" if known is None else f"template {TEMPLATE}"
    return dict(zip(labels, table, strict=True)), origin


def _fields(stream: Stream, what: str) -> list[str]:
    return [stream.field_of(what, i).lower() for i in range(stream.width)]
