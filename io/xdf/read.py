"""XDF (LSL) recordings: EEG, fNIRS, sensors and markers of one file → a Recording on one clock."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import xarray as xr

from neurofuse.io.errors import AlignmentError, ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.triggers import lines_of, sensor_triggers, trigger_rows
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.recording import EventRow, build, clock_dataset, events_dataset, note
from neurofuse.io.snirf.samples import warn_of_gaps
from neurofuse.io.xdf.markers import marker_rows
from neurofuse.io.xdf.nodes import eeg_node, nirs_node, sensor_nodes
from neurofuse.io.xdf.optics import find_lights
from neurofuse.io.xdf.stamps import Timing, timing
from neurofuse.io.xdf.stream import Stream, load_streams

RATE_TOLERANCE = 0.01  # relative; a true rate further from the announced one gets a warning
LARGEST_JITTER = 0.1  # s; stamps that scatter more get a warning


def read_xdf(path: str | Path) -> xr.DataTree:
    """Read the Recording that an XDF file of the lab streaming layer holds.

    Streams are recognised by their type, channel types, name and labels. EEG becomes volts.
    Optical streams become `/nirs` where the header, the labels or a list beside the file give
    source, detector and wavelength of each column; else they go to `/aux` with a warning, like
    every other stream. Marker streams become `/events`; one that repeats another is left out.

    Each stream's rate and start are fitted to its stamps (`neurofuse.io.xdf.stamps.timing`); lost
    samples are interpolated linearly and annotated `BAD_gap`. Time 0 is the first EEG sample (else
    the first fNIRS sample). `/clock` holds a model for each stream: `drift` is how far the true
    rate deviates from the announced one, `residual` the scatter of the stamps, `anchors` the
    number of clock offsets measured.

    Parameters
    ----------
    path : path
        An .xdf file. The list of optical columns is looked for in `STEM_nirs.json` beside it (see
        `neurofuse.io.xdf.optode_labels.listed_lights`).

    Returns
    -------
    Recording

    Raises
    ------
    ReadError
        If the file is damaged, or holds neither EEG nor fNIRS, or more than one of a kind.
    AlignmentError
        If stamps make no sense, or EEG and fNIRS never overlap.

    Examples
    --------
    >>> read_xdf("absent.xdf")
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found no file absent.xdf; wanted an XDF file; check the path
    """
    path = Path(path)
    if not path.is_file():
        raise ReadError(f"no file {path}", "an XDF file", "check the path")
    streams, date = load_streams(path)
    filled = [stream for stream in streams if stream.count]
    numbers = [stream for stream in filled if stream.kind != "markers"]
    eeg = _only([stream for stream in numbers if stream.kind == EEG.name], EEG.display, path)
    optical = [stream for stream in numbers if stream.kind == NIRS.name]
    lights = find_lights(optical, path)
    nirs = _only([stream for stream in optical if stream.name in lights], NIRS.display, path)
    main = [stream for stream in (eeg, nirs) if stream is not None]
    if not main:
        raise ReadError(
            f"{path} with {_list(streams) or 'no stream'}",
            "a stream of EEG, or of fNIRS whose source, detector and wavelength are known",
            "describe the fNIRS columns in STEM_nirs.json beside it, or record EEG with type EEG",
        )
    times = {id(stream): _timing(stream, path) for stream in main}
    reference = times[id(main[0])]
    _check_hosts([*main, *(stream for stream in filled if stream.kind == "markers")])
    zero = reference.grid.start
    span = (
        min(own.grid.start for own in times.values()) - zero,
        max(own.end for own in times.values()) - zero,
    )
    clocks, rows, nodes = {}, marker_rows(filled, zero, span, path), {}
    for kind, stream in ((EEG.name, eeg), (NIRS.name, nirs)):
        if stream is None:
            continue
        own = times[id(stream)]
        clocks[kind] = own.clock(reference)
        start = clocks[kind].offset
        rows += [(start + at, length, "BAD_gap", "", kind) for at, length in own.grid.gaps]
        begun = _date(date, start)
        if kind == EEG.name:
            nodes[kind] = eeg_node(stream, own.grid, path, begun)
        else:
            nodes[kind] = nirs_node(stream, own.grid, lights[stream.name], path, begun)
        nodes[kind] = nodes[kind].assign_coords(time=nodes[kind].time.values + start)
    if len(main) == 2:
        _check_overlap(reference, times[id(main[1])], path)
    aux: dict[str, xr.Dataset] = {}
    lines: set[str] = set()  # sensors that are lines of triggers
    for stream in numbers:
        used = lights.get(stream.name, []) if stream is nirs else []
        columns = sorted(set(range(stream.width)) - {light.column for light in used})
        if stream is eeg or not columns:
            continue
        try:
            own = times.get(id(stream)) or _timing(stream, path)
        except AlignmentError as error:
            LOG.warning("%s: stream %s left out: %s", path, stream.title, error)
            continue
        first, last = own.grid.start - zero, own.end - zero
        if first > span[1] or last < span[0]:
            LOG.warning(
                "%s: stream %s left out: it lasts from %.6g to %.6g s, outside EEG and fNIRS, "
                "which last from %.1f to %.1f s (it was stamped by another clock)",
                path,
                stream.title,
                first,
                last,
                *span,
            )
            continue
        for name, sensor in sensor_nodes(stream, own, columns, reference.grid.start).items():
            name = name if name not in aux else f"{name} {len(aux) + 1}"
            aux[name] = sensor.rename({str(next(iter(sensor.data_vars))): name})
            clocks[f"aux/{name}"] = own.clock(reference)
            if stream.line:
                lines.add(name)
    triggers = _triggers(nodes.get(EEG.name), aux, rows, lines)
    recording = build(
        nodes.get(EEG.name),
        nodes.get(NIRS.name),
        aux=aux,
        events=events_dataset(rows),
        clock=clock_dataset(clocks),
        measured_at=next(iter(nodes.values())).attrs["measured_at"],
    )
    if triggers:
        recording = note(recording, "trigger_channels", **triggers)
    return note(recording, "read_xdf", file=path.name, streams=[stream.title for stream in streams])


def _triggers(
    eeg: xr.Dataset | None, aux: dict[str, xr.Dataset], rows: list[EventRow], lines: set[str]
) -> dict[str, Any]:
    """Add the pulses of trigger columns to the rows of `/events`; says how each was read."""
    read: dict[str, Any] = {}
    if eeg is not None:
        rate, time = eeg.attrs["rate"], eeg.time.values
        pulses, read = trigger_rows(lines_of(eeg), time, rate, EEG.name, rows)
        rows += pulses
    pulses, further = sensor_triggers(aux, "", rows, lines)
    rows += pulses
    return read | further


def _only(streams: Sequence[Stream], what: str, path: Path) -> Stream | None:
    if len(streams) > 1:
        raise ReadError(
            f"{len(streams)} {what} streams in {path}: {_list(streams)}",
            f"one {what} stream",
            "record one a file, or keep one: load the file with pyxdf, make an MNE Raw of the "
            "stream and use neurofuse.from_mne",
        )
    return streams[0] if streams else None


def _timing(stream: Stream, path: Path) -> Timing:
    source = f"stream {stream.title} of {path}"
    fitted = timing(stream.stamps, source, nominal=stream.nominal, anchors=stream.offsets)
    rate = fitted.grid.rate
    if stream.nominal and abs(rate / stream.nominal - 1) > RATE_TOLERANCE:
        LOG.warning(
            "%s announces %.6g Hz, but its stamps show %.6g Hz", source, stream.nominal, rate
        )
    if fitted.jitter > LARGEST_JITTER:
        LOG.warning(
            "%s: stamps scatter by %.3g s about even samples; its times are no more accurate",
            source,
            fitted.jitter,
        )
    if fitted.grid.gaps:
        warn_of_gaps(fitted.grid, source)
    return fitted


def _check_hosts(streams: Sequence[Stream]) -> None:
    """Streams of two computers share a clock only through offsets that were measured."""
    if len({stream.host for stream in streams}) > 1:
        for stream in streams:
            if stream.offsets == 0:
                LOG.warning(
                    "stream %s came from another computer without clock offsets: its times are "
                    "taken as they are and may be shifted",
                    stream.title,
                )


def _check_overlap(first: Timing, second: Timing, path: Path) -> None:
    if second.grid.start > first.end or second.end < first.grid.start:
        zero = first.grid.start
        raise AlignmentError(
            f"EEG from 0 to {first.end - zero:.1f} s and fNIRS from {second.grid.start - zero:.1f} "
            f"to {second.end - zero:.1f} s in {path} (by their stamps)",
            "streams that overlap in time",
            "check that LabRecorder measured clock offsets of both and that no clock was reset",
        )


def _date(text: str, after: float) -> datetime | None:
    """The date of a stream's first sample: that of the file plus its start."""
    try:
        date = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text.strip()))
    except ValueError:
        return None
    date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    return date + timedelta(seconds=after)


def _list(streams: Sequence[Stream]) -> str:
    return ", ".join(f"{s.title} ({s.width} channels)" for s in streams)
