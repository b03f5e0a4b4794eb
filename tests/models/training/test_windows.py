"""Training windows: few channels, partners that share nothing or do not move, slow devices."""

import numpy as np
import pytest

from neurofuse.models.training.augment import recovering
from neurofuse.models.training.corpus import slower
from neurofuse.models.training.windows import WindowSampling, sample_batch


def batches(corpus, count=12, **settings):
    sampling = WindowSampling(window=20.0, batch=2, **settings)
    return [sample_batch(corpus, sampling, np.random.default_rng([1, n])) for n in range(count)]


def test_one_modality_has_few_channels(clean_corpus):
    for batch in batches(clean_corpus, few=1.0):
        assert min(seen.signal.shape[1] for seen, _ in batch.values()) <= 4


def test_a_still_partner_has_no_artifact_and_no_mask(clean_corpus):
    for batch in batches(clean_corpus, still=1.0):
        for window in range(2):
            still = [
                float(target.artifact[window].abs().max()) == 0 for _, target in batch.values()
            ]
            assert sum(still) >= 1
            for (_, target), none in zip(batch.values(), still, strict=True):
                assert not none or float(target.mask[window].max()) == 0


def test_calm_channels_are_taken_first(clean_corpus):
    from dataclasses import replace

    restless = {s: [] for s in clean_corpus}
    for stream, recordings in clean_corpus.items():
        for clean in recordings:
            mask = np.ones_like(clean.calm)
            mask[0] = False
            position = clean.position.copy()
            position[0] = 7.0  # marks it
            restless[stream].append(replace(clean, calm=mask, position=position))
    for batch in batches(restless, eeg_channels=(2, 4), nirs_channels=(1, 2)):
        for seen, _ in batch.values():
            assert not (seen.position == 7.0).any()


@pytest.mark.parametrize("cutoff_seed", range(5))
def test_an_amplifier_answers_a_swing_with_an_undershoot(cutoff_seed):
    rate, rng = 250.0, np.random.default_rng(cutoff_seed)
    artifact = np.zeros((2, 5000))
    artifact[0, 1000:1250] = 1e-3
    clean = 1e-5 * rng.normal(size=artifact.shape)
    recorded, tail = recovering(artifact, clean, rate, rng)
    assert recorded[0, 1300] < -1e-5
    assert tail[0, 1300]
    assert not tail[1].any()
    assert not tail[0, :1000].any()


def test_slower_keeps_slow_waves_and_length(clean_corpus):
    clean = clean_corpus["nirs"][0]
    slow = slower(clean, 2.0)
    assert slow.rate == pytest.approx(2.0, rel=0.02)
    seconds = clean.signal.shape[-1] / clean.rate
    assert slow.signal.shape[-1] / slow.rate == pytest.approx(seconds, abs=1.0)
    assert slow.calm.shape == (slow.signal.shape[0], slow.signal.shape[-1])
    middle = slice(20, -20)
    at = np.arange(slow.signal.shape[-1]) / slow.rate
    time = np.arange(clean.signal.shape[-1]) / clean.rate
    smooth = np.stack([np.convolve(row, np.ones(9) / 9, "same") for row in clean.signal[:, 0]])
    wanted = np.stack([np.interp(at, time, row) for row in smooth])
    agree = [
        np.corrcoef(a[middle], b[middle])[0, 1]
        for a, b in zip(slow.signal[:, 0], wanted, strict=True)
    ]
    assert np.median(agree) > 0.9
