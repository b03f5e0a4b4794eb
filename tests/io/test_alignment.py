"""Two clocks: an offset, shared pulses, dates; and when to refuse."""

import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.alignment import by_events, real_date

LONG = 1200.0


def pulses(seed=0, count=40, end=1000.0):
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(5, end, count))


def train(times, name="go"):
    return [(float(t), name) for t in times]


def test_offset_is_taken_as_given():
    found = io.align(io.Timeline(10), io.Timeline(5), offset=2.5)
    assert (found.offset, found.drift, found.anchors, found.method) == (2.5, 0.0, 0, "offset")
    assert np.isnan(found.residual)


@pytest.mark.parametrize("offset", [0.0, -37.25, 410.5])
@pytest.mark.parametrize("drift", [0.0, 80.0, -120.0])
def test_events_give_offset_and_drift(offset, drift):
    there = pulses()
    jitter = np.random.default_rng(1).normal(0, 0.004, there.size)
    eeg = offset + there * (1 + drift / 1e6) + jitter
    found = by_events(train(eeg, "Stimulus/S  1"), train(there, "1"))
    assert found.anchors >= 36
    assert found.residual < 0.006
    assert found.drift == pytest.approx(drift, abs=8)
    middle = found.offset + 500 * (1 + found.drift / 1e6)
    assert middle == pytest.approx(offset + 500 * (1 + drift / 1e6), abs=0.003)


@pytest.mark.parametrize("seed", range(5))
def test_missing_and_spurious_pulses_do_no_harm(seed):
    rng = np.random.default_rng(seed)
    there = pulses(seed)
    eeg = np.delete(there + 12.0, rng.choice(40, 12, replace=False))
    eeg = np.sort(np.append(eeg, rng.uniform(0, 1000, 10)))
    nirs = np.delete(there, rng.choice(40, 5, replace=False))
    found = by_events(train(eeg), train(nirs))
    assert found.offset == pytest.approx(12.0, abs=1e-6)
    assert found.drift == 0.0
    assert found.anchors >= 18


def test_one_late_pulse_is_left_out():
    there = pulses(count=20)
    eeg = there + 3.0
    eeg[7] += 0.3
    found = by_events(train(eeg), train(there))
    assert found.anchors == 19
    assert found.offset == pytest.approx(3.0, abs=1e-9)


def test_short_series_claims_no_drift():
    there = np.array([3.0, 9.0, 22.0, 41.0])
    jitter = np.array([0.004, -0.006, 0.005, -0.003])
    found = by_events(train(there + 5 + jitter), train(there))
    assert found.drift == 0.0
    assert found.offset == pytest.approx(5.0, abs=0.005)


def test_names_settle_evenly_spaced_pulses():
    there = 10.0 * np.arange(1, 25)
    names = [str(n) for n in np.random.default_rng(0).integers(1, 5, there.size)]
    nirs = list(zip(there.tolist(), names, strict=True))
    eeg = [(t + 7.5, f"Stimulus/S  {n}") for t, n in nirs[2:]]
    assert by_events(eeg, nirs).offset == pytest.approx(7.5, abs=1e-9)


def test_evenly_spaced_pulses_of_one_name_are_refused():
    there = 10.0 * np.arange(1, 25)
    with pytest.raises(io.AlignmentError, match=r"fit one offset only; give offset=SECONDS"):
        by_events(train(there + 7.5), train(there[1:]))


def test_unrelated_pulses_are_refused():
    for seed in range(10):
        with pytest.raises(io.AlignmentError, match=r"give offset=SECONDS"):
            by_events(train(pulses(seed, 30)), train(pulses(seed + 100, 30)))


def test_scatter_is_refused():
    there = pulses(count=12)
    loose = there + np.random.default_rng(0).uniform(-0.24, 0.24, 12)
    with pytest.raises(io.AlignmentError, match=r"ms about their line|one offset only"):
        by_events(train(loose), train(there))


def test_too_few_pulses_are_refused():
    with pytest.raises(io.AlignmentError, match=r"2 event pulses in the EEG.*at least 3 in both"):
        by_events(train([1.0, 2.5]), train([1.0, 2.5, 7.0]))


def test_marks_of_software_are_no_pulses():
    there = pulses(count=5)
    with pytest.raises(io.AlignmentError, match="0 event pulses"):
        by_events(train(there, "BAD_gap"), train(there, "BAD_gap"))


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("2024-05-17T09:30:12+00:00", True),
        ("1985-01-01T00:00:00+00:00", False),
        ("1970-01-01T00:00:00+00:00", False),
        ("2000-01-01T00:00:00+00:00", False),
        ("2000-01-01T10:00:00+00:00", True),
        ("", False),
    ],
)
def test_dummy_dates_are_none(text, real):
    assert (real_date(text) is not None) == real


def test_clock(caplog):
    eeg = io.Timeline(600, "2024-05-17T09:30:12.250000+00:00")
    nirs = io.Timeline(600, "2024-05-17T09:30:20.750000+00:00")
    found = io.align(eeg, nirs)
    assert (found.offset, found.method, found.anchors) == (8.5, "clock", 0)
    assert not caplog.records
    found = io.align(eeg, io.Timeline(600, "2024-05-17T09:30:20+00:00"), align="clock")
    assert found.residual == 1.0
    assert "good to about 1 s" in caplog.text


def test_events_come_before_dates():
    there = pulses()
    eeg = io.Timeline(LONG, "2024-05-17T09:30:12+00:00", train(there + 4.0))
    nirs = io.Timeline(LONG, "2024-05-17T09:30:15+00:00", train(there))
    assert io.align(eeg, nirs).offset == pytest.approx(4.0)
    assert io.align(eeg, nirs, align="clock").offset == 3.0


def test_refusals_tell_the_way_out():
    eeg = io.Timeline(60, "2024-05-17T09:30:12+00:00")
    for other, words in (
        ("2024-05-18T09:30:12+00:00", "streams that overlap|real dates that overlap"),
        ("1985-01-01T00:00:00+00:00", "no real measurement date in the fNIRS file"),
        ("", "no real measurement date in the fNIRS file"),
    ):
        with pytest.raises(io.AlignmentError, match=words) as caught:
            io.align(eeg, io.Timeline(60, other))
        assert "give offset=SECONDS (--offset SECONDS)" in str(caught.value)
        assert "0 if both began together" in str(caught.value)
    with pytest.raises(io.AlignmentError, match=r"fNIRS from 90\.0 to 150\.0 s"):
        io.align(eeg, io.Timeline(60), offset=90.0)
    with pytest.raises(io.AlignmentError, match="overlap in time"):
        io.align(eeg, io.Timeline(60), offset=-60.0)
    with pytest.raises(io.ParameterError, match="align='guess'"):
        io.align(eeg, io.Timeline(60), align="guess")
    with pytest.raises(io.ParameterError, match="both offset and align"):
        io.align(eeg, io.Timeline(60), align="clock", offset=1.0)
    with pytest.raises(io.ParameterError, match="offset=nan"):
        io.align(eeg, io.Timeline(60), offset=float("nan"))
