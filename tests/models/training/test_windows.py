"""Training windows: few channels, partners that share nothing or do not move, slow devices."""

import numpy as np
import pytest
import torch

from neurofuse.models.joint.architecture import Sharing
from neurofuse.models.joint.sharing import agreement
from neurofuse.models.training.augment import recovering
from neurofuse.models.training.corpus import slower
from neurofuse.models.training.windows import WindowSampling, sample_batch
from neurofuse.synth.real_movement import RealMovement


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


def with_wearables(corpus):
    """The corpus and people with two electrodes, whose positions are marked."""
    from dataclasses import replace

    clean = corpus["eeg"][0]
    place = np.full_like(clean.position[:2], 7.0)
    few = replace(
        clean,
        signal=clean.signal[:2],
        position=place,
        channel=clean.channel[:2],
        calm=clean.calm[:2],
    )
    return corpus | {"eeg": [clean, few, few, few]}


def test_people_with_few_electrodes_leave_others_their_channels(clean_corpus):
    corpus = with_wearables(clean_corpus)
    for wearable, marked in ((0.0, False), (1.0, True)):
        for batch in batches(corpus, few=0.0, wearable=wearable, eeg_channels=(6, 6)):
            seen = batch["eeg"][0]
            assert seen.signal.shape[1] == (2 if marked else 6)
            known = seen.position[torch.isfinite(seen.position)]
            assert not known.numel() or bool((known == 7.0).all()) == marked


def donors():
    bump = np.zeros((3, 2, 50))
    bump[:2] = 0.2 * np.hanning(50)
    return {"nirs": {"anna": [RealMovement(bump, 1e-4 * bump, 10.0, "anna")]}}


def test_real_movements_take_the_place_of_generated_ones(clean_corpus):
    corpus = {"nirs": clean_corpus["nirs"]}
    sampling = WindowSampling(
        window=20.0, batch=2, transplanted=1.0, plain=0.0, weak=0.0, coarse=0.0, dark=0.0
    )
    smooth = []
    for number in range(20):
        rng = np.random.default_rng([1, number])
        _, target = sample_batch(corpus, sampling, rng, donors())["nirs"]
        for window, mask in zip(target.artifact, target.mask, strict=True):
            moved = window[mask.any(-1)].numpy()
            if len(moved):
                jumps = np.abs(np.diff(moved, axis=-1)).max() / np.abs(moved).max()
                smooth.append(jumps < 0.5)
    assert 0.2 < np.mean(smooth) < 0.95  # in half of the windows generated ones stay, with steps


def test_a_blink_is_motion_where_electrodes_are_few(clean_corpus):
    for channels, motion in ((2, True), (9, False)):
        sampling = WindowSampling(
            window=20.0,
            batch=2,
            severity=(1e-9, 2e-9),
            eeg_channels=(channels, channels),
            few=0.0,
            blinks=1.0,
            surrogate=0.0,
            plain=0.0,
            recovery=0.0,
            rails=0.0,
            drift=0.0,
        )
        found = [
            sample_batch({"eeg": clean_corpus["eeg"]}, sampling, np.random.default_rng(n))["eeg"][1]
            for n in range(5)
        ]
        ratio = np.mean([float((t.artifact**2).sum() / (t.clean**2).sum()) for t in found])
        assert (ratio > 0.01) == motion


def test_an_imu_tells_of_its_own_head_only(clean_corpus):
    agreed = {}
    for other in (0.0, 1.0):
        found = []
        for batch in batches(
            clean_corpus, head=1.0, other_head=other, unshared=0.0, still=0.0, plain=0.0
        ):
            seen, target = batch["nirs"]
            moving = target.mask.amax(1)
            assert seen.head is not None
            frames = torch.nn.functional.interpolate(moving[:, None], seen.head.shape[-1])[:, 0]
            found += agreement(seen.head, frames, 10.0, Sharing()).tolist()
        agreed[other] = np.nanmean(found)
    assert agreed[0.0] > 0.2 > agreed[1.0]
