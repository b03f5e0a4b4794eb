"""Labs: left out of training, made alike in latents, and devices that are made up."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neurofuse.io.errors import ParameterError
from neurofuse.models.training import train as training
from neurofuse.models.training.config import read_config
from neurofuse.models.training.devices import at_rate, other_device, other_rate
from neurofuse.models.training.domains import Adversary, coral, lab_of, labs
from neurofuse.models.training.split import PARTS, SPLIT
from neurofuse.models.training.windows import WindowSampling, sample_batch
from neurofuse.synth.real_movement import RealMovement

OURS, OTHERS = "fnirs_devices/nirsport2_dtu", "fnirs_clean/finemi"
BEFORE = {"eeg": 1.5303955759694776, "nirs": 1.3391994314410143}  # without these options at all
TINY = {
    "name": "tiny",
    "architecture": {"streams": ["nirs"], "width": 8, "nirs_window": 6.0},
    "steps": 2,
    "warm_steps": 2,
    "batch": 2,
    "window": 20.0,
    "validate_every": 2,
    "validation_batches": 1,
}


@pytest.fixture
def two_labs(clean_corpus):
    """fNIRS at rest of two labs, the second one slower."""
    (one,) = clean_corpus["nirs"]
    slow = at_rate(one.signal, one.rate, 5.0, one.shape[-1] // 2)
    other = replace(one, name=f"{OTHERS}/sub-01", signal=slow, rate=5.0, calm=one.calm[:, ::2])
    return [replace(one, name=f"{OURS}/rec-01"), other]


@pytest.fixture
def data_folder(two_labs, monkeypatch):
    """A data folder with two labs and a donor of each; gives what validation windows are of."""
    movement = RealMovement(np.ones((2, 2, 30)), np.zeros((2, 2, 30)), 10.0)
    donors = {f"{OURS}/rec-03": [movement], f"{OTHERS}/sub-99": [movement]}
    watched: list[str] = []
    checks_of = training.checks_of

    def watch(corpus, *rest):
        watched.extend(clean.name for own in corpus.values() for clean in own)
        return checks_of(corpus, *rest)

    monkeypatch.setattr(training, "load_corpus", lambda *_: two_labs)
    monkeypatch.setattr(training, "load_movements", lambda *_: donors)
    monkeypatch.setattr(training, "checks_of", watch)
    return watched


@pytest.mark.parametrize("left_out", [(), (OURS,)])
def test_what_is_left_out_is_in_no_part_and_gives_no_movements(data_folder, tmp_path, left_out):
    weights = training.train(TINY | {"leave_out": left_out}, tmp_path)
    facts = json.loads(weights.with_suffix(".json").read_text())
    met = {f"{OTHERS}/sub-01", f"{OTHERS}/sub-99"}
    ours = set() if left_out else {f"{OURS}/rec-01", f"{OURS}/rec-03"}
    assert set(facts["training_data"]["nirs"]) == met | ours
    assert set(data_folder) == {n for n in met | ours if n.endswith("-01")}
    assert facts["training"]["leave_out"] == list(left_out)


@pytest.mark.parametrize("beginning", ["fnirs_devices/nirsport3", ""])
def test_beginnings_that_nothing_has_are_refused(beginning):
    with pytest.raises(ParameterError, match="with which no recording's name begins"):
        read_config({"leave_out": [beginning]})


def test_every_participant_of_the_split_has_a_lab():
    split = json.loads(SPLIT.read_text())
    names = [name for part in PARTS for found in split[part].values() for name in found]
    assert all(name.startswith(labs()[lab_of(name)] + "/") for name in names)
    assert labs()[lab_of("simulated-1000000")] == "simulated"
    assert labs()[lab_of("anna")] == "other"


def test_the_adversary_learns_labs_and_latents_learn_the_opposite():
    torch.manual_seed(0)
    adversary, lab = Adversary(4), torch.tensor([0, 1])
    pooled = torch.randn(2, 4, 50, requires_grad=True)
    weights = list(adversary.parameters())
    before = adversary(pooled, lab)
    gradients = torch.autograd.grad(before, [pooled, *weights])
    step = 1e-2
    with torch.no_grad():
        assert adversary(pooled - step * gradients[0], lab) > before
        for weight, gradient in zip(weights, gradients[1:], strict=True):
            weight -= step * gradient
        assert adversary(pooled, lab) < before


def test_coral_is_zero_for_equal_moments_and_grows_with_their_difference():
    torch.manual_seed(0)
    latents, lab = torch.randn(1, 4, 200), torch.tensor([3, 5])
    same = torch.cat([latents, latents.flip(-1)])
    assert float(coral(same, lab)) == pytest.approx(0, abs=1e-12)
    assert float(coral(same + torch.tensor([0.0, 5.0])[:, None, None], lab)) < 1e-9  # means differ
    apart = [float(coral(torch.cat([latents, k * latents]), lab)) for k in (1.5, 2.0)]
    assert 0 < apart[0] < apart[1]
    assert float(coral(same, torch.tensor([3, 3]))) == 0


def test_matched_batches_are_of_several_labs_at_the_slower_rate(two_labs):
    sampling = WindowSampling(window=20.0, batch=8, matched=True)
    drawn = [
        sample_batch({"nirs": two_labs}, sampling, np.random.default_rng(n))["nirs"]
        for n in range(8)
    ]
    mixed = [
        (seen, true)
        for seen, true in drawn
        if true.lab is not None and len(set(true.lab.tolist())) == 2
    ]
    assert mixed
    assert all(seen.rate == 5.0 and seen.signal.shape[-1] == 100 for seen, _ in mixed)
    assert all(torch.isfinite(seen.signal).all() for seen, _ in drawn)


@pytest.mark.parametrize("shape", [(3, 2500), (3, 2, 600)])
def test_other_devices_change_rest_and_never_invent_movement(shape):
    rng = np.random.default_rng(0)
    rest, still = rng.normal(size=shape), np.zeros(shape)
    made = [other_device(rest, still, 50.0, rng) for _ in range(20)]
    assert all(np.isfinite(one).all() and not moved.any() for one, moved in made)
    assert sum(bool(np.abs(one - rest).max() > 1e-6) for one, _ in made) > 10


def test_other_rates_are_never_above_the_recorded_one():
    rng = np.random.default_rng(0)
    for stream, own in (("eeg", 250.0), ("nirs", 1.5), ("nirs", 10.0)):
        assert all(0.99 <= other_rate(stream, own, rng) <= own for _ in range(50))


def test_windows_are_those_of_before_unless_asked_for(clean_corpus):
    batch = sample_batch(clean_corpus, WindowSampling(window=20.0), np.random.default_rng(7))
    found = {s: float(seen.signal.double().abs().mean()) for s, (seen, _) in batch.items()}
    assert found == pytest.approx(BEFORE, rel=1e-3)
    other = WindowSampling(window=20.0, randomised=1.0)
    changed = sample_batch(clean_corpus, other, np.random.default_rng(7))
    assert changed["nirs"][0].rate < batch["nirs"][0].rate


def test_training_with_all_of_it_resumes_and_trains_other_weights(data_folder, tmp_path):
    settings = TINY | {"adversary": 0.1, "coral": 1.0, "randomised": 0.5}
    weights = training.train(settings, tmp_path / "all")
    plain = training.train(TINY, tmp_path / "plain")
    (row,) = (json.loads(r) for r in (weights.parent / "log.jsonl").read_text().splitlines())
    assert {"nirs_adversary", "nirs_coral"} <= set(row)
    state = load_file(weights.parent / "state.safetensors")
    assert any(name.startswith("across_labs.") for name in state)
    assert not any("adversar" in name for name in load_file(weights))
    assert weights.read_bytes() != plain.read_bytes()
    assert training.train(settings, tmp_path / "all", resume=True) == weights
