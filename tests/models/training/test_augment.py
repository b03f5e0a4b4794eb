"""Augmented rest and motion: spectra kept, sizes near one, masks that cover what is there."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from neurofuse.models.training.augment import (
    electrode_drift,
    plain_eeg,
    plain_nirs,
    quantised,
    railed,
    surrogate,
    weak_light,
)
from neurofuse.models.training.windows import WindowSampling, sample_batch
from neurofuse.synth.bouts import sample_movements


@pytest.mark.parametrize("shape", [(4, 1000), (3, 2, 600)])
def test_surrogate_keeps_spectra_and_nothing_else(shape):
    rng = np.random.default_rng(0)
    piece = np.cumsum(rng.normal(size=shape), -1)
    piece -= piece.mean(-1, keepdims=True)
    other = surrogate(piece, rng)
    inner = slice(1, -1)  # the mean and Nyquist's bin are real and may change sign
    before, after = (np.abs(np.fft.rfft(x))[..., inner] for x in (piece, other))
    np.testing.assert_allclose(after, before, rtol=1e-6)
    assert abs(np.corrcoef(piece.ravel(), other.ravel())[0, 1]) < 0.9


def test_surrogate_keeps_correlations_of_eeg_channels():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=2000)
    piece = shared + 0.3 * rng.normal(size=(3, 2000))
    np.testing.assert_allclose(np.corrcoef(surrogate(piece, rng)), np.corrcoef(piece), atol=0.01)


@pytest.mark.parametrize("seed", range(6))
def test_plain_events_lie_inside_their_masks(seed):
    rng = np.random.default_rng(seed)
    movements = sample_movements(60.0, rng)
    for total, where in (
        plain_eeg(movements["eeg"], 5, np.arange(0, 60, 0.004), rng),
        plain_nirs(movements["nirs"], 5, 2, np.arange(0, 60, 0.1), rng),
    ):
        moving = total if total.ndim == 2 else np.diff(total, axis=-1, prepend=0).transpose(1, 0, 2)
        strongest = np.abs(moving).max()
        assert strongest < 100
        assert (np.abs(np.where(where, 0, moving)) < 0.02 * max(strongest, 1e-9)).all()


def test_one_channel_and_no_movements():
    rng = np.random.default_rng(3)
    found = [plain_eeg([], 1, np.arange(0, 10, 0.004), rng)[0] for _ in range(5)]
    assert max(np.abs(f).max() for f in found) > 0


def test_validation_windows_are_not_augmented(clean_corpus):
    for number in range(5):
        rng = np.random.default_rng(number)
        sampling = WindowSampling(window=20.0, batch=2, few=0).unaugmented()
        for stream, (seen, target) in sample_batch(clean_corpus, sampling, rng).items():
            assert seen.head is None
            clean = clean_corpus[stream][0].signal
            if stream == "nirs":  # as recorded: each window's course is one of the recording's
                recorded = np.diff(clean, axis=-1)
                course = target.clean[0, 0, 0, 1:].numpy()
                slices = sliding_window_view(recorded[:, 0], len(course), axis=-1)
                likeness = slices @ course / np.linalg.norm(slices, axis=-1)
                assert likeness.max() > 0.9999 * np.linalg.norm(course)


@pytest.mark.parametrize("seed", range(5))
def test_an_amplifier_at_its_rail_stays_there_and_comes_back_slowly(seed):
    rate, rng = 250.0, np.random.default_rng(seed)
    artifact = np.zeros((1, 5000))
    artifact[0, 1000:2000] = 1e-3 * np.hanning(1000)
    clean = 1e-5 * rng.normal(size=artifact.shape)
    recorded, tail = railed(artifact, clean, rate, rng)
    rail = recorded.max()
    assert rail < 1e-3
    assert (recorded == rail).sum() > 1
    last = np.flatnonzero(recorded[0] == rail)[-1]
    assert recorded[0, last + 1] < artifact[0, last + 1]
    assert tail[0, last]
    assert not tail[0, :1000].any()


def test_drift_is_slow():
    drift = electrode_drift(3, 15_000, 250.0, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(drift * np.hanning(15_000))) ** 2
    slow = np.fft.rfftfreq(15_000, 1 / 250) < 0.3
    assert power[:, slow].sum() > 0.99 * power.sum()


def test_a_coarse_converter_has_steps():
    density = 0.01 * np.random.default_rng(1).normal(size=(2, 2, 300)).cumsum(-1)
    for row in quantised(density, np.random.default_rng(2)).reshape(4, -1):
        steps = np.unique(np.round(np.abs(np.diff(row)), 12))
        steps = steps[steps > 0]
        assert np.allclose(steps / steps[0], np.round(steps / steps[0]))


def test_weak_light_adds_noise_of_different_size_to_each_channel():
    density = 0.01 * np.random.default_rng(1).normal(size=(6, 2, 600)).cumsum(-1)
    added = weak_light(density, np.random.default_rng(2)) - density
    size = added.std(-1).mean(-1)
    assert size.max() > 2 * size.min() > 0
