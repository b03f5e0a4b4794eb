"""Scoring prepared once gives what scoring from scratch gives, and prepares once indeed."""

import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.metrics import errors, no_reference, preserved
from neurofuse.fusion.metrics.analyses import EegAnalysis
from neurofuse.fusion.metrics.modality_errors import EegErrors, NirsErrors
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.metrics.scorer import Scorer
from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.io.recording import stream_dataset, with_stream, without_stream

METHODS = ("bandpass", "tddr", "regression", "uncorrected")


@pytest.fixture(scope="module")
def pair(simulated_long):
    """Truth and contaminated recording, long enough for responses, with an accelerometer."""
    few = ["C3", "Cz", "C4", "O1", "O2"]
    nodes = (stream_dataset(r, "eeg").sel(channel=few) for r in simulated_long)
    return tuple(with_stream(r, "eeg", n) for r, n in zip(simulated_long, nodes, strict=True))


@pytest.fixture(scope="module")
def rows(pair):
    return {name: get_method(name).transform(pair[1]) for name in METHODS}


def counted(monkeypatch, owner, name):
    """Calls of a function or method from now on, as a list that grows."""
    calls, original = [], getattr(owner, name)

    def wrapped(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, wrapped)
    return calls


def test_prepared_and_direct_scores_are_equal(pair, rows):
    truth, contaminated = pair
    with_truth, without = Scorer(contaminated, truth), Scorer(contaminated)
    for cleaned in rows.values():
        direct = [
            errors.score(truth, contaminated, cleaned).value,
            preserved.score_preservation(truth, contaminated, cleaned).value,
        ]
        xr.testing.assert_identical(with_truth.score(cleaned), xr.concat(direct, "metric"))
        direct = no_reference.score_no_reference(contaminated, cleaned).value
        xr.testing.assert_identical(without.score(cleaned), direct)


def test_the_order_of_rows_does_not_matter(pair, rows):
    truth, contaminated = pair
    first, second = Scorer(contaminated, truth), Scorer(contaminated, truth)
    forwards = [first.score(cleaned) for cleaned in rows.values()]
    backwards = [second.score(cleaned) for cleaned in reversed(rows.values())]
    for one, other in zip(forwards, reversed(backwards), strict=True):
        xr.testing.assert_identical(one, other)


def test_truth_and_recording_are_prepared_once(pair, rows, monkeypatch):
    truth, contaminated = pair
    density = counted(monkeypatch, nf.fusion.metrics.samples, "to_optical_density")
    haemoglobin = counted(monkeypatch, nf.fusion.metrics.samples, "to_haemoglobin")
    filtered = counted(monkeypatch, nf.fusion.metrics.modality_errors, "bandpass")
    scorer = Scorer(contaminated, truth)
    assert (len(density), len(haemoglobin), len(filtered)) == (2, 1, 2)  # of both recordings
    for count in (1, 2, 3):
        scorer.score(rows["tddr"])
        assert (len(density), len(haemoglobin), len(filtered)) == (2 + count, 1, 2 + count)


def test_a_modality_that_is_unchanged_is_scored_once(pair, rows, monkeypatch):
    truth, contaminated = pair
    scorer = Scorer(contaminated, truth)
    eeg = counted(monkeypatch, EegErrors, "figures"), counted(monkeypatch, EegAnalysis, "figures")
    nirs = counted(monkeypatch, NirsErrors, "figures")
    for _ in range(3):
        scorer.score(rows["tddr"])
    assert [len(calls) for calls in (*eeg, nirs)] == [1, 1, 3]
    scorer.score(rows["uncorrected"])
    scorer.score(rows["uncorrected"])
    assert [len(calls) for calls in (*eeg, nirs)] == [1, 1, 4]
    scorer.score(rows["bandpass"])
    assert [len(calls) for calls in (*eeg, nirs)] == [2, 2, 5]


def test_no_channel_is_judged_by_scoring(pair, rows, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("channels are judged before, once for all rows")

    for module in ("channels.mark_bad", "channels.nirs_faults", "channels.eeg_faults"):
        monkeypatch.setattr(f"neurofuse.io.quality.{module}", refuse)
    truth, contaminated = pair
    for scorer in (Scorer(contaminated, truth), Scorer(contaminated)):
        scorer.score(rows["tddr"])


def test_a_missing_modality_has_no_row(pair, rows):
    truth, contaminated = pair
    for scorer in (Scorer(contaminated, truth), Scorer(contaminated)):
        value = scorer.score(without_stream(rows["tddr"], "eeg"))
        assert value.modality.values.tolist() == ["nirs"]
        both = scorer.score(rows["tddr"])
        known = value.metric[value.metric != "kept_coupling"]  # needs both modalities
        xr.testing.assert_equal(
            value.sel(modality="nirs", metric=known), both.sel(modality="nirs", metric=known)
        )


def test_another_recording_is_refused(pair):
    truth, contaminated = pair
    scorer = Scorer(contaminated, truth)
    with pytest.raises(ParameterError, match=r"the same times"):
        scorer.score(contaminated.sel(time=slice(0, 30)))
    with pytest.raises(ParameterError, match=r"the same times"):
        Scorer(contaminated, truth.sel(time=slice(0, 30)))
    with pytest.raises(SchemaError, match="without `motion`"):
        Scorer(truth, truth)
    with pytest.raises(SchemaError, match="a Recording"):
        Scorer(stream_dataset(truth, "eeg"))  # pyright: ignore[reportArgumentType]


def test_samples_follow_the_order_of_the_reference(pair):
    contaminated = pair[1]
    reference = Samples(contaminated)
    turned = contaminated
    for modality in ("eeg", "nirs"):
        node = stream_dataset(contaminated, modality)
        backwards = {dim: slice(None, None, -1) for dim in ("channel", "wavelength")}
        turned = with_stream(turned, modality, node.isel(backwards, missing_dims="ignore"))
    samples = Samples(turned, reference)
    for modality in ("eeg", "nirs"):
        assert samples.unchanged(modality)
        np.testing.assert_array_equal(samples.array(modality), reference.array(modality))


def test_a_bad_channel_or_one_sample_is_a_change(pair):
    contaminated = pair[1]
    reference = Samples(contaminated)
    node = stream_dataset(contaminated, "eeg").copy(deep=True)
    assert Samples(with_stream(contaminated, "eeg", node), reference).unchanged("eeg")
    marked = node.assign_coords(bad=node.channel == "Cz")
    assert not Samples(with_stream(contaminated, "eeg", marked), reference).unchanged("eeg")
    node.eeg[0, -1] += 1e-9
    assert not Samples(with_stream(contaminated, "eeg", node), reference).unchanged("eeg")


def test_haemoglobin_is_that_of_the_recording(pair):
    truth, contaminated = pair
    found = Samples(truth, Samples(contaminated)).hbo()
    wanted = nf.io.to_haemoglobin(truth)["nirs"].hbo.values
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (preserved, "score_kept", "score_preservation"),
        (no_reference, "score_blind", "score_no_reference"),
    ],
)
def test_former_names_still_work(module, old, new):
    with pytest.warns(FutureWarning, match=f"{old} is now {new}"):
        assert getattr(module, old) is getattr(module, new)
    with pytest.raises(AttributeError, match="has no attribute 'score_nothing'"):
        module.score_nothing  # noqa: B018
