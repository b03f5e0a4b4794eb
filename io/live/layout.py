"""Which column of a live stream is which channel, and in which unit: both ways."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io.clock.grid import Grid
from neurofuse.io.errors import ReadError
from neurofuse.io.imu import UNITS
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import KIND, build
from neurofuse.io.xdf.nodes import eeg_node, nirs_node
from neurofuse.io.xdf.optode_labels import header_lights
from neurofuse.io.xdf.stream import Stream

IMU = "imu"
KINDS = (EEG.name, NIRS.name, IMU)
IMU_TYPES = r"\b(acc\w*|gyro\w*|imu|motion|inertial)\b"
SENSORS = {"acceleration": r"acc|^[xyz]$", "rotation": r"gyr|rot"}
AXES = 3
NO_VOLTAGE = r"(k|m|kilo|mega)?(ohms?|Ω|Ω)|°.*|deg.*|celsius|%|.?mol.*|m/s.*|hz|bpm|lux|t|ut"


@dataclass(frozen=True)
class Layout:
    """How the columns of a stream become what a cleaner takes.

    Parameters
    ----------
    kind : {"eeg", "nirs", "imu"}
    node : Dataset
        The stream's node of a Recording, without samples.
    columns : array (channel,) or (channel, wavelength)
        The stream's column of each; below 0 where it has none.
    scale : array, as columns
        What one unit of the stream is: in V (EEG), in SI units (IMU, where known); 1 for light.
    """

    kind: str
    node: xr.Dataset
    columns: np.ndarray
    scale: np.ndarray

    @property
    def used(self) -> np.ndarray:
        """Columns that the cleaned stream has, as the stream orders them."""
        return np.sort(self.columns[self.columns >= 0])

    def shaped(self, samples: np.ndarray) -> np.ndarray:
        """Samples (column, time) as (channel, time) [V] or (channel, wavelength, time)."""
        shaped = samples[self.columns] * self.scale[..., None]
        shaped[self.columns < 0] = np.nan
        return shaped

    def flat(self, samples: np.ndarray) -> np.ndarray:
        """Cleaned samples as the stream has them: (time, one of `used`), in its own units."""
        known = self.columns >= 0
        order = np.argsort(self.columns[known])
        return (samples[known] / self.scale[known][:, None])[order].T


def kind_of(stream: Stream) -> str:
    """ "eeg", "nirs", "imu", or "other": by what the header says.

    Examples
    --------
    >>> from neurofuse.io.live.header import stream_of
    >>> kind_of(stream_of("<info><type>ACC</type><channel_count>3</channel_count>"
    ...                   "<channel_format>float32</channel_format></info>"))
    'imu'
    """
    if stream.kind in MODALITIES:
        return stream.kind
    words = re.sub(r"[_\-.]+", " ", f"{stream.type} {'' if stream.type else stream.name}".lower())
    return IMU if re.search(IMU_TYPES, words) and not stream.text else "other"


def layout_of(stream: Stream, kind: str) -> Layout:
    """The Layout of a stream that is to be used as `kind`.

    Raises
    ------
    ReadError
        If it holds text, announces no rate, is EEG in a unit that is no voltage, or is fNIRS
        without known sources, detectors and wavelengths.
    """
    if stream.text or not stream.nominal > 0:
        what = "that holds text" if stream.text else "that announces no sampling rate"
        raise ReadError(
            f"stream {stream.name} {what}",
            "even samples of numbers",
            "choose another one, or set the nominal rate in the program that sends it",
        )
    if kind == IMU:
        return _imu(stream)
    return _eeg(stream) if kind == EEG.name else _nirs(stream)


def montage(layouts: Sequence[Layout]) -> xr.DataTree:
    """A Recording without samples: channels, positions and rates of live streams."""
    nodes = {layout.kind: layout.node for layout in layouts}
    aux = {str(next(iter(nodes[IMU].data_vars))): nodes[IMU]} if IMU in nodes else {}
    return build(nodes.get(EEG.name), nodes.get(NIRS.name), aux=aux)


def _eeg(stream: Stream) -> Layout:
    units = {stream.field_of("unit", i).lower() for i in range(stream.width)}
    foreign = sorted(unit for unit in units if re.fullmatch(NO_VOLTAGE, unit))
    if foreign and not any(re.search(r"v(olts?)?$", unit) for unit in units):
        raise ReadError(
            f"stream {stream.name} in {', '.join(foreign)}", "EEG in volts", "choose another stream"
        )
    node = eeg_node(
        _with(stream, np.ones((1, stream.width))), _grid(stream), Path(stream.name), None
    )
    scale = node.eeg.values[:, 0]  # what came out of one unit
    columns = np.array([stream.labels.index(str(name)) for name in node.channel.values])
    return Layout(EEG.name, _empty(node), columns, scale)


def _nirs(stream: Stream) -> Layout:
    lights = header_lights(stream)
    if not lights:
        raise ReadError(
            f"stream {stream.name} ({stream.type}) without source, detector and wavelength of its "
            "channels, or of derived values such as HbO",
            "light intensities, described by `source`, `detector` and `wavelen`, or labels such as "
            "S1_D1 760",
            "let the recording program send raw light with channel labels",
        )
    numbered = 1 + np.arange(stream.width, dtype=float)[None]
    node = nirs_node(_with(stream, numbered), _grid(stream), lights, Path(stream.name), None)
    columns = np.nan_to_num(node.intensity.values[:, :, 0], nan=0.0).astype(int) - 1
    return Layout(NIRS.name, _empty(node), columns, np.ones(columns.shape))


def _imu(stream: Stream) -> Layout:
    """Three axes of acceleration, and three of rotation after them if there are."""
    columns: dict[str, list[int]] = {sensor: [] for sensor in SENSORS}
    for column, label in enumerate(stream.labels):
        words = f"{label} {stream.field_of('type', column)}".lower()
        sensor = next((s for s, pattern in SENSORS.items() if re.search(pattern, words)), None)
        if sensor is None and not stream.channels:  # nothing is said of any
            sensor = "acceleration" if column < AXES else "rotation"
        if sensor is not None and len(columns[sensor]) < AXES:
            columns[sensor].append(column)
    if len(columns["acceleration"]) < AXES:
        raise ReadError(
            f"stream {stream.name} with {', '.join(stream.labels)}",
            "three channels of an accelerometer, and three of a gyroscope if there is one",
            "choose another stream (--imu)",
        )
    scales = {
        column: _si(sensor, stream.field_of("unit", column))
        for sensor, group in columns.items()
        if len(group) == AXES
        for column in group
    }
    name = (stream.name or "IMU").replace("/", "_")
    node = xr.Dataset(
        {name: (("channel", "time"), np.empty((len(scales), 0)), {"units": ""})},
        coords={"channel": [stream.labels[c] for c in scales], "time": np.empty(0)},
        attrs={"rate": stream.nominal, KIND: stream.title},
    )
    return Layout(IMU, node, np.array([*scales]), np.array([*scales.values()]))


def _si(sensor: str, unit: str) -> float:
    """One unit of a sensor in SI units; 1 where the unit is unknown."""
    plain = re.sub(r"\s", "", unit.lower().replace("²", "2").replace("·", "*"))
    return next((f for p, f in UNITS[sensor].items() if re.fullmatch(p, plain)), 1.0)


def _with(stream: Stream, values: np.ndarray) -> Stream:
    return replace(stream, stamps=np.zeros(len(values)), values=values)


def _grid(stream: Stream) -> Grid:
    return Grid(stream.nominal, 0.0, np.zeros(1), [], 0.0)


def _empty(node: xr.Dataset) -> xr.Dataset:
    return node.isel(time=slice(0, 0))
