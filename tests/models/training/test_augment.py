"""Augmented rest and motion: spectra kept, sizes near one, masks that cover what is there."""

import numpy as np
import pytest

from neurofuse.models.training.augment import plain_eeg, plain_nirs, surrogate
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
    sampling = WindowSampling(window=20.0, batch=2, surrogate=1.0, plain=1.0)
    plain, as_recorded, again = (
        sample_batch(clean_corpus, s, np.random.default_rng(5))["nirs"][1].clean
        for s in (
            sampling,
            sampling.unaugmented(),
            WindowSampling(window=20.0, batch=2, still=0, surrogate=0, plain=0, recovery=0),
        )
    )
    assert (as_recorded == again).all()
    assert plain.shape == as_recorded.shape
    assert not (plain == as_recorded).all()
