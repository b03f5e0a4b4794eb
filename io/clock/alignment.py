"""Which clock an fNIRS stream runs on, told by an offset, shared events, dates or the body."""

import numpy as np
import xarray as xr

from neurofuse.io.clock.dates import match_dates
from neurofuse.io.clock.dates import real_date as real_date
from neurofuse.io.clock.pulses import LARGEST_RESIDUAL, Pulse, match_pulses
from neurofuse.io.clock_model import REMEDY, ClockModel
from neurofuse.io.errors import AlignmentError, ParameterError
from neurofuse.io.logs import LOG

METHODS = ("events", "clock", "physiology")
MARGIN = 1.0  # s by which an event may lie outside its stream


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
        Each with its stream from time 0 on, in seconds of its own clock.
    offset : float, optional
        Seconds to add to fNIRS times to get EEG times.
    align : {"events", "clock", "physiology"}, optional
        By shared event pulses, by both measurement dates, or by heart beats and movement that
        both streams saw. By default events, or else dates if both are real and overlap; the body
        is asked only on demand.

    Returns
    -------
    ClockModel
        Common time is that of the EEG.

    Raises
    ------
    AlignmentError
        If there is no common time, or nothing to align by with confidence.
    ParameterError
        If `align` is unknown, `offset` is not finite, or both are given.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset, events_dataset, nirs_dataset
    >>> marks = [(t, 0.0, "go", "", "") for t in (3.0, 9.5, 20.1, 42.7)]
    >>> late = [(t - 2, *rest) for t, *rest in marks]
    >>> eeg = build(eeg_dataset(np.zeros((1, 6000)), 100.0, ["Cz"]), events=events_dataset(marks))
    >>> light = nirs_dataset(np.ones((1, 2, 600)), 10.0, [760, 850], ["S1"], ["D1"])
    >>> found = align(eeg, build(nirs=light, events=events_dataset(late)))
    >>> round(found.offset, 6), found.anchors, found.method
    (2.0, 4, 'events')
    """
    if align is not None and align not in METHODS:
        raise ParameterError(f"align={align!r}", f"one of {METHODS}", "or give offset=SECONDS")
    if align is not None and offset is not None:
        raise ParameterError("both offset and align", "one of them", "leave one out")
    if offset is not None:
        if not np.isfinite(offset):
            raise ParameterError(f"offset={offset}", "a number of seconds", "give a finite offset")
        found = ClockModel(float(offset), method="offset")
    elif align == "events":
        found = _by_events(eeg, nirs)
    elif align == "clock":
        found = _by_dates(eeg, nirs)
    elif align == "physiology":
        from neurofuse.io.clock.physiology import by_physiology

        found = by_physiology(eeg, nirs)
    else:
        found = _automatic(eeg, nirs)
    return _overlapping(found, _length(eeg, "eeg"), _length(nirs, "nirs"))


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
                f"{dates.remedy}; or try align='physiology' (--align physiology) where both saw "
                "the heart beat",
            ) from None


def _by_events(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    found = match_pulses(_pulses(eeg, "eeg"), _pulses(nirs, "nirs"))
    length = _length(nirs, "nirs")
    doubt = 0.5e-6 * (found.drift_interval[1] - found.drift_interval[0]) * length
    if doubt > LARGEST_RESIDUAL:
        LOG.warning(
            "aligned by %d pulses that leave the drift open by %.0f ppm: over the %.0f s of fNIRS "
            "up to %.2g s",
            found.anchors,
            1e6 * doubt / length,
            length,
            doubt,
        )
    return found


def _by_dates(eeg: xr.DataTree, nirs: xr.DataTree) -> ClockModel:
    return match_dates(
        (eeg["eeg"].attrs.get("measured_at", ""), _length(eeg, "eeg")),
        (nirs["nirs"].attrs.get("measured_at", ""), _length(nirs, "nirs")),
    )


def _overlapping(found: ClockModel, eeg: float, nirs: float) -> ClockModel:
    end = float(found.to_common(nirs))
    if found.offset >= eeg or end <= 0:
        raise AlignmentError(
            f"EEG from 0 to {eeg:.1f} s and fNIRS from {found.offset:.1f} to {end:.1f} s "
            f"(aligned by {found.method})",
            "streams that overlap in time",
            REMEDY if found.method != "offset" else "check the sign and size of the offset",
        )
    return found


def _pulses(recording: xr.DataTree, stream: str) -> list[Pulse]:
    """The events of a Recording (onset [s], name) that lie in its stream."""
    events, length = recording["events"], _length(recording, stream)
    pulses = zip(events.onset.values.tolist(), events.description.values.tolist(), strict=True)
    every = [(float(onset), str(name)) for onset, name in pulses]
    inside = [pulse for pulse in every if -MARGIN <= pulse[0] <= length + MARGIN]
    if len(inside) < len(every):
        LOG.warning(
            "%d of %d %s events lie outside its %.0f s and are not used to align",
            len(every) - len(inside),
            len(every),
            {"eeg": "EEG", "nirs": "fNIRS"}[stream],
            length,
        )
    return inside


def _length(recording: xr.DataTree, stream: str) -> float:
    """Seconds from a stream's first sample to the end of its last."""
    node = recording[stream]
    return node.sizes["time"] / node.attrs["rate"]
