"""What counts as calm and as loud, on made series."""

import numpy as np
import pytest

from benchmarks.common.calm import GUARD, LOUD, all_calm, calm, longest, loudness

RATES = {"eeg": 250.0, "nirs": 10.0}


def at_rest(stream: str, rows: int = 4, seconds: float = 120.0, seed: int = 0) -> np.ndarray:
    """EEG-like noise, or optical density with heart beat, Mayer wave and noise."""
    rate = RATES[stream]
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal((rows, time.size))
    if stream == "eeg":
        return 1e-5 * noise
    beat = 0.004 * np.sin(2 * np.pi * 1.1 * time) + 0.01 * np.sin(2 * np.pi * 0.1 * time)
    return beat + 0.001 * noise


@pytest.mark.parametrize("stream", RATES)
def test_rest_is_calm_throughout_at_any_scale(stream):
    series, rate = at_rest(stream), RATES[stream]
    assert calm(series, rate, stream).all()
    assert np.allclose(
        loudness(1000 * series, rate, stream), loudness(series, rate, stream), rtol=1e-6
    )


@pytest.mark.parametrize("stream", RATES)
@pytest.mark.parametrize("size", [20, 2000])
def test_a_step_ends_calm_around_it_and_nowhere_else(stream, size):
    series, rate = at_rest(stream), RATES[stream]
    series[1, series.shape[1] // 2 :] += size * series.std()
    found = calm(series, rate, stream)
    assert found[[0, 2, 3]].all()
    (first, last), guard = np.flatnonzero(~found[1])[[0, -1]] / rate, GUARD[stream]
    assert first <= 60 - guard
    assert last >= 60 + guard - 1 / rate
    assert last - first < 2 * guard + 16  # the band-pass of EEG rings beside a large step


def test_a_spike_between_heart_beats_is_loud():
    series = at_rest("nirs")
    series[0, 600:603] += 0.2
    assert loudness(series, 10.0, "nirs")[0, 595:605].max() > LOUD["nirs"]


def test_a_recording_in_motion_for_half_of_the_time_keeps_its_quiet_level():
    series = at_rest("nirs", seconds=240)
    moving = np.zeros(2400, bool)
    for start in range(0, 2400, 400):
        moving[start : start + 200] = True
    jolts = np.random.default_rng(1).normal(0, 0.3, (4, 2400))
    found = calm(np.where(moving, series + jolts, series), 10.0, "nirs")
    assert not found[:, moving].any()
    assert found[:, 240:360].all()


def test_one_channel_of_ten_in_motion_leaves_a_recording_calm_and_three_do_not():
    series = at_rest("nirs", rows=10)
    series[0, 500:700] += np.random.default_rng(1).normal(0, 0.3, 200)
    assert all_calm(series, 10.0, "nirs").all()
    series[1:3, 500:700] += np.random.default_rng(2).normal(0, 0.3, (2, 200))
    assert not all_calm(series, 10.0, "nirs")[500:700].any()


def test_a_flat_channel_is_calm():
    assert calm(np.zeros((1, 3000)), 10.0, "nirs").all()


def test_the_longest_run_of_none_is_empty():
    nothing = np.zeros(10, bool)
    assert longest(nothing) == slice(0, 0)
    assert longest(~nothing) == slice(0, 10)
