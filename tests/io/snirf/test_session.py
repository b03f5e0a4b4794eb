"""Who was measured when, what happened, and which of several recordings it is."""

from datetime import UTC, date, datetime

import mne
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.logs import quiet
from neurofuse.io.snirf.read import read_snirf_raw
from neurofuse.io.snirf.write import write_snirf
from tests.io.snirf.stored import put, samples, stimulus

DATE = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)
PAIRS = ((1, 1), (1, 2), (2, 2))


def events(path):
    found = io.read(path)["events"]
    columns = (found.onset, found.duration, found.description)
    return list(zip(*(c.values.tolist() for c in columns), strict=True))


def _second(name, empty=False):
    def add(nirs):
        nirs.file.copy("nirs", nirs.file, name)
        put(nirs.file[name], "metaDataTags/SubjectID", "two")
        if empty:
            put(nirs.file[name], "data1/dataTimeSeries", np.empty((0, 6)))
        nirs.file.move("nirs", "nirs1")

    return add


def test_of_several_groups_the_one_that_is_asked_for(snirf):
    path = snirf(_second("nirs2"))
    words = r"nirs1 \(1200 values, 2024-05-17 09:30:12.*\), nirs2 \(1200 values, 2024"
    with pytest.raises(io.ReadError, match=words) as refused:
        io.read(path)
    assert "one'" not in str(refused.value)  # subjects are not named
    assert "two" not in str(refused.value)
    assert read_snirf_raw(path, group="nirs2").info["subject_info"]["his_id"] == "two"
    with pytest.raises(io.ReadError, match="without samples in nirs3"):
        read_snirf_raw(path, group="nirs3")


def test_an_empty_group_beside_the_full_one_does_not_matter(snirf):
    assert io.read(snirf(_second("nirs2", empty=True)))["nirs"].attrs["subject"] == "one"


def test_further_data_blocks_are_named_in_a_warning(snirf, caplog):
    read_snirf_raw(snirf(lambda nirs: nirs.copy("data1", nirs, "data2")))
    assert "only /nirs/data1 is read, not /nirs/data2" in caplog.text


def test_stimuli_of_every_shape(snirf):
    def add(nirs):
        stimulus(nirs, 1, "tap", [[1.0, 2.5, 1.0], [6.0, 0.5, 1.0]])
        stimulus(nirs, 2, "one event", np.array([3.0, 5.0, 1.0]))
        stimulus(nirs, 3, "five columns", [[4.0, 1.0, 1.0, 7.0, 8.0]])
        stimulus(nirs, 4, "none", np.empty((0, 3)))
        stimulus(nirs, 5, "none either", np.array([0.0]))
        stimulus(nirs, 6, "lost", [[np.nan, 1.0, 1.0], [8.0, np.nan, 1.0]])
        stimulus(nirs, "01", "tap", [[1.0, 2.5, 1.0], [6.0, 0.5, 1.0]])  # Homer's doubles
        nirs["stim7/data"] = [[9.0, 1.0, 1.0]]

    assert events(snirf(add)) == [
        (1.0, 2.5, "tap"),
        (3.0, 5.0, "one event"),
        (4.0, 1.0, "five columns"),
        (6.0, 0.5, "tap"),
        (8.0, 0.0, "lost"),
        (9.0, 1.0, "stim7"),
    ]


def test_names_and_durations_come_back_written(snirf, tmp_path):
    def add(nirs):
        stimulus(nirs, 1, "hören/µ, 2", [[1.0, 2.5, 1.0], [6.1, 0.0, 1.0]])
        stimulus(nirs, 2, "BAD_motion", [[6.1, 0.3, 1.0]])

    recording = io.read(snirf(add))
    path = io.write_nirs(recording, tmp_path / "b.snirf")
    assert events(path) == events(snirf(add))
    marks = mne.io.read_raw_snirf(path, verbose="error").annotations
    assert sorted(marks.description) == ["BAD_motion", "hören/µ, 2", "hören/µ, 2"]


def test_marks_of_single_channels_keep_their_channels(tmp_path, make_raw):
    raw = make_raw()
    owners = [["S1_D1 760", "S1_D1 850"], [], ["S2_D2 760"]]
    marks = mne.Annotations([1.0, 2, 3], [0.5] * 3, ["BAD_motion"] * 3, DATE, owners)
    raw.set_annotations(marks)
    write_snirf(raw, tmp_path / "a.snirf")
    again = read_snirf_raw(tmp_path / "a.snirf").annotations
    assert [list(names) for names in again.ch_names] == owners
    assert len(mne.io.read_raw_snirf(tmp_path / "a.snirf", verbose="error").annotations) == 3


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        ("2024-05-17", "09:30:12Z", datetime(2024, 5, 17, 9, 30, 12, tzinfo=UTC)),
        ("2024-05-17", "09:30:12.123456", datetime(2024, 5, 17, 9, 30, 12, 123456, tzinfo=UTC)),
        ("2024-05-17", "00:30:12.5+02:00", datetime(2024, 5, 16, 22, 30, 12, 500000, tzinfo=UTC)),
        ("unknown", "unknown", None),
        ("17/05/24", "noon", None),
    ],
)
def test_dates_with_zone_and_fraction(snirf, day, clock, expected):
    path = snirf(MeasurementDate=day, MeasurementTime=clock)
    assert read_snirf_raw(path).info["meas_date"] == expected


@pytest.mark.parametrize("when", [DATE, DATE.replace(microsecond=0), None])
def test_date_is_written_to_the_microsecond_or_unknown(tmp_path, make_raw, when):
    raw = make_raw(when=when)
    write_snirf(raw, tmp_path / "a.snirf")
    assert read_snirf_raw(tmp_path / "a.snirf").info["meas_date"] == when
    theirs = mne.io.read_raw_snirf(tmp_path / "a.snirf", verbose="error").info["meas_date"]
    assert theirs == (when or datetime(2000, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "subject",
    [None, {}, {"his_id": "s1", "sex": 2, "birthday": date(1990, 2, 3), "first_name": "Ada"}],
)
def test_subject_is_written_as_far_as_it_is_known(tmp_path, make_raw, subject):
    raw = make_raw()
    raw.info["subject_info"] = subject
    write_snirf(raw, tmp_path / "a.snirf")
    ours = dict(read_snirf_raw(tmp_path / "a.snirf").info["subject_info"])
    assert ours == {"his_id": "unknown", **(subject or {})}
    with quiet():
        theirs = mne.io.read_raw_snirf(tmp_path / "a.snirf").info["subject_info"]
    assert theirs["his_id"] == ours["his_id"]


def test_files_without_tags_are_read(snirf):
    path = snirf(lambda nirs: nirs.pop("metaDataTags"))
    raw = read_snirf_raw(path)
    assert raw.info["meas_date"] is None
    assert raw.info["subject_info"]["his_id"] == "unknown"
    np.testing.assert_array_equal(raw.get_data(), samples(path))
