"""A pair of MNE Raws ⇄ a Recording on one clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.io.clock.alignment import real_date
from neurofuse.io.clock.joining import join
from neurofuse.io.clock.seams import warn_of_seams
from neurofuse.io.clock_model import ClockModel
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import LOG, quiet, source_of
from neurofuse.io.mne_objects.annotations import LOST_MARK, MOTION, Bout, bouts, lost_stretches
from neurofuse.io.mne_objects.eeg import eeg_from_raw, raw_from_eeg
from neurofuse.io.mne_objects.header import (
    extras_at,
    header_of,
    number_from,
    numbers_in,
    restore_info,
)
from neurofuse.io.mne_objects.nirs import nirs_from_raw, raw_from_nirs
from neurofuse.io.mne_objects.triggers import (
    Line,
    lines_of,
    sensor_triggers,
    trigger_channels,
    trigger_rows,
)
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.recording import (
    EventRow,
    build,
    check,
    event_facts,
    event_rows,
    events_dataset,
    header,
    note,
    stream_dataset,
    streams,
)

if TYPE_CHECKING:
    import mne


def from_mne(
    raw_eeg: "mne.io.BaseRaw | None" = None,
    raw_nirs: "mne.io.BaseRaw | None" = None,
    *,
    offset: float | None = None,
    align: str | None = None,
    aux: dict[str, xr.Dataset] | None = None,
) -> xr.DataTree:
    """Convert an EEG and an fNIRS Raw, or one of them, to a Recording.

    The EEG's first sample is time 0 of the Recording; nothing is resampled. Bad channels are those
    of the Raws; `neurofuse.io.mark_bad` judges the signals.

    Parameters
    ----------
    raw_eeg, raw_nirs : mne.io.Raw, optional
        At least one. Annotations become rows of `/events` with stream "eeg" or "nirs".
    offset : float, optional
        To add to fNIRS times (of its first sample: 0) to get EEG times [s].
    align : {"events", "clock", "physiology"}, optional
        How to align without an offset; see `neurofuse.io.align`.
    aux : dict of name to Dataset (channel, time), optional
        Further sensors on the fNIRS file's clock.

    Returns
    -------
    Recording
        EEG [V] and fNIRS [intensity or optical density] at their own rates.

    Raises
    ------
    ParameterError
        If neither Raw is given.
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
    eeg = None if raw_eeg is None else _from_raw(raw_eeg, EEG.name, {} if raw_nirs else aux)
    nirs = None if raw_nirs is None else _from_raw(raw_nirs, NIRS.name, aux)
    if eeg is not None and nirs is not None:
        recording = join(eeg, nirs, offset=offset, align=align)
    else:
        recording = eeg or nirs
        assert recording is not None
    files = {s: stream_dataset(recording, s).attrs["file"] for s in streams(recording)}
    return note(recording, "from_mne", files=files, offset=offset, align=align)


def to_mne(
    recording: xr.DataTree, *, copy: bool = True, motion: bool = False
) -> "tuple[mne.io.BaseRaw | None, mne.io.BaseRaw | None]":
    """Convert a Recording to MNE Raws: one of its EEG, one of its fNIRS.

    Names, order, types, `first_samp`, bads, positions, annotations with their channels and
    extras, filter settings, device and subject are those of the original Raws; a bad fNIRS pair is
    bad at every wavelength. A Recording that was cut gives Raws that were cropped. Both Raws are on
    the Recording's clock: the fNIRS rate is corrected for drift, and where the EEG has a real
    measurement date the fNIRS date is the EEG's plus the alignment, so that reading both back
    aligns them again. Without it each keeps its own date.

    Parameters
    ----------
    recording : Recording
    copy : bool
        False lets the Raws share samples with the Recording: only if they are never changed.
    motion : bool
        Annotate movement as "BAD_motion", with the names of the channels in motion: where the
        cleaner's motion mask (`gate`) is above 0.5, or, in a stream without it, where the true
        `motion` mask is set. Off by default, because `mne.Epochs` drops every epoch that such an
        annotation touches, whatever its channels (see docs/mne.md). Stretches that `clean` calls
        lost are always annotated, as "BAD_lost", with the names of the lost channels.

    Returns
    -------
    raw_eeg, raw_nirs : mne.io.Raw or None
        None where the Recording lacks the stream. Samples that are still in a file stay there:
        such a Raw is not preloaded.

    Raises
    ------
    SchemaError
        If this is not a Recording.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> raw_eeg, raw_nirs = to_mne(build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"])))
    >>> raw_eeg.ch_names, raw_nirs
    (['C3', 'C4'], None)
    """
    check(recording)
    made = {s: _to_raw(recording, s, copy, motion) for s in streams(recording)}
    return made.get(EEG.name), made.get(NIRS.name)


def _to_raw(recording: xr.DataTree, stream: str, copy: bool, motion: bool) -> "mne.io.BaseRaw":
    node = stream_dataset(recording, stream)
    make = raw_from_eeg if stream == EEG.name else raw_from_nirs
    with quiet():
        raw = make(node, copy=copy)
        restore_info(raw, node)
        number_from(raw, _first_sample_number(recording, stream))
        date = _first_sample_date(recording, stream)
        raw.set_meas_date(date and date - timedelta(seconds=raw.first_time))
        movements = bouts(node) if motion else []
        marks = {MOTION: movements, LOST_MARK: lost_stretches(node)}
        raw.set_annotations(_annotations(recording, stream, raw, marks), emit_warning=False)
    return raw


def marks_of(raw: "mne.io.BaseRaw", stream: str) -> tuple[list[EventRow], list[dict[str, float]]]:
    """The annotations of a Raw as rows of `/events`, each once, and the numbers in their extras."""
    marks = raw.annotations
    extras = getattr(marks, "extras", None) or [{}] * len(marks)
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
    facts = [tuple(numbers_in(extra).items()) for extra in extras]
    # some converters write every stim group twice
    once = list(dict.fromkeys(zip(rows, facts, strict=True)))
    return [row for row, _ in once], [dict(more) for _, more in once]


def _from_raw(raw: "mne.io.BaseRaw", stream: str, aux: dict[str, xr.Dataset] | None) -> xr.DataTree:
    """A Recording of one stream on its own clock."""
    node = eeg_from_raw(raw) if stream == EEG.name else nirs_from_raw(raw)
    node.attrs["header"] = header_of(raw)
    rows, more = marks_of(raw, stream)
    lines = lines_of(node) if stream == EEG.name else _lines(raw)
    pulses, facts = trigger_rows(lines, node.time.values, node.attrs["rate"], stream, rows)
    further, read = sensor_triggers(aux or {}, stream, [*rows, *pulses])
    pulses, facts = pulses + further, {**facts, **read}
    recording = build(
        **{stream: node},
        aux=aux,
        events=events_dataset([*rows, *pulses], [*more, *({} for _ in pulses)]),
        measured_at=node.attrs["measured_at"],
    )
    warn_of_seams(recording, stream, source_of(raw))
    return note(recording, "trigger_channels", **facts) if facts else recording


def _lines(raw: "mne.io.BaseRaw") -> Iterator[Line]:
    """Name and samples of each trigger channel beside fNIRS."""
    for row in trigger_channels(raw.ch_names, raw.get_channel_types()):
        yield raw.ch_names[row], np.asarray(raw.get_data(picks=np.array([row])))[0]


def _first_sample_date(recording: xr.DataTree, stream: str) -> datetime | None:
    """The date of a stream's first sample, wherever the Recording has been cut."""
    reference = EEG.name if EEG.name in streams(recording) else stream
    if not real_date(recording[reference].attrs.get("measured_at", "")):
        reference = stream
    text = recording[reference].attrs.get("measured_at", recording.attrs["measured_at"])
    if not text:
        return None
    date = datetime.fromisoformat(text)
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    zero = _clock(recording, reference).offset
    return date + timedelta(seconds=_start(recording, stream) - zero)


def _first_sample_number(recording: xr.DataTree, stream: str) -> int:
    """The original `first_samp`, plus the samples that were cut off since."""
    node = stream_dataset(recording, stream)
    cut = _start(recording, stream) - _clock(recording, stream).offset
    return header(node).get("first_samp", 0) + round(cut * node.attrs["rate"])


def _start(recording: xr.DataTree, stream: str) -> float:
    time = recording[stream].time
    return float(time[0]) if time.size else 0.0


def _clock(recording: xr.DataTree, stream: str) -> ClockModel:
    """The line from the time in a stream's file to the Recording's."""
    clock = recording["clock"].to_dataset()
    if stream not in clock.stream.values:
        return ClockModel()
    row = clock.sel(stream=stream)
    return ClockModel(float(row.offset), float(row.drift))


def _annotations(
    recording: xr.DataTree, stream: str, raw: "mne.io.BaseRaw", marks: dict[str, list[Bout]]
) -> "mne.Annotations":
    import mne

    node, clock = stream_dataset(recording, stream), _clock(recording, stream)
    start, facts, known = float(node.time[0]), header(node), set(raw.ch_names)
    rows = []
    paired = zip(event_rows(recording), event_facts(recording), strict=True)
    for (at, duration, description, channel, owner), more in paired:
        names = [name for name in channel.split(",") if name in known]
        if description == LOST_MARK and "verdict" in node:
            continue  # of an earlier cleaning
        if owner in (stream, "") and (names or not channel):  # else of removed channels
            extra = extras_at(facts, (at - clock.offset) / clock.stretch, description)
            extra = {**extra, **{k: v for k, v in more.items() if extra.get(k) != v}}
            rows.append((at - start, duration, description, names, extra))
    names = names_of_channels(node, raw)
    for mark, stretches in marks.items():
        for bout in stretches:
            reached = [name for row in bout.channels for name in names[row]]
            rows.append((bout.onset, bout.duration, mark, reached, {}))
    onset, duration, description, channels, extras = zip(*rows, strict=True) if rows else [()] * 5
    held = {"extras": list(extras)} if any(extras) else {}
    if held and not hasattr(mne.Annotations, "extras"):
        held = {}
        LOG.warning("this version of MNE has no extras of annotations: amplitudes are left out")
    date = raw.info["meas_date"]
    late = 0.0 if date is None else raw.first_time
    return mne.Annotations(
        np.add(onset, late), list(duration), list(description), date, list(channels), **held
    )


def names_of_channels(node: xr.Dataset, raw: "mne.io.BaseRaw") -> list[list[str]]:
    """Names of each channel of a stream in its Raw: one, or one per wavelength."""
    if "raw_name" in node.coords:
        table = node.raw_name.transpose("channel", "wavelength").values.tolist()
        return [[name for name in row if name] for row in table]
    count = node.sizes.get("wavelength", 1)
    return [raw.ch_names[i : i + count] for i in range(0, len(raw.ch_names), count)]
