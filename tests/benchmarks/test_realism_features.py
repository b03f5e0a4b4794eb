"""Features and classifier of realism, on windows whose answers are known."""

import numpy as np
import pytest

from benchmarks.realism import classifier
from benchmarks.realism.features import shape_features as shape

RATE = 20.0


def window(course) -> np.ndarray:
    """3 s of a course of the time in its middle second, flat before and after."""
    return course(np.clip(np.arange(60) / RATE - 1, 0, 0.95))


def test_a_ramp_is_linear_and_stays():
    found = shape(window(lambda t: 0.3 * t), RATE)
    assert found["linear_share"] == pytest.approx(1)
    assert found["level_that_stays"] == pytest.approx(1)
    assert found["log_peak_to_peak"] == pytest.approx(np.log10(0.285))


def test_a_spike_comes_back():
    found = shape(window(lambda t: np.sin(np.pi * t / 0.95) ** 2), RATE)
    assert found["level_that_stays"] < 1e-9
    assert found["linear_share"] < 0.05


def test_shapes_do_not_depend_on_size():
    noise = np.random.default_rng(0).normal(size=(5, 60))
    small, large = shape(noise, RATE), shape(1e3 * noise, RATE)
    for name in ("linear_share", "kurtosis", "skewness", "turning_points", "log_size_before"):
        np.testing.assert_allclose(small[name], large[name], rtol=1e-6)
    np.testing.assert_allclose(large["log_rms"] - small["log_rms"], 3)


def table(participants, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    rows = 80 * len(participants)
    names = np.repeat([f"p{p}" for p in participants], 80)
    values = rng.normal(size=(rows, 4)).astype(np.float32)
    values[:, 0] += shift
    extra = np.full(rows, "x"), np.zeros(rows, int), np.zeros(rows, bool)
    return classifier.Windows(["a", "b", "c", "d"], values, names, names, *extra)


@pytest.mark.slow
def test_the_classifier_separates_what_differs_and_only_that():
    first, alike = (table(range(4), seed=s) for s in (0, 1))
    other = table(range(4), shift=4.0, seed=2)
    parts = classifier.folds(first.subject, other.subject)
    assert classifier.distinguish(first, other, parts, resamplings=0).auc > 0.95
    assert 0.35 < classifier.distinguish(first, alike, parts, resamplings=0).auc < 0.65


@pytest.mark.parametrize("participants", [(range(4), range(4)), (range(3), range(3, 8))])
def test_no_participant_is_in_training_and_test(participants):
    sides = [table(p) for p in participants]
    for a, b in classifier.folds(sides[0].subject, sides[1].subject):
        tested = set(sides[0].subject[a]) | set(sides[1].subject[b])
        trained = set(sides[0].subject[~a]) | set(sides[1].subject[~b])
        assert tested
        assert not tested & trained
