"""Baseline levels after movements: estimated, constant at rest, in the input's scale."""

import numpy as np
import pytest
from scipy.linalg import solve

from neurofuse.models.joint.architecture import BaselineLevel
from neurofuse.models.joint.baseline_level import _most_probable, baseline_level_error

RATE = 10.0
SETTINGS = BaselineLevel()


def _course(rng: np.random.Generator, seconds: float, rate: float = RATE) -> np.ndarray:
    """Optical density that returns to its mean within some seconds."""
    count, decay = round(seconds * rate), np.exp(-1 / rate / SETTINGS.return_time)
    noise = rng.normal(0, 1e-3, count + 1000)
    kept = decay ** np.arange(1000)
    return np.convolve(noise, kept)[1000 : 1000 + count]


def _shifted(rng, moments, seconds=300.0, rate=RATE):
    """A course, what is left of shifts at some moments [s], and the gate around them."""
    course = _course(rng, seconds, rate)
    time = np.arange(course.size) / rate
    left = np.sum([rng.normal(0, 0.02) * (time > at) for at in moments], axis=0)
    gate = np.any([np.abs(time - at) < 1.0 for at in moments], axis=0).astype(float)
    return course, left, gate


@pytest.mark.parametrize("rate", [2.0, 7.8125, 12.5])
def test_baseline_levels_after_movements_come_nearer_to_the_truth(rate):
    rng = np.random.default_rng(0)
    before, after = [], []
    for _ in range(20):
        course, left, gate = _shifted(rng, [40, 90, 95, 150, 220, 260], rate=rate)
        found = baseline_level_error((course + left)[None], left[None], gate[None], rate)[0]
        for energies, rest in ((before, left), (after, left - found)):
            energies.append(np.var(rest[gate == 0]))
    assert np.mean(after) < 0.2 * np.mean(before)


def test_nothing_changes_where_nothing_moves():
    course, left, gate = _shifted(np.random.default_rng(1), [40, 90, 150])
    found = baseline_level_error((course + left)[None], left[None], gate[None], RATE)[0]
    steps = np.diff(found)
    rest = (gate[1:] == 0) & (gate[:-1] == 0)
    assert np.abs(steps[rest]).max() < 1e-12
    assert np.abs(found).max() > 1e-3


def test_no_movement_or_nothing_else_means_no_error():
    course = _course(np.random.default_rng(2), 60)[None]
    for gate in (np.zeros_like(course), np.ones_like(course)):
        assert not baseline_level_error(course, course, gate, RATE).any()
    assert not baseline_level_error(course[:, :15], course[:, :15], np.eye(1, 15), RATE).any()


def test_a_flat_series_stays_flat():
    gate = np.zeros((1, 600))
    gate[0, 200:220] = 1
    assert not baseline_level_error(np.full((1, 600), 0.3), np.zeros((1, 600)), gate, RATE).any()


def test_scale_in_is_scale_out():
    course, left, gate = _shifted(np.random.default_rng(3), [40, 90, 150])
    found = baseline_level_error((course + left)[None], left[None], gate[None], RATE)
    larger = baseline_level_error(1e3 * (course + left)[None], 1e3 * left[None], gate[None], RATE)
    np.testing.assert_allclose(larger, 1e3 * found, rtol=1e-6, atol=1e-6)


def test_a_constant_more_changes_nothing():
    course, left, gate = _shifted(np.random.default_rng(4), [40, 90, 150])
    found = baseline_level_error((course + left)[None], left[None], gate[None], RATE)
    higher = baseline_level_error((course + left)[None] + 5.0, left[None], gate[None], RATE)
    np.testing.assert_allclose(higher, found, atol=1e-7)


def test_offsets_are_the_most_probable_ones():
    """The banded solution against a dense one, written as the sum that it is the least of."""
    rng = np.random.default_rng(5)
    count, decay = 60, 0.9
    means, tie = rng.normal(size=count), rng.uniform(0.1, 100, count - 1)
    process = np.eye(count) - decay * np.eye(count, k=-1)
    process[0, 0] = np.sqrt(1 - decay**2)
    step = np.eye(count)[1:] - np.eye(count)[:-1]
    prior = process.T @ process
    slack = rng.uniform(0.1, 3, count - 1)
    drift = prior + step.T @ np.diag(slack**-2.0) @ step + SETTINGS.centring * np.eye(count)
    matrix = np.block([[prior + step.T @ np.diag(tie) @ step, prior], [prior, drift]])
    wanted = solve(matrix, np.tile(prior @ means, 2)).reshape(2, count)
    found = _most_probable(means, tie, decay, slack, SETTINGS.centring)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_drift_is_not_taken_for_a_wrong_baseline_level():
    rng = np.random.default_rng(6)
    time = np.arange(6000) / RATE
    slow = 0.05 * np.sin(2 * np.pi * time / 600)
    course = _course(rng, 600.0) + slow
    gate = (np.abs(time[:, None] - [100, 200, 300, 400, 500]) < 1).any(1).astype(float)
    error = baseline_level_error(course[None], np.zeros((1, time.size)), gate[None], RATE)[0]
    assert np.ptp(error) < 0.2 * np.ptp(slow)


def test_a_level_that_a_change_of_posture_brings_is_kept():
    time = np.arange(3000) / RATE
    moving = (np.abs(time - 150) < 2).astype(float)
    posture = (time > 145) & (time < 182)
    blood = 0.1 * np.clip((time - 150) / 15, 0, 1)  # for 15 s towards another level
    kept, undone = [], []
    for seed in range(5):
        seen = (_course(np.random.default_rng(seed), 300.0) + blood)[None]
        taken = np.cumsum(moving * 1e-3 * np.sin(time))[None]
        for found, given in ((kept, posture), (undone, None)):
            error = baseline_level_error(seen, taken, moving[None], RATE, SETTINGS, given)[0]
            found.append(abs(error[-1] - error[0]))
    assert np.mean(kept) < 0.01
    assert np.mean(undone) > 2 * np.mean(kept)
