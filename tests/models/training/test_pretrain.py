"""Pretraining: what is hidden is never seen, and encoder and fusion alone change."""

import numpy as np
import pytest
import torch

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.features import features
from neurofuse.models.joint.network import neighbours
from neurofuse.models.training.pretrain import (
    HIDDEN,
    Reconstruction,
    UnlabelledWindows,
    hidden_loss,
    hide,
    pretrain,
)
from neurofuse.models.training.windows import WindowSampling


@pytest.fixture(params=[("eeg",), ("nirs",), ("eeg", "nirs")], ids="-".join)
def model(request):
    torch.manual_seed(0)
    return CrossModalAutoencoder(Architecture(streams=request.param, width=8))


@pytest.fixture
def windows(model, clean_corpus):
    corpus = {s: clean_corpus[s] for s in model.architecture.streams}
    return UnlabelledWindows(corpus, WindowSampling(20.0, 2), seed=0)


def test_what_is_hidden_is_never_seen(model, windows):
    streams, rng = windows(0)
    a = model.architecture
    seen = {s: features(s, stream, a)[1].detach() for s, stream in streams.items()}
    near = {s: neighbours(stream.position, a.neighbourhood) for s, stream in streams.items()}
    hidden = {s: hide(len(x), x.shape[1], x.shape[-1], rng) for s, x in seen.items()}
    given = {s: x.clone().requires_grad_() for s, x in seen.items()}
    told = Reconstruction(model)(given, near, hidden)
    hidden_loss(told, seen, hidden).backward()
    for s, x in given.items():
        assert x.grad is not None
        slope = x.grad.abs().sum(2)
        assert float(slope[hidden[s]].max()) == 0.0
        assert float(slope[~hidden[s]].max()) > 0.0


def test_hidden_stretches_are_of_all_channels_and_one_channel_is_seen():
    rng = np.random.default_rng(0)
    for channels in (1, 5):
        hidden = hide(6, channels, 600, rng)
        assert hidden.shape == (6, channels, 600)
        shared = hidden.all(1).float().mean(-1)
        assert float(shared.min()) >= HIDDEN
        assert float(shared.max()) < HIDDEN + 40 / 600


def test_encoder_and_fusion_alone_learn_and_again_the_same(model, windows):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    made = []
    for _ in range(2):
        model.load_state_dict(before)
        torch.manual_seed(0)
        pretrain(model, windows, 2, 3e-3)
        made.append({k: v.clone() for k, v in model.state_dict().items()})
    changed = {k for k, v in made[0].items() if not torch.equal(v, before[k])}
    assert {name.partition(".")[0] for name in changed} == {"encoders", "fusion"}
    for name, tensor in made[0].items():
        assert torch.equal(tensor, made[1][name]), name
