"""Training: resumes to the same weights, learns, and refuses what it cannot use."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from neurofuse.io import without_stream, write
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.training.corpus_build import build_corpus
from neurofuse.models.training.joint import JointLearner
from neurofuse.models.training.split import SPLIT, data_folder, left_out
from neurofuse.models.training.train import steps_in_all, train
from neurofuse.models.weights import digest, load_model, packaged

QUICK = Path(__file__).parents[3] / "benchmarks/training/configs/quick.json"
TINY = json.loads(QUICK.read_text()) | {
    "name": "tiny",
    "steps": 6,
    "warm_steps": 3,
    "validate_every": 3,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return train(TINY, folder)


def test_weights_and_facts(trained):
    facts = json.loads(trained.with_suffix(".json").read_text())
    assert facts["sha256"] == digest(trained)
    assert facts["training"]["seed"] == 0
    assert facts["training_data"] == {s: ["simulated-1000000"] for s in ("eeg", "nirs")}
    assert load_model(trained).architecture.width == 8
    rows = [json.loads(r) for r in (trained.parent / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == [3, 6]


@pytest.mark.slow
def test_resumed_training_ends_at_the_same_weights(trained, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(fraction):
        if fraction > 0.5:
            raise StoppedError

    threads, random = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(StoppedError):
        train(TINY, tmp_path, progress=stop)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)
    train(TINY, tmp_path, resume=True)
    whole, resumed = (load_file(f.parent / "state.safetensors") for f in (trained, tmp_path / "x"))
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor, msg=name)


@pytest.mark.slow
def test_windows_sampled_ahead_train_the_same_weights(trained, tmp_path):
    ahead = train(TINY, tmp_path, workers=2)
    assert digest(ahead) == digest(trained)


def test_a_device_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="torch cannot use"):
        train(TINY, tmp_path, device="cuda:99")
    assert not list(tmp_path.iterdir())


def test_a_second_run_does_not_overwrite(trained):
    with pytest.raises(ParameterError, match="an earlier run"):
        train(TINY, trained.parent)


@pytest.mark.parametrize(
    "config", [{"stepz": 5}, {"steps": "many"}, {"architecture": {"depth": 3}}, "absent.json"]
)
def test_refused_configuration(config, tmp_path):
    with pytest.raises(ParameterError, match="training configuration"):
        train(config, tmp_path)


def test_damaged_weights_are_refused(trained, tmp_path):
    copy = tmp_path / trained.name
    copy.write_bytes(trained.read_bytes()[:-8] + b"\0" * 8)
    copy.with_suffix(".json").write_text(trained.with_suffix(".json").read_text())
    with pytest.raises(ReadError, match="SHA-256"):
        load_model(copy)


def test_unknown_name_lists_the_known():
    with pytest.raises(ParameterError, match="joint"):
        load_model("joined")


def test_packaged_models():
    facts = packaged()
    assert set(facts) >= {"joint", "eeg", "nirs"}
    for name in facts:
        model = load_model(name)
        assert "command" in facts[name]
        assert facts[name]["architecture"]["streams"] == list(model.architecture.streams)


def test_packaged_models_were_trained_on_the_training_part_alone():
    train = {p for people in json.loads(SPLIT.read_text())["train"].values() for p in people}
    for facts in packaged().values():
        for participants in facts["training_data"].values():
            real = {p for p in participants if not p.startswith("simulated")}
            assert real
            assert real <= train


def test_partition_by_subject():
    split = json.loads(SPLIT.read_text())
    parts = [split[p] for p in ("train", "validation", "test")]
    for kind in parts[0]:
        assert all(len(part[kind]) == len(set(part[kind])) > 0 for part in parts)
    people = [{person for kind in part.values() for person in kind} for part in parts]
    assert sum(map(len, people)) == len(set().union(*people))


@pytest.mark.slow
def test_training_begins_from_given_weights(trained, tmp_path):
    plan = {k: v for k, v in TINY.items() if k != "architecture"}
    plan |= {"start": str(trained), "steps": 1, "warm_steps": 0, "learning_rate": 1e-12}
    again = train(plan, tmp_path)
    before, after = load_file(trained), load_file(again)
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0, msg=name)
    facts = json.loads(again.with_suffix(".json").read_text())
    assert facts["training"]["start"] == str(trained)
    assert steps_in_all(facts) == TINY["steps"] + 1
    assert (
        facts["architecture"]
        == json.loads(trained.with_suffix(".json").read_text())["architecture"]
    )


def test_settings_that_shape_no_weights_may_differ_from_the_start(trained, tmp_path):
    architecture = TINY["architecture"] | {"witnessed": False}
    weights = train(TINY | {"start": str(trained), "architecture": architecture}, tmp_path)
    assert not load_model(weights).architecture.witnessed
    before, after = load_file(trained), load_file(weights)
    heard = [name for name in before if name.endswith("witnessed.weight")]
    assert heard
    for name in heard:  # nothing of it takes part; weight decay alone may shrink it
        assert float((after[name] - before[name]).abs().max()) < 1e-3


def test_probabilities_of_windows_are_checked(tmp_path):
    with pytest.raises(ParameterError, match="rain"):
        train(TINY | {"windows": {"rain": 0.5}}, tmp_path)
    with pytest.raises(ParameterError, match="less than or equal"):
        train(TINY | {"windows": {"still": 1.5}}, tmp_path)


def test_another_architecture_than_that_of_the_start_is_refused(trained, tmp_path):
    with pytest.raises(ParameterError, match="architecture"):
        train(TINY | {"start": str(trained), "architecture": {"width": 12}}, tmp_path)
    with pytest.raises(ParameterError, match="one of eeg, joint-live, joint-small, joint, nirs"):
        train({"start": "joined"}, tmp_path)


@pytest.fixture(scope="module")
def own(tmp_path_factory, at_rest):
    """Files of 30 s of two participants, one with both modalities."""
    folder = tmp_path_factory.mktemp("own")
    both, light = at_rest.sel(time=slice(0, 30)), at_rest.sel(time=slice(40, 70))
    light = without_stream(light, "eeg")
    return [str(write(r, folder / n)["recording"]) for n, r in (("anna", both), ("ben", light))]


@pytest.mark.slow
def test_own_recordings_are_trained_on(own, tmp_path):
    plan = TINY | {"window": 15.0, "simulated": 1, "real": False}
    plan |= {"own": {"train": {"anna": own[:1]}, "validation": {"ben": own[1:]}}}
    facts = json.loads(train(plan, tmp_path).with_suffix(".json").read_text())
    assert facts["training_data"] == {s: ["anna", "simulated-1000000"] for s in ("eeg", "nirs")}


@pytest.mark.slow
def test_a_share_of_the_participants_is_trained_on_from_files_and_from_a_store(own, tmp_path):
    people = dict.fromkeys(("anna", "carl"), own[:1])
    plan = TINY | {"window": 15.0, "simulated": 0, "real": False, "steps": 0}
    plan |= {"architecture": TINY["architecture"] | {"streams": ["nirs"]}}
    plan |= {"own": {"train": people, "validation": {"ben": own[1:]}}}
    store = build_corpus(plan | {"simulated": 1}, tmp_path / "corpus.zarr")
    plan |= {"share_of_participants": 0.5}
    expected = sorted(people.keys() - left_out(0.5, 0, people))
    assert len(expected) == 1
    for source, also in (({}, []), ({"corpus": str(store)}, ["simulated-1000000"])):
        weights = train(plan | source, tmp_path / f"run-{len(also)}")
        facts = json.loads(weights.with_suffix(".json").read_text())
        assert facts["training_data"] == {"nirs": expected + also}


def test_a_smaller_share_is_part_of_a_larger_one_and_has_one_of_each_kind():
    kinds = [set(people) for people in json.loads(SPLIT.read_text())["train"].values()]
    everyone = set().union(*kinds)
    for seed in (0, 1):
        kept = [everyone - left_out(share, seed) for share in (1.0, 0.3, 0.1, 0.001)]
        assert kept[0] == everyone
        assert kept[0] > kept[1] > kept[2] > kept[3]
        for kind in kinds:
            assert [len(kind & some) for some in kept[1:]] == [
                max(1, round(share * len(kind))) for share in (0.3, 0.1, 0.001)
            ]
    assert left_out(0.1, 0) != left_out(0.1, 1)
    assert left_out(0.1, 0, ["anna"]) == left_out(0.1, 0)


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, "half"])
def test_a_share_that_is_none_is_refused(share, tmp_path):
    with pytest.raises(ParameterError, match="share_of_participants"):
        train(TINY | {"share_of_participants": share}, tmp_path)


def test_no_participant_is_in_training_and_validation(own, tmp_path):
    plan = TINY | {"own": {"train": {"anna": own}, "validation": {"anna": own}}}
    with pytest.raises(ParameterError, match="anna in training and in validation"):
        train(plan, tmp_path)


def test_participants_without_a_modality_or_too_short_are_not_enough(own, tmp_path):
    plan = TINY | {"simulated": 0, "real": False}
    plan |= {"own": {"train": {"anna": own[:1]}, "validation": {"ben": own[1:]}}}
    with pytest.raises(ParameterError, match=r"no recording for validation .* eeg"):
        train(plan | {"window": 15.0}, tmp_path)
    with pytest.raises(ParameterError, match="no recording for train that holds 60 s"):
        train(plan | {"window": 60.0}, tmp_path)


@pytest.mark.slow
def test_a_run_is_resumed_with_its_own_configuration_only(trained, tmp_path):
    shutil.copytree(trained.parent, tmp_path / "run")
    with pytest.raises(ParameterError, match="begun with another learning_rate, seed"):
        train(TINY | {"learning_rate": 1e-4, "seed": 3}, tmp_path / "run", resume=True)
    train(TINY, tmp_path / "run", resume=True)


@pytest.mark.slow
def test_the_score_of_the_starting_weights_is_kept(trained, tmp_path):
    plan = TINY | {"start": str(trained), "architecture": None}
    del plan["architecture"]
    weights = train(plan, tmp_path)
    scores = json.loads(weights.with_suffix(".json").read_text())["validation"]
    before = json.loads(trained.with_suffix(".json").read_text())["validation"]
    assert scores["start_score"] == pytest.approx(before["score"], rel=1e-6)
    assert before["start_score"] is None


@pytest.mark.slow
def test_a_score_that_is_no_number_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(
        JointLearner, "validate", lambda self: (float("nan"), {"eeg_db": float("nan")})
    )
    with pytest.raises(ParameterError, match=r"a validation score of nan after step 3 .*eeg_db"):
        train(TINY, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_file_in_both_parts_is_refused(tmp_path):
    own = {"train": {"anna": ["a/../rest.edf"]}, "validation": {"ben": ["rest.edf"]}}
    with pytest.raises(ParameterError, match=r"rest\.edf in training and in validation"):
        train(TINY | {"own": own}, tmp_path)


def test_only_data_that_were_named_are_read(tmp_path, monkeypatch):
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("NEUROFUSE_DATA", raising=False)
    assert data_folder() is None
    monkeypatch.setenv("NEUROFUSE_DATA", str(tmp_path / "shared" / "data"))
    assert data_folder() == tmp_path / "shared" / "data"


def test_single_modality_models_become_part_of_a_joint_one_and_stay_as_they_are(trained, tmp_path):
    single = {}
    for stream in ("eeg", "nirs"):
        architecture = TINY["architecture"] | {"streams": [stream], "width": 6}
        plan = TINY | {"name": stream, "architecture": architecture, "steps": 1, "warm_steps": 0}
        single[stream] = str(train(plan, tmp_path / stream))
    plan = {k: v for k, v in TINY.items() if k != "architecture"}
    plan |= {"start": str(trained), "single": single, "warm_steps": 0}
    written = load_file(train(plan | {"steps": 0}, tmp_path / "written"))
    further = train(plan | {"steps": 2}, tmp_path / "further")
    tensors = load_file(further)
    for stream, name in single.items():
        for key, tensor in load_file(name).items():
            kept = f"single.{stream}.{key}"
            assert torch.equal(tensors[kept], tensor), key
            assert torch.equal(written[kept], tensor), key
    own = "encoders.eeg.enter.weight"
    assert torch.equal(written[own], load_file(trained)[own])
    assert not torch.equal(tensors[own], written[own])
    assert load_model(further).architecture.single_width == 6
    with pytest.raises(ParameterError, match="single-modality models"):
        train(plan | {"single": {"eeg": single["nirs"], "nirs": single["eeg"]}}, tmp_path / "no")
