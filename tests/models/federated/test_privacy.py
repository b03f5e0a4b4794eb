"""Clipping, noise with its ε, and sums of which nobody sees the summands."""

import json
import math

import numpy as np
import pytest
import torch

from neurofuse.io.errors import NeurofuseError, ReadError
from neurofuse.models.federated.link import Together
from neurofuse.models.federated.masks import masked, new_secret, public_key, scale_of, unmasked_sum
from neurofuse.models.federated.message import unpack
from neurofuse.models.federated.privacy import clipped, epsilon, noise_like
from neurofuse.models.federated.record import ROUNDS
from neurofuse.models.federated.update import norm_of
from neurofuse.models.federated.weights import trained_in, whole
from tests.models.federated.test_rounds import Listening, rows

WEIGHTS = {"a": torch.zeros(30, 20), "one": torch.zeros(()), "b": torch.zeros(400)}
CLIP = 2.0


def changes(count, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        one = {n: torch.from_numpy(rng.normal(size=tuple(w.shape))) for n, w in WEIGHTS.items()}
        made.append(clipped(one, CLIP))
    return made


def summands(given, context="0 0"):
    names = [f"centre{k}" for k in range(len(given))]
    secrets = {name: new_secret() for name in names}
    keys = {name: public_key(secret) for name, secret in secrets.items()}
    scale = scale_of(CLIP, len(given))
    return [
        masked(change, WEIGHTS, name, secrets[name], keys, context, scale)
        for name, change in zip(names, given, strict=True)
    ], scale


def test_clipping_shortens_and_never_lengthens():
    short = {"a": torch.full((4,), 0.1)}
    assert clipped(short, 1.0) is short
    assert clipped(short, float("inf")) is short
    long = {"a": torch.full((4,), 3.0), "b": torch.full((1,), 8.0)}
    assert norm_of(clipped(long, 1.0)) == pytest.approx(1.0)
    torch.testing.assert_close(clipped(long, 1.0)["b"], long["b"] / 10)


def test_masked_sums_equal_plain_sums():
    given = changes(4)
    given[2] = {"b": given[2]["b"]}  # it has not trained the other
    sent, scale = summands(given)
    total = unmasked_sum(sent, WEIGHTS, scale)
    for name in WEIGHTS:
        plain = torch.stack([one.get(name, torch.zeros_like(given[0][name])) for one in given])
        # rounding to whole numbers: half a unit for each centre
        assert (total[name] - plain.sum(0)).abs().max() <= 2.0 / scale


def test_a_masked_summand_tells_nothing_of_its_own():
    still = [{}, *changes(2)]  # who did not change anything at all sends numbers all over the range
    sent, _ = summands(still)
    numbers = torch.cat([t.flatten() for t in sent[0].values()]).double() / 2**31
    assert numbers.abs().mean() == pytest.approx(0.5, abs=0.05)
    again, _ = summands(still, context="0 1")
    assert not torch.equal(sent[0]["b"], again[0]["b"])


def test_a_sum_of_largest_updates_does_not_run_over():
    far = {name: torch.zeros(tuple(w.shape), dtype=torch.float64) for name, w in WEIGHTS.items()}
    far["b"][0] = CLIP
    sent, scale = summands([far] * 8)
    assert float(unmasked_sum(sent, WEIGHTS, scale)["b"][0]) == pytest.approx(8 * CLIP)


@pytest.mark.parametrize("key", ["1", "0", "", "zz", "f" * 600, None])
def test_a_key_that_would_give_the_mask_away_is_refused(key):
    with pytest.raises(ReadError, match="public key"):
        masked({}, WEIGHTS, "a", new_secret(), {"a": "5", "b": key}, "0 0", 1.0)


def test_masked_rounds_end_where_plain_ones_do(make_server, make_centre):
    plans = {"plain": {"clip": CLIP}, "masked": {"clip": CLIP, "masked": True, "fewest": 2}}
    ends = {}
    for kind, plan in plans.items():
        centres = [make_centre(n, seed, f"{kind}-{n}") for n, seed in (("anna", 1), ("eeg", 77))]
        server = make_server(folder=kind, precision="double", weighting="size", **plan)
        server.take_round(Together(centres))
        ends[kind] = trained_in(server.model)
    for name, weight in ends["plain"].items():
        torch.testing.assert_close(ends["masked"][name], weight, rtol=0, atol=2e-7, msg=name)


def test_a_masked_sum_is_made_again_without_a_centre_that_is_lost(make_server, make_centre):
    centres = [make_centre(name, seed) for seed, name in enumerate(("anna", "ben", "cleo"))]
    server = make_server(clip=CLIP, masked=True, fewest=2)
    link = Listening(centres, dead=("ben",), dead_from=1)  # it has trained, and dies then
    server.take_round(link)
    (row,) = rows(server)
    assert row["centres"] == ["anna", "cleo"]
    assert "the sum was made again" in row["missing"]["ben"]
    told = [unpack(message)[0] for message in link.sent[3:]]
    assert [facts["attempt"] for facts in told] == [0, 0, 0, 1, 1]
    assert all("ben" not in facts["keys"] for facts in told[3:])


def test_one_update_is_never_told_without_masks(make_server, make_centre):
    centres = [make_centre(name) for name in ("anna", "ben")]
    server = make_server(clip=CLIP, masked=True, fewest=2)
    link = Listening(centres, dead=("ben",), dead_from=1)
    with pytest.raises(NeurofuseError, match="a masked sum over anna"):
        server.take_round(link)
    assert not any(unpack(message)[1] for message in link.answered[:2])


def test_noise_has_its_size_and_is_that_of_its_seed_and_round():
    noise = noise_like(WEIGHTS, 0.5, 3, 0)
    values = torch.cat([part.flatten() for part in noise.values()])
    assert float(values.std()) == pytest.approx(0.5, rel=0.1)
    assert torch.equal(noise["a"], noise_like(WEIGHTS, 0.5, 3, 0)["a"])
    assert not torch.equal(noise["a"], noise_like(WEIGHTS, 0.5, 3, 1)["a"])


def test_noise_is_added_and_epsilon_told(make_server, make_centre):
    pytest.importorskip("dp_accounting", reason="needs pip install 'neurofuse[federated]'")
    server = make_server(clip=CLIP, noise=1.0, precision="double")
    before = whole(server.model)
    link = Listening([make_centre("anna")])
    server.take_round(link)
    change = unpack(link.answered[0])[1]
    assert norm_of(change) <= CLIP * 1.001
    off = [
        (server.model.state_dict()[name] - before[name] - part).flatten()
        for name, part in change.items()
    ]
    assert float(torch.cat(off).std()) == pytest.approx(CLIP, rel=0.05)
    row = json.loads((server.record.folder / ROUNDS).read_text())
    assert row["epsilon"] == pytest.approx(epsilon(1.0, 1, 1e-5), abs=1e-3)
    assert any("ε = " in line for line in server.record.summary(1e-5))


def test_epsilon_is_that_of_the_renyi_bound():
    pytest.importorskip("dp_accounting", reason="needs pip install 'neurofuse[federated]'")
    noise, rounds, delta = 2.0, 20, 1e-5
    orders = np.arange(1.1, 60, 0.01)
    bound = orders * rounds / (2 * noise**2) + math.log(1 / delta) / (orders - 1)
    assert 0.7 * bound.min() < epsilon(noise, rounds, delta) <= bound.min()
    assert epsilon(0.0, rounds, delta) == math.inf
