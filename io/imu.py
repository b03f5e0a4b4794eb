"""Accelerometers and gyroscopes on the head, found among a Recording's sensors by their names.

Devices call them ACC, accel_x, accelerometer_1_x, Gyro Z and so on, as nodes of `/aux` or as
further channels of the EEG amplifier. Axes that tell nothing (constant, twice there, mostly not
finite) are left out. An IMU never stops anything: whatever is strange about it leaves it out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

STANDARD_GRAVITY = 9.80665  # m/s²
SLOWEST = 4.0  # Hz; slower sensors miss movements of the head
NAMES = {
    "acceleration": r"(?<![a-z])acc(el(eration|erometer)?)?s?[xyz]?(?![a-z])",
    "rotation": r"(?<![a-z])gyr(o(scope)?)?s?[xyz]?(?![a-z])",
}
ELSEWHERE = r"leg|ankle|foot|knee|thigh|shank|wrist|hand|finger|arm|chest|waist|torso|trunk|pelvis"
# Devices that do not name their columns; of the Cortivision Photon Cap inferred from recordings
UNNAMED = {r"^photon_?cap.*raw": ["acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z"]}
UNITS = {
    "acceleration": {
        r"g": STANDARD_GRAVITY,
        r"mg": STANDARD_GRAVITY / 1000,
        r"m/s/s|m/s\^?2|m\*?s\^?-2|meters?/second\^?2": 1.0,
    },
    "rotation": {
        r"(deg|degrees?|°)/(s|sec|second)|dps": np.pi / 180,
        r"mdps": np.pi / 180_000,
        r"(rad|radians?)/(s|sec|second)": 1.0,
    },
}
SI = {"acceleration": "m/s^2", "rotation": "rad/s"}


@dataclass(frozen=True)
class HeadImu:
    """What the head's IMUs measured: DataArrays (axis, time), one a sensor, on its own times.

    `attrs` hold `rate` [Hz] and `units`. Acceleration [m/s²] contains gravity; where its unit is
    unknown it is scaled so that its median norm is that of gravity. Rotation is in rad/s, in the
    device's own unit (`units` "") where that is unknown.
    """

    acceleration: tuple[xr.DataArray, ...] = ()
    rotation: tuple[xr.DataArray, ...] = ()


@dataclass(frozen=True)
class _Axis:
    """One channel of a sensor."""

    quantity: str  # "acceleration" or "rotation"
    sensor: str  # its name without the axis
    name: str
    unit: str
    rate: float
    time: np.ndarray
    values: np.ndarray


def head_imu(recording: xr.DataTree) -> HeadImu | None:
    """The accelerometers and gyroscopes on the head; None where nothing usable is there.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    HeadImu or None

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> values = np.random.default_rng(0).normal(size=(3, 500)) + [[0], [0], [1]]
    >>> sensor = xr.Dataset(
    ...     {"ACC": (("channel", "time"), values, {"units": "g"})},
    ...     {"channel": list("xyz"), "time": np.arange(500) / 50},
    ...     {"rate": 50.0},
    ... )
    >>> eeg = eeg_dataset(np.zeros((1, 2500)), 250.0, ["Cz"])
    >>> imu = head_imu(build(eeg, aux={"ACC": sensor}))
    >>> imu.acceleration[0].sizes["axis"], imu.rotation
    (3, ())
    """
    groups: dict[tuple[str, str, str, int, float], list[_Axis]] = {}
    for axis in _axes(recording):
        key = axis.quantity, axis.sensor, axis.unit, len(axis.time), round(float(axis.time[0]), 6)
        held = groups.setdefault(key, [])
        if not any(np.array_equal(axis.values, other.values, equal_nan=True) for other in held):
            held.append(axis)
    found: dict[str, list[xr.DataArray]] = {"acceleration": [], "rotation": []}
    for (quantity, *_), axes in groups.items():
        found[quantity].append(_sensor(axes))
    imu = HeadImu(tuple(found["acceleration"]), tuple(found["rotation"]))
    return imu if imu.acceleration or imu.rotation else None


def _axes(recording: xr.DataTree) -> Iterator[_Axis]:
    """The usable channels of accelerometers and gyroscopes."""
    for node, sensor, variable, channels in _candidates(recording):
        listed = next((n for p, n in UNNAMED.items() if re.search(p, node, re.I)), [])
        time = np.asarray(sensor.time.values)
        for place, (row, channel) in enumerate(channels):
            label = listed[place] if len(listed) == len(channels) else channel
            whole = f"{_words(node)} {_words(label)}"
            quantity = _quantity(label) or _quantity(whole)
            if not quantity or re.search(ELSEWHERE, whole):
                continue
            values = _numbers(variable, row)
            rate = _rate(sensor.attrs.get("rate"), time)
            if values is None or len(values) != len(time) or not rate >= SLOWEST:
                continue
            name = f"{_without_axis(node)} {_without_axis(label)}".strip()
            unit = str(variable.attrs.get("units") or "")
            yield _Axis(quantity, name, label, unit, rate, time.astype(float), values)


def _candidates(
    recording: xr.DataTree,
) -> Iterator[tuple[str, xr.Dataset, xr.DataArray, list[tuple[int, str]]]]:
    """Node, its Dataset, its variable (channel, time), and rows and names of channels there."""
    sensors = recording["aux"].children if "aux" in recording.children else {}
    for name, node in sensors.items():
        for variable in node.to_dataset().data_vars.values():
            if variable.dims == ("channel", "time") and "time" in node.coords:
                names = node["channel"].values if "channel" in node.coords else variable["channel"]
                yield (
                    str(name),
                    node.to_dataset(),
                    variable,
                    [(row, str(channel)) for row, channel in enumerate(np.asarray(names))],
                )
    if "eeg" in recording.children:
        eeg = recording["eeg"].to_dataset()
        if "eeg" in eeg and "ch_type" in eeg.coords:
            rows = [i for i, kind in enumerate(eeg.ch_type.values) if kind == "misc"]
            channels = [(row, str(eeg.channel.values[row])) for row in rows]
            yield "", eeg, eeg.eeg, channels


def _words(name: str) -> str:
    """A name in small letters, its parts apart: "HeadAccX" is "head acc x"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_\W]+", " ", name).lower()


def _quantity(name: str) -> str:
    """What a sensor of this name measures, "" if neither acceleration nor rotation."""
    return next((q for q, pattern in NAMES.items() if re.search(pattern, _words(name))), "")


def _without_axis(name: str) -> str:
    """A sensor's name; that of an axis is left out: a letter, or, without one, the last number."""
    words = _words(name)
    bare = re.sub(r"(?<![a-z])((?:acc|accel|gyro?)?)[xyz](?![a-z])", r"\1 ", words)
    return (bare if bare != words else re.sub(r"\d+$", "", words)).strip()


def _numbers(variable: xr.DataArray, row: int) -> np.ndarray | None:
    """Samples of a channel; None unless most are finite and they change."""
    try:
        values = np.array(variable[row].values, float)
    except (TypeError, ValueError):
        return None
    finite = np.isfinite(values)
    if finite.sum() < max(len(values) / 2, 2) or np.ptp(values[finite]) == 0:
        return None
    values[~finite] = np.nan
    return values


def _rate(stated: object, time: np.ndarray) -> float:
    """Samples in a second; NaN where times are no ascending numbers."""
    if time.dtype.kind not in "fiu" or len(time) < 2 or not np.isfinite(time).all():
        return np.nan
    if np.any(np.diff(time) < 0) or time[-1] <= time[0]:
        return np.nan
    if isinstance(stated, (int, float, np.number)) and np.isfinite(stated) and stated > 0:
        return float(stated)
    return float((len(time) - 1) / (time[-1] - time[0]))


def _sensor(axes: list[_Axis]) -> xr.DataArray:
    """One sensor from its axes, in SI units where its own are known."""
    first = axes[0]
    values = np.stack([axis.values for axis in axes])
    unit = re.sub(r"\s", "", first.unit.lower().replace("²", "2").replace("·", "*"))
    scale = next((s for p, s in UNITS[first.quantity].items() if re.fullmatch(p, unit)), None)
    if scale is None and first.quantity == "acceleration":
        norm = float(np.nanmedian(np.linalg.norm(values, axis=0)))
        scale = STANDARD_GRAVITY / norm if np.isfinite(norm) and norm > 0 else None
    return xr.DataArray(
        values if scale is None else scale * values,
        {"axis": [axis.name for axis in axes], "time": first.time},
        ("axis", "time"),
        first.sensor,
        {"rate": first.rate, "units": "" if scale is None else SI[first.quantity]},
    )
