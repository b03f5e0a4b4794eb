"""Benchmarks of generality and adaptation: which labs, which cases, which devices, which ratios."""

import numpy as np
import pytest

from benchmarks.adaptation.rows import COLUMNS, row
from benchmarks.generality import devices
from benchmarks.generality.cases import moving
from benchmarks.generality.errors import gap
from benchmarks.generality.labs import LABS, met
from benchmarks.generality.train import names, plan_of
from benchmarks.transplant.evaluation import figures
from neurofuse.io import stream_dataset, to_optical_density
from neurofuse.models.training.config import read_config


def test_every_model_but_one_of_a_modality_leaves_one_lab_out():
    for name in names():
        plan = read_config(plan_of(name))
        folders = {lab.folder for lab in met(plan.architecture.streams[0])}
        assert len(plan.leave_out) == (0 if name.endswith("-all") else 1)
        assert set(plan.leave_out) <= folders


def test_nobody_of_a_lab_is_judged_who_was_trained_on():
    for lab in LABS.values():
        assert lab.people(lab.part)
        assert not set(lab.people(lab.part)) & set(lab.people("train"))
        assert lab.part == "validation" or not lab.people("validation")


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_what_moves_is_known(at_rest, stream):
    node = stream_dataset(to_optical_density(at_rest), stream)
    case = moving("somebody", stream, node, 3, 1.0)
    truth = case.truth[case.variable].values
    assert case.motion.any()
    assert figures(case, truth)["error"] == -60  # the least that is told
    assert figures(case, 0 * truth)["error"] == pytest.approx(0, abs=0.1)  # medians are kept
    assert figures(case, case.mixed)["error"] > 0


@pytest.mark.parametrize("name", ["EEG, DC-coupled, drift of 300 µV", "fNIRS, steps of 0.005 OD"])
def test_a_device_records_the_same_movements(name, monkeypatch):
    monkeypatch.setattr(devices, "LENGTH", 30.0)
    _, usual, _ = devices.recorded(devices.USUAL[devices.DEVICES[name].stream], 1)
    recording, case, slow = devices.recorded(name, 1)
    moved, before = (c.mixed - c.truth[c.variable].values for c in (case, usual))
    step = 0.005 if case.modality == "nirs" else 0.0
    assert np.array_equal(case.motion, usual.motion)
    assert np.abs(moved - slow - before).max() <= step + 1e-9
    seen = stream_dataset(recording, case.modality)[case.variable].values
    assert np.array_equal(seen, case.mixed)
    devices.recorded.cache_clear()


def test_gaps_are_paired_by_participant_and_have_no_interval_for_two():
    before = {"a": -4.0, "b": -3.0, "c": -1.0}
    after = {person: error + 1 for person, error in before.items()}
    assert gap(after, before) == "+1.0 [1.0, 1.0]"
    assert gap({"a": -3.0, "b": -3.0}, before) == "+0.5"


def test_a_row_tells_the_mean_ratio_and_the_worst_participant():
    cells = row("nothing", "lab", {"a": -3.0, "b": -3.0}, {"a": -6.0, "b": 0.0})
    assert dict(zip(COLUMNS, cells, strict=True))["error with over without"] == "1.00"
    assert cells[-1] == "2.00"
