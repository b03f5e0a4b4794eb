"""When the first sample of a SNIRF file was taken: by its date, Unix time or time of day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from neurofuse.io.logs import LOG
from neurofuse.io.snirf.table import tag

UNIX_TIME, LAST_UNIX_TIME = 1e8, 1e10  # s; dates since 1970 lie between, no recording is so long
SAME_DATE = 2.0  # s by which two words of a file on one date may differ
HOUR, QUARTER_HOUR = 3600.0, 900  # s; time zones differ by whole quarters of an hour
PLACEHOLDER = datetime(2000, 1, 1, tzinfo=UTC)  # MNE writes it for an unknown date


def begun_at(nirs: Any, start: float, path: Path) -> datetime | None:
    """Date of the first sample, whose time in the file is `start` [s].

    That time counts from the file's date, or it is a date itself: Unix time, or time of day.
    """
    zero = measured_at(nirs)
    if UNIX_TIME < start < LAST_UNIX_TIME:
        first = datetime.fromtimestamp(start, UTC)
        if zero is not None and abs((first - zero).total_seconds()) >= SAME_DATE:
            LOG.warning(
                "%s: its sample times are Unix time and begin at %s; its date, %s, is not used",
                path,
                first.isoformat(),
                zero.isoformat(),
            )
        return first
    if zero is None:
        return None
    day = zero.replace(hour=0, minute=0, second=0, microsecond=0)
    if start > HOUR and abs((zero - day).total_seconds() - start) < SAME_DATE:
        LOG.warning("%s: its sample times, from %.10g s, are taken for times of day", path, start)
        return day + timedelta(seconds=start)
    return zero + timedelta(seconds=start)


def measured_at(nirs: Any) -> datetime | None:
    """Date of the file's time 0, from MeasurementDate and MeasurementTime or else UnixTime.

    Without a time zone it is UTC, unless UnixTime says by which time zone it is off.
    """
    day = tag(nirs, "MeasurementDate").strip().rstrip("Z")
    clock = tag(nirs, "MeasurementTime").strip()
    unix = _unix_time(nirs)
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return unix
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
        if unix is not None:
            apart = (moment - unix).total_seconds()
            zone = round(apart / QUARTER_HOUR) * QUARTER_HOUR
            if zone and abs(zone) <= 14 * HOUR and abs(apart - zone) < SAME_DATE:
                moment -= timedelta(seconds=zone)
    moment = moment.astimezone(UTC)
    return unix if moment == PLACEHOLDER else moment


def is_local_time(nirs: Any, start: float) -> bool:
    """Whether the date of the first sample, at `start` [s], has neither a zone nor Unix time."""
    if start > UNIX_TIME:
        return False
    try:
        moment = datetime.fromisoformat(
            f"{tag(nirs, 'MeasurementDate').strip()}T{tag(nirs, 'MeasurementTime').strip()}"
        )
    except ValueError:
        return False
    return moment.tzinfo is None and _unix_time(nirs) is None


def _unix_time(nirs: Any) -> datetime | None:
    """The date in the tag UnixTime [s, or ms]."""
    try:
        seconds = float(tag(nirs, "UnixTime"))
    except ValueError:
        return None
    seconds = seconds / 1e3 if seconds > LAST_UNIX_TIME else seconds
    return datetime.fromtimestamp(seconds, UTC) if UNIX_TIME < seconds < LAST_UNIX_TIME else None
