"""Joint gain, measured on segments and filters whose answers are known."""

import json
from functools import partial

import numpy as np
import pytest
import xarray as xr

import benchmarks.joint_gain.__main__ as gain
from benchmarks.brain_signals import measures
from benchmarks.common import keys, statistics
from benchmarks.common.lost import called_lost, repaired
from benchmarks.joint_gain import arms, bounds, facts, segments, tables
from benchmarks.joint_gain.page import described, mask_thresholds, page, unspared
from neurofuse.fusion.metrics import neurovascular
from neurofuse.io.recording import stream_dataset, with_stream
from neurofuse.synth import simulate


@pytest.fixture
def found(simulated):
    truth, contaminated = simulated
    return {stream: segments.material(truth, contaminated, stream) for stream in ("eeg", "nirs")}


def totals(energies, view):
    return np.sum(energies[view])


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_zeros_have_0_db_and_the_uncorrected_recording_has_the_artifact(found, stream):
    one = found[stream]
    truth = segments.energies(one.truth, one)
    artifact = segments.energies(one.contaminated - one.truth, one)
    zero = segments.energies(np.zeros_like(one.truth) - one.truth, one)
    assert one.segment
    for view in segments.VIEWS[stream]:
        np.testing.assert_allclose(zero[view], truth[view])
        assert totals(artifact, view) > 0


def test_energy_counts_in_a_channels_own_motion_only(found):
    one = found["eeg"]
    error = np.where(one.motion, 0.0, 1.0)
    error -= np.median(error, axis=-1, keepdims=True)  # what scoring does
    inside = segments.energies(np.where(one.motion, 0.0, 1.0), one)["whole"]
    wanted = sum((error**2 * one.motion)[:, a:b].sum() for a, b in one.segment)
    assert np.sum(inside) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_the_bound_is_far_below_zero_and_below_the_no_reference_filter(found, stream):
    one = found[stream]
    view = segments.VIEWS[stream][0]
    truth = totals(segments.energies(one.truth, one), view)
    errors = [
        totals(segments.energies(method(one) - one.truth, one), view)
        for method in (bounds.bound, bounds.no_reference)
    ]
    assert errors[0] < 0.3 * truth
    assert errors[0] < errors[1]


def test_the_bound_does_nothing_without_motion(simulated):
    truth, contaminated = simulated
    one = segments.material(truth, contaminated, "eeg")
    still = segments.Material(**{**vars(one), "contaminated": one.truth})
    cleaned = bounds.bound(still)
    np.testing.assert_allclose(cleaned, one.truth, atol=1e-12)


def test_a_perfect_motion_mask_makes_no_mistakes_and_others_do(found):
    one = found["eeg"]
    right = segments.gate_mistakes(one.motion.astype(float), one)
    assert np.sum(right["missed"]) == np.sum(right["false"]) == np.sum(right["false_outside"]) == 0
    shut = segments.gate_mistakes(np.zeros(one.motion.shape), one)
    wanted = segments.noticeable(one).sum() / one.rate
    assert np.sum(shut["missed"][0]) == pytest.approx(wanted, abs=0.01)
    wide = segments.gate_mistakes(np.ones(one.motion.shape), one)
    opened = np.sum(wide["false"][0]) + wide["false_outside"][0]
    assert opened == pytest.approx((~one.motion).sum() / one.rate, abs=0.01)


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_what_is_lost_counts_in_no_figure_but_that_of_everything(simulated, found, stream):
    truth, contaminated = simulated
    usual = found[stream]
    motion = stream_dataset(contaminated, stream).motion
    first = usual.channel[np.argmax(usual.motion.any(1))]
    lost = motion & (motion.channel == first)
    one = segments.material(truth, contaminated, stream, lost)
    wrong = np.random.default_rng(0).normal(size=one.truth.shape)
    spoiled = wrong.copy()
    rows = np.repeat(one.lost, one.waves, axis=0)
    spoiled[rows] *= 1e3  # what a method makes of lost samples
    view = segments.VIEWS[stream][-1] if stream == "nirs" else "whole"  # filters would smear it
    measured, worse = (np.array(segments.energies(e, one)[view]) for e in (wrong, spoiled))
    at = list(one.channel).index(first)
    if stream == "eeg":
        assert not measured[:, at].any()  # counted nowhere else: EEG is not widened
    np.testing.assert_allclose(worse, measured, rtol=0.05)  # all but the median of a channel
    everything = segments.energies(wrong, one, everything=True)
    assert everything == segments.energies(wrong, usual)
    assert totals(everything, view) > measured.sum()
    shut = np.zeros(one.motion.shape)
    missed = [np.sum(segments.gate_mistakes(shut, m)["missed"][0]) for m in (usual, one)]
    assert missed[0] - missed[1] == pytest.approx(
        segments.noticeable(usual)[at].sum() / usual.rate, abs=0.01
    )


def test_joint_that_is_told_that_nothing_is_lost_repairs_what_it_would_leave(simulated):
    truth, contaminated = simulated
    node = stream_dataset(contaminated, "eeg")
    noise = np.random.default_rng(0).normal(0, 20e-3, node.sizes["time"])
    loud = node.eeg.copy(deep=True)
    name = str(node.channel.values[np.argmax(node.motion.values.any(1))])
    half = loud.sizes["time"] // 2
    loud.loc[{"channel": name}][half:] += noise[half:]
    off = with_stream(contaminated, "eeg", node.assign(eeg=loud))
    case = arms.Case(truth, off, off, called_lost(off))
    lost = case.lost["eeg"].sel(channel=name).values
    assert lost.any()
    (_, _, cleaned) = next(iter(arms.untold().arms(case)))
    assert isinstance(cleaned, xr.DataTree)
    changed = cleaned["eeg"].eeg.sel(channel=name).values != loud.sel(channel=name).values
    assert changed[lost].mean() > 0.9
    usual = repaired(off, "joint")["eeg"].eeg.sel(channel=name).values
    assert (usual == loud.sel(channel=name).values)[lost].mean() > 0.9


def test_one_verdict_says_what_is_left_out_for_every_method(simulated):
    truth, contaminated = simulated
    node = stream_dataset(contaminated, "eeg")
    gone = node.eeg.copy(deep=True)
    name = str(node.channel.values[np.argmax(node.motion.values.any(1))])
    gone.loc[{"channel": name}] = 5e-3  # at a rail throughout
    off = with_stream(contaminated, "eeg", node.assign(eeg=gone))
    case = arms.Case(truth, off, off, called_lost(off))
    data = case.material("eeg")
    assert data.lost.mean(1)[list(data.channel).index(name)] > 0.95
    found = {}
    for method in ("uncorrected", "zero"):
        producer = arms.Producer(method, partial(arms._baseline, method), ("eeg", "nirs"))
        found[method] = gain.figures(producer, case)["streams"]["eeg"]["arms"][method]["error"]
    at = list(data.channel).index(name)
    for error in found.values():
        assert np.array(error["everything"]["whole"])[:, at].any()
        assert not np.array(error["measured"]["whole"])[:, at].any()


def segment(participant, size, **errors):
    truth = {"whole": np.ones(2), "slow": np.ones(2)}
    error = {a: {v: np.full(2, e) for v in truth} for a, e in errors.items()}
    return facts.Segment(participant, "timing", 1.0, size, truth, [error])


def test_pooled_error_weighs_participants_alike():
    one = [segment("a", 0.0, joint=0.1)] * 9 + [segment("b", 0.0, joint=1.0)]
    values = tables.by_participant(one, tables.pooled("joint", "whole"), range(1))
    assert sorted(values) == pytest.approx([-10.0, 0.0])
    assert statistics.interval(values)[0] == pytest.approx(-5.0)
    ratio = tables.by_participant(
        [segment("a", 0.0, joint=0.3, alone=0.6)],
        tables.against("joint", "alone", "whole"),
        range(1),
    )
    assert statistics.ratio(ratio[0]) == pytest.approx(0.5)


def test_the_page_says_what_joint_has_with_nothing_left_out():
    easy, hard = (
        facts.Facts({"eeg": [segment("a", 30.0, **e)], "nirs": []}, [setting], [], 1, set())
        for e, setting in (
            ({"joint": 0.1, facts.UNTOLD: 0.1}, {"share": "timing", "severity": 1.0}),
            ({"joint": 10.0, facts.UNTOLD: 0.5}, {}),
        )
    )
    made = tables.setting_table(easy, hard)
    assert "-3.0 dB (timing 1)" in unspared(made)
    assert "10.0 dB as it is" in unspared(made)
    assert unspared(made.only("method", ["asr"])) == ""


def test_strata_hold_every_segment_once():
    sizes = np.arange(-30.0, 40.0, 0.5)
    all_of = [segment("a", size) for size in sizes]
    columns = list(facts.strata().values())
    assert sum(len(facts.within(all_of, *c)) for c in columns[:-1]) == len(sizes)
    assert len(facts.within(all_of, *columns[-1])) == 50


def test_a_key_changes_with_weights_settings_and_version_only(tmp_path, monkeypatch):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    first.write_bytes(b"weights")
    second.write_bytes(b"others")
    settings = {"cutoff": 10.0, "reach": 1}

    def key(name="asr", given=settings, files=(first, second)):
        return keys.result_key(name, given, files=files)

    usual = key()
    assert key(given=dict(reversed(settings.items()))) == usual  # the same settings
    assert key(files=[second, first]) == usual
    first.touch()
    assert key() == usual
    changed = [key(name="ica"), key(given=settings | {"reach": 2}), key(given={"cutoff": 10.0})]
    changed.append(key(files=[first]))
    second.write_bytes(b"Others")
    changed.append(key())
    second.write_bytes(b"others")
    assert key() == usual
    monkeypatch.setattr(keys, "VERSION", keys.VERSION + 1)
    changed.append(key())
    assert usual not in changed
    assert len(set(changed)) == len(changed)


def test_a_methods_key_holds_its_settings_and_a_networks_weights(tmp_path, monkeypatch):
    from neurofuse.fusion.methods.registry import get_method

    usual = {name: keys.method_key(name) for name in ("wavelet", "cnn")}
    assert keys.method_key("wavelet") == usual["wavelet"]
    changed = {"wavelet": get_method("wavelet", chance=0.5), "cnn": get_method("cnn")}
    monkeypatch.setattr(keys, "baselines", lambda: changed)
    assert keys.method_key("wavelet") != usual["wavelet"]
    assert keys.method_key("cnn") == usual["cnn"]
    weights = tmp_path / "cnn.safetensors"
    weights.write_bytes(b"other weights")
    monkeypatch.setattr(keys, "network_weights", lambda name: [weights])
    assert keys.method_key("cnn") != usual["cnn"]


@pytest.mark.slow
def test_a_run_of_baselines_and_references_makes_a_page(simulated, tmp_path):
    made = [p for p in gain.producers([]) if p.key.split("-")[1] not in ("ica",)]
    recordings = [("sub-1+sub-2", simulated[0]), ("sub-3+sub-4", simulated[0])]
    gain.run(recordings, 1, made, tmp_path, ("timing",), (1.0,))
    files = sorted(tmp_path.glob("*/*_timing_1.0.json"))
    assert len(files) == len(made)
    before = {f: f.stat().st_mtime_ns for f in files}
    gain.run(recordings, 1, made, tmp_path, ("timing",), (1.0,))
    assert {f: f.stat().st_mtime_ns for f in files} == before
    folders = [p.key for p in made]
    given = (tmp_path, folders, [[]], ["sub-1+sub-2"], ("timing",), (1.0,))
    read = facts.Facts.read(*given)
    thresholds, how = mask_thresholds(read, "validation", tmp_path / "thresholds.json")
    run = described(read, "validation", "no weights", how, "")
    everything = facts.Facts.read(*given, counted=facts.EVERYTHING)
    page(gain.tables(read, everything, thresholds), run, "gain").write(tmp_path / "docs/gain.md")
    text = (tmp_path / "docs/gain.md").read_text()
    zero = next(row for row in text.splitlines() if row.startswith("| zero"))
    assert set(zero.replace("| zero |", "").split()) <= {"|", "0.0", "[0.0,", "0.0]", "–"}
    assert json.loads((tmp_path / "thresholds.json").read_text()) == {}
    assert len(text.splitlines()) <= 45
    rows = (tmp_path / "docs/data/gain.csv").read_text().splitlines()
    assert next(row for row in rows if row.startswith("zero,")).count("0.0") == 9


def test_features_of_the_truth_are_the_truths():
    rest, _ = simulate(64, seed=1, severity=0.0)
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


def test_neurovascular_coupling_is_found_at_its_lag_and_rarely_where_there_is_none(
    monkeypatch,
):
    rng = np.random.default_rng(0)

    def slow():
        return neurovascular._ready(rng.standard_normal((2, 480)).cumsum(1))

    power = slow()
    monkeypatch.setattr(neurovascular, "courses", lambda _: (power, np.roll(power, 20, axis=1)))
    assert neurovascular.neurovascular_coupling_p(xr.DataTree()) < 0.05
    assert neurovascular.neurovascular_coupling(xr.DataTree()) > 0.9
    found = 0
    for _ in range(60):
        pair = (slow(), slow())
        monkeypatch.setattr(neurovascular, "courses", lambda _, pair=pair: pair)
        found += neurovascular.neurovascular_coupling_p(xr.DataTree()) < 0.05
    assert found <= 8  # 3 expected
