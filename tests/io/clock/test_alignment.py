"""The choice of the alignment method, its automatic order, and messages of refusals."""

import numpy as np
import pytest

import neurofuse.io as io

LONG = 1200.0


def recording(stream, seconds, marks=(), date="", rate=10.0):
    """A Recording of one stream of ones, with events at `marks` [s]."""
    count = round(seconds * rate)
    if stream == "eeg":
        node = io.eeg_dataset(np.ones((1, count)), rate, ["Cz"])
    else:
        node = io.nirs_dataset(np.ones((1, 2, count)), rate, [760, 850], ["S1"], ["D1"])
    node.attrs["measured_at"] = date
    rows = [(float(t), 0.0, "go", "", stream) for t in marks]
    events = io.events_dataset(rows)
    return io.build(node, events=events) if stream == "eeg" else io.build(nirs=node, events=events)


def pulses(seed=0, count=40, end=1000.0):
    return np.sort(np.random.default_rng(seed).uniform(5, end, count))


def test_offset_is_taken_as_given():
    found = io.align(recording("eeg", 10), recording("nirs", 5), offset=2.5)
    assert (found.offset, found.drift, found.anchors, found.method) == (2.5, 0.0, 0, "offset")
    assert np.isnan(found.residual)


def test_events_come_before_dates():
    there = pulses()
    eeg = recording("eeg", LONG, there + 4.0, "2024-05-17T09:30:12+00:00")
    nirs = recording("nirs", LONG, there, "2024-05-17T09:30:15+00:00")
    by_itself = io.align(eeg, nirs)
    assert (by_itself.method, by_itself.anchors) == ("events", 40)
    assert by_itself.offset == pytest.approx(4.0)
    assert io.align(eeg, nirs, align="clock").offset == 3.0


def test_dates_serve_where_events_are_ambiguous():
    even = 10.0 * np.arange(1, 25)
    eeg = recording("eeg", 300, even + 7.5, "2024-05-17T09:30:12.5+00:00")
    nirs = recording("nirs", 300, even, "2024-05-17T09:30:20.0+00:00")
    assert io.align(eeg, nirs).method == "clock"
    with pytest.raises(io.AlignmentError, match="pulses"):
        io.align(eeg, nirs, align="events")


def test_streams_of_other_rates_keep_their_samples():
    there = pulses(end=500)
    eeg = recording("eeg", 600, 30 + there * (1 + 400e-6), rate=256.0)
    nirs = recording("nirs", 520, there, rate=7.8125)
    joined = io.join(eeg, nirs)
    assert joined["nirs"].sizes["time"] == round(520 * 7.8125)
    np.testing.assert_array_equal(joined["nirs"].intensity, nirs["nirs"].intensity)
    assert float(joined["nirs"].time[-1] - joined["nirs"].time[0]) == pytest.approx(
        float(nirs["nirs"].time[-1]) * (1 + 400e-6), abs=1e-6
    )
    clock = joined["clock"].sel(stream="nirs")
    assert float(clock.drift) == pytest.approx(400, abs=1e-3)
    low, high = clock.drift_interval.values
    assert low <= 400 + 1e-6
    assert high >= 400 - 1e-6


def test_events_of_another_clock_are_left_out(caplog):
    """Stamps on a device's own clock lie hours behind the end of a stream of minutes."""
    there = pulses(end=80)
    eeg, nirs = recording("eeg", 90, there), recording("nirs", 90, there + 13732.0)
    with pytest.raises(io.AlignmentError, match="40 event pulses in the EEG and 0 in the fNIRS"):
        io.align(eeg, nirs, align="events")
    assert "40 of 40 fNIRS events lie outside the recording of 90 s" in caplog.text


def test_drift_that_few_pulses_leave_uncertain_is_warned_of(caplog):
    there = np.array([3.0, 9.0, 22.0, 46.0])
    jitter = np.array([0.004, -0.006, 0.005, -0.003])
    io.align(recording("eeg", 3600, there + jitter + 2), recording("nirs", 3600, there))
    assert "4 event pulses, which determine the drift to ±" in caplog.text


def test_matched_pulses_of_streams_that_do_not_overlap_are_refused():
    there = np.array([100.3, 103.9, 109.1, 111.8])
    with pytest.raises(io.AlignmentError, match="overlap in time"):
        io.align(recording("eeg", 60), recording("nirs", 60), offset=-60.0)
    eeg = recording("eeg", 101, there - 100.3)
    assert io.align(eeg, recording("nirs", 200, there)).offset == pytest.approx(-100.3, abs=1e-3)


def test_refusals_give_a_remedy():
    eeg = recording("eeg", 60, date="2024-05-17T09:30:12+00:00")
    for other, words in (
        ("2024-05-18T09:30:12+00:00", "real dates that overlap"),
        ("1985-01-01T00:00:00+00:00", "no real measurement date in the fNIRS file"),
        ("", "no real measurement date in the fNIRS file"),
    ):
        with pytest.raises(io.AlignmentError, match=words) as caught:
            io.align(eeg, recording("nirs", 60, date=other))
        assert "give offset=SECONDS (--offset SECONDS)" in str(caught.value)
        assert "0 if both began together" in str(caught.value)
        assert "--align physiology" in str(caught.value)
    with pytest.raises(io.AlignmentError, match=r"fNIRS from 90\.0 to 150\.0 s"):
        io.align(eeg, recording("nirs", 60), offset=90.0)
    with pytest.raises(io.ParameterError, match="align='guess'"):
        io.align(eeg, recording("nirs", 60), align="guess")
    with pytest.raises(io.ParameterError, match="both offset and align"):
        io.align(eeg, recording("nirs", 60), align="clock", offset=1.0)
    with pytest.raises(io.ParameterError, match="offset=nan"):
        io.align(eeg, recording("nirs", 60), offset=float("nan"))


def test_files_that_each_start_at_their_own_zero_are_refused(data_dir):
    """Neither file holds the time between their first samples (210 ms)."""
    worn = data_dir / "simultaneous" / "openmuse_worn" / "own_zero"
    files = worn / "test_eeg_quality_eeg.edf", worn / "test_eeg_quality_optics.snirf"
    with pytest.raises(io.AlignmentError, match=r"0 event pulses.*no real measurement"):
        io.read(*files)
