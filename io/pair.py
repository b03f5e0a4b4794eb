"""A pair of MNE Raws ⇄ a Recording on one clock."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.io.alignment import real_date
from neurofuse.io.eeg import eeg_from_raw, raw_from_eeg
from neurofuse.io.errors import ParameterError
from neurofuse.io.guard import quiet
from neurofuse.io.join import join
from neurofuse.io.nirs import nirs_from_raw, raw_from_nirs
from neurofuse.io.recording import (
    build,
    check,
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

    The EEG's first sample is time 0 of the Recording; nothing is resampled. Bad channels are those
    of the Raws; `neurofuse.io.mark_bad` judges the signals.

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
        If a Raw lacks channels of its kind.

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
    eeg = None if raw_eeg is None else _from_raw(raw_eeg, "eeg", {} if raw_nirs else aux)
    nirs = None if raw_nirs is None else _from_raw(raw_nirs, "nirs", aux)
    if eeg is not None and nirs is not None:
        recording = join(eeg, nirs, offset=offset, align=align)
    else:
        recording = nirs if eeg is None else eeg
    files = {s: stream_dataset(recording, s).attrs["file"] for s in streams(recording)}
    return note(recording, "from_mne", files=files, offset=offset, align=align)


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


def _from_raw(raw: "mne.io.BaseRaw", stream: str, aux: dict[str, xr.Dataset] | None) -> xr.DataTree:
    """A Recording of one stream on its own clock."""
    node = eeg_from_raw(raw) if stream == "eeg" else nirs_from_raw(raw)
    return build(
        **{stream: node},
        aux=aux,
        events=events_dataset(event_rows(raw, stream)),
        measured_at=node.attrs["measured_at"],
    )


def _pulses(raw: "mne.io.BaseRaw", stream: str) -> list[Row]:
    import mne

    with quiet():
        found = mne.find_events(raw, shortest_event=1, mask=0xFFFF, mask_type="and")
    first = raw.first_samp
    rate = raw.info["sfreq"]
    return [((s - first) / rate, 0.0, str(value), "", stream) for s, _, value in found.tolist()]


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
