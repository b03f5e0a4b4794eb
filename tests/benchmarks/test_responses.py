"""The benchmark of known responses puts in what it says, and finds it."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.responses import __main__ as pages
from benchmarks.responses import eeg, nirs
from benchmarks.responses.evaluation import by_person
from neurofuse.io import stream_dataset, to_optical_density
from neurofuse.io.recording import with_stream
from neurofuse.synth import simulate


@pytest.fixture(scope="module")
def case() -> nirs.Case:
    """A simulated person at rest, with responses and without movement."""
    rest = to_optical_density(simulate(200.0, seed=5, eeg_montage=None, severity=0.0)[0])
    made = nirs.with_responses(rest, np.random.default_rng(0))
    return nirs.Case("sim", 0.0, made[0], made[0], *made[1:])


def test_each_channel_responds_to_one_sequence_at_most(case):
    assert set(case.size.sum(0)) == {0.0, 1.0}
    assert case.size.sum() == round(nirs.SHARE * len(case.channel))
    assert list(case.events.trial_type.unique()) == list(nirs.SEQUENCES)


def test_responses_that_are_there_are_found(case):
    table = nirs.estimates(case, case.truth, False)
    assert len(table) == len(nirs.ESTIMATORS) * 2 * case.size.size
    robust = table[table.estimator == "robust"]
    mean = robust.groupby("size").beta.mean()
    assert abs(mean[0.0]) < 0.15
    assert mean[1.0] == pytest.approx(1.0, abs=0.2)
    assert (robust.low < robust.high).all()


def test_figures_of_a_participant():
    rows = pd.DataFrame(
        {
            "participant": "a",
            "method": "joint",
            "estimator": "ar",
            "severity": 1.0,
            "size": [1.0, 1.0, 0.0, 0.0],
            "beta": [0.5, 1.1, 0.3, 0.0],
            "rest": [1.0, 1.1, 0.0, 0.0],
            "low": [0.3, 0.9, 0.1, -0.1],
            "high": [0.7, 1.3, 0.5, 0.1],
        }
    )
    found = by_person(rows).iloc[0]
    assert found["size"] == pytest.approx(0.75)
    assert found["error"] == pytest.approx(np.sqrt((0.25 + 0.01 + 0.09) / 4))
    assert (found["coverage"], found["false"]) == (50.0, 50.0)


def test_averages_without_movement_have_the_whole_erp():
    rest = simulate(60.0, seed=6, nirs_montage=None, severity=0.0)[0]
    truth, onset = eeg.with_erps(rest, np.random.default_rng(0))
    still = stream_dataset(truth, "eeg")
    moves = np.zeros(still.eeg.shape, bool)
    moves[:, : still.sizes["time"] // 2] = True
    node = still.assign(motion=(("channel", "time"), moves))
    moving = with_stream(truth, "eeg", node)
    case = eeg.Case("sim", 1.0, rest, truth, moving, onset)
    whole = eeg.figures(case, moving)["all trials"]
    assert whole["size"] == pytest.approx(1.0)
    assert whole["inside"] == pytest.approx(1.0)
    samples = (still.eeg.values + stream_dataset(rest, "eeg").eeg.values) / 2
    halved = with_stream(truth, "eeg", still.assign(eeg=(still.eeg.dims, samples)))
    half = eeg.figures(case, halved)["all trials"]
    assert half["size"] == pytest.approx(0.5, abs=1e-3)
    assert half["inside"] == pytest.approx(0.5, abs=1e-3)


def test_a_row_has_the_three_severities_in_a_cell():
    effects = by_person(
        pd.DataFrame(
            [
                (person, method, estimator, severity, size, size, size, size - 0.1, size + 0.1)
                for person in "ab"
                for method, severities in (("joint", (0.2, 0.5, 1.0)), (pages.REST, (0.0,)))
                for estimator in nirs.ESTIMATORS
                for severity in severities
                for size in (0.0, 1.0)
            ],
            columns=[
                "participant",
                "method",
                "estimator",
                "severity",
                "size",
                "beta",
                "rest",
                "low",
                "high",
            ],
        )
    )
    averages = pd.DataFrame(
        [("a", 0.2, "joint", "weighted", 1e-6, 1.0, 0.9)],
        columns=["participant", "severity", "method", "estimator", "error", "size", "inside"],
    )
    rows = pages.overview(effects, averages).rows
    assert rows[0] == [
        "HRF",
        "joint",
        "ols",
        "1.00; 1.00; 1.00",
        "–",
        "0.00; 0.00; 0.00",
        "100; 100; 100",
        "0.0; 0.0; 0.0",
    ]
    assert rows[-1] == ["ERP", "joint", "weighted", "1.00", "0.90", "1.00", "–", "–"]
    assert len(pages.everything(effects, averages).rows) == 4 * 12 + 3
