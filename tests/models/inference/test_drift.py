"""What comes off a stream before a model sees it."""

import numpy as np
import pytest

from neurofuse.models.inference.drift import drift, filled


@pytest.fixture
def brain():
    rng = np.random.default_rng(0)
    return 1e-5 * rng.standard_normal((3, 60 * 250))


@pytest.mark.parametrize("seconds", [2, 8, 20])
def test_a_movement_is_not_drift_however_long_and_strong(brain, seconds):
    moved = brain.copy()
    time = np.arange(seconds * 250) / 250
    moved[0, 5000 : 5000 + len(time)] += 5e-3 * np.sign(np.sin(2 * np.pi * 0.4 * time) + 0.9)
    assert np.abs(drift(moved, 250.0) - drift(brain, 250.0)).max() < 1e-5


def test_slow_drift_is_found(brain):
    slow = 1e-3 * np.linspace(-1, 1, brain.shape[1])
    found = drift(brain + slow, 250.0)
    inside = slice(20 * 250, -20 * 250)
    assert np.abs(found - slow)[:, inside].max() < 1e-5


def test_one_that_never_rests_still_has_a_baseline():
    rng = np.random.default_rng(1)
    wild = 1e-3 * rng.standard_normal((2, 3000)) + 0.05
    assert np.abs(drift(wild, 250.0) - 0.05).max() < 1e-3


def test_gaps_are_bridged():
    rows = np.array([[0.0, np.nan, 2.0, np.inf], [np.nan] * 4])
    np.testing.assert_array_equal(filled(rows), [[0, 1, 2, 2], [0, 0, 0, 0]])
