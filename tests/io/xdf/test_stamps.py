"""A line of even samples through the stamps of a live stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurofuse.io as io
from neurofuse.io.xdf.stamps import timing


def stream(count, rate, *, start=5e5, drift=0.0, jitter=0.0, burst=1, lost=(), seed=0):
    """Stamps, which samples they belong to, and the true instants of all samples."""
    rng = np.random.default_rng(seed)
    true = start + np.arange(count) / rate * (1 + drift / 1e6)
    kept = np.ones(count, bool)
    for first, end in lost:
        kept[first:end] = False
    sent = np.minimum(np.arange(count) // burst * burst + burst - 1, count - 1)
    stamps = true[sent] + jitter * rng.standard_normal(count)
    return stamps[kept], np.flatnonzero(kept), true


@pytest.mark.parametrize("drift", [-500.0, 0.0, 300.0])
def test_drift_and_start_are_found_under_jitter(drift):
    stamps, _, true = stream(60 * 250, 250.0, drift=drift, jitter=0.005)
    found = timing(stamps, "EEG", nominal=250.0)
    clock = found.clock(found)
    assert clock.drift == pytest.approx(drift, abs=6)
    assert clock.drift_interval[0] < drift < clock.drift_interval[1]
    assert found.jitter == pytest.approx(0.005, rel=0.05)
    assert found.grid.start == pytest.approx(true[0], abs=2e-4)
    assert found.grid.gaps == []


@settings(max_examples=40)
@given(
    first=st.integers(30, 2000),
    lost=st.integers(1, 400),
    rate=st.sampled_from([8.0, 52.0, 250.0]),
    burst=st.sampled_from([1, 12]),
)
def test_lost_samples_are_counted(first, lost, rate, burst):
    first, lost = first // burst * burst, -(-lost // burst) * burst  # whole bursts are lost
    stamps, sample, _ = stream(4000, rate, burst=burst, lost=[(first, first + lost)])
    found = timing(stamps, "x", nominal=rate)
    np.testing.assert_array_equal(found.grid.place, sample)
    assert len(found.grid.gaps) == 1
    assert found.grid.gaps[0][1] == pytest.approx((lost + 1) / rate, rel=1e-3)


def test_several_holes_amid_jitter_as_large_as_a_step():
    holes = [(1000, 1100), (5000, 5030), (9000, 9600)]
    stamps, sample, true = stream(15000, 250.0, jitter=0.004, lost=holes)
    found = timing(stamps, "x", nominal=250.0)
    np.testing.assert_allclose(
        found.grid.start + found.grid.place / found.grid.rate, true[sample], atol=0.002
    )
    assert len(found.grid.gaps) == 3


def test_bursts_alone_are_no_holes():
    stamps, _, _ = stream(40000, 1000.0, burst=150)
    found = timing(stamps, "x", nominal=1000.0)
    assert found.grid.gaps == []
    assert found.grid.rate == pytest.approx(1000, rel=1e-4)


def test_wild_stamps_do_not_bend_the_line():
    stamps, _, true = stream(5000, 100.0, jitter=0.001)
    stamps[[700, 2500, 4100]] += [40.0, -30.0, 900.0]
    found = timing(stamps, "x", nominal=100.0)
    assert found.grid.start == pytest.approx(true[0], abs=1e-3)
    assert found.grid.rate == pytest.approx(100, rel=1e-5)


def test_the_interval_of_the_drift_holds_the_truth():
    inside = 0
    for seed in range(60):
        stamps, _, _ = stream(6000, 50.0, drift=120.0, jitter=0.01, burst=5, seed=seed)
        found = timing(stamps, "x", nominal=50.0)
        low, high = found.clock(found).drift_interval
        inside += low < 120 < high
    assert inside >= 54


def test_offset_is_the_time_between_first_samples():
    one = timing(stream(2000, 100.0, start=10.0)[0], "EEG", nominal=100.0)
    other = timing(stream(200, 10.0, start=12.5, jitter=0.001)[0], "NIRS", nominal=10.0, anchors=7)
    clock = other.clock(one)
    assert clock.offset == pytest.approx(2.5, abs=1e-3)
    assert clock.offset_interval[0] < 2.5 < clock.offset_interval[1]
    assert (clock.method, clock.anchors) == ("stamps", 7)
    assert one.clock(one).offset == 0


def test_without_a_nominal_rate_there_is_no_drift():
    found = timing(stream(500, 9.13)[0], "x")
    assert found.grid.rate == pytest.approx(9.13)
    assert found.clock(found).drift == 0
    assert np.isnan(found.clock(found).drift_interval).all()


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        ([], "0 samples in NIRS"),
        ([5.0], "1 samples in NIRS"),
        ([1.0, np.nan, 3.0], "no numbers"),
        ([3.0] * 50, "do not rise"),
        (np.arange(50)[::-1] * 0.1, "do not rise"),
        (np.r_[0:50, 10:60] * 0.1, "jump back by 4 s at sample 50"),
        (np.r_[0:20, 5000:5020] * 0.1, "40 samples and 4980 lost ones"),
    ],
)
def test_nonsense_is_refused(stamps, words):
    with pytest.raises(io.AlignmentError) as caught:
        timing(np.array(stamps, float), "NIRS", nominal=10.0)
    assert words in str(caught.value)
