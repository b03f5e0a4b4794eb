"""When a SNIRF file began: by its date, by Unix time, by the time of day."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import neurofuse.io as io

DATE = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)
UNIX = DATE.timestamp()


def times_from(start, onset=None):
    """A change of the file: its times begin at `start` [s]; an event of 1 s at `onset`."""

    def change(nirs):
        del nirs["data1/time"]
        nirs["data1/time"] = start + np.arange(200) / 10
        nirs["stim1/name"], nirs["stim1/data"] = "tap", [[start + 5.0, 1.0, 1.0]]

    return change


def begun(recording) -> datetime:
    return datetime.fromisoformat(recording["nirs"].attrs["measured_at"])


def test_sample_times_in_unix_time_are_the_date(snirf, caplog):
    recording = io.read(snirf(times_from(UNIX)))
    assert begun(recording) == DATE
    assert recording["events"].onset.values.tolist() == pytest.approx([5.0], abs=1e-5)
    assert float(recording["nirs"].time[0]) == 0
    assert caplog.text == ""


def test_unix_time_is_believed_rather_than_a_local_date(snirf, caplog):
    recording = io.read(snirf(times_from(UNIX), MeasurementTime="11:30:12.25"))
    assert begun(recording) == DATE
    assert "its date, 2024-05-17T11:30:12.250000+00:00, is not used" in caplog.text
    assert begun(io.read(snirf(times_from(UNIX), MeasurementDate="unknown"))) == DATE


def test_unix_time_in_milliseconds(snirf):
    def change(nirs):
        del nirs["data1/time"]
        nirs["data1/time"] = 1e3 * (UNIX + np.arange(200) / 10)

    assert begun(io.read(snirf(change, TimeUnit="ms"))) == DATE
    with pytest.raises(
        io.ReadError, match="if times are in milliseconds, not seconds, it is 10 Hz"
    ):
        io.read(snirf(change))


def test_sample_times_may_be_times_of_day(snirf, caplog):
    start = DATE.hour * 3600 + DATE.minute * 60 + 12.25
    recording = io.read(snirf(times_from(start)))
    assert begun(recording) == DATE
    assert recording["events"].onset.values.tolist() == pytest.approx([5.0])
    assert "taken for times of day" in caplog.text
    assert begun(io.read(snirf(times_from(start + 60)))) == DATE + timedelta(seconds=start + 60)


@pytest.mark.parametrize("unix", [f"{UNIX:.2f}", f"{1e3 * UNIX:.0f}"])
def test_the_tag_unix_time_alone_is_a_date(snirf, unix):
    for absent in ("unknown", "2000-01-01"):
        tags = {"MeasurementDate": absent, "MeasurementTime": "00:00:00"}
        assert begun(io.read(snirf(UnixTime=unix, **tags))) == DATE


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("11:30:12.25", DATE),  # local time of UTC+2
        ("15:15:12.25", DATE),  # of UTC+5:45
        ("09:30:12.25", DATE),
        ("11:30:12.25+02:00", DATE),
        ("11:30:12.25Z", DATE + timedelta(hours=2)),
        ("09:37:12.25", DATE + timedelta(minutes=7)),  # no time zone explains it
    ],
)
def test_the_tag_unix_time_gives_the_zone_of_a_local_date(snirf, clock, expected):
    path = snirf(MeasurementTime=clock, UnixTime=f"{UNIX:.2f}")
    if clock.endswith("Z"):
        expected = DATE + timedelta(hours=2)
    assert begun(io.read(path)) == expected
