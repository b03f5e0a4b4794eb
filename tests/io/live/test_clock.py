"""Stamps of live streams: jitter, drift, bursts, losses, pauses, jumps, all as they come."""

import numpy as np
import pytest

from neurofuse.io.live.clock import EvenClock
from neurofuse.io.live.line import StampLine
from neurofuse.io.live.missing import Missing

START = 1000.0  # s


def sent(seconds, rate, *, drift=50.0, jitter=0.0, burst=1, lost=(), seed=0):
    """Stamps, the samples that they belong to, and the true times of all samples.

    A burst shares the stamp of its last sample; `lost` are bursts, by number.
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    true = START + np.arange(count) / rate * (1 + drift / 1e6)
    last = np.minimum(np.arange(count) // burst * burst + burst - 1, count - 1)
    stamps = true[last] + (jitter * rng.standard_normal(count))[last]
    sample = np.flatnonzero(~np.isin(np.arange(count) // burst, list(lost)))
    return stamps[sample], sample, true


def played(clock, stamps, sample, arrival, *, seed=0, most=0.1):
    """What comes out when samples arrive in chunks of any size; a sample's value is its number."""
    rng = np.random.default_rng(seed)
    values, times, first = [], [], 0
    while first < len(stamps):
        end = first + int(rng.integers(1, max(round(most * clock.rate), 1) + 1))
        some = slice(first, end)
        now = float(arrival[some][-1])
        out = clock.push(sample[None, some].astype(float), stamps[some], now=now)
        values.append(out.samples[0])
        times.append(out.stamps)
        first = end
    return np.concatenate(values), np.concatenate(times)


def errors(values, times, true):
    """How far stamps are off [s], where there is a sample."""
    known = np.isfinite(values)
    return np.abs(times[known] - true[values[known].astype(int)])


LOST_BURSTS = np.random.default_rng(5).choice(np.arange(20, 750), 15, replace=False)  # 2 %


@pytest.mark.parametrize(
    ("rate", "seconds", "burst"), [(250.0, 30.0, 10), (10.0, 75.0, 1), (52.0, 60.0, 4)]
)
def test_stamps_are_within_2_ms_despite_all_that_happens(rate, seconds, burst):
    pause = range(400, 400 + max(round(0.2 * rate / burst), 1))
    lost = {*LOST_BURSTS.tolist(), *pause}
    stamps, sample, true = sent(seconds, rate, jitter=0.005, burst=burst, lost=lost)
    clock = EvenClock(rate, 1)
    values, times = played(clock, stamps, sample, true[sample])
    off = errors(values, times, true)
    begun = values[np.isfinite(values)] > 5 * rate  # before, the line through stamps is less sure
    assert np.mean(off < 0.002) > 0.97
    assert np.mean(off[begun] < 0.002) > 0.995
    assert (np.diff(times) > 0).all()
    assert clock.lost - clock.surplus == np.ptp(sample) + 1 - len(sample)
    assert np.isnan(values).sum() == clock.lost
    assert clock.restarts == 0


def test_without_jitter_every_lost_sample_has_its_place():
    rng = np.random.default_rng(1)
    stamps, sample, true = sent(60.0, 250.0)
    kept = rng.random(len(sample)) > 0.02
    kept[7000:7050] = False
    clock = EvenClock(250.0, 1)
    values, times = played(clock, stamps[kept], sample[kept], true[kept])
    whole = np.where(kept, np.arange(len(kept)), np.nan)
    np.testing.assert_array_equal(values, whole[sample[kept][0] : sample[kept][-1] + 1])
    assert errors(values, times, true).max() < 1e-4
    assert clock.drift == pytest.approx(50.0, abs=1.0)
    assert clock.surplus == 0


def test_single_losses_below_the_jitter_are_made_up_for():
    """One lost sample cannot be seen in one stamp; over a minute all of them are."""
    rng = np.random.default_rng(2)
    stamps, sample, true = sent(60.0, 250.0, jitter=0.005)
    kept = rng.random(len(sample)) > 0.02
    clock = EvenClock(250.0, 1)
    values, times = played(clock, stamps[kept], sample[kept], true[kept])
    off = errors(values, times, true)
    assert np.median(off) < 0.002
    assert off.max() < 0.02
    assert abs(clock.lost - clock.surplus - (~kept).sum()) <= 6  # of 307


def chunked(seconds, rate, chunk, jitter, *, lost=(), seed=0):
    """As `sent`, of a program that stamps chunks: samples before the last are counted back."""
    stamps, sample, true = sent(seconds, rate, jitter=jitter, burst=chunk, lost=lost, seed=seed)
    back = np.minimum(chunk - 1 - sample % chunk, len(true) - 1 - sample)
    return stamps - back / rate, sample, true


@pytest.mark.parametrize(
    ("rate", "chunk", "jitter"), [(250.0, 10, 0.005), (250.0, 25, 0.002), (500.0, 32, 0.003)]
)
def test_stamps_counted_back_from_those_of_chunks_tell_no_more_than_these(rate, chunk, jitter):
    lost = {30, 31, 90, 200}
    stamps, sample, true = chunked(60.0, rate, chunk, jitter, lost=lost, seed=1)
    clock = EvenClock(rate, 1)
    values, times = played(clock, stamps, sample, true[sample])  # chunks arrive in pieces
    assert abs(clock.lost - clock.surplus - len(lost) * chunk) <= 2
    assert clock.surplus <= 2
    assert np.mean(errors(values, times, true) < 0.002) > 0.9


def test_stamps_spread_between_arrivals_of_chunks_hardly_make_up_losses():
    """Ten neighbours share an error of more than a step."""
    _, sample, true = sent(60.0, 250.0)
    last = sample[9::10]
    arrived = true[last] + 0.005 * np.random.default_rng(1).standard_normal(len(last))
    stamps = np.interp(sample, last, arrived)
    stamps[:10] = stamps[10] - np.arange(10, 0, -1) / 250
    clock = EvenClock(250.0, 1)
    values, times = played(clock, stamps, sample, true)
    assert clock.lost < 0.003 * len(sample)
    assert np.median(errors(values, times, true)) < 0.002


def test_the_result_does_not_depend_on_chunks_but_for_waiting():
    stamps, sample, true = sent(20.0, 250.0, jitter=0.001, lost=range(2000, 2050))
    results = [
        played(EvenClock(250.0, 1), stamps, sample, true[sample], seed=seed, most=most)
        for seed, most in ((0, 0.004), (1, 0.1), (2, 1.0))
    ]
    for values, times in results[1:]:
        count = min(len(values), len(results[0][0]))
        np.testing.assert_array_equal(values[:count], results[0][0][:count])
        np.testing.assert_allclose(times[:count], results[0][1][:count], atol=5e-4)


def test_a_delayed_burst_is_no_gap():
    """After 0.3 s without any, samples come at once and share the stamp of their arrival."""
    stamps, sample, true = sent(20.0, 100.0)
    stamps[1000:1030] = stamps[1029]
    clock = EvenClock(100.0, 1)
    for first, end in ((0, 1000), (1000, 1012), (1012, 1030), (1030, 2000)):  # cut on the way
        now = true[end - 1]
        clock.push(sample[None, first:end].astype(float), stamps[first:end], now=now)
    assert clock.lost == 0
    assert clock.restarts == 0


def test_single_wild_stamps_change_nothing():
    stamps, sample, true = sent(20.0, 100.0, jitter=0.0005)
    stamps[500::250] += 3.0
    stamps[600::250] -= 0.5
    clock = EvenClock(100.0, 1)
    values, times = played(clock, stamps, sample, true[sample])
    assert (clock.lost, clock.surplus, clock.restarts) == (0, 0, 0)
    assert errors(values, times, true).max() < 0.001


def test_a_stream_that_returns_off_the_grid_gets_its_own_phase():
    stamps, sample, true = sent(60.0, 10.0, drift=0.0, jitter=0.001)
    back = sample >= 300
    stamps[back] += 4.037  # s that nothing was sent
    true[back] += 4.037
    clock = EvenClock(10.0, 1)
    values, times = played(clock, stamps, sample, true)
    assert clock.lost == 40
    off = errors(values, times, true)
    assert off[:300].max() < 0.002
    assert np.quantile(off[305:], 0.98) < 0.002


@pytest.mark.parametrize("jump", [3600.0, -50.0])
def test_a_clock_that_is_set_anew_begins_anew(jump):
    stamps, sample, true = sent(30.0, 100.0)
    stamps[1500:] += jump
    clock = EvenClock(100.0, 1)
    flags, newest = [], []
    for first in range(0, 3000, 10):
        some = slice(first, first + 10)
        out = clock.push(sample[None, some].astype(float), stamps[some], now=true[some][-1])
        if len(out.stamps):
            flags.append(out.restarted)
            newest.append(out.stamps[-1] - stamps[some][-1])
    assert clock.restarts == sum(flags) == 1
    assert clock.lost == 0
    assert abs(newest[-1]) < 0.001


def test_a_small_jump_of_the_clock_is_followed():
    stamps, sample, true = sent(60.0, 10.0, jitter=0.0005)
    stamps[300:] += 0.02  # a new measurement of the offset between two computers
    clock = EvenClock(10.0, 1)
    values, times = played(clock, stamps, sample, true)
    true[300:] += 0.02
    assert clock.lost == 0
    assert errors(values, times, true)[340:].max() < 0.002


@pytest.mark.parametrize("rate", [245.0, 255.0])
def test_a_wrong_announced_rate_keeps_the_time(rate):
    stamps, sample, true = sent(60.0, rate, drift=0.0)
    clock = EvenClock(250.0, 1)
    values, times = played(clock, stamps, sample, true)
    assert errors(values, times, true).max() < 0.012
    assert clock.restarts == 0


def test_nothing_and_stamps_that_are_no_numbers_are_harmless():
    clock = EvenClock(100.0, 2)
    assert clock.push(np.empty((2, 0)), np.empty(0), now=0.0).samples.shape == (2, 0)
    stamps, sample, _ = sent(5.0, 100.0)
    stamps[300] = np.nan
    out = clock.push(np.stack([sample, -sample]).astype(float), stamps, now=0.0)
    assert np.flatnonzero(np.isnan(out.samples[0])).tolist() == [300]


def test_the_line_tells_drift_and_jitter():
    rng = np.random.default_rng(3)
    line = StampLine(0.0, 0.01, 0.003, 0.001)
    for place in range(6000):
        stamp = 0.01 * place * (1 + 80e-6) + 0.003 * rng.standard_normal()
        line.learn_jitter(stamp, place)
        line.update(place, stamp - line.at(place))
    assert line.drift == pytest.approx(80.0, abs=5 * line.drift_uncertainty)
    assert line.drift_uncertainty < 10
    assert line.jitter == pytest.approx(0.003, rel=0.2)


def test_losses_are_counted_in_the_long_run():
    rng = np.random.default_rng(4)
    missing, late, found, true = Missing(), 0, 0, 0
    for _ in range(5000):
        gone = rng.random() < 0.02
        late, true = late + gone, true + gone
        now = missing.update(
            (late - found) * 0.004 + 0.003 * rng.standard_normal(), 0.004, 0.003, 1
        )
        found += now
    assert abs(found - true) <= 3
