"""A pair of MNE Raws ⇄ a Recording on one clock."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.io.alignment import Timeline, real_date
from neurofuse.io.alignment import align as find_alignment
from neurofuse.io.eeg import eeg_from_raw, raw_from_eeg
from neurofuse.io.errors import ParameterError
from neurofuse.io.guard import quiet
from neurofuse.io.nirs import nirs_from_raw, raw_from_nirs
from neurofuse.io.quality import mark_bad
from neurofuse.io.recording import (
    build,
    check,
    clock_dataset,
    events_dataset,
    note,
    stream_dataset,
    streams,
)

if TYPE_CHECKING:
    import mne

Row = tuple[float, float, str, str, str]


def from_mne(
    raw_eeg: "mne.io.BaseRaw | None" = None,
    raw_nirs: "mne.io.BaseRaw | None" = None,
    *,
    offset: float | None = None,
    align: str | None = None,
    aux: dict[str, xr.Dataset] | None = None,
) -> xr.DataTree:
    """A Recording of an EEG and an fNIRS Raw, or of one of them.

    The EEG's first sample is time 0 of the Recording; nothing is resampled. Channels without a
    usable signal are marked bad (see `channel_quality`), and stay.

    Parameters
    ----------
    raw_eeg, raw_nirs : mne.io.Raw, optional
        At least one. Annotations become rows of `/events` with stream "eeg" or "nirs".
    offset : float, optional
        Seconds to add to fNIRS times (of its first sample: 0) to get EEG times.
    align : {"events", "clock"}, optional
        How to align without an offset; see `neurofuse.io.alignment.align`.
    aux : dict of name to Dataset (channel, time), optional
        Further sensors on the fNIRS file's clock.

    Returns
    -------
    Recording

    Raises
    ------
    AlignmentError
        If the streams cannot be put on one clock, or do not overlap.
    ReadError
        If a Raw lacks channels of its kind, or a stream has no usable channel.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["C3", "C4"], 100.0, "eeg")
    >>> rng = np.random.default_rng(0)
    >>> raw = mne.io.RawArray(1e-5 * rng.standard_normal((2, 500)), info, verbose="error")
    >>> from_mne(raw)["eeg"].eeg.sizes["time"]
    500
    """
    if raw_eeg is None and raw_nirs is None:
        raise ParameterError("neither EEG nor fNIRS", "at least one MNE Raw", "pass raw_eeg=…")
    eeg = None if raw_eeg is None else eeg_from_raw(raw_eeg)
    nirs = None if raw_nirs is None else nirs_from_raw(raw_nirs)
    rows = [] if raw_eeg is None else event_rows(raw_eeg, "eeg")
    rows_nirs = [] if raw_nirs is None else event_rows(raw_nirs, "nirs")
    aux = aux or {}
    clock: list[tuple[str, float, float, float, int, str]] = []
    if eeg is not None:
        clock.append(("eeg", 0.0, 0.0, 0.0, 0, "own"))
    if nirs is not None and eeg is None:
        clock.append(("nirs", 0.0, 0.0, 0.0, 0, "own"))
    if nirs is not None and eeg is not None:
        found = find_alignment(
            _timeline(eeg, rows), _timeline(nirs, rows_nirs), offset=offset, align=align
        )
        clock.append(
            ("nirs", found.offset, found.drift, found.residual, found.anchors, found.method)
        )
        stretch = 1 + found.drift / 1e6
        nirs = _move(nirs, found.offset, stretch)
        aux = {name: _move(sensor, found.offset, stretch) for name, sensor in aux.items()}
        rows_nirs = [
            (found.offset + onset * stretch, duration * stretch, text, names, stream)
            for onset, duration, text, names, stream in rows_nirs
        ]
    recording = build(
        eeg,
        nirs,
        aux=aux,
        events=events_dataset(rows + rows_nirs),
        clock=clock_dataset(clock),
        measured_at=_origin(eeg, nirs),
    )
    files = {s: stream_dataset(recording, s).attrs["file"] for s in streams(recording)}
    recording = note(recording, "from_mne", files=files, offset=offset, align=align)
    return mark_bad(recording)


def to_mne(
    recording: xr.DataTree, *, copy: bool = True
) -> "tuple[mne.io.RawArray | None, mne.io.RawArray | None]":
    """MNE Raws of a Recording's EEG and fNIRS, None where it lacks one.

    Names, order, types, bads, positions and annotations are those of the input. Both Raws are on
    the Recording's clock: a drift is taken out of the fNIRS rate, and where the EEG has a real
    measurement date the fNIRS date is the EEG's plus the alignment, so that reading both back
    aligns them again. Without it each keeps its own date.

    Parameters
    ----------
    recording : Recording
    copy : bool
        False lets the Raws share samples with the Recording: only if nobody changes them.

    Returns
    -------
    raw_eeg, raw_nirs : mne.io.RawArray or None

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> raw_eeg, raw_nirs = to_mne(build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"])))
    >>> raw_eeg.ch_names, raw_nirs
    (['C3', 'C4'], None)
    """
    check(recording)
    raws = []
    for stream, make in (("eeg", raw_from_eeg), ("nirs", raw_from_nirs)):
        if stream not in streams(recording):
            raws.append(None)
            continue
        node = stream_dataset(recording, stream)
        with quiet():
            raw = make(node, copy=copy)
            raw.set_meas_date(_first_sample_date(recording, stream))
            raw.set_annotations(_annotations(recording, stream, raw), emit_warning=False)
        raws.append(raw)
    return raws[0], raws[1]


def event_rows(raw: "mne.io.BaseRaw", stream: str) -> list[Row]:
    """The annotations and trigger pulses of a Raw as rows of `/events`, each once."""
    marks = raw.annotations
    rows = [
        (
            float(onset - raw.first_time),
            float(duration),
            str(description),
            ",".join(names or ()),
            stream,
        )
        for onset, duration, description, names in zip(
            marks.onset, marks.duration, marks.description, marks.ch_names, strict=True
        )
    ]
    if "stim" in raw.get_channel_types() and len(raw.annotations) == 0:
        rows += _pulses(raw, stream)
    return list(dict.fromkeys(rows))  # some converters write every stim group twice


def _pulses(raw: "mne.io.BaseRaw", stream: str) -> list[Row]:
    import mne

    with quiet():
        found = mne.find_events(raw, shortest_event=1, mask=0xFFFF, mask_type="and")
    first = raw.first_samp
    rate = raw.info["sfreq"]
    return [((s - first) / rate, 0.0, str(value), "", stream) for s, _, value in found.tolist()]


def _timeline(node: xr.Dataset, rows: list[Row]) -> Timeline:
    length = node.sizes["time"] / node.attrs["rate"]
    return Timeline(length, node.attrs["measured_at"], [(r[0], r[2]) for r in rows])


def _move(node: xr.Dataset, offset: float, stretch: float) -> xr.Dataset:
    moved = node.assign_coords(time=offset + node.time.values * stretch)
    moved.attrs = {**node.attrs, "rate": node.attrs["rate"] / stretch}
    return moved


def _origin(eeg: xr.Dataset | None, nirs: xr.Dataset | None) -> str:
    """The date of the Recording's time 0: the EEG's, else the fNIRS's counted back."""
    if eeg is not None and (nirs is None or real_date(eeg.attrs["measured_at"])):
        return eeg.attrs["measured_at"]
    date = real_date(nirs.attrs["measured_at"]) if nirs is not None else None
    if nirs is None or date is None:
        return ""
    return (date - timedelta(seconds=float(nirs.time[0]))).isoformat()


def _first_sample_date(recording: xr.DataTree, stream: str) -> datetime | None:
    """The date of a stream's first sample, wherever the Recording has been cut."""
    node = stream_dataset(recording, stream)
    reference = "eeg" if "eeg" in streams(recording) else stream
    if not real_date(recording[reference].attrs.get("measured_at", "")):
        reference = stream
    text = recording[reference].attrs.get("measured_at", recording.attrs["measured_at"])
    if not text:
        return None
    start = float(node.time[0]) if node.sizes["time"] else 0.0
    clock = recording["clock"].to_dataset()
    known = reference in clock.stream.values
    file_zero = float(clock.offset.sel(stream=reference)) if known else 0.0
    date = datetime.fromisoformat(text)
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return date + timedelta(seconds=start - file_zero)


def _annotations(recording: xr.DataTree, stream: str, raw: "mne.io.BaseRaw") -> "mne.Annotations":
    import mne

    events = recording["events"].to_dataset()
    start = float(recording[stream].time[0])
    known = set(raw.ch_names)
    onset, duration, description, channels = [], [], [], []
    for i in range(events.sizes["event"]):
        owner = str(events.stream.values[i])
        at = float(events.onset.values[i]) - start
        length = float(events.duration.values[i])
        if owner not in (stream, "") or at + length < 0 or at > raw.times[-1]:
            continue
        onset.append(max(at, 0.0))
        duration.append(min(at + length, length))
        description.append(str(events.description.values[i]))
        names = [n for n in str(events.channel.values[i]).split(",") if n in known]
        channels.append(names)
    return mne.Annotations(
        np.array(onset), np.array(duration), description, raw.info["meas_date"], channels
    )
