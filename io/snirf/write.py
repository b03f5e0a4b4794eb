"""An MNE Raw and auxiliary sensors → a SNIRF file of version 1.1."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError, WriteError
from neurofuse.io.mne_objects.header import snirf_facts
from neurofuse.io.mne_objects.optodes import name_parts, optode_numbers
from neurofuse.io.snirf.facts import OPTODES, WHOLE_FIELDS
from neurofuse.io.snirf.labels import named
from neurofuse.io.snirf.stimuli import write_stimuli

if TYPE_CHECKING:
    import mne

VERSION = "1.1"
DATA_TYPES = {"fnirs_cw_amplitude": 1, "fnirs_od": 99999}
CARDINAL, FIDUCIALS = 1, {1: "LPA", 2: "Nasion", 3: "RPA"}  # FIFF's numbers
MOST_OPTODES = 10_000  # a larger number in a name would make a huge empty array


def write_snirf(
    raw: "mne.io.BaseRaw",
    path: str | Path,
    aux: Mapping[str, xr.Dataset] | None = None,
) -> None:
    """Write continuous-wave intensity or optical density as SNIRF 1.1.

    Samples are stored as float64, so that they come back bit for bit. Sources and detectors keep
    their numbers, or their labels in the file that was read, wavelengths their fractions. What
    that file said of device, probe and channels is written again (`neurofuse.io.snirf.facts`).
    Annotations become stimuli; the channels that they name, bad channels and the channel names of
    sensors go where the specification leaves room (an HDF5 attribute `channels`, the tag
    `badChannels`).

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
    facts = snirf_facts(raw)
    probe = facts.get("probe", {})
    pairs = [
        (_indices(list(names), kind, probe.get(f"{kind}Labels", [])), names)
        for names, kind in zip(list(zip(*labels, strict=True))[:2], OPTODES, strict=True)
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
        _write_tags(nirs.create_group("metaDataTags"), raw, facts)
        block = nirs.create_group("data1")
        block["dataTimeSeries"] = np.asarray(raw.get_data(), float).T
        block["time"] = np.asarray(raw.times, float)
        _write_channels(block, [numbers for numbers, _ in pairs], waves, kinds.pop())
        _write_rows(block, raw, facts.get("rows", {}))
        _write_probe(nirs.create_group("probe"), raw, pairs, waves, probe)
        write_stimuli(nirs, raw, _text)
        for number, (name, sensor) in enumerate((aux or {}).items(), 1):
            _write_sensor(nirs.create_group(f"aux{number}"), name, sensor)


def _indices(names: list[str], kind: str, labels: list[str]) -> np.ndarray:
    """Index of each optode, from 1: that of its label in the file read, else its number."""
    if named(labels, kind) and set(names) <= set(labels):
        return np.array([labels.index(name) + 1 for name in names])
    return np.array(optode_numbers(names, kind[0].upper()))


def _write_tags(tags: Any, raw: "mne.io.BaseRaw", facts: Mapping[str, Any]) -> None:
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
    for name, value in {**facts.get("tags", {}), **facts.get("private", {})}.items():
        if name == "UnixTime":  # of the samples written, which may begin later
            value = "" if date is None else f"{date.timestamp():.6f}".rstrip("0").rstrip(".")
        if value != "" and name not in tags:
            tags[name] = _text(value) if isinstance(value, str) else np.array(value)


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


def _write_rows(block: Any, raw: "mne.io.BaseRaw", rows: Mapping[str, list[Any]]) -> None:
    """The fields of the measurement list that the file read had; units of intensity only."""
    number: dict[str, int] = {name: k for k, name in enumerate(rows.get("channel", ()))}
    fields = [name for name in rows if name != "channel"]
    if set(raw.get_channel_types()) != {"fnirs_cw_amplitude"}:
        fields = [name for name in fields if name != "dataUnit"]
    for k, channel in enumerate(raw.ch_names, 1):
        for name in fields if channel in number else ():
            value = rows[name][number[channel]]
            if value in (None, ""):
                continue
            group = block[f"measurementList{k}"]
            if name in group:
                del group[name]
            if name in WHOLE_FIELDS:
                group[name] = np.int32(value)
            else:
                group[name] = _text(value) if isinstance(value, str) else value


def _write_probe(
    probe: Any,
    raw: "mne.io.BaseRaw",
    pairs: list[tuple[np.ndarray, tuple[str, ...]]],
    waves: np.ndarray,
    facts: Mapping[str, Any],
) -> None:
    probe["wavelengths"] = np.unique(waves)
    loc = np.array([channel["loc"] for channel in raw.info["chs"]], float)
    for (numbers, names), kind, start in zip(pairs, OPTODES, (3, 6), strict=True):
        known = facts.get(f"{kind}Labels", [])
        place = np.full((max(numbers.max(), len(known)), 3), np.nan)  # of no channel: unknown
        stored = np.array(facts.get(f"{kind}Pos3D", place))
        place = stored if stored.shape == place.shape else place
        place[numbers - 1] = loc[:, start : start + 3]
        labels = [f"{kind[0].upper()}{n}" for n in range(1, len(place) + 1)]
        if len(known) == len(labels):
            labels = known
        else:
            for number, name in zip(numbers, names, strict=True):
                labels[number - 1] = str(name)
        probe[f"{kind}Pos3D"] = place
        probe[f"{kind}Labels"] = _text(labels)
        if f"{kind}Pos2D" in facts:
            probe[f"{kind}Pos2D"] = np.array(facts[f"{kind}Pos2D"], float)
    for name in ("coordinateSystem", "coordinateSystemDescription"):
        if name in facts:
            _strings(probe, **{name: facts[name]})
    frame = int(raw.info["chs"][0]["coord_frame"])
    points = [p for p in raw.info["dig"] or [] if int(p["coord_frame"]) == frame]
    if points:
        probe["landmarkPos3D"] = np.array([p["r"] for p in points], float)
        others = [p for p in points if int(p["kind"]) != CARDINAL]
        names = facts.get("landmarks", [])
        names = iter(names if len(names) == len(others) else [_landmark(p) for p in others])
        probe["landmarkLabels"] = _text(
            [_landmark(p) if int(p["kind"]) == CARDINAL else next(names) for p in points]
        )


def _landmark(point: Any) -> str:
    if int(point["kind"]) == CARDINAL:
        return FIDUCIALS.get(int(point["ident"]), f"HP_{int(point['ident'])}")
    return f"HP_{int(point['ident'])}"


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
