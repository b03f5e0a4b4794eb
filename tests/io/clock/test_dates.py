"""Clocks by measurement dates: resolution, dummies, time zones, streams that do not overlap."""

import numpy as np
import pytest

from neurofuse.io.clock.dates import match_dates, real_date
from neurofuse.io.errors import AlignmentError


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("2024-05-17T09:30:12+00:00", True),
        ("2024-05-17T09:30:12", True),
        ("1985-01-01T00:00:00+00:00", False),
        ("1970-01-01T00:00:00+00:00", False),
        ("1925-06-03T10:11:12+00:00", False),
        ("2000-01-01T00:00:00+00:00", False),
        ("2000-01-01T10:00:00+00:00", True),
        ("17.05.2024", False),
        ("", False),
    ],
)
def test_dummy_dates_are_none(text, real):
    assert (real_date(text) is not None) == real


def test_the_residual_is_the_resolution_of_the_coarser_date(caplog):
    fine = "2024-05-17T09:30:12.250001+00:00", 600.0
    for text, resolution in (
        ("2024-05-17T09:30:20.750002+00:00", 1e-6),
        ("2024-05-17T09:30:20.750+00:00", 1e-3),
    ):
        found = match_dates(fine, (text, 600.0))
        assert (found.residual, found.anchors, found.method) == (resolution, 0, "clock")
        assert found.offset == pytest.approx(8.5, abs=1e-5)
        assert np.isnan([*found.offset_interval, *found.drift_interval]).all()
    assert not caplog.records
    assert match_dates(fine, ("2024-05-17T09:30:20+00:00", 600.0)).residual == 1.0
    assert "accurate to about 1 s" in caplog.text


def test_dates_with_and_without_a_time_zone_are_compared():
    local = "2024-05-17T11:30:20.5+02:00", 60.0
    assert match_dates(("2024-05-17T09:30:12.5", 60.0), local).offset == 8.0


def test_streams_apart_are_refused_and_a_time_zone_is_suspected():
    eeg = "2024-05-17T09:30:12+00:00", 60.0
    with pytest.raises(AlignmentError, match=r"09:30:12 for 60 s and fNIRS of 2024-05-18") as day:
        match_dates(eeg, ("2024-05-18T09:30:12+00:00", 60.0))
    assert "local time" not in str(day.value)
    with pytest.raises(AlignmentError, match=r"\(\+2 h\), then the offset is 8; give offset="):
        match_dates(eeg, ("2024-05-17T11:30:20+00:00", 60.0))
    with pytest.raises(AlignmentError, match=r"\(-5\.5 h\), then the offset is -3; give"):
        match_dates(eeg, ("2024-05-17T04:00:09+00:00", 60.0))
    with pytest.raises(AlignmentError, match="overlap in time; give offset"):
        match_dates(eeg, ("2024-05-17T09:31:30+00:00", 60.0))


def test_missing_dates_are_named():
    real = "2024-05-17T09:30:12+00:00", 60.0
    for one, other, words in (
        (real, ("", 60.0), "in the fNIRS file"),
        (("1985-01-01T00:00:00+00:00", 60.0), real, "in the EEG file"),
        (("", 60.0), ("", 60.0), "in the EEG and the fNIRS file"),
    ):
        with pytest.raises(AlignmentError, match=f"no real measurement date {words}"):
            match_dates(one, other)
