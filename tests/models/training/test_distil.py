"""A student learns from its teacher, repeatably, and a teacher that does not fit is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neurofuse.io.errors import ParameterError
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training.config import read_config
from neurofuse.models.training.distil import FILTER, Teacher, take_filters, taught_loss
from neurofuse.models.training.train import train
from neurofuse.models.training.windows import WindowSampling, sample_batch
from neurofuse.models.weights import load_facts, load_model

QUICK = Path(__file__).parents[3] / "benchmarks/training/configs/quick.json"
PLAN = json.loads(QUICK.read_text()) | {
    "name": "pupil",
    "teacher": "joint",
    "architecture": {"width": 4},
    "steps": 4,
    "warm_steps": 4,
    "validate_every": 2,
    "partner_dropout": 0.0,
}


@pytest.fixture(scope="module")
def streams(clean_corpus):
    sampling = WindowSampling(20.0, 1).unaugmented()
    batch = sample_batch(clean_corpus, sampling, np.random.default_rng(3))
    return {s: seen for s, (seen, _) in batch.items()}


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    return train(PLAN, tmp_path_factory.mktemp("taught"))


def test_what_is_told_is_told_once_a_window(streams):
    teacher = Teacher(load_model("joint"))
    first = teacher.tell(streams)
    assert teacher.tell(dict(streams)) is first
    assert teacher.tell({"eeg": streams["eeg"]}) is not first
    told = first[1]["eeg"]
    assert not told.gate_logit.requires_grad
    assert not any(p.requires_grad for p in teacher.model.parameters())


def test_features_of_the_teacher_serve_the_student(streams):
    teacher = Teacher(load_model("joint"))
    student = CrossModalAutoencoder(Architecture(width=4))
    latents = student.encode(streams, teacher.tell(streams)[0])
    for name, latent in student.encode(streams).items():
        torch.testing.assert_close(latents[name].channel, latent.channel)


def test_the_loss_is_lowest_for_what_the_teacher_says(streams):
    told = Teacher(load_model("joint")).tell(streams)[1]["nirs"]
    off = replace(
        told,
        gate_logit=told.gate_logit + 1,
        fraction_logit=told.fraction_logit + 1,
        clean=told.clean + 1,
    )
    same, worse = taught_loss(told, told), taught_loss(off, told)
    assert same["taught_odds"] == same["taught_clean"] == 0
    assert all(same[name] < worse[name] for name in same)


def test_filters_are_the_teachers():
    teacher = load_model("joint")
    student = CrossModalAutoencoder(Architecture(width=4))
    take_filters(student, teacher)
    for stream, names in FILTER.items():
        for name in names:
            assert torch.equal(getattr(student, name), getattr(teacher.single[stream], name))


def test_a_student_is_trained_and_says_who_was_met(taught):
    rows = [json.loads(r) for r in (taught.parent / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == [2, 4]
    assert {"eeg_taught_gate", "nirs_taught_share", "eeg_gate"} <= rows[0].keys()
    met = load_facts(taught)["training_data"]
    assert set(load_facts("joint")["training_data"]["eeg"]) <= set(met["eeg"])
    assert load_facts(taught)["training"]["teacher"] == "joint"


@pytest.mark.slow
def test_a_stopped_student_ends_at_the_same_weights(taught, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(fraction):
        if fraction > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(PLAN, tmp_path, progress=stop)
    train(PLAN, tmp_path, resume=True)
    whole, resumed = (
        load_file(folder / "state.safetensors") for folder in (taught.parent, tmp_path)
    )
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor, msg=name)


def test_a_run_begun_before_there_were_teachers_goes_on(taught, tmp_path):
    alone = PLAN | {"teacher": "", "steps": 1, "validate_every": 1}
    train(alone, tmp_path)
    begun = json.loads((tmp_path / "plan.json").read_text())
    del begun["plan"]["teacher"]
    (tmp_path / "plan.json").write_text(json.dumps(begun))
    assert train(alone, tmp_path, resume=True).exists()


@pytest.mark.parametrize(
    ("teacher", "differs"), [("eeg", "streams"), ("joint-live", "causal"), ("joint", "bands")]
)
def test_a_teacher_that_hears_something_else_is_refused(teacher, differs):
    shape: dict[str, object] = {"width": 4}
    if differs == "bands":
        shape["bands"] = {"eeg": [4.0, 8.0], "nirs": [0.1, 0.5, 2.0]}
    with pytest.raises(ParameterError, match=differs):
        read_config(PLAN | {"teacher": teacher, "architecture": shape})
