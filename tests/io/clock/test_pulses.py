"""Shared event pulses: counts that differ, jitter, drift, evenly spaced trains; when to refuse."""

import time

import numpy as np
import pytest

from neurofuse.io.clock.coincidence import echo_chance, regular_chance, scattered_chance
from neurofuse.io.clock.pulses import match_pulses
from neurofuse.io.clock.trains import Trains, matches, nearest
from neurofuse.io.errors import AlignmentError

HOUR = np.linspace(0, 3600, 101)


def train(times, name="go"):
    return [(float(t), name) for t in times]


def pulses(seed=0, count=40, end=1000.0):
    return np.sort(np.random.default_rng(seed).uniform(5, end, count))


def two_trains(rng, events, offset, drift, *, jitter=0.0, missing=0.0, spurious=0):
    """What two devices recorded of `events` [s, fNIRS time], and which of them both did."""
    x = events + rng.normal(0, jitter, len(events))
    y = offset + events * (1 + drift / 1e6) + rng.normal(0, jitter, len(events))
    in_x, in_y = rng.random((2, len(events))) >= missing
    ends = x[[0, -1]], y[[0, -1]]
    more = [rng.uniform(*end, spurious) for end in ends]
    both = in_x & in_y
    return np.append(x[in_x], more[0]), np.append(y[in_y], more[1]), (x[both], y[both])


@pytest.mark.parametrize("offset", [0.0, -37.25, 410.5, -599.0])
@pytest.mark.parametrize("drift", [0.0, 80.0, -480.0])
def test_offset_and_drift_are_found(offset, drift):
    there = pulses()
    jitter = np.random.default_rng(1).normal(0, 0.004, there.size)
    eeg = offset + there * (1 + drift / 1e6) + jitter
    found = match_pulses(train(eeg, "Stimulus/S  1"), train(there, "1"))
    assert found.anchors == 40
    assert found.residual < 0.006
    assert found.drift == pytest.approx(drift, abs=8)
    assert found.drift_interval[0] < drift < found.drift_interval[1]
    assert found.to_common(500) == pytest.approx(offset + 500 * (1 + drift / 1e6), abs=0.003)


def test_strong_drift_is_found_over_hours():
    for seed in range(5):
        there = pulses(seed, count=12, end=8 * 3600)
        found = match_pulses(train(300 + there * (1 + 450e-6)), train(there))
        assert found.drift == pytest.approx(450, abs=1e-6)
        assert found.anchors == 12


def test_missing_and_spurious_pulses_with_jitter_cost_nothing():
    """The line is that of least squares through the true pairs."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        events = np.sort(rng.uniform(0, 3600, 20))
        offset, drift = rng.uniform(-600, 600), rng.uniform(-500, 500)
        x, y, (both_x, both_y) = two_trains(
            rng, events, offset, drift, jitter=0.005, missing=0.2, spurious=4
        )
        found = match_pulses(train(y), train(x))
        slope, level = np.polyfit(both_x - 1800, both_y - both_x, 1)
        theirs = HOUR + level + slope * (HOUR - 1800)
        assert np.abs(found.to_common(HOUR) - theirs).max() < 5e-4
        assert found.anchors == len(both_x)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    inside = np.zeros(2)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        events = np.sort(rng.uniform(0, 3600, 20))
        offset, drift = rng.uniform(-600, 600), rng.uniform(-500, 500)
        x, y, _ = two_trains(rng, events, offset, drift, jitter=0.005, missing=0.2, spurious=2)
        found = match_pulses(train(y), train(x))
        inside += [
            found.offset_interval[0] <= offset <= found.offset_interval[1],
            found.drift_interval[0] <= drift <= found.drift_interval[1],
        ]
    assert (abs(inside / 300 - 0.95) < 0.03).all()


def test_one_late_pulse_is_left_out():
    there = pulses(count=20)
    eeg = there + 3.0
    eeg[7] += 0.3
    found = match_pulses(train(eeg), train(there))
    assert found.anchors == 19
    assert found.offset == pytest.approx(3.0, abs=1e-9)


def test_short_series_hardly_claims_a_drift():
    there = np.array([3.0, 9.0, 22.0, 46.0])
    jitter = np.array([0.004, -0.006, 0.005, -0.003])
    found = match_pulses(train(there + 5 + jitter), train(there))
    slope = 1e6 * np.polyfit(there, jitter, 1)[0]
    assert abs(found.drift) < 0.8 * abs(slope)
    assert found.drift_interval[0] < 0 < found.drift_interval[1]
    assert found.offset == pytest.approx(5.0, abs=0.008)


def test_names_settle_evenly_spaced_pulses():
    rng = np.random.default_rng(3)
    there = 10.0 * np.arange(1, 31)
    names = rng.choice(["1", "2", "3"], 30).tolist()
    nirs = list(zip(there.tolist(), names, strict=True))
    eeg = [(t + 7.5, f"Stimulus/S  {n}") for t, n in nirs[2:]]
    assert match_pulses(eeg, nirs).offset == pytest.approx(7.5, abs=1e-9)


def test_times_decide_where_one_device_uses_one_name_for_all():
    there = pulses(count=24)
    names = [f"S{i % 4 + 1}" for i in range(24)]
    eeg = [(float(t) + 7.5, n) for t, n in zip(there, names, strict=True)]
    found = match_pulses(eeg, train(there, "1"))
    assert found.offset == pytest.approx(7.5, abs=1e-9)
    assert found.anchors == 24 or found.anchors == 6


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_evenly_spaced_pulses_of_one_name_are_refused(missing):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x, y, _ = two_trains(rng, 10.0 * np.arange(1, 25), 7.5, 40, jitter=0.005, missing=missing)
        with pytest.raises(AlignmentError, match=r"offset.*give offset=SECONDS"):
            match_pulses(train(y), train(x))


def test_refusal_of_evenly_spaced_pulses_gives_their_spacing():
    there = 10.0 * np.arange(1, 25)
    with pytest.raises(
        AlignmentError, match=r"10\.00 s away.*the pulse intervals repeat|by coincidence"
    ):
        match_pulses(train(there + 7.5), train(there[1:]))


def test_slightly_uneven_pulses_are_enough():
    """Intervals of 10 s that vary by 50 ms, ten times their jitter, distinguish the pulses."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        events = np.cumsum(10 + rng.uniform(-0.05, 0.05, 30))
        x, y, _ = two_trains(rng, events, -30, 100, jitter=0.005)
        assert match_pulses(train(y), train(x)).to_common(150) == pytest.approx(120.015, abs=0.02)


@pytest.mark.parametrize("intervals", [None, (8.0, 10.0, 12.0), (10.0, 11.0), (10.0,)])
def test_unrelated_pulses_are_refused(intervals):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        if intervals is None:
            x, y = rng.uniform(0, 900, (2, 30))
        else:
            x, y = np.cumsum(rng.choice(intervals, (2, 30)), axis=1)
        jitter = rng.normal(0, 0.005, (2, 30))
        with pytest.raises(AlignmentError, match="give offset=SECONDS"):
            match_pulses(train(y + jitter[0]), train(x + jitter[1]))


def test_ends_that_happen_to_look_alike_are_refused():
    """Streams that hardly overlap, with intervals of three values only."""
    told = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        events = np.cumsum(rng.choice([8.0, 10.0, 12.0], 15))
        x, y, _ = two_trains(rng, events, 300.0, 0.0, jitter=0.005)
        try:
            found = match_pulses(train(y[10:]), train(x[:13]))
        except AlignmentError:
            continue
        told.append(abs(found.to_common(100.0) - 400.0))
    assert all(error < 0.1 for error in told)


def test_scatter_is_refused():
    there = pulses(count=40)
    loose = there + np.random.default_rng(0).uniform(-0.3, 0.3, 40)
    with pytest.raises(AlignmentError, match=r"ms about their line|by coincidence|repeat"):
        match_pulses(train(loose), train(there))


def test_drift_beyond_all_clocks_is_named():
    there = pulses(count=40, end=3000.0)
    with pytest.raises(AlignmentError, match=r"drift apart by 800 ppm.*check the sampling rates"):
        match_pulses(train(20 + there * (1 + 800e-6)), train(there))


def test_too_few_pulses_are_refused():
    with pytest.raises(AlignmentError, match=r"2 event pulses in the EEG.*at least 3 in both"):
        match_pulses(train([1.0, 2.5]), train([1.0, 2.5, 7.0]))


def test_marks_of_software_are_no_pulses():
    there = pulses(count=5)
    with pytest.raises(AlignmentError, match="0 event pulses"):
        match_pulses(train(there, "BAD_gap"), train(there, "BAD_gap"))


def test_two_thousand_pulses_take_less_than_a_second():
    rng = np.random.default_rng(0)
    events = np.sort(rng.uniform(0, 3600, 2000))
    x, y, _ = two_trains(rng, events, 123, 300, jitter=0.005, missing=0.2, spurious=200)
    eeg, nirs = train(y), train(x)
    start = time.process_time()
    found = match_pulses(eeg, nirs)
    assert time.process_time() - start < 1.0
    assert found.offset == pytest.approx(123, abs=0.005)
    assert found.drift == pytest.approx(300, abs=2)


def test_nearest_is_the_plain_search():
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 50):
        values, wanted = rng.uniform(0, 10, count), rng.uniform(-2, 12, 40)
        plain = np.abs(values - wanted[:, None]).argmin(axis=1)
        np.testing.assert_array_equal(nearest(values, wanted), plain)


def test_swapping_the_streams_inverts_the_line():
    rng = np.random.default_rng(5)
    x, y, _ = two_trains(rng, pulses(5), 60, 250, jitter=0.002, missing=0.1, spurious=3)
    one, other = match_pulses(train(y), train(x)), match_pulses(train(x), train(y))
    there = np.array([0.0, 500.0, 1000.0])
    np.testing.assert_allclose(other.to_common(one.to_common(there)), there, atol=2e-5)


def test_shifting_a_stream_shifts_the_offset_alone():
    rng = np.random.default_rng(6)
    x, y, _ = two_trains(rng, pulses(6), 60, 250, jitter=0.002, missing=0.1)
    one, other = match_pulses(train(y), train(x)), match_pulses(train(y + 1000.0), train(x))
    assert other.offset - one.offset == pytest.approx(1000.0, abs=1e-9)
    assert other.drift == pytest.approx(one.drift, abs=1e-6)


def test_chances_fall_with_the_number_of_pulses_and_rise_with_regularity():
    def chances(events):
        one = np.zeros(len(events), int)
        trains = Trains(events + 5.0, events, one, one)
        found = sorted(matches(trains), key=lambda m: -len(m.pairs))
        echo = max((echo_chance(trains, found[0], m) for m in found[1:]), default=0.0)
        return scattered_chance(trains, found[0]), regular_chance(trains, found[0]), echo

    few, many = chances(pulses(count=4)), chances(pulses(count=12))
    even = chances(10.0 * np.arange(1, 13))
    assert many[0] < few[0] < 0
    assert many[1] < np.log(1e-6)
    assert even[1] > 0
    assert even[2] > 0.1
