"""Explanations of the model's evidence: complete, exact, and of the weights that were trained."""

import numpy as np
import pytest
import torch

from benchmarks.explanation.pointing import rank_correlation
from neurofuse.models.explanation.attribution import attribute
from neurofuse.models.explanation.evidence import evidence, seen_of
from neurofuse.models.explanation.explain import Place, explain
from neurofuse.models.explanation.filter_shares import shares_of_channels, weights_of
from neurofuse.models.inference.apply import look, passage_of
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.weights import load_model
from neurofuse.synth import simulate


@pytest.fixture(scope="module")
def recording():
    """25 s of few channels that move together, with an IMU."""
    options = {"eeg_montage": ["C3", "C4", "Fz"], "nirs_montage": "prefrontal"}
    made = simulate(25.0, seed=6, share="full", bouts_per_minute=8, sensors=True, **options)[1]
    return made.isel(channel=slice(0, 6))


@pytest.fixture(scope="module")
def model():
    return load_model("joint").requires_grad_(False)


@pytest.fixture(scope="module")
def window(recording, model):
    passage = passage_of(recording, model)
    assert passage is not None
    trust = look(model, passage)[0].trust(model.architecture.sharing)
    streams = passage.streams(0)
    return streams, seen_of(model, streams, trust), trust


@pytest.mark.parametrize("name", ["eeg", "nirs"])
def test_evidence_is_the_logit_of_the_mask(window, model, name):
    streams, seen, trust = window
    with torch.inference_mode():
        made = model(streams, trust=trust, uncertainty=False)[0][name]
        torch.testing.assert_close(evidence(model, name, seen), made.gate_logit)


def test_attributions_are_complete_and_point_at_the_movement(window, model, recording):
    _, seen, _ = window
    motion = recording["eeg"].motion.values
    at = np.flatnonzero(motion.any(0))[0] / 250.0
    frames = slice(int(10 * at), int(10 * at) + 10)
    found = attribute(model, "eeg", seen, torch.arange(3), frames)
    assert found.incomplete <= 0.02
    assert found.total > 0
    assert found.head != 0
    strength = found.features["eeg"].sum((0, 1))
    assert frames.start - 5 <= int(strength.argmax()) <= frames.stop + 5


def test_attributions_depend_on_the_weights(window, model):
    _, seen, _ = window
    with torch.random.fork_rng():
        torch.manual_seed(0)
        other = CrossModalAutoencoder(model.architecture).requires_grad_(False).eval()
    channels, frames = torch.arange(6), slice(0, seen.features["nirs"].shape[-1])
    own, random = (
        attribute(one, "nirs", seen, channels, frames, (6,)).features["nirs"].sum(-1).flatten()
        for one in (model, other)
    )
    assert abs(rank_correlation(own, random)) < 0.6


def test_movements_are_explained_by_the_window_that_holds_them(recording, model):
    motion = recording["eeg"].motion.values.any(0)
    at = np.flatnonzero(motion)[0] / 250.0
    place = Place("eeg", at, at + 1.0, (0, 1, 2))
    [found] = explain(recording, [place], model)
    assert found is not None
    assert found.weights is not None
    assert found.bands == {}
    assert np.isnan(found.incomplete)
    alone = recording.copy()
    del alone["nirs"], alone["aux"]
    assert explain(alone, [Place("nirs", at, at + 1, (0,))], model) == [None]


def test_shares_of_channels_add_up_to_the_correction(model):
    _, moving = simulate(20.0, seed=6, eeg_montage=9, nirs_montage=None, bouts_per_minute=9)
    passage = passage_of(moving, model)
    assert passage is not None
    streams = passage.streams(0)
    with torch.inference_mode():
        latents = model.encode(streams)
        made = model(streams, latents=latents, wiener=False, uncertainty=False)[0]["eeg"]
        found = weights_of(model, streams["eeg"], latents["eeg"], made)
    whole = shares_of_channels(model, found, 0, streams["eeg"].signal.shape[-1])
    torch.testing.assert_close(whole.sum(0), torch.ones(9))
    assert float(whole.diagonal().mean()) > float(whole.mean())  # mostly a channel's own
    assert float(shares_of_channels(model, found, -1e6, -1e6).abs().max()) == 0
