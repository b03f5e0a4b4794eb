"""The network frame by frame is the network that was trained."""

from itertools import pairwise

import numpy as np
import torch

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.causal_bands import BandSplitter, Drift, drift_so_far, frame_edges
from neurofuse.models.joint.causal_features import RunningFeatures
from neurofuse.models.joint.running import CAPACITY, STRIDE, RunningQuantile
from neurofuse.models.joint.tensors import Stream
from neurofuse.models.joint.witnesses import Trust
from neurofuse.models.live.estimate import LiveEstimate

SECONDS, FRAMES = 30, 300
LATE = 4  # frames by which fNIRS is decoded later


def signals():
    rng = np.random.default_rng(0)
    eeg, nirs = rng.normal(size=(5, SECONDS * 250)), rng.normal(size=(4, 2, SECONDS * 10))
    eeg[:, 2500:3000] *= 10
    nirs[..., 100:120] *= 8
    places = {"eeg": rng.normal(0, 0.07, (5, 3)), "nirs": rng.normal(0, 0.07, (4, 3))}
    return eeg.astype(np.float32), nirs.astype(np.float32), places


def test_frame_by_frame_is_as_in_training():
    torch.manual_seed(0)
    architecture = Architecture(causal=True)
    model = CrossModalAutoencoder(architecture).eval()
    for name, weight in model.named_parameters():
        if "witnessed" in name:  # begins with nothing
            torch.nn.init.normal_(weight, std=0.3)
    eeg, nirs, places = signals()
    position = {s: torch.tensor(p[None], dtype=torch.float32) for s, p in places.items()}
    streams = {
        "eeg": Stream(torch.from_numpy(eeg[None]), position["eeg"], 250.0),
        "nirs": Stream(torch.from_numpy(nirs[None]), position["nirs"], 10.0),
    }
    with torch.no_grad():
        wanted, _ = model(streams, trust=Trust(torch.tensor([0.6]), {}), wiener=False)
    weights = {k: v.numpy() for k, v in model.state_dict().items()}
    live = LiveEstimate(weights, architecture, places)
    live.trust = {"partner": 0.6}
    live.compared = FRAMES  # it compares no movements here
    running = {
        "eeg": RunningFeatures("eeg", 5, 1, 250.0, architecture),
        "nirs": RunningFeatures("nirs", 4, 2, 10.0, architecture),
    }
    found = {"eeg": {}, "nirs": {}}
    for k in range(FRAMES):
        parts = {"nirs": nirs.reshape(8, -1)[:, k : k + 1], "eeg": eeg[:, 25 * k : 25 * k + 25]}
        for s, part in parts.items():
            frames = running[s].push(part.astype(float), 1)
            decoded = live.push(s, k, frames.features[0])
            found[s][decoded.frame] = decoded
    for s, late in (("eeg", 0), ("nirs", LATE)):
        motion = torch.sigmoid(wanted[s].gate_logit[0]).numpy()[:, : FRAMES - late]
        told = np.stack([found[s][k].motion for k in range(FRAMES - late)], 1)
        np.testing.assert_allclose(told, motion, atol=1e-5)
        assert np.ptp(motion) > 0.01


def test_features_of_frames_are_those_of_the_whole():
    eeg, _, _ = signals()
    architecture = Architecture(causal=True)
    whole = RunningFeatures("eeg", 5, 1, 256.0, architecture).push(eeg[:, :5120].astype(float), 200)
    running = RunningFeatures("eeg", 5, 1, 256.0, architecture)
    edges = frame_edges(0, 200, 256.0, 10.0)
    parts = [running.push(eeg[:, a:b].astype(float), 1) for a, b in pairwise(edges)]
    features = np.concatenate([p.features for p in parts])
    np.testing.assert_allclose(features, whole.features, atol=1e-9)
    bands = np.concatenate([p.bands for p in parts], -1)
    np.testing.assert_allclose(bands, whole.bands, atol=1e-9)


def test_bands_sum_to_the_signal_and_hold_their_frequencies():
    time = np.arange(5000) / 250
    x = np.stack([np.sin(2 * np.pi * f * time) for f in (1.0, 10.0, 50.0)])
    bands = BandSplitter(3, 250.0, (2.0, 4.0, 8.0, 13.0, 30.0)).push(x)
    np.testing.assert_allclose(bands.sum(1), x, atol=1e-12)
    energy = (bands[..., 1000:] ** 2).mean(-1)
    assert energy[0].argmax() == 0
    assert energy[1].argmax() in (2, 3)  # the filters are not steep
    assert energy[2].argmax() == 5


def test_drift_is_followed_from_the_past_alone():
    rng = np.random.default_rng(0)
    slow = np.linspace(0, 5, 15000)
    x = (slow + rng.normal(size=15000))[None]
    followed = drift_so_far(x, 250.0, 10.0)
    assert np.abs(followed[0, 5000:] - slow[5000:]).max() < 5 * 20 / 60 + 0.5
    changed = x.copy()
    changed[:, 10000:] += 100
    assert np.array_equal(drift_so_far(changed, 250.0, 10.0)[:, :10000], followed[:, :10000])
    assert Drift(1, 10.0).push(np.full((1, 25), 3.0)).tolist() == [[3.0] * 25]


def test_a_running_quantile_is_that_of_the_last_minute():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 2))
    running = RunningQuantile(0.3)
    found = [running.push(row, frame) for frame, row in enumerate(values)][-1]
    minute = values[-CAPACITY * STRIDE :]
    assert np.abs(found - np.quantile(minute, 0.3, axis=0)).max() < 0.25
