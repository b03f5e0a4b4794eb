"""Real movements: cut out of made recordings whose artifact is known, and put into others."""

import numpy as np
import pytest

from neurofuse.synth.real_movement import RealMovement, real_movements
from neurofuse.synth.transplant import transplant

RATE = 250.0


def noise(seed, shape, size=1e-5):
    """Noise with most of its energy at low frequencies, as EEG has."""
    white = np.random.default_rng(seed).standard_normal((*shape[:-1], shape[-1] + 20))
    smooth = np.apply_along_axis(lambda x: np.convolve(x, np.hanning(21), "valid"), -1, white)
    return size * smooth / smooth.std()


@pytest.fixture(scope="module")
def burst():
    """A two-channel recording with one burst, and the burst alone."""
    added = np.zeros((2, 15_000))
    waves = np.sin(2 * np.pi * 3 * np.arange(500) / RATE) * np.hanning(500)
    added[0, 7000:7500], added[1, 7000:7500] = 300e-6 * waves, -200e-6 * waves
    return noise(0, added.shape) + added, added


def test_the_estimate_is_the_burst_and_its_error_the_donors_own_signal(burst):
    signal, added = burst
    (one,) = real_movements(signal, RATE, donor="a", kind="head")
    assert (one.donor, one.kind, one.moved.tolist()) == ("a", "head", [True, True])
    start = int(np.correlate(added[0], one.artifact[0], "valid").argmax())
    truth = added[:, start : start + one.artifact.shape[-1]]
    error = ((one.artifact - truth) ** 2).sum()
    assert error < 0.02 * (truth**2).sum()
    assert 0.3 < error / (one.own**2).sum() < 3  # as large as `own` says
    assert np.abs(one.artifact[:, [0, -1]]).max() < 1e-9


def test_a_small_movement_is_left_out(burst):
    signal, added = burst
    assert real_movements(signal - 0.95 * added, RATE) == []


def test_only_movements_within_marks_are_taken(burst):
    signal, _ = burst
    assert len(real_movements(signal, RATE, within=[(28.0, 29.0)])) == 1
    assert real_movements(signal, RATE, within=[(5.0, 8.0)]) == []


@pytest.mark.parametrize("step", [0.0, 0.2])
def test_a_step_of_light_stays_and_a_spike_does_not(step):
    rate = 10.0
    time = np.arange(3000) / rate
    pulse = 0.01 * np.sin(2 * np.pi * 1.1 * time)
    signal = pulse + noise(1, (3, 2, 3000), 0.002)
    signal[:2] += 0.4 * np.exp(-((time - 150) ** 2)) + step * (time > 150)
    (one,) = real_movements(signal, rate, "nirs")
    assert one.moved.tolist() == [True, True, False]
    assert one.artifact[:2, :, -1] == pytest.approx(step, abs=0.02)
    if not step:
        assert (one.artifact[:, :, -1] == 0).all()
    assert 0.35 < one.artifact[0].max() < 0.45 + step


def pool_of(count=3, channels=2, rate=RATE):
    rng = np.random.default_rng(5)
    course = rng.standard_normal((count, channels, 300)) * np.hanning(300)
    own = 0.05 * rng.standard_normal((count, channels, 300)) * np.hanning(300)
    return [RealMovement(a, o, rate, str(k)) for k, (a, o) in enumerate(zip(course, own))]  # noqa: B905


def test_nothing_changes_outside_motion_and_seeds_decide():
    still = noise(2, (4, 20_000))
    made = transplant(still, RATE, pool_of(), np.random.default_rng(0))
    assert (made.mixed == still)[~made.motion].all()
    assert 0.15 < made.motion.any(0).mean() < 0.35
    again = transplant(still, RATE, pool_of(), np.random.default_rng(0))
    other = transplant(still, RATE, pool_of(), np.random.default_rng(1))
    assert (again.mixed == made.mixed).all()
    assert (other.mixed != made.mixed).any()


def test_channels_move_together_and_sizes_are_those_asked_for():
    still = noise(3, (2, 20_000))
    made = transplant(still, RATE, pool_of(), np.random.default_rng(0), size=(6.0, 6.0))
    assert (made.motion[0] == made.motion[1]).all()
    added = made.mixed - still
    for start, one in made.placed:
        energy = (added[:, start : start + one.artifact.shape[-1]] ** 2).mean()
        assert 10 * np.log10(energy / still.var()) == pytest.approx(6, abs=1.5)


def test_the_donors_own_signal_never_exceeds_what_may_come_along():
    loud = [RealMovement(m.artifact, 10 * m.own, m.rate, m.donor) for m in pool_of()]
    still = noise(3, (2, 20_000))
    made = transplant(still, RATE, loud, np.random.default_rng(0), size=(-6.0, 12.0))
    assert made.placed
    left = made.floor - still
    for start, one in made.placed:
        energy = (left[:, start : start + one.artifact.shape[-1]] ** 2).mean()
        assert 10 * np.log10(energy / still.var()) < -8 + 1.5


def test_movements_of_another_rate_last_as_long_and_steps_stay_to_the_end():
    course = np.concatenate([np.zeros(50), np.ones(50)])[None, None] * np.ones((1, 2, 1))
    pool = [RealMovement(course, 0 * course, 50.0)]
    still = noise(4, (3, 2, 600), 0.01)
    made = transplant(still, 10.0, pool, np.random.default_rng(0), "nirs", share=0.02)
    (start, _), *_ = made.placed
    (channel,) = np.flatnonzero(made.motion.any(-1))
    assert made.motion[channel].sum() == 20  # 2 s
    added = (made.mixed - still)[channel]
    assert np.ptp(added[:, start + 20 :]) < 1e-12
    assert (added[:, start + 20 :] > 0).all()
    assert np.abs(added[:, :start]).max() == 0


def test_an_empty_pool_changes_nothing():
    still = noise(5, (2, 5000))
    made = transplant(still, RATE, [], np.random.default_rng(0))
    assert (made.mixed == still).all()
    assert not made.motion.any()
    assert made.placed == []
