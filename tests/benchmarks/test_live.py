"""The benchmark of live cleaning scores what it should, and its page is one screen."""

import numpy as np
import pytest

from benchmarks.live import __main__ as command
from benchmarks.live import errors
from benchmarks.live.cost import Cost, cost, recording
from benchmarks.live.still import Still, by_person
from neurofuse.synth import inject, simulate


@pytest.fixture(scope="module")
def case():
    truth = simulate(30, seed=3, severity=0)[0]
    return truth, inject(truth, seed=6, severity=1.0)[1]


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_zeros_have_0_db_and_the_truth_none(case, stream):
    scored = errors._Scored(case[0], case[1], stream)
    found = {
        "zeros": scored.errors(0 * scored.data.truth),
        "recorded": scored.errors(scored.data.contaminated),
        "true": scored.errors(scored.data.truth),
    }
    assert found["zeros"]["all"] == pytest.approx(0, abs=0.5)
    assert found["recorded"]["all"] > 0
    assert found["true"]["all"] < -100
    assert found["true"]["at rest"] < -100 or stream == "eeg"


def test_live_cleaning_lowers_the_error(case):
    scored = errors._Scored(case[0], case[1], "eeg")
    made = errors.live(case[1])
    assert made["eeg"].shape[-1] == case[1]["eeg"].sizes["time"]
    error = scored.errors(scored.flat(made["eeg"]))
    assert error["all"] < scored.errors(scored.data.contaminated)["all"] - 3


def test_cost_counts_hops_and_memory():
    assert recording(4, 4)["eeg"].sizes["channel"] == 4
    found = cost((2, 2), 3.0)
    assert len(found.hops) == 30
    assert 0 < found.milliseconds(0.5) <= found.milliseconds(1.0) < 2000
    assert found.memory[0] > 1e6


def test_people_count_once():
    given = [Still("EEG", "a", -10.0), Still("EEG", "a", -20.0), Still("EEG", "b", -30.0)]
    assert by_person(given) == {"EEG": [-15.0, -30.0]}


def test_the_page_is_one_screen():
    methods = (
        errors.UNTOUCHED,
        errors.ZEROS,
        errors.LIVE,
        errors.ALONE,
        errors.OTHER,
        "joint",
        "asr",
    )
    rows = [
        errors.Row(s, severity, f"pair {k}", method, when, -k - severity)
        for s in ("eeg", "nirs")
        for severity in (0.2, 1.0)
        for method in methods
        for when in errors.WHEN
        for k in range(3)
    ]
    ahead = [errors.Row("nirs", 1.0, "pair", f"live, {a:g} s ahead", "all", -a) for a in (0.5, 1.0)]
    costs = {"4 EEG": Cost(np.full(600, 0.002), np.array([1e8, 1e8]))}
    made = command.page(rows, ahead, [Still("EEG", "a", -30.0)], costs)
    text = made.markdown("live")
    assert len(text.splitlines()) <= 50
    assert "p50 2.0 ms" in text
    assert "| EEG | live | -1.2 [-2.2, -0.2] |" in text
