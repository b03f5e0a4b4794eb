"""Levels that movements left: found again, constant at rest, in the input's scale."""

import numpy as np
import pytest
from scipy.linalg import solve

from neurofuse.models import level
from neurofuse.models.level import level_error

RATE = 10.0


def _course(rng: np.random.Generator, seconds: float, rate: float = RATE) -> np.ndarray:
    """Optical density that returns to its mean within some seconds."""
    count, decay = round(seconds * rate), np.exp(-1 / rate / level.RETURN)
    noise = rng.normal(0, 1e-3, count + 1000)
    kept = decay ** np.arange(1000)
    return np.convolve(noise, kept)[1000 : 1000 + count]


def _shifted(rng, moments, seconds=300.0, rate=RATE):
    """A course, what is left of shifts at some moments [s], and the gate around them."""
    course = _course(rng, seconds, rate)
    time = np.arange(course.size) / rate
    left = sum(rng.normal(0, 0.02) * (time > at) for at in moments)
    gate = np.any([np.abs(time - at) < 1.0 for at in moments], axis=0).astype(float)
    return course, left, gate


@pytest.mark.parametrize("rate", [2.0, 7.8125, 12.5])
def test_levels_after_movements_come_nearer_to_the_truth(rate):
    rng = np.random.default_rng(0)
    before, after = [], []
    for _ in range(20):
        course, left, gate = _shifted(rng, [40, 90, 95, 150, 220, 260], rate=rate)
        found = level_error((course + left)[None], left[None], gate[None], rate)[0]
        for energies, rest in ((before, left), (after, left - found)):
            energies.append(np.var(rest[gate == 0]))
    assert np.mean(after) < 0.2 * np.mean(before)


def test_nothing_changes_where_nothing_moves():
    course, left, gate = _shifted(np.random.default_rng(1), [40, 90, 150])
    found = level_error((course + left)[None], left[None], gate[None], RATE)[0]
    steps = np.diff(found)
    rest = (gate[1:] == 0) & (gate[:-1] == 0)
    assert np.abs(steps[rest]).max() < 1e-12
    assert np.abs(found).max() > 1e-3


def test_no_movement_or_nothing_else_means_no_error():
    course = _course(np.random.default_rng(2), 60)[None]
    for gate in (np.zeros_like(course), np.ones_like(course)):
        assert not level_error(course, course, gate, RATE).any()
    assert not level_error(course[:, :15], course[:, :15], np.eye(1, 15), RATE).any()


def test_a_flat_series_stays_flat():
    gate = np.zeros((1, 600))
    gate[0, 200:220] = 1
    assert not level_error(np.full((1, 600), 0.3), np.zeros((1, 600)), gate, RATE).any()


def test_scale_in_is_scale_out():
    course, left, gate = _shifted(np.random.default_rng(3), [40, 90, 150])
    found = level_error((course + left)[None], left[None], gate[None], RATE)
    larger = level_error(1e3 * (course + left)[None], 1e3 * left[None], gate[None], RATE)
    np.testing.assert_allclose(larger, 1e3 * found, rtol=1e-9, atol=1e-12)


def test_a_constant_more_changes_nothing():
    course, left, gate = _shifted(np.random.default_rng(4), [40, 90, 150])
    found = level_error((course + left)[None], left[None], gate[None], RATE)
    higher = level_error((course + left)[None] + 5.0, left[None], gate[None], RATE)
    np.testing.assert_allclose(higher, found, atol=1e-9)


def test_offsets_are_the_most_probable_ones():
    """The banded solution against a dense one, written as the sum that it is the least of."""
    rng = np.random.default_rng(5)
    size, count, rate = 9, 60, 9.0  # odd, so that the middles of means are samples
    course, left, gate = _shifted(rng, [20, 40], seconds=60.0, rate=rate)
    found = level._offset(course + left, left, gate > level.OPEN, size, count, rate)
    means = (course + left).reshape(count, size).mean(-1)
    means = means - np.median(means)
    moving = (gate > level.OPEN).reshape(count, size).any(-1)
    moving = moving[1:] | moving[:-1]
    steps = np.abs(np.diff(left, prepend=left[:1])).reshape(count, size).sum(-1)
    usual = np.median(np.diff(means)[~moving] ** 2) / 0.455
    slack = np.where(
        moving,
        level.FREE**2 * usual + (level.MISSED * np.maximum(steps[1:], steps[:-1])) ** 2,
        level.FIXED * usual,
    )
    decay = np.exp(-1 / level.RETURN)
    process = np.eye(count) - decay * np.eye(count, k=-1)
    process[0, 0] = np.sqrt(1 - decay**2)
    difference = np.eye(count)[1:] - np.eye(count)[:-1]
    prior = process.T @ process / usual
    dense = solve(prior + difference.T @ np.diag(1 / slack) @ difference, prior @ means)
    np.testing.assert_allclose(found[size // 2 :: size], dense, rtol=1e-6, atol=1e-9)
