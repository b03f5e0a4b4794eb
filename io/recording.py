"""The Recording: an `xarray.DataTree` that holds every stream at its own rate on one clock.

| node      | variables                                | dims                          |
|-----------|------------------------------------------|-------------------------------|
| `/eeg`    | `eeg` [V]                                | channel, time                 |
| `/nirs`   | `intensity` [a.u.] or `od` [1]           | channel, wavelength, time     |
|           | (`hbo`, `hbr` [mol/L] on demand)         | channel, time                 |
| `/aux/…`  | one node and one variable a sensor       | channel, time                 |
| `/events` | `onset` [s], `duration` [s], `description`, `channel`, `stream` | event  |
|           | (`amplitude` and further numbers that a file has of its events) | event  |
| `/clock`  | `offset` [s], `drift` [ppm], `residual` [s], `anchors`, `method` | stream |
|           | `offset_interval` [s], `drift_interval` [ppm]: 95 % confidence | stream, bound |

`/eeg` and `/nirs` may further hold `motion` (channel, time; bool: the true motion mask of injected
movement), `gate` (channel, time; 0 to 1: the motion mask that a cleaner estimated), `verdict`
(channel, time; 0 kept, 1 repaired, 2 lost) and `evidence` (input, time) [log odds]: how far each of
`EVIDENCE_INPUTS` opened the motion mask (Shapley values, mean over the channels in motion; 0 else).
Time is in seconds since the recording's origin.
Functions never change a Recording: they return a new one.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.clock_model import ClockModel
from neurofuse.io.errors import SchemaError
from neurofuse.io.modality import EEG, MODALITIES, NIRS

SCHEMA_VERSION = "1"
AXES = ["x", "y", "z"]
LOST = 2  # in `verdict`: neither kept (0) nor repaired (1)
GATE_OPEN = 0.5  # a motion mask (`gate`) above this counts as in motion
EVIDENCE_INPUTS = (*MODALITIES, "imu")  # the order of `input` in `evidence`
# m; source-detector pairs closer than this measure the scalp only (Gagnon et al. 2011, NeuroImage
# 56:1362)
SHORT_DISTANCE = 0.015

LOCAL_TIME = "local_time"  # in a stream's header, if its file states a date without a time zone

KIND = "kind"  # of a sensor: its name where its own may be that of a device or person

EventRow = tuple[float, float, str, str, str]
EVENT_COLUMNS = ("onset", "duration", "description", "channel", "stream")


def time_axis(samples: int, rate: float, start: float = 0.0) -> np.ndarray:
    """Times of evenly spaced samples.

    Parameters
    ----------
    samples : int
        Number of samples.
    rate : float
        Sampling rate [Hz].
    start : float
        Time of the first sample [s].

    Returns
    -------
    array (time,)
        Sample times [s].

    Examples
    --------
    >>> time_axis(3, 10.0, start=2.0).tolist()
    [2.0, 2.1, 2.2]
    """
    return start + np.arange(samples) / rate


def eeg_dataset(
    data: np.ndarray,
    rate: float,
    channels: Iterable[str],
    *,
    ch_type: Iterable[str] | None = None,
    position: np.ndarray | None = None,
    bad: Iterable[bool] | None = None,
    start: float = 0.0,
) -> xr.Dataset:
    """An `/eeg` node from samples (channel, time) in volts.

    Parameters
    ----------
    data : array (channel, time)
        Samples [V]: numpy, or dask where they stay in a file.
    rate : float
        Sampling rate [Hz].
    channels : names
        Channel names.
    ch_type : names, optional
        MNE channel types, "eeg" for all by default.
    position : array (channel, 3), optional
        Electrode positions [m, head frame]; NaN where unknown.
    bad : booleans, optional
        Channels that carry no usable signal.
    start : float
        Time of the first sample [s].

    Returns
    -------
    Dataset
        `eeg` (channel, time) [V] with the coordinates `time` [s], `ch_type`, `position`
        (channel, axis) [m] and `bad`; attrs `rate` [Hz].

    Raises
    ------
    SchemaError
        If the samples are not (channel, time) with one name per channel.

    Examples
    --------
    >>> eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]).eeg.sizes["time"]
    500
    """
    names = list(channels)
    if data.ndim != 2 or data.shape[0] != len(names):
        raise SchemaError(
            f"EEG samples of shape {data.shape} for {len(names)} names",
            "an array (channel, time) with one name per channel",
            "check the order of the axes",
        )
    count = len(names)
    unknown = np.full((count, 3), np.nan)
    return xr.Dataset(
        {"eeg": (EEG.dims, data, {"units": EEG.units["eeg"]})},
        coords={
            "channel": names,
            "time": time_axis(data.shape[1], rate, start),
            "axis": AXES,
            "ch_type": ("channel", list(ch_type) if ch_type is not None else ["eeg"] * count),
            "position": (("channel", "axis"), unknown if position is None else position),
            "bad": ("channel", np.zeros(count, bool) if bad is None else np.array(list(bad), bool)),
        },
        attrs={"rate": float(rate)},
    )


def nirs_dataset(
    data: np.ndarray,
    rate: float,
    wavelength: Iterable[float],
    source: Iterable[str],
    detector: Iterable[str],
    *,
    variable: str = "intensity",
    source_position: np.ndarray | None = None,
    detector_position: np.ndarray | None = None,
    bad: Iterable[bool] | None = None,
    start: float = 0.0,
) -> xr.Dataset:
    """A `/nirs` node from samples (channel, wavelength, time).

    Parameters
    ----------
    data : array (channel, wavelength, time)
        Intensity [any linear unit] or optical density [1]; see `variable`.
    rate : float
        Sampling rate [Hz].
    wavelength : floats
        Wavelengths [nm].
    source, detector : names
        The source and the detector of each channel, which name it: "S1-D1".
    variable : {"intensity", "od"}
        Whether `data` holds intensity or optical density.
    source_position, detector_position : array (channel, 3), optional
        Optode positions [m, head frame]; NaN where unknown.
    bad : booleans, optional
        Channels that carry no usable signal.
    start : float
        Time of the first sample [s].

    Returns
    -------
    Dataset
        `intensity` or `od` (channel, wavelength, time) with the coordinates `time` [s],
        `wavelength` [nm], `source`, `detector`, `source_position`, `detector_position`
        (channel, axis) [m], `distance` [m], `short` (closer than 15 mm) and `bad`; attrs `rate`
        [Hz].

    Raises
    ------
    SchemaError
        If the samples are not (channel, wavelength, time) for these pairs and wavelengths.

    Examples
    --------
    >>> node = nirs_dataset(np.ones((1, 2, 50)), 10.0, [760, 850], ["S1"], ["D1"])
    >>> str(node.channel.item())
    'S1-D1'
    """
    source, detector = list(source), list(detector)
    data = np.asarray(data)
    waves = [float(w) for w in wavelength]
    if data.ndim != 3 or data.shape[:2] != (len(source), len(waves)):
        raise SchemaError(
            f"fNIRS samples {data.shape} for {len(source)} pairs and {len(waves)} wavelengths",
            "an array (channel, wavelength, time)",
            "check the order of the axes",
        )
    count = len(source)
    unknown = np.full((count, 3), np.nan)
    sources = unknown if source_position is None else np.asarray(source_position, float)
    detectors = unknown if detector_position is None else np.asarray(detector_position, float)
    distance = np.linalg.norm(sources - detectors, axis=1)
    return xr.Dataset(
        {
            variable: (NIRS.dims, data, {"units": NIRS.units.get(variable, "a.u.")}),
        },
        coords={
            "channel": [f"{s}-{d}" for s, d in zip(source, detector, strict=True)],
            "wavelength": ("wavelength", waves, {"units": "nm"}),
            "time": time_axis(data.shape[2], rate, start),
            "axis": AXES,
            "source": ("channel", source),
            "detector": ("channel", detector),
            "source_position": (("channel", "axis"), sources),
            "detector_position": (("channel", "axis"), detectors),
            "distance": ("channel", distance, {"units": "m"}),
            "short": ("channel", distance < SHORT_DISTANCE),
            "bad": ("channel", np.zeros(count, bool) if bad is None else np.array(list(bad), bool)),
        },
        attrs={"rate": float(rate)},
    )


def events_dataset(
    rows: Iterable[EventRow] = (), further: Iterable[Mapping[str, float]] | None = None
) -> xr.Dataset:
    """An `/events` node from rows of events.

    Parameters
    ----------
    rows : rows (onset [s], duration [s], description, channel, stream)
        `channel` holds channel names joined by commas, or "" for all; `stream` names the modality
        whose file held the event ("eeg", "nirs", "" for both).
    further : mappings of name to number, optional
        What else is known of each event, e.g. {"amplitude": 2.0}.

    Returns
    -------
    Dataset
        One variable per column over `event`, sorted by onset; one more for each name in `further`,
        NaN for events without it.

    Raises
    ------
    ValueError
        If a row does not have five columns, or `further` has another length.

    Examples
    --------
    >>> events_dataset([(3.0, 0.0, "go", "", "eeg"), (1.0, 0.5, "rest", "C3", "")]).onset.values
    array([1., 3.])
    """
    table = [tuple(row) for row in rows]
    more = [{} for _ in table] if further is None else [dict(facts) for facts in further]
    paired = sorted(zip(table, more, strict=True), key=lambda pair: pair[0])
    columns = list(zip(*(row for row, _ in paired), strict=True)) or [()] * len(EVENT_COLUMNS)
    node = xr.Dataset(
        {
            name: (
                "event",
                np.array(column, dtype=float)
                if name in ("onset", "duration")
                else np.array(column, dtype=object if column else str),
                {"units": "s"} if name in ("onset", "duration") else {},
            )
            for name, column in zip(EVENT_COLUMNS, columns, strict=True)
        }
    )
    names = dict.fromkeys(name for _, facts in paired for name in facts)
    return node.assign(
        {
            name: ("event", np.array([facts.get(name, np.nan) for _, facts in paired], float))
            for name in names
        }
    )


def event_rows(recording: xr.DataTree) -> list[EventRow]:
    """The rows of `/events`, as `events_dataset` takes them."""
    events = recording["events"].to_dataset()
    return list(zip(*(events[name].values.tolist() for name in EVENT_COLUMNS), strict=True))


def event_facts(recording: xr.DataTree) -> list[dict[str, float]]:
    """What else `/events` holds of each row: the numbers that are known, by name."""
    events = recording["events"].to_dataset()
    facts: list[dict[str, float]] = [{} for _ in range(events.sizes["event"])]
    for name, column in events.data_vars.items():
        if name not in EVENT_COLUMNS and column.dims == ("event",) and column.dtype.kind in "fiub":
            for row, value in enumerate(column.values.astype(float).tolist()):
                if not np.isnan(value):
                    facts[row][str(name)] = value
    return facts


def clock_dataset(models: Mapping[str, ClockModel]) -> xr.Dataset:
    """A `/clock` node from a ClockModel for each stream.

    Parameters
    ----------
    models : mapping of stream to ClockModel
        How the time of each stream's file maps to the Recording's time.

    Returns
    -------
    Dataset
        The fields of the models over `stream`; intervals also over `bound` ("low", "high").

    Examples
    --------
    >>> clock_dataset({"eeg": ClockModel(), "nirs": ClockModel(2.0)}).offset.values.tolist()
    [0.0, 2.0]
    """
    rows = list(models.values())
    return xr.Dataset(
        {
            "offset": ("stream", [m.offset for m in rows], {"units": "s"}),
            "drift": ("stream", [m.drift for m in rows], {"units": "ppm"}),
            "residual": ("stream", [m.residual for m in rows], {"units": "s"}),
            "anchors": ("stream", [m.anchors for m in rows]),
            "method": ("stream", [m.method for m in rows]),
            "offset_interval": (
                ("stream", "bound"),
                [m.offset_interval for m in rows],
                {"units": "s"},
            ),
            "drift_interval": (
                ("stream", "bound"),
                [m.drift_interval for m in rows],
                {"units": "ppm"},
            ),
        },
        coords={"stream": list(models), "bound": ["low", "high"]},
    )


def build(
    eeg: xr.Dataset | None = None,
    nirs: xr.Dataset | None = None,
    *,
    aux: dict[str, xr.Dataset] | None = None,
    events: xr.Dataset | None = None,
    clock: xr.Dataset | None = None,
    measured_at: str = "",
) -> xr.DataTree:
    """Put streams together into a Recording.

    Parameters
    ----------
    eeg, nirs : Dataset, optional
        Nodes as `eeg_dataset` and `nirs_dataset` make them; at least one.
    aux : dict of name to Dataset (channel, time), optional
        Further sensors, one node each.
    events : Dataset, optional
        As `events_dataset` makes it; no events by default.
    clock : Dataset, optional
        As `clock_dataset` makes it; by default every stream defines the common time.
    measured_at : str
        ISO date of time 0, "" where unknown.

    Returns
    -------
    Recording
        With the nodes of the table in `neurofuse.io.recording`.

    Raises
    ------
    SchemaError
        If there is neither an EEG nor an fNIRS stream, or a node lacks what it must hold.

    Examples
    --------
    >>> recording = build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
    >>> streams(recording)
    ('eeg',)
    """
    nodes: dict[str, xr.Dataset] = {}
    if eeg is not None:
        nodes["/eeg"] = eeg
    if nirs is not None:
        nodes["/nirs"] = nirs
    for name, sensor in (aux or {}).items():
        nodes[f"/aux/{name}"] = sensor
    present = [s for s in MODALITIES if f"/{s}" in nodes]
    nodes["/events"] = events_dataset() if events is None else events
    if clock is None:
        clock = clock_dataset({s: ClockModel() for s in present or [EEG.name]})
    nodes["/clock"] = clock
    root = xr.Dataset(
        attrs={"schema_version": SCHEMA_VERSION, "measured_at": measured_at, "provenance": "[]"}
    )
    recording = xr.DataTree.from_dict({"/": root, **nodes})
    check(recording)
    return recording


def check(recording: xr.DataTree) -> None:
    """Raise an error unless this is a Recording with at least one stream.

    Parameters
    ----------
    recording : Recording

    Raises
    ------
    SchemaError
        If it is no DataTree, holds neither EEG nor fNIRS, a stream lacks its samples, `time`,
        `channel`, `bad` or `rate`, or its times do not increase.

    Examples
    --------
    >>> check(build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"])))
    """
    if not isinstance(recording, xr.DataTree):
        raise SchemaError(
            f"a {type(recording).__name__}",
            "a Recording (xarray.DataTree)",
            "make one with neurofuse.read, from_mne or simulate",
        )
    present = streams(recording)
    if not present:
        raise SchemaError(
            f"nodes {sorted(recording.children) or 'none'}",
            "an /eeg or a /nirs node",
            "make a Recording with neurofuse.read, from_mne or simulate",
        )
    for stream in present:
        node = recording[stream]
        variables = MODALITIES[stream].variables
        missing = {"time", "channel", "bad"} - set(node.coords)
        if missing or not any(v in node.data_vars for v in variables) or "rate" not in node.attrs:
            raise SchemaError(
                f"/{stream} with {sorted(map(str, node.variables))}",
                f"{' or '.join(variables)} with time, channel and bad, and attrs['rate']",
                f"build it with neurofuse.io.{stream}_dataset",
            )
        increasing = np.diff(node.time.values) > 0
        if not increasing.all():
            late = int(np.argmin(increasing)) + 1
            raise SchemaError(
                f"/{stream} whose time does not increase at sample {late}",
                "times that increase from sample to sample",
                "sort it (recording[stream].sortby('time')) or drop what is there twice",
            )


def streams(recording: xr.DataTree) -> tuple[str, ...]:
    """The streams that a Recording holds.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    tuple of str
        Of "eeg" and "nirs", in this order, those that are there.

    Examples
    --------
    >>> streams(build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"])))
    ('eeg',)
    """
    return tuple(name for name in MODALITIES if name in recording.children)


def stream_dataset(recording: xr.DataTree, stream: str) -> xr.Dataset:
    """The node of a stream as a Dataset.

    Parameters
    ----------
    recording : Recording
    stream : {"eeg", "nirs"}

    Returns
    -------
    Dataset
        It shares its samples with the Recording.

    Raises
    ------
    KeyError
        If the Recording lacks the stream.

    Examples
    --------
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> stream_dataset(recording, "eeg").channel.values.tolist()
    ['Cz']
    """
    return recording[stream].to_dataset()


def dims_in_order(recording: xr.DataTree) -> xr.DataTree:
    """The Recording with the dims of all samples as neurofuse makes them, time last.

    Parameters
    ----------
    recording : Recording
        Dims of its variables in any order, as users of xarray may leave them.

    Returns
    -------
    Recording
        Nothing is copied; the same one if all is in order.

    Examples
    --------
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> turned = with_stream(recording, "eeg", stream_dataset(recording, "eeg").transpose())
    >>> turned["eeg"].eeg.dims, dims_in_order(turned)["eeg"].eeg.dims
    (('time', 'channel'), ('channel', 'time'))
    """
    for stream in streams(recording):
        node = stream_dataset(recording, stream)
        turned = node.transpose("channel", "wavelength", ..., "time", missing_dims="ignore")
        if any(turned[name].dims != node[name].dims for name in node.variables):
            recording = with_stream(recording, stream, turned)
    return recording


def with_stream(recording: xr.DataTree, stream: str, dataset: xr.Dataset) -> xr.DataTree:
    """A new Recording in which a stream is replaced or added.

    Parameters
    ----------
    recording : Recording
    stream : {"eeg", "nirs"}
    dataset : Dataset
        The new node.

    Returns
    -------
    Recording
        Samples are shared, not copied.

    Examples
    --------
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> louder = with_stream(recording, "eeg", stream_dataset(recording, "eeg") + 1)
    >>> float(louder["eeg"].eeg.max()), float(recording["eeg"].eeg.max())
    (1.0, 0.0)
    """
    changed = recording.copy()
    changed[stream] = xr.DataTree(dataset, name=stream)
    return changed


def without_stream(recording: xr.DataTree, stream: str) -> xr.DataTree:
    """A new Recording without one of its streams.

    Parameters
    ----------
    recording : Recording
    stream : {"eeg", "nirs"}
        Nothing changes where it is absent already.

    Returns
    -------
    Recording
        Samples are shared, not copied.

    Examples
    --------
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> streams(without_stream(recording, "eeg"))
    ()
    """
    changed = recording.copy()
    if stream in changed.children:
        del changed[stream]
    return changed


def note(recording: xr.DataTree, step: str, **parameters: Any) -> xr.DataTree:
    """A new Recording with one more step in its provenance.

    Parameters
    ----------
    recording : Recording
    step : str
        What was done, usually the name of a function.
    **parameters
        With which settings; stored as JSON, anything that JSON lacks as text.

    Returns
    -------
    Recording

    Examples
    --------
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> provenance(note(recording, "crop", start=0.5))[0]["parameters"]
    {'start': 0.5}
    """
    entry = {
        "step": step,
        "parameters": parameters,
        "neurofuse": _own_version(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return with_provenance(recording, [*provenance(recording), entry])


@lru_cache
def _own_version() -> str:
    """The version of neurofuse, looked up once."""
    return version("neurofuse")


def with_provenance(recording: xr.DataTree, steps: list[dict[str, Any]]) -> xr.DataTree:
    """A new Recording whose provenance is `steps`."""
    changed = recording.copy()
    changed.attrs["provenance"] = json.dumps(steps, default=str)
    return changed


def undated(recording: xr.DataTree) -> xr.DataTree:
    """A new Recording whose provenance does not say when things were done, only what.

    The same steps on the same inputs then give the same bytes.

    Examples
    --------
    >>> recording = note(build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"])), "crop")
    >>> "at" in provenance(recording)[0], "at" in provenance(undated(recording))[0]
    (True, False)
    """
    steps = [{k: v for k, v in step.items() if k != "at"} for step in provenance(recording)]
    return with_provenance(recording, steps)


def provenance(recording: xr.DataTree) -> list[dict[str, Any]]:
    """What was done to a Recording.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    list of dict
        Oldest step first: "step", "parameters", version of "neurofuse", date "at".

    Raises
    ------
    ValueError
        If the stored text is damaged.

    Examples
    --------
    >>> provenance(build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"])))
    []
    """
    return json.loads(recording.attrs.get("provenance", "[]"))


def duration(recording: xr.DataTree) -> float:
    """Length of a Recording.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    float
        From the first sample of any stream to the end of the last one [s].

    Raises
    ------
    ValueError
        If the Recording has no stream.

    Examples
    --------
    >>> duration(build(eeg_dataset(np.zeros((1, 500)), 250.0, ["Cz"])))
    2.0
    """
    starts = [float(recording[s].time[0]) for s in streams(recording)]
    ends = [
        float(recording[s].time[-1]) + 1 / recording[s].attrs["rate"] for s in streams(recording)
    ]
    return max(ends) - min(starts)


def header(node: xr.Dataset) -> dict[str, Any]:
    """What `header_of` stored of a stream's Raw; empty for one that never was a Raw."""
    return json.loads(node.attrs.get("header", "{}"))
