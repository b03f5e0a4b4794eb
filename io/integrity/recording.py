"""Check that a Recording read from a file follows the schema, whatever wrote the file."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import check, streams

DIMS: dict[str, tuple[str, ...]] = {
    variable: modality.dims for modality in MODALITIES.values() for variable in modality.variables
}
COORDS: dict[str, dict[str, tuple[str, ...]]] = {
    EEG.name: {"ch_type": ("channel",), "position": ("channel", "axis")},
    NIRS.name: {
        "source": ("channel",),
        "detector": ("channel",),
        "wavelength": ("wavelength",),
        "source_position": ("channel", "axis"),
        "detector_position": ("channel", "axis"),
        "distance": ("channel",),
        "short": ("channel",),
    },
}
POSITIONS = ("position", "source_position", "detector_position")
EVENT_KINDS = {"onset": "f", "duration": "f", "description": "UO", "channel": "UO", "stream": "UO"}
CLOCK = ("offset", "drift", "residual", "anchors", "method")
LOWEST_RATE, HIGHEST_RATE = 1e-6, 1e9  # Hz; beyond them, a header is damaged
WANTED = "a whole recording"
REMEDY = "copy or export the recording again"


def checked(recording: xr.DataTree, path: str | Path) -> xr.DataTree:
    """The Recording read from `path`, if it is complete and consistent.

    Raises
    ------
    ReadError
        If a stream has no samples, no positive rate, no ascending time, channels of one name,
        values that are not numbers, or if events or clock do not follow the schema.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> node = eeg_dataset(np.zeros((2, 9)), 9.0, ["Cz", "Cz"])
    >>> checked(build(node), "a.edf")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found a.edf, in whose /eeg two channels have the name Cz; \
wanted a whole recording; copy or export the recording again
    """
    try:
        check(recording)
        wrong = (
            _wrong_streams(recording)
            or _wrong_sensors(recording)
            or _wrong_tables(recording)
            or _wrong_attributes(recording)
        )
    except NeurofuseError as error:
        raise ReadError(f"{path} with {error.found}", error.wanted, error.remedy) from error
    if wrong:
        raise ReadError(f"{path}, in whose {wrong}", WANTED, REMEDY)
    return recording


def _wrong_streams(recording: xr.DataTree) -> str:
    for stream in streams(recording):
        node = recording[stream].to_dataset()
        for name, dims in DIMS.items():
            if name in node and node[name].dims != dims:
                return f"/{stream} {name} has the dims {node[name].dims}"
        for name, dims in COORDS[stream].items():
            if name not in node.coords or node[name].dims != dims:
                return f"/{stream} {name} is missing or of another shape"
        for name in POSITIONS:
            if name in node.coords and not _numbers(node[name]):
                return f"/{stream} {name} is not a place"
        if node.bad.dtype != bool or node.bad.dims != ("channel",):
            return f"/{stream} bad is not yes or no for each channel"
        wrong = _wrong_axes(node, stream)
        if wrong:
            return wrong
    return ""


def _wrong_sensors(recording: xr.DataTree) -> str:
    for name, node in recording["aux"].children.items() if "aux" in recording.children else ():
        held = [v for v in node.data_vars.values() if v.dims == ("channel", "time")]
        if len(held) != 1 or "channel" not in node.coords or "time" not in node.coords:
            return f"/aux/{name} there is not one variable (channel, time)"
        wrong = _wrong_axes(node.to_dataset(), f"aux/{name}")
        if wrong:
            return wrong
    return ""


def _wrong_axes(node: xr.Dataset, name: str) -> str:
    """What is wrong with a node's samples, names, time or rate."""
    for label, variable in node.data_vars.items():
        kinds = "i" if label == "verdict" else "fb"
        if "time" in variable.dims and variable.dtype.kind not in kinds:
            return f"/{name} {label} is of type {variable.dtype}"
    names = [str(c) for c in node.channel.values.ravel().tolist()]
    if not names or not node.sizes["time"]:
        return f"/{name} there are no samples"
    if name in COORDS and node.sizes["time"] < 2:
        return f"/{name} there is one sample, which is no signal"
    twice = next((c for c in names if names.count(c) > 1), None) if _repeats(names) else None
    if twice is not None:
        return f"/{name} two channels have the name {twice}"
    rate, time = node.attrs.get("rate"), node.time
    if (
        not isinstance(rate, (int, float, np.floating, np.integer))
        or not LOWEST_RATE < rate < HIGHEST_RATE
    ):
        return f"/{name} the rate is {rate!r}"
    if time.dims != ("time",) or not _numbers(time) or not np.isfinite(time.values).all():
        return f"/{name} time is not an axis"
    steps = np.diff(time.values)
    if not (steps > 0).all():
        return f"/{name} time does not ascend"
    if len(steps) and name in COORDS and not 0.5 < np.median(steps) * rate < 2:
        return f"/{name} the rate {rate:g} Hz is not that of the times"
    return ""


def _wrong_tables(recording: xr.DataTree) -> str:
    for name in ("events", "clock"):
        if name not in recording.children:
            return f"nodes there is no /{name}"
    events = recording["events"].to_dataset()
    for name, kinds in EVENT_KINDS.items():
        if name not in events.data_vars or events[name].dims != ("event",):
            return f"/events there is no {name}"
        if events.sizes["event"] and events[name].dtype.kind not in kinds:
            return f"/events {name} is of type {events[name].dtype}"
    if not np.isfinite(events.onset.values.astype(float)).all():
        return "/events an onset is no number"
    if not (events.duration.values.astype(float) >= 0).all():
        return "/events a duration is negative or no number"
    if not np.isfinite(events.duration.values.astype(float)).all():
        return "/events a duration is endless"
    clock = recording["clock"].to_dataset()
    for name in CLOCK:
        if name not in clock.data_vars or clock[name].dims != ("stream",):
            return f"/clock there is no {name}"
    if "stream" not in clock.coords or any(not _numbers(clock[n]) for n in CLOCK[:3]):
        return "/clock there is no number for a stream"
    if not np.isfinite(clock.offset.values).all() or not np.isfinite(clock.drift.values).all():
        return "/clock an offset or drift is no number"
    return ""


def _wrong_attributes(recording: xr.DataTree) -> str:
    try:
        steps = json.loads(recording.attrs.get("provenance", "[]"))
    except (TypeError, ValueError):
        steps = None
    if not isinstance(steps, list):
        return "attributes the provenance is not a list in JSON"
    if not isinstance(recording.attrs.get("measured_at", ""), str):
        return "attributes the date is not a text"
    return ""


def _numbers(variable: xr.DataArray) -> bool:
    return variable.dtype.kind in "fiu" and not np.isinf(variable.values).any()


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)
