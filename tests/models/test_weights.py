"""Weights on disk: calibration among them, those of older versions, and refused ones."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import neurofuse as nf
from neurofuse.io.errors import ReadError
from neurofuse.io.recording import build, stream_dataset
from neurofuse.models.inference.apply import estimate_artifacts
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.single_series.weights import _load, load_net
from neurofuse.models.weights import PRETRAINED, digest, load_model, save_model


def rewritten(folder, change_facts, *, without=()):
    """The packaged joint weights in a folder, without some tensors and with other facts."""
    path = folder / "joint.safetensors"
    tensors = load_file(PRETRAINED / path.name)
    save_file({k: v for k, v in tensors.items() if k not in without}, path)
    facts = json.loads((PRETRAINED / "joint.json").read_text())
    change_facts(facts)
    path.with_suffix(".json").write_text(json.dumps(facts | {"sha256": digest(path)}))
    return path


def test_calibration_is_part_of_the_state_and_moves_along(tmp_path):
    model = CrossModalAutoencoder(Architecture(width=8))
    assert model.state_dict()["calibration"].tolist() == [1.0, 1.0]
    assert model.to("meta").calibration.device.type == "meta"
    model = CrossModalAutoencoder(Architecture(width=8))
    model.calibration.copy_(torch.tensor([1.25, 0.1]))
    path = tmp_path / "own.safetensors"
    save_model(path, model, "own", {}, {}, {}, "a test")
    again = load_model(path)
    assert torch.equal(again.calibration, model.calibration)
    assert json.loads(path.with_suffix(".json").read_text())["architecture"]["latent_rate"] == 10


def test_weights_of_an_older_version(tmp_path):
    new = load_model("joint")
    factors = dict(zip(("eeg", "nirs"), new.calibration.tolist(), strict=True))
    old_fields = {"streams", "width", "eeg_window", "eeg_lags", "nirs_window", "gated", "filtered"}

    def as_before(facts):
        facts["doubt"] = factors
        kept = {k: v for k, v in facts["architecture"].items() if k in old_fields}
        facts["architecture"] = kept

    gone = ("calibration", *(name for name in new.state_dict() if name.startswith("single.")))
    old = load_model(rewritten(tmp_path, as_before, without=gone))
    assert old.architecture == new.architecture.model_copy(update={"single_width": 0})
    for name, tensor in new.state_dict().items():
        if name in gone[1:]:
            continue
        assert torch.equal(old.state_dict()[name], tensor), name


def test_calibration_scales_the_deviation(simulated):
    contaminated = build(stream_dataset(simulated[1], "eeg").sel(channel=["C3", "C4", "Pz"]))
    model = load_model("eeg")
    one = estimate_artifacts(contaminated, model, uncertainty=True)["eeg"]
    model.calibration *= 2
    other = estimate_artifacts(contaminated, model, uncertainty=True)["eeg"]
    assert (one.deviation > 0).any()
    assert other.deviation == pytest.approx(2 * one.deviation)
    assert (one.artifact == other.artifact).all()
    assert estimate_artifacts(contaminated, model)["eeg"].deviation is None


def test_settings_out_of_bounds_are_refused(tmp_path):
    path = rewritten(tmp_path, lambda facts: facts["architecture"].update(latent_rate=0.0))
    with pytest.raises(ReadError, match=r"joint\.safetensors that does not fit its JSON"):
        load_model(path)


@pytest.mark.parametrize("load", [lambda: load_model("nirs"), lambda: load_net("dae", "nirs")])
def test_loading_leaves_the_random_state(load):
    _load.cache_clear()
    before = torch.get_rng_state()
    load()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.fill_(float("nan")), "not finite"),
        (lambda t: t[0].fill_(1e30), "above 10000"),
    ],
)
def test_values_that_no_training_leaves_are_refused(tmp_path, change, message):
    path = rewritten(tmp_path, lambda facts: None)
    tensors = load_file(path)
    change(next(tensor for tensor in tensors.values() if tensor.dim() > 1))
    save_file(tensors, path)
    facts = json.loads(path.with_suffix(".json").read_text()) | {"sha256": digest(path)}
    path.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(ReadError, match=message):
        load_model(path)


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    path = rewritten(tmp_path, lambda facts: None)
    path.write_bytes(b"\xff" * 1000)
    facts = json.loads(path.with_suffix(".json").read_text()) | {"sha256": digest(path)}
    path.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(ReadError, match=r"does not fit its JSON \(SafetensorError\)"):
        load_model(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = rewritten(tmp_path, lambda facts: None)
    with path.open("r+b") as file:
        file.truncate(2**40)  # a sparse file
    with pytest.raises(ReadError, match=r"of 1\.1e\+12 bytes"):
        load_model(path)


@pytest.mark.parametrize(
    ("field", "value"), [("width", 10**6), ("eeg_window", 1e12), ("eeg_lags", [0.0] * 6000)]
)
def test_settings_out_of_bounds_are_refused_by_clean(tmp_path, simulated, field, value):
    path = rewritten(tmp_path, lambda facts: facts["architecture"].update({field: value}))
    with pytest.raises(ReadError, match="describes no model"):
        nf.clean(simulated[0], path)


def test_a_pair_that_was_cut_off_between_its_two_moves_is_completed(tmp_path):
    path = rewritten(tmp_path, lambda facts: None)
    new = path.with_suffix(".json").rename(path.with_suffix(".json.tmp"))
    path.with_suffix(".json").write_text((PRETRAINED / "eeg.json").read_text())  # of other weights
    assert load_model(path).architecture.streams == ("eeg", "nirs")
    assert not new.exists()
    new.write_text('{"sha256": "cut o')
    assert load_model(path).architecture.streams == ("eeg", "nirs")
