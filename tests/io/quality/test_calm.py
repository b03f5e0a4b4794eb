"""Calm stretches, on made recordings whose disturbances are known."""

import numpy as np
import pytest

from neurofuse.io.errors import ParameterError
from neurofuse.io.quality.calm import calm, peak_to_peak, widened

RATE = 250.0


def eeg(seed=0, channels=3, seconds=60):
    """Pink-like noise of 10 µV with alpha waves that wax and wane."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    slow = np.cumsum(rng.standard_normal((channels, time.size)), axis=-1)
    slow -= np.apply_along_axis(lambda x: np.convolve(x, np.ones(250) / 250, "same"), -1, slow)
    alpha = 20e-6 * (1 + np.sin(2 * np.pi * 0.1 * time)) * np.sin(2 * np.pi * 10 * time)
    return 5e-6 * slow / slow.std() + 3e-6 * rng.standard_normal(slow.shape) + alpha


def test_nearly_all_of_a_recording_at_rest_is_calm_waxing_alpha_included():
    assert calm(eeg(), RATE).mean() > 0.97


@pytest.mark.parametrize("kind", ["blink", "muscle", "flat"])
def test_a_disturbance_is_not_calm_in_its_channel_only(kind):
    signal = eeg()
    undisturbed = calm(signal, RATE)
    at = slice(5000, 5200)
    if kind == "blink":
        signal[1, at] += 150e-6 * np.hanning(200)
    elif kind == "muscle":
        signal[1, at] += 25e-6 * np.random.default_rng(1).standard_normal(200)
    else:
        signal[1, at] = signal[1, 5000]
    mask = calm(signal, RATE)
    assert not mask[1, 5020:5180].any()
    assert (mask[[0, 2]] == undisturbed[[0, 2]]).all()


def test_scale_and_order_of_channels_do_not_matter_below_the_absolute_limit():
    signal = eeg()
    signal[1, 5000:5200] += 60e-6 * np.hanning(200)
    mask = calm(signal, RATE)
    assert (calm(signal / 4, RATE) == mask).all()
    assert (calm(signal[::-1], RATE)[::-1] == mask).all()


@pytest.mark.parametrize("rate", [2.0, 10.0, 50.0])
def test_a_spike_and_a_step_of_one_wavelength_are_found_in_light(rate):
    rng = np.random.default_rng(0)
    time = np.arange(int(200 * rate)) / rate
    waves = 0.01 * np.sin(2 * np.pi * 0.1 * time) + 0.002 * rng.standard_normal((2, 2, time.size))
    assert calm(waves, rate, "nirs").mean() > 0.8
    waves[0, 1, int(60 * rate) : int(61 * rate)] += 0.3
    waves[1, 0, int(120 * rate) :] += 0.3
    mask = calm(waves, rate, "nirs")
    assert not mask[0, int(60 * rate) : int(61 * rate)].any()
    assert not mask[1, int(119.5 * rate) : int(120.5 * rate)].any()
    assert mask[0, int(70 * rate) : int(190 * rate)].mean() > 0.8


def test_samples_that_are_no_numbers_are_not_calm():
    signal = eeg()
    signal[0, 5000:5010] = np.nan
    assert not calm(signal, RATE)[0, 5000:5010].any()


def test_another_modality_is_refused():
    with pytest.raises(ParameterError, match="'eeg' or 'nirs'"):
        calm(eeg(), RATE, "meg")


def test_peak_to_peak_is_that_of_a_plain_loop():
    series = np.random.default_rng(0).standard_normal(50)
    plain = [np.ptp(series[max(0, k - 4) : k + 5]) for k in range(50)]
    assert np.allclose(peak_to_peak(series, 1.0, 9.0), plain)


def test_widening_is_symmetric():
    mask = np.zeros((1, 30), bool)
    mask[0, 10:12] = True
    assert np.flatnonzero(widened(mask, 3)[0]).tolist() == list(range(7, 15))
