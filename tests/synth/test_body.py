"""Blinks, pulse and mains in EEG; the heart of both modalities; light at the detectors."""

import numpy as np
import pytest
from scipy import signal

from neurofuse.io import to_optical_density
from neurofuse.synth import simulate
from neurofuse.synth.brain import coloured, shaped
from neurofuse.synth.detector import FULL_SCALE, intensity_of
from neurofuse.synth.eeg_body import blinks
from neurofuse.synth.heart import sample_heart
from neurofuse.synth.montage import eeg_montage, nirs_montage


def extra(**settings):
    """What a setting adds to the EEG (channel, time), and the rows' names."""
    common = {"seed": 3, "severity": 0.0, "nirs_montage": None}
    plain, with_it = (simulate(120.0, **common, **s)[0]["eeg"] for s in ({}, settings))
    return with_it.eeg.values - plain.eeg.values, list(plain.channel.values)


def test_blinks_are_frontal_and_of_usual_rate_length_and_size():
    names, position = eeg_montage("10-20")
    front, back = names.index("Fp1"), names.index("O1")
    for seed in range(5):
        volts = blinks(np.arange(250 * 300) / 250, position, np.random.default_rng(seed))
        peaks, _ = signal.find_peaks(volts[front], height=30e-6, distance=50)
        assert 6 < len(peaks) / 5 < 25
        assert 60e-6 < np.median(volts[front, peaks]) < 350e-6
        assert volts[front].max() > 10 * volts[back].max()
        widths = signal.peak_widths(volts[front], peaks)[0] / 250
        assert 0.07 < np.median(widths) < 0.3


@pytest.mark.slow
def test_a_setting_adds_only_its_own_part():
    seen, names = extra(blinks=True)
    assert np.abs(seen[names.index("Fp1")]).max() > 50e-6
    hum, _ = extra(line=50.0)
    frequency, power = signal.welch(hum, 250, nperseg=1000)
    assert (frequency[power.argmax(axis=1)] == 50).all()


@pytest.mark.slow
def test_one_heart_beats_in_both_modalities():
    settings = {"seed": 3, "severity": 0.0, "pulse_artifact": True}
    truth = simulate(120.0, **settings)[0]
    beat, _ = extra(pulse_artifact=True)
    slow = signal.resample_poly(beat[0], 1, 25)
    od = to_optical_density(truth)["nirs"].od.values[:, 1]
    sos = signal.butter(3, [0.7, 1.7], "bandpass", fs=10, output="sos")
    one, other = signal.sosfiltfilt(sos, slow), signal.sosfiltfilt(sos, np.median(od, axis=0))
    _, coherence = signal.coherence(one, other, fs=10, nperseg=200)
    shifted = [np.corrcoef(one[50:-50], np.roll(other, k)[50:-50])[0, 1] for k in range(-6, 7)]
    assert coherence.max() > 0.9
    assert np.abs(shifted).max() > 0.8


def test_a_heart_beats_at_its_rate_and_too_slow_streams_do_not_show_it():
    heart = sample_heart(600.0, np.random.default_rng(0))
    beats = heart.phase(np.array([10.0, 590.0]))
    assert abs((beats[1] - beats[0]) / 580 - heart.rate) < 0.05
    time = np.arange(6000) / 10
    assert abs(heart.wave(time, 10.0).std() - 1) < 0.1
    assert not heart.wave(time[::5], 2.0).any()


def test_dim_channels_are_noisy_and_bright_ones_are_clipped():
    probe = nirs_montage("whole-head+short")
    flat = np.zeros((len(probe.source), 2, 2000))
    light = np.concatenate(
        [intensity_of(flat, 10.0, np.array([760.0, 850.0]), probe, s) for s in range(8)]
    ).reshape(-1, 2000)
    level, spread = light.mean(axis=1), light.std(axis=1)
    free = (level > 0) & (level < 0.99 * FULL_SCALE)
    assert np.corrcoef(np.log(level[free]), np.log(spread[free] / level[free]))[0, 1] < -0.95
    assert light.max() == FULL_SCALE
    clipped = (light == FULL_SCALE).mean()
    assert 0 < clipped < 0.1


def test_noise_has_the_requested_spectrum_and_no_edges():
    rng = np.random.default_rng(0)
    noise = coloured((200, 4096), 64.0, 2.0, 1.0, rng)
    frequency, power = signal.welch(noise, 64, nperseg=1024)
    power = power.mean(axis=0)
    used = (frequency > 2) & (frequency < 25)
    assert abs(np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0] + 2) < 0.1
    white = shaped((500,), 1000, 100.0, np.ones_like, rng)
    assert abs(white.var() - 1) < 0.02
    # the end does not lead back into the beginning
    slow = shaped((2000,), 1000, 50.0, lambda f: 1 / np.maximum(f, 0.1), rng)
    assert np.abs(np.corrcoef(slow[:, 0], slow[:, -1])[0, 1]) < 0.15
    assert np.abs(slow[:, 0]).std() < 1.5 * np.abs(slow[:, 500]).std()
