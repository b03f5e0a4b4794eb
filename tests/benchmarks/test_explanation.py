"""What the benchmark of explanations measures, on cases whose figures are known."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.explanation.kinds import balanced, balanced_groups, miscalibration, noisy
from benchmarks.explanation.pointing import Case, by_cell, rank_correlation, to_elsewhen, to_rest
from benchmarks.training.gaussians import Gaussian, fit
from benchmarks.training.movement_kinds import learn, true_kind
from neurofuse.fusion.kinds.description import ALL_NAMES
from neurofuse.io.recording import build, eeg_dataset, events_dataset
from neurofuse.models.explanation.evidence import Seen
from neurofuse.models.joint.witnesses import Trust
from neurofuse.synth import TYPES


def named(true, found, probability=0.5):
    return pd.DataFrame({"true": true, "named": found, "probability": probability})


def test_balance_counts_rare_kinds_as_much():
    table = named(["nod"] * 9 + ["jaw"], ["nod"] * 10)
    assert balanced(table) == 0.5
    turned = named(["nod", "tilt", "jaw"], ["shake", "nod", "jaw"])
    assert balanced(turned) == pytest.approx(1 / 3)
    assert balanced_groups(turned) == 1


def test_miscalibration_is_the_gap_between_saying_and_being_right():
    right = ["nod"] * 50 + ["jaw"] * 50
    assert miscalibration(named(["nod"] * 100, right), bins=1) == 0
    assert miscalibration(named(["nod"] * 100, right, 0.9), bins=1) == pytest.approx(0.4)


def test_the_kind_that_fills_most_of_the_time_is_the_true_one():
    rows = [(1.0, 0.4, "motion/nod", "", "eeg"), (1.5, 1.0, "motion/jaw", "", "eeg")]
    rows += [(1.0, 9.0, "motion/tilt", "", "nirs")]
    recording = build(eeg_dataset(np.zeros((1, 90)), 10.0, ["Cz"]), events=events_dataset(rows))
    assert true_kind(recording, "eeg", 1.0, 2.5) == list(TYPES).index("jaw")
    assert true_kind(recording, "eeg", 1.0, 1.4) == list(TYPES).index("nod")
    assert true_kind(recording, "eeg", 5.0, 6.0) is None


def test_cells_add_up_over_a_movement_and_its_surroundings():
    seen = Seen({}, {}, None, Trust(None, {}))
    case = Case("nirs", seen, torch.arange(1), slice(10, 12), np.zeros(1), np.zeros(1))
    found = torch.zeros(1, 13, 40)  # three of each of four bands, and the wavelengths' agreement
    found[0, [1, 5], 11] = 1.0
    found[0, 1, 30] = 7.0  # another time
    found[0, 12, 11] = 5.0
    assert by_cell(case, found).tolist() == [[0.0, 2.0, 0.0, 0.0]]
    assert rank_correlation(torch.tensor([1.0, 2, 3]), torch.tensor([9.0, 4, 1])) == pytest.approx(
        -1
    )


def test_deleted_cells_are_at_rest_or_of_another_time():
    seen = torch.randn(1, 2, 18, 30, generator=torch.Generator().manual_seed(0))
    rest = to_rest("eeg", seen)
    assert float(rest[:, :, :12].abs().max()) == 0
    assert torch.equal(rest[:, :, 12:], seen[:, :, 12:])
    assert torch.equal(to_elsewhen("eeg", seen)[..., 0], seen[..., 15])


def test_noise_comes_in_bursts(at_rest):
    before, after = noisy(at_rest, 0)
    gate = after["eeg"].gate.values
    changed = before["eeg"].eeg.values != at_rest["eeg"].eeg.values
    assert 0.1 < gate.mean() < 0.4
    np.testing.assert_array_equal(changed, gate > 0)


def test_a_gaussian_is_found_from_rows_with_gaps():
    rng = np.random.default_rng(0)
    mixing = np.array([[1.0, 0.0], [0.8, 0.6]])
    rows = rng.normal(size=(4000, 2)) @ mixing.T + [2.0, -1.0]
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows = rows[np.isfinite(rows).any(1)]
    found = fit(rows, Gaussian(np.zeros(2), np.eye(2)), 1.0)
    np.testing.assert_allclose(found.mean, [2.0, -1.0], atol=0.1)
    assert found.covariance[0, 1] == pytest.approx(0.8, abs=0.12)


def test_templates_tell_kinds_apart_that_differ():
    rng = np.random.default_rng(1)
    kind = np.arange(800) % len(TYPES)
    numbers = rng.normal(size=(800, len(ALL_NAMES)))
    numbers[:, :8] += 4 * np.eye(8)[kind]
    made = learn(numbers, kind, np.array([f"{k % 5}" for k in range(800)]))
    judged = made.judge(numbers)
    assert (judged.probability.argmax(1) == kind).mean() > 0.9
    assert judged.unlike.mean() < 0.1
    assert made.judge(numbers + 8).unlike.all()
