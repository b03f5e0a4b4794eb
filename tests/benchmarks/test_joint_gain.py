"""The benchmark behind docs/joint_gain.md, on segments and filters whose answers are known."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from neurofuse.io.recording import stream_dataset
from neurofuse.synth import simulate


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module


@pytest.fixture(scope="module")
def pair():
    return simulate(60, seed=4, bouts_per_minute=4)


@pytest.fixture
def found(benchmark, pair):
    material = benchmark("joint_gain_segments").material
    return {stream: material(*pair, stream) for stream in ("eeg", "nirs")}


def totals(energies, view):
    return np.sum(energies[view])


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_zeros_have_0_db_and_the_untouched_recording_has_the_artifact(benchmark, found, stream):
    segments, one = benchmark("joint_gain_segments"), found[stream]
    truth = segments.energies(one.truth, one)
    artifact = segments.energies(one.contaminated - one.truth, one)
    zero = segments.energies(np.zeros_like(one.truth) - one.truth, one)
    assert one.segment
    for view in segments.VIEWS[stream]:
        np.testing.assert_allclose(zero[view], truth[view])
        assert totals(artifact, view) > 0


def test_energy_counts_in_a_channels_own_motion_only(benchmark, found):
    segments, one = benchmark("joint_gain_segments"), found["eeg"]
    error = np.where(one.motion, 0.0, 1.0)
    error -= np.median(error, axis=-1, keepdims=True)  # what scoring does
    inside = segments.energies(np.where(one.motion, 0.0, 1.0), one)["whole"]
    wanted = sum((error**2 * one.motion)[:, a:b].sum() for a, b in one.segment)
    assert np.sum(inside) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_the_bound_is_far_below_zero_and_below_the_blind_filter(benchmark, found, stream):
    segments, bounds = (benchmark(f"joint_gain_{n}") for n in ("segments", "bounds"))
    one = found[stream]
    view = segments.VIEWS[stream][0]
    truth = totals(segments.energies(one.truth, one), view)
    errors = [
        totals(segments.energies(method(one) - one.truth, one), view)
        for method in (bounds.bound, bounds.blind)
    ]
    assert errors[0] < 0.3 * truth
    assert errors[0] < errors[1]


def test_the_blind_filter_does_nothing_without_motion(benchmark, pair):
    segments, bounds = (benchmark(f"joint_gain_{n}") for n in ("segments", "bounds"))
    truth, contaminated = pair
    one = segments.material(truth, contaminated, "eeg")
    still = segments.Material(**{**vars(one), "contaminated": one.truth})
    cleaned = bounds.bound(still)
    np.testing.assert_allclose(cleaned, one.truth, atol=1e-12)


def test_a_perfect_gate_makes_no_mistakes_and_others_do(benchmark, found):
    segments, one = benchmark("joint_gain_segments"), found["eeg"]
    right = segments.gate_mistakes(one.motion.astype(float), one)
    assert np.sum(right["missed"]) == np.sum(right["false"]) == np.sum(right["false_outside"]) == 0
    shut = segments.gate_mistakes(np.zeros(one.motion.shape), one)
    wanted = segments.noticeable(one).sum() / one.rate
    assert np.sum(shut["missed"][0]) == pytest.approx(wanted, abs=0.01)
    wide = segments.gate_mistakes(np.ones(one.motion.shape), one)
    opened = np.sum(wide["false"][0]) + wide["false_outside"][0]
    assert opened == pytest.approx((~one.motion).sum() / one.rate, abs=0.01)


def segment(rows, person, level, **errors):
    truth = {"whole": np.ones(2), "slow": np.ones(2)}
    error = {a: {v: np.full(2, e) for v in truth} for a, e in errors.items()}
    return rows.Segment(person, "timing", level, truth, [error])


def test_pooled_error_weighs_people_alike(benchmark):
    rows, tables = (benchmark(f"joint_gain_{n}") for n in ("facts", "tables"))
    one = [segment(rows, "a", 0.0, joint=0.1)] * 9 + [segment(rows, "b", 0.0, joint=1.0)]
    values = tables.by_person(one, tables.pooled("joint", "whole"), range(1))
    assert sorted(values) == pytest.approx([-10.0, 0.0])
    assert tables.interval(values)[0] == pytest.approx(-5.0)
    ratio = tables.by_person(
        [segment(rows, "a", 0.0, joint=0.3, twin=0.6)],
        tables.against("joint", "twin", "whole"),
        range(1),
    )
    assert tables.ratio(ratio[0]) == pytest.approx(0.5)


def test_strata_hold_every_segment_once(benchmark):
    rows = benchmark("joint_gain_facts")
    levels = np.arange(-30.0, 40.0, 0.5)
    all_of = [segment(rows, "a", level) for level in levels]
    columns = list(rows.strata().values())
    assert sum(len(rows.within(all_of, *c)) for c in columns[:-1]) == len(levels)
    assert len(rows.within(all_of, *columns[-1])) == 50


def test_code_digest_sees_code_and_not_comments(benchmark, tmp_path):
    code = benchmark("joint_gain_arms").code
    path = tmp_path / "a.py"
    digests = []
    for text in ('"""Doc."""\nx = 1  # why\n', '"""Other."""\n\nx = 1\n', '"""Doc."""\nx = 2\n'):
        path.write_text(text)
        digests.append(code([path]))
    assert digests[0] == digests[1] != digests[2]


def test_a_run_of_peers_and_references_makes_a_page(benchmark, pair, tmp_path, monkeypatch):
    gain = benchmark("joint_gain")
    made = [p for p in gain.producers([]) if p.key.split("-")[1] not in ("ica",)]
    people = [("sub-1+sub-2", pair[0]), ("sub-3+sub-4", pair[0])]
    gain.run(people, 1, made, tmp_path, ("timing",), (1.0,))
    files = sorted(tmp_path.glob("*/*_timing_1.0.json"))
    assert len(files) == len(made)
    before = {f: f.stat().st_mtime_ns for f in files}
    gain.run(people, 1, made, tmp_path, ("timing",), (1.0,))
    assert {f: f.stat().st_mtime_ns for f in files} == before
    keys = [p.key for p in made]
    facts = gain.Facts.read(tmp_path, keys, [[]], ["sub-1+sub-2"], ("timing",), (1.0,))
    page = gain.page(facts, "validation", tmp_path / "thresholds.json", "none")
    zero = next(row for row in page.splitlines() if row.startswith("| zero"))
    assert set(zero.replace("| zero |", "").split()) <= {"|", "0.0", "[0.0,", "0.0]", "–"}
    assert json.loads((tmp_path / "thresholds.json").read_text()) == {}


def test_features_of_the_truth_are_the_truths(benchmark):
    measures = benchmark("neural_measures")
    rest, _ = simulate(60, seed=1, severity=0.0)
    onsets = np.arange(5.0, 50.0, 3.0)
    truth = measures.with_erp(rest, onsets)
    taps = stream_dataset(rest, "events").onset.values
    found = measures.features(truth, truth, measures.Trials(onsets, taps))
    assert found["alpha power"] == 1
    assert found["EEG connectivity"] == found["fNIRS connectivity"] == 0
    bare = measures.features(rest, truth, measures.Trials(onsets, taps))
    assert found["ERP amplitude"] - bare["ERP amplitude"] == pytest.approx(4.5e-6, rel=0.1)
    taller = taps + 0.0
    added = measures.task_response(np.arange(600) / 10, taller)
    size = measures.response(added[None], np.arange(600) / 10, taller)
    assert size == pytest.approx(1)


def test_coupling_is_found_where_it_is_at_its_lag_and_rarely_where_it_is_not(
    benchmark, monkeypatch
):
    measures = benchmark("neural_measures")
    rng = np.random.default_rng(0)

    def slow():
        return measures._ready(rng.standard_normal((2, 480)).cumsum(1))

    power = slow()
    monkeypatch.setattr(measures, "courses", lambda _: (power, np.roll(power, 20, axis=1)))
    assert measures.coupling_p(None) < 0.05
    assert measures.coupling(None) > 0.9
    found = 0
    for _ in range(60):
        pair = (slow(), slow())
        monkeypatch.setattr(measures, "courses", lambda _, pair=pair: pair)
        found += measures.coupling_p(None) < 0.05
    assert found <= 8  # 3 expected
