"""Many recordings: participants are resampled, not recordings; tests are paired and corrected."""

import numpy as np
import pytest
import xarray as xr

from neurofuse.fusion.cohort import compare_all
from neurofuse.fusion.compare import MISMATCHED, ORACLE, REFERENCES, compare
from neurofuse.fusion.plot.draw_intervals import plot_intervals
from neurofuse.fusion.results.statistics import LIMIT_DB, holm, paired_p, summarise
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import without_stream

METHODS = ["joint", "ica", "pca"]


def made(value, subject, unit="dB"):
    """A table of one modality and metric."""
    return xr.Dataset(
        {"value": (("recording", "method", "modality", "metric"), value[..., None, None])},
        {
            "method": METHODS[: value.shape[1]],
            "modality": ["eeg"],
            "metric": ["error"],
            "units": ("metric", [unit]),
            "subject": ("recording", subject),
        },
    )


def cell(summary, method):
    return summary.sel(modality="eeg", metric="error").isel(method=METHODS.index(method))


def test_participants_have_equal_weight_however_often_recorded():
    value = np.array([[0.0], [0.0], [0.0], [6.0]])
    found = cell(summarise(made(value, ["a", "a", "a", "b"], "1")), "joint")
    assert float(found["mean"]) == 3
    assert int(found.people) == 2
    assert (float(found.low), float(found.high)) == (0, 6)


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(60):
        participant = rng.standard_normal(20).repeat(3)
        value = (participant + 0.5 * rng.standard_normal(60))[:, None]
        found = cell(summarise(made(value, np.repeat(np.arange(20), 3)), seed=seed), "joint")
        inside += float(found.low) <= 0 <= float(found.high)
    assert 50 <= inside < 60  # 95 % less what percentiles lack with 20 participants


def test_differences_are_paired():
    rng = np.random.default_rng(1)
    participant = 10 * rng.standard_normal(8)
    value = np.stack(
        [participant, participant + 1 + 0.1 * rng.standard_normal(8), participant], axis=1
    )
    summary = summarise(made(value, np.arange(8)))
    ica, pca, joint = (cell(summary, name) for name in ("ica", "pca", "joint"))
    assert float(ica.difference) == pytest.approx(1, abs=0.1)
    assert float(ica.difference_high) - float(ica.difference_low) < 0.2
    assert float(ica.high) - float(ica.low) > 5
    # all eight rise: of 2^8 ways to sign them, two are as one-sided
    expected = 2 / 2**8
    assert float(ica.p) == pytest.approx(2 * expected)  # two methods are compared
    assert float(pca.p) == 1
    assert np.isnan(joint.p)


def test_what_failed_in_some_participants_is_counted_in_the_others():
    value = np.array([[0.0, 1.0], [0.0, np.nan], [0.0, 3.0]])
    found = cell(summarise(made(value, ["a", "b", "c"])), "ica")
    assert float(found["mean"]) == 2
    assert int(found.people) == 2
    nothing = cell(summarise(made(value * np.nan, ["a", "b", "c"])), "ica")
    assert np.isnan(nothing["mean"])
    assert np.isnan(nothing.p)


def test_nothing_left_at_all_counts_as_a_hundred_decibels():
    value = np.array([[-np.inf, 0.0], [-60.0, 0.0]])
    assert float(cell(summarise(made(value, ["a", "b"])), "joint")["mean"]) == (-LIMIT_DB - 60) / 2


def test_the_same_seed_gives_the_same_intervals():
    value = np.random.default_rng(0).standard_normal((6, 2))
    one, same, other = (summarise(made(value, np.arange(6)), seed=s) for s in (0, 0, 1))
    xr.testing.assert_identical(one, same)
    assert not np.array_equal(one.low, other.low)


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert np.isnan(paired_p(np.array([1.0])))


def test_refusals(pair):
    table = made(np.zeros((3, 2)), ["a", "b", "c"])
    with pytest.raises(ParameterError, match=r"the method 'asr'.*joint, ica"):
        summarise(table, against="asr")
    with pytest.raises(ParameterError, match="several recordings"):
        summarise(table.isel(recording=0))
    with pytest.raises(ParameterError, match="no recording"):
        compare_all({})
    recording = pair[1]
    with pytest.raises(ParameterError, match="no truth of b"):
        compare_all({"a": recording, "b": recording}, truth={"a": recording})
    with pytest.raises(ParameterError, match="no subject of a"):
        compare_all({"a": recording}, subject={})
    with pytest.raises(ParameterError, match=r"the metric 'eror'.*error"):
        plot_intervals(summarise(table), "eeg", "eror")


@pytest.mark.slow
def test_many_recordings_are_compared_one_by_one(pair):
    truth, moved = pair
    short = {"a": truth.sel(time=slice(0, 50)), "b": without_stream(truth, "nirs"), "c": truth}
    cut = {"a": moved.sel(time=slice(0, 50)), "b": without_stream(moved, "nirs"), "c": moved}
    seen = []
    table = compare_all(
        cut, ["tddr", "pca"], short, subject={"a": "x", "b": "x", "c": "y"}, progress=seen.append
    )
    assert table.subject.values.tolist() == ["x", "x", "y"]
    assert table.method.values.tolist() == ["tddr", "pca", *REFERENCES, ORACLE, MISMATCHED]
    assert seen[0] == "a: tddr"
    alone = compare(moved, ["tddr", "pca"], truth)
    for method in ("tddr", "pca", "zero"):
        row = table.value.sel(recording="c").sel({"method": method})
        np.testing.assert_array_equal(row, alone.value.sel({"method": method}))
    assert np.isnan(table.value.loc["b", "tddr"]).all()
    assert "nirs" in str(table.failure.loc["b", "tddr"].item())
    summary = summarise(table, against="pca")
    assert int(summary.people.loc["tddr", "nirs", "error_db"]) == 2
    axes = plot_intervals(summary, "eeg", "error_db")
    drawn = [label.get_text() for label in axes.get_yticklabels()]
    assert drawn[-1] == ORACLE
    assert "tddr" not in drawn
