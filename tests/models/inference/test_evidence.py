"""Whose evidence it was: the cheap way beside the plain one, and what a Recording holds of it."""

from itertools import chain, combinations

import numpy as np
import pytest
import torch

import neurofuse as nf
from neurofuse.io.formats.netcdf import read_netcdf, write_netcdf
from neurofuse.io.recording import EVIDENCE_INPUTS
from neurofuse.models.explanation.evidence import decode, encode, seen_of
from neurofuse.models.inference.apply import look, passage_of
from neurofuse.models.inference.evidence import evidence_of
from neurofuse.models.inference.shapley import shapley
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.bands import to_frames
from neurofuse.models.joint.rest import at_rest
from neurofuse.models.weights import load_model


@pytest.fixture(scope="module")
def recording():
    """25 s of few channels that move together, with an IMU."""
    options = {"eeg_montage": ["C3", "C4", "Fz"], "nirs_montage": "prefrontal"}
    made = nf.simulate(25.0, seed=6, share="full", bouts_per_minute=8, sensors=True, **options)[1]
    return made.isel(channel=slice(0, 6))


@pytest.fixture(scope="module")
def cleaned(recording):
    return nf.clean(recording)


@pytest.fixture(scope="module", params=["packaged", "without single-modality models"])
def model(request):
    packaged = load_model("joint")
    if request.param == "packaged":
        return packaged
    plain = packaged.architecture.model_copy(update={"single_width": 0})
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return CrossModalAutoencoder(plain).eval()


@pytest.mark.parametrize("players", [("eeg", "nirs", "imu"), ("eeg", "nirs"), ("nirs", "imu")])
def test_values_are_those_of_all_coalitions(recording, model, players):
    given = recording.copy()
    for player, node in {"eeg": "eeg", "imu": "aux"}.items():
        if player not in players:
            del given[node]
    passage = passage_of(given, model)
    assert passage is not None
    trust = look(model, passage)[0].trust(model.architecture.sharing)
    streams, rate = passage.streams(0), model.architecture.latent_rate
    with torch.inference_mode():
        latents = model.encode(streams)
        made = model(streams, trust=trust, latents=latents, uncertainty=False)[0]
        found = evidence_of(model, streams, latents, made, trust)
        seen = seen_of(model, streams, trust)
        parts = {s: encode(model, s, one, seen.near[s]) for s, one in seen.features.items()}
        for name, gate in ((s, one.gate) for s, one in made.items()):
            still = at_rest(name, seen.features[name]).mean(1, keepdim=True)
            quiet = encode(model, name, still, torch.ones(1, 1, 1))
            weight = to_frames(gate, streams[name].rate, rate)[0]
            weight = weight / weight.sum(0).clamp_min(1e-12)
            value = {}
            for inside in chain.from_iterable(combinations(players, n) for n in range(4)):
                kept = {
                    s: one if s in inside else quiet
                    for s, one in parts.items()
                    if s in inside or s == name
                }
                head = seen.head if "imu" in inside else None
                logits = decode(model, name, kept, head, trust)[0]
                value[frozenset(inside)] = (weight * logits).sum(0)
            moving = weight.sum(0) > 0
            assert bool(moving.any())
            for player, wanted in shapley(value, players).items():
                got = found[name][EVIDENCE_INPUTS.index(player)]
                torch.testing.assert_close(got[moving], wanted[moving], atol=1e-4, rtol=1e-4)
                assert not got[~moving].any()
            absent = [n for n, one in enumerate(EVIDENCE_INPUTS) if one not in players]
            assert not found[name][absent].any()


def test_shapley_values_are_those_of_all_orders():
    rng = np.random.default_rng(0)
    players = ("a", "b", "c")
    subsets = [frozenset(p for k, p in enumerate(players) if n >> k & 1) for n in range(8)]
    value = dict(zip(subsets, rng.normal(size=8), strict=True))
    found = shapley(value, players)
    orders = [("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c")]
    orders += [("b", "c", "a"), ("c", "a", "b"), ("c", "b", "a")]
    for player in players:
        gains = []
        for order in orders:
            before = frozenset(order[: order.index(player)])
            gains.append(value[before | {player}] - value[before])
        assert found[player] == pytest.approx(np.mean(gains))
    assert sum(found.values()) == pytest.approx(value[subsets[-1]] - value[subsets[0]])


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_a_cleaned_recording_holds_them_where_it_moves(cleaned, stream):
    node = cleaned[stream].to_dataset()
    assert node.evidence.dims == ("input", "time")
    assert tuple(node.input.values) == EVIDENCE_INPUTS
    moving = (node.gate > 0).any("channel").values
    assert not node.evidence.values[:, ~moving].any()
    certain = (node.gate > 0.9).any("channel").values
    assert (node.evidence.sum("input").values[certain] > 0).mean() > 0.9
    own = node.evidence.sel(input=stream).values[certain]
    assert own.mean() > np.abs(node.evidence.drop_sel(input=stream).values[:, certain]).mean()


def test_they_survive_a_file_and_a_cut(cleaned, tmp_path):
    back = read_netcdf(write_netcdf(cleaned, tmp_path / "a.nc"))
    assert back.identical(cleaned)
    part = cleaned.sel(time=slice(5, 15))
    assert part["eeg"].evidence.sizes["time"] == part["eeg"].sizes["time"]


def test_long_recordings_in_files_hold_them_too(recording, cleaned):
    lazy = recording.copy()
    lazy["eeg"] = lazy["eeg"].to_dataset().chunk(time=1000)
    found = nf.clean(lazy)["eeg"].evidence
    assert found.chunks is not None
    np.testing.assert_array_equal(found.values, cleaned["eeg"].evidence.values)


def test_fast_nirs_holds_them_at_its_own_rate(recording, cleaned):
    node = recording["nirs"].to_dataset()
    at = np.repeat(np.arange(node.sizes["time"]), 4)
    fast = node.isel(time=at).assign_coords(time=node.time.values[0] + np.arange(len(at)) / 40)
    fast.attrs["rate"] = 40.0
    given = recording.copy()
    del given["eeg"], given["aux"]
    given["nirs"] = fast
    found = nf.clean(given)["nirs"]
    assert found.evidence.sizes["time"] == len(at)
    moving = (found.gate > 0.9).any("channel").values
    assert (found.evidence.sel(input="nirs").values[moving] > 0).mean() > 0.9
