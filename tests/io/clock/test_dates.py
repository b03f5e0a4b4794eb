"""Clocks by measurement dates: resolution, dummies, time zones, streams that do not overlap."""

from datetime import UTC, datetime, timedelta

import h5py
import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.clock.dates import match_dates, real_date
from neurofuse.io.errors import AlignmentError

DATE = datetime(2024, 5, 17, 20, 30, 12, 250_000, UTC)


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


def test_a_time_zone_that_explains_the_dates_better_is_offered():
    eeg, nirs = ("2024-05-17T09:30:12", 10_800.0), ("2024-05-17T09:30:20+02:00", 10_800.0)
    words = (
        r"overlap by 3608 s; wanted dates of one time zone; they overlap by 10792 s if .*"
        r"\(-2 h\), then the offset is 8; if both are of one zone, it is -7192; give offset="
    )
    with pytest.raises(AlignmentError, match=words):
        match_dates(eeg, nirs)
    with pytest.raises(AlignmentError, match=r"\(\+2 h\), then the offset is -8; if both"):
        match_dates(nirs, eeg)
    with pytest.raises(AlignmentError, match=r"\(-5\.75 h\), then the offset is 30"):
        match_dates(("2024-05-17T15:15:00", 36_000.0), ("2024-05-17T09:30:30+00:00", 36_000.0))


def test_a_short_stream_inside_a_long_one_only_warns(caplog):
    night = "2024-05-17T22:00:00.5+00:00", 36_000.0
    assert match_dates(night, ("2024-05-18T00:10:00.5+00:00", 1800.0)).offset == 7800
    assert (
        "which overlap by 1800 s with the offset 7800 that is used; they overlap by 1800 s if one "
        "is in local time and the other in UTC (+2 h), then the offset is 600; check" in caplog.text
    )
    with pytest.raises(AlignmentError, match=r"offset is 30; if both are of one zone, it is 7230"):
        match_dates(night, ("2024-05-18T00:00:30.5+00:00", 1800.0))


@pytest.mark.parametrize("naive", ["eeg", "nirs"])
def test_local_time_beside_a_date_with_a_zone_is_not_taken_for_utc(naive, caplog):
    """A nap within a night: both offsets explain the dates equally well."""
    text = {"eeg": "2024-05-17T22:00:00.5+00:00", "nirs": "2024-05-18T00:10:00.5+00:00"}
    text[naive] = text[naive].removesuffix("+00:00")
    words = r"overlap by 1800 s; .*\(\+2 h\), then the offset is 600; if both .*, it is 7800"
    with pytest.raises(AlignmentError, match=words):
        match_dates((text["eeg"], 36_000.0), (text["nirs"], 1800.0))
    near = "2024-05-17T22:10:00.5" + ("" if naive == "nirs" else "+00:00")
    assert match_dates((text["eeg"], 36_000.0), (near, 1800.0)).offset == 600
    assert caplog.text == ""


def test_files_say_whether_their_dates_have_a_zone(tmp_path, eeg_raw, nirs_raw, caplog):
    """EDF has none, by its standard; SNIRF may have one; two files without one are compared."""
    night = eeg_raw(["C3"], rate=10.0, seconds=30_000, date=DATE)
    nap = nirs_raw(date=DATE + timedelta(seconds=7800))
    recording = io.from_mne(night, nap, offset=7800)
    edf, snirf = io.write_eeg(recording, tmp_path / "a.edf"), tmp_path / "a.snirf"
    fif = io.write_eeg(recording, tmp_path / "a_eeg.fif")
    io.write_nirs(recording, snirf)
    with pytest.raises(AlignmentError, match=r"then the offset is 600; if both are of one zone"):
        nf.read(edf, snirf)
    assert nf.read(edf, snirf, offset=7800)["clock"].offset.sel(stream="nirs") == 7800
    assert nf.read(fif, snirf)["clock"].offset.sel(stream="nirs") == pytest.approx(7800, abs=1e-3)
    with h5py.File(snirf, "r+") as file:
        tags = file["nirs/metaDataTags"]
        assert isinstance(tags, h5py.Group)
        clock = str(h5py.Dataset(tags["MeasurementTime"].id).asstr()[()]).rstrip("Z")
        del tags["MeasurementTime"]
        tags["MeasurementTime"] = clock
    caplog.clear()
    assert nf.read(edf, snirf)["clock"].offset.sel(stream="nirs") == pytest.approx(7800, abs=1e-3)
    assert "with the offset 7800 that is used" in caplog.text


@pytest.mark.parametrize("offset", [-1500.0, 8.25, 900.0, 1700.0])
def test_dates_less_than_a_time_zone_apart_are_believed(offset, caplog):
    begun = datetime(2024, 5, 17, 9, 30, 12, 500_000, UTC)
    later = (begun + timedelta(seconds=offset)).isoformat()
    assert match_dates((begun.isoformat(), 3600.0), (later, 3600.0)).offset == offset
    assert caplog.text == ""


def test_missing_dates_are_named():
    real = "2024-05-17T09:30:12+00:00", 60.0
    for one, other, words in (
        (real, ("", 60.0), "in the fNIRS file"),
        (("1985-01-01T00:00:00+00:00", 60.0), real, "in the EEG file"),
        (("", 60.0), ("", 60.0), "in the EEG and the fNIRS file"),
    ):
        with pytest.raises(AlignmentError, match=f"no real measurement date {words}"):
            match_dates(one, other)
