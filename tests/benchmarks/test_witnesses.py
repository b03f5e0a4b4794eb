"""The benchmark of witnesses of movement, on made recordings whose figures are known."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.common.methods import JOINT
from benchmarks.witnesses import __main__ as command
from benchmarks.witnesses import arms, bounds, cases, evaluation
from neurofuse.io import eeg_dataset, nirs_dataset, stream_dataset
from neurofuse.models.inference import passage
from neurofuse.models.inference.head_activity import head_activity
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder

RATE = {"eeg": 100.0, "nirs": 10.0}
SECONDS = 60
EEG_NAMES = ["Fp1", "Fp2", "C3", "C4"]


def eeg(seed):
    samples = 1e-5 * np.random.default_rng(seed).standard_normal((4, int(SECONDS * RATE["eeg"])))
    return eeg_dataset(samples, RATE["eeg"], EEG_NAMES)


def nirs(seed):
    """Pairs along a line."""
    rng = np.random.default_rng(seed)
    density = 1e-3 * rng.standard_normal((6, 2, int(SECONDS * RATE["nirs"])))
    place = np.stack([np.linspace(-0.05, 0.05, 6), np.full(6, 0.08), np.full(6, 0.04)], -1)
    ends = {"source_position": place, "detector_position": place + np.array([0, 0, 0.03])}
    names = ([f"{end}{n}" for n in range(6)] for end in "SD")
    return nirs_dataset(density, RATE["nirs"], [760, 850], *names, variable="od", **ends)


@pytest.fixture
def known(monkeypatch):
    """Three EEG people and two fNIRS people, with two seeds."""
    made = {n: eeg(k) for k, n in enumerate("abc")}, {n: nirs(k) for k, n in enumerate("xy")}
    monkeypatch.setattr(cases, "people", lambda part: made)
    return cases.cases("validation", [1, 2])


def samples(recording, stream):
    return np.asarray(stream_dataset(recording, stream)["eeg" if stream == "eeg" else "od"].values)


def test_a_seed_pairs_people_anew_with_pairs_beside_each_other(known):
    assert [(c.eeg_person, c.nirs_person) for c in known[:3]] == [
        ("a", "y"),
        ("b", "x"),
        ("c", "y"),
    ]
    assert [(c.eeg_person, c.nirs_person) for c in known[3:]] == [
        ("a", "x"),
        ("b", "y"),
        ("c", "x"),
    ]
    assert [c.pairs for c in known] == [2, 2, 2, 4, 4, 4]
    assert len({c.seed for c in known}) == len(known)
    for case in known:
        across = case.rest["nirs"].source_position.values[:, 0]
        assert np.diff(across) == pytest.approx(0.02)


def test_a_stranger_is_another_person_in_both_modalities(known):
    for case in known:
        other = cases.stranger(case, known)
        assert other.eeg_person != case.eeg_person
        assert other.nirs_person != case.nirs_person
    with pytest.raises(ValueError, match="no other partner"):
        cases.stranger(known[0], known[:1])


def test_arms_are_given_what_their_names_say(known):
    case, other = known[0], cases.stranger(known[0], known)
    made = list(arms.arms(case, other, "strong"))
    assert len({(a.name, a.setting, a.electrodes, a.streams) for a in made}) == len(made)
    for arm in made:
        sensors = arm.name in (arms.IMU, arms.OTHER_IMU)
        own, strange = (cases.moving(c, arm.setting, "strong", sensors) for c in (case, other))
        stream = arm.streams[0]
        partner = arms.PARTNER[stream]
        few = arm.electrodes == arms.TWO
        electrodes = slice(2 if few or stream == "eeg" else 4)
        scored = samples(own, stream)
        assert np.array_equal(
            samples(arm.given, stream), scored[electrodes] if stream == "eeg" else scored
        )
        if arm.name in (arms.MISMATCHED, arms.MOTIONLESS):
            source = strange if arm.name == arms.MISMATCHED else case.rest
            expected = samples(source, partner)
            if partner == "eeg":
                expected = expected[electrodes]
            assert np.array_equal(samples(arm.given, partner), expected)
        elif arm.name == JOINT:
            assert len(samples(arm.given, "eeg")) == (2 if few else 4)
        else:
            assert partner not in arm.given.children
        assert ("aux" in arm.given.children) == (sensors or arm.name in (arms.TIMES, arms.TOLD))
        if sensors:
            source = own if arm.name == arms.IMU else strange
            assert np.array_equal(arm.given["aux/ACC"].ACC.values, source["aux/ACC"].ACC.values)
    timing = {a.name for a in made if a.setting == "timing" and a.electrodes == arms.ALL}
    assert timing == {JOINT, arms.MISMATCHED, arms.MOTIONLESS}


def test_every_comparison_has_its_arms(known):
    made = {
        (stream, a.setting, a.electrodes, a.name)
        for a in arms.arms(known[0], known[4], "weak")
        for stream in a.streams
    }
    for one in evaluation.COMPARISONS:
        both = (arms.ALONE, arms.SINGLE)
        references = both if one.reference == evaluation.BETTER else (one.reference,)
        assert (one.stream, one.setting, one.electrodes, one.arm) in made
        for name in references:
            assert any(
                (one.stream, one.setting, e, name) in made for e in (one.electrodes, arms.NONE)
            )


def test_an_imu_sees_what_turns_the_head(known):
    energy = {
        setting: np.mean(
            [cases.moving(c, setting, "strong", True)["aux/GYRO"].GYRO.values.var() for c in known]
        )
        for setting in ("turning", "unseen")
    }
    assert energy["turning"] > 20 * energy["unseen"]


def test_a_method_that_changes_nothing_has_ratios_of_one(known, monkeypatch):
    monkeypatch.setattr(arms, "repaired", lambda recording, model: recording)
    monkeypatch.setattr(evaluation, "cases", lambda part, seeds: known)
    model = untrained()
    table = evaluation.evaluate(model, model, model, limit=3)
    assert table.case.nunique() == 3
    assert (table.error > 0).all()
    results = evaluation.summary(table)
    assert {tuple(r) for r in results[["stream", "setting"]].to_numpy()} == {
        (c.stream, c.setting) for c in evaluation.COMPARISONS
    }
    assert results[["mean", "low", "high", "median"]].to_numpy() == pytest.approx(1)
    made = command.page(table, "validation")
    assert len(made.data[""].rows) == len(evaluation.COMPARISONS) > len(made.table.rows)
    assert "1.00 [1.00, 1.00]" in made.markdown("witnesses")


def test_the_truth_has_no_error(known, monkeypatch):
    def perfect(recording, model):
        return known[0].rest

    monkeypatch.setattr(arms, "repaired", perfect)
    models = dict.fromkeys([JOINT, "eeg", "nirs"], untrained())
    found = list(arms.errors(known[0], known[1], "strong", models))
    assert found
    assert all(row["error"] == 0 for row in found)


def table_of(errors):
    """Rows of fNIRS with timing shared; `errors` by arm and electrodes, one a case."""
    rows = []
    for (arm, electrodes), values in errors.items():
        for number, value in enumerate(values):
            facts = {"case": number, "pairs": 1, "eeg_person": "a", "nirs_person": "xxy"[number]}
            facts |= {"severity": "weak", "stream": "nirs", "setting": "timing", "view": "band"}
            rows.append(facts | {"electrodes": electrodes, "arm": arm, "error": value})
    return pd.DataFrame(rows)


def figure(results, arm, reference):
    found = results[(results.arm == arm) & (results.reference == reference)]
    return found.iloc[0] if len(found) else None


def test_ratios_are_by_person_and_over_the_better_of_both():
    alone, single = [1.0, 1.0, 1.0], [0.5, 2.0, 4.0]  # alone is better, though not in each case
    table = table_of(
        {
            (JOINT, arms.ALL): [0.5, 0.5, 0.125],
            (arms.ALONE, arms.NONE): alone,
            (arms.SINGLE, arms.NONE): single,
        }
    )
    results = evaluation.summary(table)
    better = figure(results, JOINT, evaluation.BETTER)
    assert better is not None
    assert better["mean"] == pytest.approx(0.25)  # 0.5 of one person, 0.125 of the other
    assert (better["low"], better["high"]) == pytest.approx((0.125, 0.5))
    assert better["median"] == pytest.approx(0.5)
    assert (better["participants"], better["cases"]) == (2, 3)
    assert figure(results, arms.MISMATCHED, arms.ALONE) is None
    swapped = table.assign(error=table.error.where(table.arm != arms.SINGLE, 0.25))
    over_single = figure(evaluation.summary(swapped), JOINT, evaluation.BETTER)
    assert over_single is not None
    assert over_single["mean"] == pytest.approx(1.0)


def test_cases_without_a_reference_do_not_count():
    table = table_of({(arms.SINGLE, arms.NONE): [2, 2, 2], (arms.ALONE, arms.NONE): [1, 1]})
    row = figure(evaluation.summary(table), arms.SINGLE, arms.ALONE)
    assert row is not None
    assert (row["mean"], row["cases"]) == (pytest.approx(2), 2)


def moving_alone(case):
    recording = cases.moving(case, "timing", "strong")
    perfect = bounds.with_perfect_imu(recording.drop_nodes("eeg"))
    return perfect, recording["nirs"].motion.values.any(0)


def test_a_perfect_imu_tells_when_the_optodes_move(known):
    perfect, mask = moving_alone(known[0])
    assert 0.02 < mask.mean() < 0.9
    moves = head_activity(perfect, 0.0, SECONDS * 10, 10.0)
    assert moves is not None
    near = np.convolve(mask, np.ones(7), "same") > 0
    assert moves[mask].mean() > 0.9
    assert moves[~near].mean() < 0.1


def untrained(single_width=0):
    torch.manual_seed(0)
    return CrossModalAutoencoder(Architecture(single_width=single_width)).eval()


@pytest.mark.parametrize("single_width", [0, 8])
def test_true_times_shift_motion_for_and_against_and_only_inside(known, monkeypatch, single_width):
    monkeypatch.setattr(passage, "WINDOWS_AT_ONCE", 1)  # windows in order, to compare them
    perfect, mask = moving_alone(known[0])
    model = untrained()

    def logits(shift):
        """Of the windows that are cleaned; those looked at before are not shifted."""
        monkeypatch.setattr(bounds, "SHIFT", shift)
        made, plain = [], CrossModalAutoencoder._filter

        def listening(self, name, stream, latent, decoded, **options):
            made.append(decoded[0])
            return plain(self, name, stream, latent, decoded, **options)

        with monkeypatch.context() as patched:
            patched.setattr(CrossModalAutoencoder, "_filter", listening)
            with bounds.told(model):
                arms.repaired(perfect, model)
        return torch.cat(made, -1)

    before = gate(perfect, model)
    difference = (logits(3.0) - logits(0.0)).numpy() / 3
    changed = difference[np.abs(difference) > 1e-6]
    assert np.abs(difference).max() <= 1 + 1e-5
    assert (changed > 0).mean() == pytest.approx(mask.mean(), abs=0.1)
    assert np.quantile(changed, [0.02, 0.98]) == pytest.approx([-1, 1], abs=0.1)
    assert np.array_equal(gate(perfect, model), before)


def gate(recording, model):
    return arms.repaired(recording, model)["nirs"].gate.values
