"""Stretches without a signal of the participant are found; calm, loud and moving ones are not."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.io import stream_dataset
from neurofuse.io.lazy import blocks_of
from neurofuse.io.quality.lost import lost_times, window_length
from neurofuse.io.recording import eeg_dataset

RATE = 250.0
SECONDS = 60


def brain(seed=0, channels=3):
    rng = np.random.default_rng(seed)
    time = np.arange(round(SECONDS * RATE)) / RATE
    alpha = np.sin(2 * np.pi * 10 * time)
    return 1e-5 * (alpha + rng.normal(size=(channels, len(time))))


def judged(samples, rate=RATE, names="abcdefgh", **kinds):
    return lost_times(eeg_dataset(samples, rate, list(names[: len(samples)]), **kinds), "eeg")


def hum(amplitude):
    return amplitude * np.sin(2 * np.pi * 50 * np.arange(round(20 * RATE)) / RATE)


LOST_WAYS = {
    "flat": lambda x: 0 * x,
    "saturated": lambda x: 0 * x + 5e-3,
    "jumps between both rails": lambda x: 5e-3 * np.sign(np.sin(np.arange(x.size) / 7)),
    "open electrode": lambda x: x + hum(6e-4),
    "two millivolts of noise": lambda x: 2e-3 * np.random.default_rng(0).normal(size=x.size),
}


@pytest.mark.parametrize("way", LOST_WAYS)
def test_eeg_without_contact_is_lost_where_it_is(way):
    samples = brain()
    samples[1, 5000:10000] = LOST_WAYS[way](samples[1, 5000:10000])
    found = judged(samples)
    assert found[1, 20:40].mean() >= 0.95
    assert not found[1, :19].any()
    assert not found[1, 41:].any()
    assert not found[[0, 2]].any()


def test_hum_a_jerk_and_a_loud_blink_are_not_lost():
    samples = brain()
    samples[0, 5000:10000] += hum(1e-4)
    samples[1, 5000:5200] += 1e-3 * np.hanning(200)
    samples[2, ::2500] += 3e-4
    assert not judged(samples).any()


def test_a_trigger_channel_may_be_flat():
    samples = np.zeros((2, 5000))
    samples[0] = brain()[0, :5000]
    assert not judged(samples, ch_type=["eeg", "stim"]).any()


def test_samples_in_a_file_are_judged_alike():
    samples = brain()
    samples[1, 5000:10000] = 5e-3
    node = eeg_dataset(samples, RATE, list("abc"))
    lazy = node.assign(eeg=(node.eeg.dims, blocks_of(samples, RATE)))
    np.testing.assert_array_equal(lost_times(lazy, "eeg"), lost_times(node, "eeg"))


@pytest.mark.parametrize("length", [1, 100, 251])
def test_less_than_a_window(length):
    assert judged(brain()[:, :length]).shape == (3, max(length // 250, 1))


@pytest.fixture(scope="module")
def light():
    return stream_dataset(nf.simulate(120.0, seed=3)[0], "nirs")


def with_intensity(node, row, change):
    values = node.intensity.transpose("channel", "wavelength", "time").values.copy()
    half = values.shape[-1] // 2
    values[row, :, half:] = change(values[row, :, half:], np.random.default_rng(1))
    return node.assign(intensity=(("channel", "wavelength", "time"), values))


NO_LIGHT = {
    "dark": lambda x, rng: 1e-3 * x.mean() * (1 + 0.4 * rng.normal(size=x.shape)),
    "negative": lambda x, rng: 0 * x - 1,
    "stands still": lambda x, rng: 0 * x + x[:, :1],
    "sees the room": lambda x, rng: 6 * x.mean() * (1 + 0.01 * rng.normal(size=x.shape)),
    "follows the room, alike at both wavelengths": lambda x, rng: (
        2 * x.mean() * np.exp(0.02 * np.cumsum(rng.normal(size=x.shape[-1])) + 0 * x)
    ),
    "noise as bright as before": lambda x, rng: x.mean() * (1 + 0.2 * rng.normal(size=x.shape)),
}


@pytest.mark.parametrize("way", NO_LIGHT)
def test_an_optode_that_comes_off_midway_is_lost_from_there_on(light, way):
    found = lost_times(with_intensity(light, 2, NO_LIGHT[way]), "nirs")
    assert found[2, 61:].mean() >= 0.95
    assert found[2, :55].mean() == 0
    assert not np.delete(found, 2, 0).any()


def test_a_simulated_recording_with_motion_is_not_lost():
    _, moved = nf.simulate(120.0, seed=5)
    for stream in ("eeg", "nirs"):
        node = stream_dataset(moved, stream)
        assert lost_times(node, stream).mean() < 0.05
        assert lost_times(node, stream).shape[1] == node.sizes["time"] // window_length(node)


def test_missing_samples_are_no_reason_of_their_own():
    samples = brain()
    samples[0, 5000:5100] = np.nan
    samples[1] = np.nan
    found = judged(samples)
    assert not found[0].any()
    assert found[1].all()
