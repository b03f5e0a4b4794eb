"""An MNE Raw and auxiliary sensors → a SNIRF file of version 1.1."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError, WriteError
from neurofuse.io.mne_objects.optodes import name_parts, optode_numbers

if TYPE_CHECKING:
    import mne

VERSION = "1.1"
DATA_TYPES = {"fnirs_cw_amplitude": 1, "fnirs_od": 99999}
CARDINAL, FIDUCIALS = 1, {1: "LPA", 2: "Nasion", 3: "RPA"}  # FIFF's numbers
MOST_OPTODES = 10_000  # a larger number in a name would make a huge empty array


def write_snirf(
    raw: "mne.io.BaseRaw", path: str | Path, aux: Mapping[str, xr.Dataset] | None = None
) -> None:
    """Write continuous-wave intensity or optical density as SNIRF 1.1.

    Samples are stored as float64, so that they come back bit for bit. Sources and detectors keep
    their numbers, wavelengths their fractions. Annotations become stimuli; the channels that they
    name, bad channels and the channel names of sensors go where the specification leaves room (an
    HDF5 attribute `channels`, the tag `badChannels`).

    Parameters
    ----------
    raw : mne.io.Raw
        Channels of type fnirs_cw_amplitude or fnirs_od.
    path : path
    aux : dict of name to Dataset (channel, time), optional
        Further sensors, each at its own times [s]; 0 is the Raw's first sample.

    Raises
    ------
    WriteError
        If the channels are of another type, or their names do not hold source and detector.

    Examples
    --------
    >>> import tempfile
    >>> import mne
    >>> info = mne.create_info(["S1_D1 760", "S1_D1 850"], 10.0, "fnirs_cw_amplitude")
    >>> raw = mne.io.RawArray(np.ones((2, 50)), info, verbose="error")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_snirf(raw, f"{folder}/a.snirf")
    ...     mne.io.read_raw_snirf(f"{folder}/a.snirf", verbose="error").ch_names
    ['S1_D1 760', 'S1_D1 850']
    """
    import h5py

    kinds = set(raw.get_channel_types())
    if len(kinds) != 1 or not kinds <= set(DATA_TYPES):
        raise WriteError(
            f"channels of type {', '.join(sorted(kinds))}",
            "continuous-wave intensity only, or optical density only",
            "pick one of them (raw.pick)",
        )
    try:
        labels = [name_parts(name, "the Raw to write") for name in raw.ch_names]
    except ReadError as error:
        raise WriteError(error.found, error.wanted, error.remedy) from error
    pairs = [
        (np.array(optode_numbers(list(names), letter)), names)
        for names, letter in zip(list(zip(*labels, strict=True))[:2], "SD", strict=True)
    ]
    largest = max(int(numbers.max()) for numbers, _ in pairs)
    if largest > MOST_OPTODES:
        raise WriteError(
            f"an optode numbered {largest}", f"numbers up to {MOST_OPTODES}", "rename the channels"
        )
    stored = np.array([channel["loc"][9] for channel in raw.info["chs"]], float)
    waves = np.where(stored > 0, stored, [wave for *_, wave in labels])
    with h5py.File(path, "w") as file:
        _strings(file, formatVersion=VERSION)
        nirs = file.create_group("nirs")
        _write_tags(nirs.create_group("metaDataTags"), raw)
        block = nirs.create_group("data1")
        block["dataTimeSeries"] = np.asarray(raw.get_data(), float).T
        block["time"] = np.asarray(raw.times, float)
        _write_channels(block, [numbers for numbers, _ in pairs], waves, kinds.pop())
        _write_probe(nirs.create_group("probe"), raw, pairs, waves)
        _write_stimuli(nirs, raw)
        for number, (name, sensor) in enumerate((aux or {}).items(), 1):
            _write_sensor(nirs.create_group(f"aux{number}"), name, sensor)


def _write_tags(tags: Any, raw: "mne.io.BaseRaw") -> None:
    date, subject = raw.info["meas_date"], raw.info["subject_info"] or {}
    day = clock = "unknown"
    if date is not None:
        date += timedelta(seconds=float(raw.first_time))
        day = date.strftime("%Y-%m-%d")
        clock = date.strftime("%H:%M:%S.%fZ" if date.microsecond else "%H:%M:%SZ")
    _strings(
        tags,
        SubjectID=str(subject.get("his_id") or "unknown"),
        MeasurementDate=day,
        MeasurementTime=clock,
        LengthUnit="m",
        TimeUnit="s",
        FrequencyUnit="Hz",
        AppName="neurofuse",
    )
    # Beyond the specification: as MNE-NIRS writes them, lists of one, which MNE insists on.
    tags["MNE_coordFrame"] = [int(raw.info["chs"][0]["coord_frame"])]
    for key in ("first", "middle", "last"):
        if subject.get(f"{key}_name"):
            tags[f"{key}Name"] = _text([str(subject[f"{key}_name"])])
    if subject.get("sex") is not None:
        tags["sex"] = _text([str(int(subject["sex"]))])
    if subject.get("birthday"):
        tags["DateOfBirth"] = _text([subject["birthday"].isoformat()])
    if raw.info["bads"]:
        _strings(tags, badChannels=",".join(raw.info["bads"]))


def _write_channels(block: Any, indices: list[np.ndarray], waves: np.ndarray, kind: str) -> None:
    source, detector = indices
    known = np.unique(waves)
    for row in range(len(waves)):
        group = block.create_group(f"measurementList{row + 1}")
        for name, value in (
            ("sourceIndex", source[row]),
            ("detectorIndex", detector[row]),
            ("wavelengthIndex", np.searchsorted(known, waves[row]) + 1),
            ("dataType", DATA_TYPES[kind]),
            ("dataTypeIndex", 1),
        ):
            group[name] = np.int32(value)
        if kind == "fnirs_od":
            _strings(group, dataTypeLabel="dOD")


def _write_probe(
    probe: Any,
    raw: "mne.io.BaseRaw",
    pairs: list[tuple[np.ndarray, tuple[str, ...]]],
    waves: np.ndarray,
) -> None:
    probe["wavelengths"] = np.unique(waves)
    loc = np.array([channel["loc"] for channel in raw.info["chs"]], float)
    for (numbers, names), kind, start in zip(pairs, ("source", "detector"), (3, 6), strict=True):
        place = np.full((numbers.max(), 3), np.nan)  # a number that no channel has: unknown
        place[numbers - 1] = loc[:, start : start + 3]
        labels = [f"{kind[0].upper()}{n}" for n in range(1, len(place) + 1)]
        for number, name in zip(numbers, names, strict=True):
            labels[number - 1] = str(name)
        probe[f"{kind}Pos3D"] = place
        probe[f"{kind}Labels"] = _text(labels)
    frame = int(raw.info["chs"][0]["coord_frame"])
    points = [p for p in raw.info["dig"] or [] if int(p["coord_frame"]) == frame]
    if points:
        probe["landmarkPos3D"] = np.array([p["r"] for p in points], float)
        probe["landmarkLabels"] = _text([_landmark(p) for p in points])


def _landmark(point: Any) -> str:
    if int(point["kind"]) == CARDINAL:
        return FIDUCIALS.get(int(point["ident"]), f"HP_{int(point['ident'])}")
    return f"HP_{int(point['ident'])}"


def _write_stimuli(nirs: Any, raw: "mne.io.BaseRaw") -> None:
    marks = raw.annotations
    names = np.array([str(name) for name in marks.description], object)
    for number, name in enumerate(dict.fromkeys(sorted(names)), 1):
        rows = np.flatnonzero(names == name)
        stim = nirs.create_group(f"stim{number}")
        _strings(stim, name=name)
        onset = marks.onset[rows] - raw.first_time
        stim["data"] = np.column_stack([onset, marks.duration[rows], np.ones(len(rows))])
        stim["dataLabels"] = _text(["Onset", "Duration", "Amplitude"])
        channels = [",".join(marks.ch_names[row] or ()) for row in rows]
        if any(channels):
            stim["data"].attrs["channels"] = "\n".join(channels)


def _write_sensor(group: Any, name: str, sensor: xr.Dataset) -> None:
    values = next(v for v in sensor.data_vars.values() if "time" in v.dims)
    data = np.asarray(values.transpose("time", ...).values, float)
    _strings(group, name=name, dataUnit=str(values.attrs.get("units", "")))
    group["dataTimeSeries"] = data.reshape(len(data), -1)
    group["time"] = np.asarray(sensor["time"].values, float)
    if "channel" in sensor.coords:
        labels = [str(channel) for channel in np.atleast_1d(sensor["channel"].values)]
        group["dataTimeSeries"].attrs["channels"] = "\n".join(labels)


def _strings(group: Any, **members: str) -> None:
    for name, value in members.items():
        group[name] = _text(value)


def _text(value: str | list[str]) -> np.ndarray:
    import h5py

    return np.array(value, dtype=h5py.string_dtype())
