"""Two Recordings of one stream each → one Recording on one clock."""

import json
from datetime import datetime, timedelta

import xarray as xr

from neurofuse.io.clock.alignment import align as find_alignment
from neurofuse.io.clock.alignment import real_date
from neurofuse.io.clock.seams import refuse_seams
from neurofuse.io.clock_model import ClockModel
from neurofuse.io.errors import ReadError
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import (
    build,
    clock_dataset,
    event_facts,
    event_rows,
    events_dataset,
    header,
    provenance,
    stream_dataset,
    streams,
    with_provenance,
    with_stream,
)


def join(
    eeg: xr.DataTree,
    nirs: xr.DataTree,
    *,
    offset: float | None = None,
    align: str | None = None,
) -> xr.DataTree:
    """Put the EEG of one Recording and the fNIRS of another onto the EEG's clock.

    The EEG's first sample is time 0; nothing is resampled.

    Parameters
    ----------
    eeg, nirs : Recording
        One stream each. Their events and further sensors are kept.
    offset : float, optional
        To add to fNIRS times to get EEG times [s].
    align : {"events", "clock", "physiology"}, optional
        How to align without an offset; see `neurofuse.io.align`.

    Returns
    -------
    Recording
        Both streams at their own rates; `/clock` holds the fNIRS clock that was found.

    Raises
    ------
    ReadError
        If a Recording does not hold exactly the one stream that it should.
    AlignmentError
        If the streams cannot be put on one clock, or do not overlap, or one of them has seams with
        pauses of unknown length that the other lacks.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import eeg_dataset, nirs_dataset
    >>> eeg = build(eeg_dataset(np.zeros((1, 500)), 250.0, ["Cz"]))
    >>> nirs = build(nirs=nirs_dataset(np.ones((1, 2, 20)), 10.0, [760, 850], ["S1"], ["D1"]))
    >>> join(eeg, nirs, offset=0.5)["nirs"].time.values[:2].tolist()
    [0.5, 0.6]
    """
    for recording, modality in ((eeg, EEG), (nirs, NIRS)):
        if streams(recording) != (modality.name,):
            held = " and ".join(MODALITIES[s].display for s in streams(recording))
            raise ReadError(
                f"a recording with {held}",
                f"one with {modality.display} only",
                "join an EEG and an fNIRS recording, or use the one that holds both",
            )
    eeg, nirs = from_zero(eeg), from_zero(nirs)
    clock = find_alignment(eeg, nirs, offset=offset, align=align)
    refuse_seams(eeg, nirs, clock)
    joined = on_common_clock(nirs, clock)
    eeg_node, nirs_node = stream_dataset(eeg, EEG.name), stream_dataset(joined, NIRS.name)
    recording = build(
        eeg_node,
        nirs_node,
        aux=_sensors(eeg, joined),
        events=events_dataset(
            event_rows(eeg) + event_rows(joined), event_facts(eeg) + event_facts(joined)
        ),
        clock=clock_dataset({EEG.name: ClockModel(), NIRS.name: clock}),
        measured_at=_origin(eeg_node, nirs_node),
    )
    return with_provenance(recording, [*provenance(eeg), *provenance(nirs)])


def on_common_clock(recording: xr.DataTree, clock: ClockModel) -> xr.DataTree:
    """A Recording with its times, rates and events converted to the common clock."""
    changed = recording.copy()
    for path in sensor_paths(recording):
        node = recording[path].to_dataset()
        late = node.assign_coords(time=clock.to_common(node.time.values))
        late.attrs = {**node.attrs, "rate": node.attrs["rate"] / clock.stretch}
        changed[path] = xr.DataTree(late, name=path.rsplit("/", 1)[-1])
    rows = [
        (float(clock.to_common(onset)), duration * clock.stretch, description, channel, stream)
        for onset, duration, description, channel, stream in event_rows(recording)
    ]
    changed["events"] = xr.DataTree(events_dataset(rows, event_facts(recording)), name="events")
    return changed


def from_zero(recording: xr.DataTree) -> xr.DataTree:
    """A Recording of one stream whose time begins with that stream's first sample.

    If it was cut, the date and the number of its first sample are adjusted.
    """
    stream = streams(recording)[0]
    node = stream_dataset(recording, stream)
    start, clock = float(node.time[0]), recording["clock"].to_dataset()
    known = stream in clock.stream.values
    cut = start - (float(clock.offset.sel(stream=stream)) if known else 0.0)
    if abs(cut) > 1e-9:
        node.attrs = {**node.attrs, **_cut_attributes(node, cut)}
        recording = with_stream(recording, stream, node)
    return recording if start == 0 else on_common_clock(recording, ClockModel(-start))


def _cut_attributes(node: xr.Dataset, cut: float) -> dict[str, str]:
    facts = header(node)
    date = node.attrs.get("measured_at", "")
    later = datetime.fromisoformat(date) + timedelta(seconds=cut) if date else ""
    first = facts.get("first_samp", 0) + round(cut * node.attrs["rate"])
    return {
        "measured_at": str(later and later.isoformat()),
        **({"header": json.dumps({**facts, "first_samp": first})} if facts else {}),
    }


def sensor_paths(recording: xr.DataTree) -> list[str]:
    """The nodes that hold samples: streams and auxiliary sensors."""
    aux = recording["aux"].children if "aux" in recording.children else ()
    return [*streams(recording), *(f"aux/{name}" for name in aux)]


def _sensors(eeg: xr.DataTree, nirs: xr.DataTree) -> dict[str, xr.Dataset]:
    sensors: dict[str, xr.Dataset] = {}
    for recording, owner in ((eeg, EEG.name), (nirs, NIRS.name)):
        for path in sensor_paths(recording):
            if path.startswith("aux/"):
                name = path.removeprefix("aux/")
                unique = name if name not in sensors else f"{name} {owner}"
                sensors[unique] = recording[path].to_dataset()
    return sensors


def _origin(eeg: xr.Dataset, nirs: xr.Dataset) -> str:
    """The date of time 0: that of the EEG, else that of the fNIRS less its start."""
    if real_date(eeg.attrs.get("measured_at", "")):
        return eeg.attrs["measured_at"]
    date = real_date(nirs.attrs.get("measured_at", ""))
    if date is None:
        return eeg.attrs.get("measured_at", "")
    return (date - timedelta(seconds=float(nirs.time[0]))).isoformat()
