"""The clock of one stream against another from the measurement dates in their files."""

from datetime import UTC, datetime

import numpy as np

from neurofuse.io.clock_model import REMEDY, ClockModel
from neurofuse.io.errors import AlignmentError
from neurofuse.io.logs import LOG

QUARTER_HOUR = 900.0  # s; time zones differ by whole quarters of an hour
LARGEST_TIME_ZONE = 14 * 3600.0  # s from UTC


def match_dates(eeg: tuple[str, float], nirs: tuple[str, float]) -> ClockModel:
    """Offset from both measurement dates.

    Dates contain no information about drift or about computer clocks that were set wrongly, so
    there is no confidence interval; the residual is the resolution of the coarser date.

    Parameters
    ----------
    eeg, nirs : (date, length)
        ISO date of the first sample, "" if unknown, and length of the stream [s].

    Returns
    -------
    ClockModel
        Without drift.

    Raises
    ------
    AlignmentError
        If a date is missing or a placeholder, or the streams do not overlap by their dates.

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
    if not -nirs[1] < offset < eeg[1]:
        raise AlignmentError(
            f"EEG of {first:%Y-%m-%d %H:%M:%S} for {eeg[1]:.0f} s and fNIRS of "
            f"{second:%Y-%m-%d %H:%M:%S} for {nirs[1]:.0f} s",
            "streams that overlap in time",
            _zone_hint(offset, eeg[1], nirs[1]) + REMEDY,
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


def _resolution(date: datetime) -> float:
    """The resolution [s] of a date: seconds, milliseconds or microseconds."""
    if date.microsecond == 0:
        return 1.0
    return 1e-3 if date.microsecond % 1000 == 0 else 1e-6


def _zone_hint(offset: float, eeg: float, nirs: float) -> str:
    """A remedy if the dates would overlap in another time zone."""
    zone = float(np.round(offset / QUARTER_HOUR) * QUARTER_HOUR)
    if zone == 0 or abs(zone) > LARGEST_TIME_ZONE or not -nirs < offset - zone < eeg:
        return ""
    return (
        f"they overlap if one is in local time and the other in UTC ({zone / 3600:+g} h), then "
        f"the offset is {offset - zone:g}; "
    )
