"""The benchmark of transplanted movements, on made cases whose figures are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.transplant import evaluation
from benchmarks.transplant.cases import Case
from neurofuse.io import eeg_dataset, nirs_dataset
from neurofuse.models.training.movers import is_blink, join
from neurofuse.synth.real_movement import RealMovement

RATE = 250.0


def case(modality="eeg", receiver="a", kind="Muse"):
    rng = np.random.default_rng(0)
    if modality == "eeg":
        node = eeg_dataset(1e-5 * rng.standard_normal((2, 5000)), RATE, ["AF7", "AF8"])
        truth = node.eeg.values
    else:
        light = np.cumsum(rng.standard_normal((2, 2, 1500)), axis=-1) * 1e-3
        node = nirs_dataset(light, 10.0, [760, 850], ["S1", "S2"], ["D1", "D2"], variable="od")
        truth = node.od.values
    motion = np.zeros((2, truth.shape[-1]), bool)
    motion[:, 500:900] = True
    mixed = truth.copy()
    mixed[..., 500:900] += 5 * truth.std()
    return Case(receiver, modality, kind, node, mixed, truth, motion, ~motion | True, ["b"])


@pytest.mark.parametrize("modality", ["eeg", "nirs"])
def test_zeros_are_at_zero_and_the_truth_at_the_least(modality):
    one = case(modality)
    truth = one.truth[one.variable].values
    flat = np.broadcast_to(np.median(truth, axis=-1, keepdims=True), truth.shape)
    zeros, perfect = (evaluation.figures(one, x) for x in (flat, truth))
    for name in set(zeros) - {"alpha"}:
        assert zeros[name] == pytest.approx(0, abs=0.1)
        assert perfect[name] == evaluation.LEAST
    if modality == "eeg":
        assert (round(zeros["alpha"], 2), round(perfect["alpha"], 2)) == (0, 1)


def test_an_error_counts_where_it_lies():
    one = case()
    figures = evaluation.figures(one, one.mixed)
    truth = one.truth.eeg.values
    energy = (truth[:, 500:900] ** 2).mean()
    assert figures["error"] == pytest.approx(10 * np.log10(25 * truth.var() / energy), abs=0.01)
    assert figures["change"] == evaluation.LEAST


def test_what_is_not_calm_counts_nowhere():
    one = case()
    one.rest[:, 600:900] = False
    spoilt = one.truth.eeg.values.copy()
    spoilt[:, 600:900] = 1
    assert evaluation.figures(one, spoilt)["error"] == evaluation.LEAST


def test_a_method_is_evaluated_by_name_by_object_and_as_the_floor(monkeypatch):
    known = [case(), case("nirs", "c", "optodes"), case("eeg", "d", "blink")]
    monkeypatch.setattr(evaluation, "cases", lambda part: known)

    class Halve:
        name, streams, delay, citation = "halve", ("eeg",), 0.0, ""

        def fit(self, recording):
            return self

        def transform(self, recording):
            node = recording["eeg"].to_dataset()
            node["eeg"] = node.eeg / 2
            recording["eeg"] = node
            return recording

    tables = [evaluation.evaluate(m) for m in ("uncorrected", Halve(), "floor")]
    assert [len(t) for t in tables] == [3, 2, 3]
    assert tables[1].change.tolist() == pytest.approx([-6.02, -6.02], abs=0.1)
    assert (tables[2].error == evaluation.LEAST).all()
    found = evaluation.summary(pd.concat(tables)).set_index(["group", "method", "figure"])
    assert found.loc[("Muse, 2", "uncorrected", "error"), "mean"] == tables[0].error[0]
    assert found.loc[("blink", "halve", "change"), "people"] == 1
    assert ("fNIRS", "uncorrected", "unfiltered") in found.index
    better = evaluation.difference(pd.concat(tables), "floor", "uncorrected")
    assert better["fNIRS"][0] < 0


def test_a_method_that_refuses_a_case_has_no_figure_there(monkeypatch):
    single = case()
    lone = replace(
        single,
        truth=single.truth.isel(channel=[0]),
        **{k: getattr(single, k)[:1] for k in ("mixed", "floor", "motion", "rest")},
    )
    monkeypatch.setattr(evaluation, "cases", lambda part: [lone])
    table = evaluation.evaluate("pca")
    assert "channel" in table.refused[0]
    assert evaluation.summary(table).empty


def test_people_count_once_however_many_cases_they_have():
    rows = [("a", 0.0), ("a", 2.0), ("b", 5.0)]
    table = pd.DataFrame(
        [
            {
                "method": "m",
                "modality": "eeg",
                "receiver": r,
                "kind": "Muse",
                "channels": 4,
                "error": e,
            }
            for r, e in rows
        ]
    )
    row = evaluation.summary(table).iloc[0]
    assert (row["mean"], row["median"], row["worst"], row["people"]) == (3.0, 3.0, 5.0, 2)


def test_blinks_are_told_from_muscles_and_sways():
    time = np.arange(1000) / RATE
    blink = np.exp(-(((time - 2) / 0.1) ** 2))
    sway = np.exp(-(((time - 2) / 0.8) ** 2))
    muscle = blink + 0.5 * np.random.default_rng(0).standard_normal(1000) * np.hanning(1000)
    found = [is_blink(RealMovement(x[None], 0 * x[None], RATE)) for x in (blink, sway, muscle)]
    assert found == [True, False, False]


def test_pieces_are_joined_without_a_jump_and_at_their_energy():
    rng = np.random.default_rng(0)
    pieces = [np.sin(np.arange(400) * 0.3 + rng.uniform(0, 6))[None] for _ in range(20)]
    whole = join(pieces, 50)
    assert whole.shape == (1, 20 * 400 - 19 * 50)
    assert np.abs(np.diff(whole)).max() < 0.5
    assert whole.var() == pytest.approx(0.5, rel=0.15)
