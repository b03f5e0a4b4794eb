"""The clock of an fNIRS stream: from an offset, shared events, dates or physiology."""

from datetime import datetime

import numpy as np
import xarray as xr

from neurofuse.io.clock.dates import match_dates
from neurofuse.io.clock.dates import real_date as real_date
from neurofuse.io.clock.pulses import LARGEST_RESIDUAL, Pulse, match_pulses
from neurofuse.io.clock_model import REMEDY, ClockModel
from neurofuse.io.errors import AlignmentError, ParameterError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import LOCAL_TIME, header

METHODS = ("events", "clock", "physiology")
EVENT_MARGIN = 1.0  # s by which an event may lie outside its stream


def align(
    eeg: xr.DataTree,
    nirs: xr.DataTree,
    *,
    offset: float | None = None,
    align: str | None = None,
) -> ClockModel:
    """Find where the fNIRS stream of one Recording lies on the clock of another's EEG stream.

    Parameters
    ----------
    eeg, nirs : Recording
        One stream each, which begins at time 0 s of its own clock.
    offset : float, optional
        To add to fNIRS times to get EEG times [s].
    align : {"events", "clock", "physiology"}, optional
        By event pulses that both files hold, by both measurement dates, or by the heart rate (the
        EEG file needs an ECG channel). By default by events, else by dates if both are real and
        overlap; physiology is used only on request.

    Returns
    -------
    ClockModel
        Offset [s] and drift [ppm] of the fNIRS clock; common time is that of the EEG.

    Raises
    ------
    AlignmentError
        If the streams do not overlap, or nothing aligns them with confidence.
    ParameterError
        If `align` is unknown, `offset` is not finite, or both are given.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset, events_dataset, nirs_dataset
    >>> marks = [(t, 0.0, "go", "", "") for t in (3.0, 9.5, 20.1, 42.7)]
    >>> late = [(t - 2, *rest) for t, *rest in marks]
    >>> eeg = build(eeg_dataset(np.zeros((1, 6000)), 100.0, ["Cz"]), events=events_dataset(marks))
    >>> light = nirs_dataset(np.ones((1, 2, 600)), 10.0, [760, 850], ["S1"], ["D1"])
    >>> clock = align(eeg, build(nirs=light, events=events_dataset(late)))
    >>> round(clock.offset, 6), clock.anchors, clock.method
    (2.0, 4, 'events')
    """
    if align is not None and align not in METHODS:
        raise ParameterError(f"align={align!r}", f"one of {METHODS}", "or give offset=SECONDS")
    if align is not None and offset is not None:
        raise ParameterError("both offset and align", "one of them", "leave one out")
    if offset is not None:
        if not np.isfinite(offset):
            raise ParameterError(f"offset={offset}", "a number of seconds", "give a finite offset")
        clock = ClockModel(float(offset), method="offset")
    elif align == "events":
        clock = _by_events(eeg, nirs)
    elif align == "clock":
        clock = _by_dates(eeg, nirs)
    elif align == "physiology":
        from neurofuse.io.clock.physiology import by_physiology

        clock = by_physiology(eeg, nirs)
    else:
        clock = _automatic(eeg, nirs)
    return _overlapping(clock, _length(eeg, EEG.name), _length(nirs, NIRS.name))


def _automatic(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    try:
        return _by_events(eeg, nirs)
    except AlignmentError as events:
        try:
            return _by_dates(eeg, nirs)
        except AlignmentError as dates:
            raise AlignmentError(
                f"{events.found}, and {dates.found}",
                "shared events, or real dates that overlap",
                f"{dates.remedy}; or try align='physiology' (--align physiology) if the EEG file "
                "holds an ECG channel",
            ) from None


def _by_events(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    clock = match_pulses(_pulses(eeg, EEG.name), _pulses(nirs, NIRS.name))
    length = _length(nirs, NIRS.name)
    error = 0.5e-6 * (clock.drift_interval[1] - clock.drift_interval[0]) * length
    if error > LARGEST_RESIDUAL:
        LOG.warning(
            "aligned by %d event pulses, which determine the drift to ±%.0f ppm only: an error of "
            "up to %.2g s over the %.0f s of fNIRS",
            clock.anchors,
            1e6 * error / length,
            error,
            length,
        )
    return clock


def _by_dates(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    return match_dates(
        (_stated_date(eeg, EEG.name), _length(eeg, EEG.name)),
        (_stated_date(nirs, NIRS.name), _length(nirs, NIRS.name)),
    )


def _stated_date(recording: xr.DataTree, stream: str) -> str:
    """The date of a stream's first sample, without the zone that its file does not state."""
    node = recording[stream].to_dataset()
    text = node.attrs.get("measured_at", "")
    if not text or not header(node).get(LOCAL_TIME):
        return text
    return datetime.fromisoformat(text).replace(tzinfo=None).isoformat()


def _overlapping(clock: ClockModel, eeg: float, nirs: float) -> ClockModel:
    end = float(clock.to_common(nirs))
    if clock.offset >= eeg or end <= 0:
        raise AlignmentError(
            f"EEG from 0 to {eeg:.1f} s and fNIRS from {clock.offset:.1f} to {end:.1f} s "
            f"(aligned by {clock.method})",
            "streams that overlap in time",
            REMEDY if clock.method != "offset" else "check the sign and size of the offset",
        )
    return clock


def _pulses(recording: xr.DataTree, stream: str) -> list[Pulse]:
    """The events of a Recording (onset [s], name) that lie in its stream."""
    events, length = recording["events"], _length(recording, stream)
    pulses = zip(events.onset.values.tolist(), events.description.values.tolist(), strict=True)
    every = [(float(onset), str(name)) for onset, name in pulses]
    inside = [pulse for pulse in every if -EVENT_MARGIN <= pulse[0] <= length + EVENT_MARGIN]
    if len(inside) < len(every):
        LOG.warning(
            "%d of %d %s events lie outside the recording of %.0f s and are not used for alignment",
            len(every) - len(inside),
            len(every),
            MODALITIES[stream].display,
            length,
        )
    return inside


def _length(recording: xr.DataTree, stream: str) -> float:
    """Seconds from a stream's first sample to the end of its last."""
    node = recording[stream]
    return node.sizes["time"] / node.attrs["rate"]
