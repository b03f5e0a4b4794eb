"""The benchmark of lost stretches counts channel-time as it says."""

import numpy as np
import pytest

from benchmarks.lost.__main__ import KEPT, LOST, page, share
from benchmarks.lost.contact import wrecks
from neurofuse.io.recording import eeg_dataset


def test_the_share_is_that_of_good_channels_between_two_times():
    samples = 1e-5 * np.random.default_rng(0).normal(size=(3, 5000))
    samples[0, 1000:2000] = samples[1] = 5e-3
    node = eeg_dataset(samples, 250.0, list("abc"), bad=[False, True, False])
    assert share(node, 0.0) == pytest.approx(4 / 20 / 2)
    assert share(node, 4.0, 8.0) == pytest.approx(0.5)
    assert share(node, 4.0, 8.0, rows=np.array([0])) == 1.0


def test_the_worst_is_the_least_where_all_should_be_lost():
    lost = [(LOST, "a", "x", 0.9), (LOST, "a", "y", 1.0)]
    rows = [*lost, (KEPT, "b", "x", 0.0), (KEPT, "b", "y", 0.1)]
    table = page(rows, "validation").table.rows
    assert [line[-1] for line in table] == ["90.00", "10.00"]


def test_wrecked_contact_begins_midway_and_shows_no_pulse():
    time = np.arange(1200) / 10
    light = np.exp(0.02 * np.sin(2 * np.pi * 1.1 * time)) * np.array([[1.0], [2.0]])
    made = dict(wrecks(light, 10.0, seed=0))
    assert len(made) == 6
    for values in made.values():
        np.testing.assert_array_equal(values[:, :600], light[:, :600])
        assert (values > 0).all()
        beat = np.sin(2 * np.pi * 1.1 * time)
        logs = np.log(values[0]) - np.log(values[0]).mean()
        before, after = (
            2 * np.mean((logs * beat)[part]) for part in (slice(600), slice(600, None))
        )
        assert before == pytest.approx(0.02, rel=0.1)
        assert abs(after) < 0.01
