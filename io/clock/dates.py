"""The clock of one stream against another from the measurement dates in their files."""

from datetime import UTC, datetime

from neurofuse.io.clock_model import REMEDY, ClockModel
from neurofuse.io.errors import AlignmentError
from neurofuse.io.logs import LOG

# hours by which clocks of two zones differ: whole ones, and those of zones a part of an hour off
ZONES = (*range(1, 15), 2.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75, 13.75)
LONGER = 1.1  # times; an overlap longer by this explains the dates better
SAME_START = 60.0  # s; streams that begin so near to each other were started together


def match_dates(eeg: tuple[str, float], nirs: tuple[str, float]) -> ClockModel:
    """Offset from both measurement dates.

    Dates contain no information about drift or about computer clocks that were set wrongly, so
    there is no confidence interval; the residual is the resolution of the coarser date. Many
    formats store local time without its zone: where dates that are apart by a difference of time
    zones would fit better without it, they are not believed. If one date has a zone and the other
    has none, it is enough that they would fit as well: local time is not taken for UTC.

    Parameters
    ----------
    eeg, nirs : (date, length)
        ISO date of the first sample, "" if unknown, without a zone if it is local time; and length
        of the stream [s].

    Returns
    -------
    ClockModel
        Without drift.

    Raises
    ------
    AlignmentError
        If a date is missing or a placeholder, the streams do not overlap by their dates, or they
        overlap more (or as much, and begin together or have only one zone between them) if one date
        is in local time and the other in UTC.

    Examples
    --------
    >>> clock = match_dates(("2024-05-17T09:30:12.25", 600.0), ("2024-05-17T09:30:20.75", 600.0))
    >>> clock.offset, clock.residual, clock.method
    (8.5, 0.001, 'clock')
    """
    first, second = real_date(eeg[0]), real_date(nirs[0])
    if first is None or second is None:
        missing = [n for n, d in (("EEG", first), ("fNIRS", second)) if d is None]
        raise AlignmentError(
            f"no real measurement date in the {' and the '.join(missing)} file",
            "a date and time in both files",
            REMEDY,
        )
    offset = (second - first).total_seconds()
    dates = (
        f"EEG of {first:%Y-%m-%d %H:%M:%S} for {eeg[1]:.0f} s and fNIRS of "
        f"{second:%Y-%m-%d %H:%M:%S} for {nirs[1]:.0f} s"
    )
    overlap = _overlap(offset, eeg[1], nirs[1])
    zone = _zone(offset)
    moved = _overlap(offset - zone, eeg[1], nirs[1]) if zone else 0.0
    by = f" by {moved:.0f} s" if overlap > 0 else ""
    hint = (
        f"they overlap{by} if one is in local time and the other in UTC "
        f"({zone / 3600:+g} h), then the offset is {offset - zone:g}; "
    )
    if overlap <= 0:
        wanted = "streams that overlap in time"
        raise AlignmentError(dates, wanted, (hint if moved > 0 else "") + REMEDY)
    together = abs(offset - zone) <= SAME_START
    one_zone = _has_zone(eeg[0]) != _has_zone(nirs[0])
    if moved > LONGER * overlap or (zone and moved >= overlap and (together or one_zone)):
        raise AlignmentError(
            f"{dates}, which overlap by {overlap:.0f} s",
            "dates of one time zone",
            f"{hint}if both are of one zone, it is {offset:g}; {REMEDY}",
        )
    if moved >= overlap:
        LOG.warning(
            "%s, which overlap by %.0f s with the offset %g that is used; %scheck their zones",
            dates,
            overlap,
            offset,
            hint,
        )
    resolution = max(_resolution(first), _resolution(second))
    if resolution == 1.0:
        LOG.warning(
            "aligned by measurement dates, one of which has whole seconds only: accurate to about "
            "1 s; shared events or an offset are better"
        )
    return ClockModel(offset, 0.0, resolution, 0, "clock")


def real_date(measured_at: str) -> datetime | None:
    """A measurement date, or None if it is missing or a placeholder of formats and software.

    A date without a time zone counts as UTC.

    Examples
    --------
    >>> real_date("1985-01-01T00:00:00+00:00") is None
    True
    """
    try:
        date = datetime.fromisoformat(measured_at)
    except ValueError:
        return None
    day = (date.year, date.month, date.day)
    midnight = date.hour == date.minute == date.second == 0
    placeholder = date.year < 1990 or (midnight and day in {(2000, 1, 1), (1900, 1, 1)})
    return None if placeholder else date if date.tzinfo else date.replace(tzinfo=UTC)


def _has_zone(measured_at: str) -> bool:
    return datetime.fromisoformat(measured_at).tzinfo is not None


def _resolution(date: datetime) -> float:
    """The resolution [s] of a date: seconds, milliseconds or microseconds."""
    if date.microsecond == 0:
        return 1.0
    return 1e-3 if date.microsecond % 1000 == 0 else 1e-6


def _overlap(offset: float, eeg: float, nirs: float) -> float:
    """Seconds that both streams share, of the lengths `eeg` and `nirs`; below 0 if none."""
    return min(eeg, offset + nirs) - max(0.0, offset)


def _zone(offset: float) -> float:
    """The difference of time zones [s] that is nearest to an offset, 0 for none."""
    nearest = min((0.0, *ZONES), key=lambda hours: abs(3600 * hours - abs(offset)))
    return 3600 * nearest * (1 if offset > 0 else -1)
