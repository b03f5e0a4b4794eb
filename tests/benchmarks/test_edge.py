"""Costs are those counted by hand, small weights go first, and power is what the sources say."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.edge import compress, cost, curve, energy, errors, exported, quantised, startup
from benchmarks.edge.counts import Count, Counter, count
from benchmarks.edge.power import BUDGET, CHIPS, PULP
from benchmarks.edge.smaller import rounded, smaller, stored_bytes, without_smallest
from neurofuse.models.export.graph import graphs
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.features import feature_count
from neurofuse.models.joint.layers import DECODED, ENCODED, ENTRY, FUSED
from neurofuse.models.joint.tensors import Stream

FRAMES, CHANNELS, WIDTH = 200, 3, 4


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return CrossModalAutoencoder(Architecture(streams=("eeg",), width=WIDTH)).eval()


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(0)
    signal = torch.from_numpy(rng.normal(size=(1, CHANNELS, 5000)).astype(np.float32))
    return Stream(signal, torch.zeros(1, CHANNELS, 3), 250.0)


def test_the_network_counts_as_by_hand(network, stream):
    bands = len(network.architecture.bands.eeg) + 1
    block = 3 * WIDTH**2 + WIDTH**2
    features = feature_count("eeg", bands)
    encoder = CHANNELS * (ENTRY * features * WIDTH + len(ENCODED) * block) + 3 * WIDTH**2
    fusion = WIDTH**2 + len(FUSED) * block
    decoder = CHANNELS * (3 * WIDTH**2 + len(DECODED) * block + WIDTH * (1 + 2 * bands))
    pools = 2 * CHANNELS**2 * WIDTH
    found = count(network, {"eeg": stream})
    assert found.network == FRAMES * (encoder + fusion + decoder + pools)
    assert found.activations == CHANNELS * FRAMES * (features + WIDTH)
    assert found.filters > 0


def test_operations_count_as_by_hand():
    x = torch.randn(2, 8, 8)
    with Counter([]) as counter:
        _ = x @ x
    assert counter.filters == 2 * 8**3
    with Counter([]) as counter:
        torch.fft.rfft(torch.randn(5, 16))
    assert counter.filters == 5 * 16 * 4
    with Counter([]) as counter:
        _ = x.to(torch.complex64) @ x.to(torch.complex64)
    assert counter.filters == 4 * 2 * 8**3
    square = x @ x.transpose(1, 2) + torch.eye(8)
    with Counter([]) as counter:
        factor = torch.linalg.cholesky_ex(square)[0]
        torch.cholesky_solve(x[..., :3], factor)
    assert counter.filters == pytest.approx(2 * (8**3 / 6 + 3 * 8**2))


def test_what_cannot_be_counted_is_not_passed_over():
    with pytest.raises(NotImplementedError, match="not counted"), Counter([]):
        torch.linalg.qr(torch.randn(3, 3))


def test_memory_is_that_of_tensors_alive():
    with Counter([]) as counter:
        for _ in range(5):
            made = torch.zeros(1000)
            same = made.view(10, 100)
            del made, same
    assert counter.memory == 4000


def test_pruning_keeps_zeros_and_takes_the_smallest():
    weight = torch.tensor([[0.1, -0.2, 3.0, -4.0], [0.05, 1.0, 2.0, -0.5]])[..., None]
    left = without_smallest(weight, 0.5)
    assert (left == 0).sum() == 4
    assert torch.equal(left[left != 0], torch.tensor([3.0, -4.0, 1.0, 2.0]))
    assert torch.equal(rounded(left, 4) == 0, left == 0)


@pytest.mark.parametrize("bits", [8, 6, 4])
def test_rounding_leaves_few_values_close_to_the_weights(bits):
    weight = torch.randn(3, 50, 2, generator=torch.Generator().manual_seed(1))
    coarse = rounded(weight, bits)
    for before, after in zip(weight, coarse, strict=True):
        assert len(after.unique()) <= 2**bits - 1
        step = before.abs().max() / (2 ** (bits - 1) - 1)
        assert (after - before).abs().max() <= 0.5001 * step
    assert torch.equal(rounded(weight, 0), weight)


def test_smaller_models_are_copies(network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    made = smaller(network, pruned=0.5, bits=4)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    for layer, same in zip(made.modules(), network.modules(), strict=True):
        if isinstance(layer, nn.Conv1d):
            assert (layer.weight == 0).float().mean() >= 0.49
            assert layer.bias is None or torch.equal(layer.bias, same.bias)
    assert stored_bytes(network) == 4 * sum(p.numel() for p in network.parameters())
    assert stored_bytes(network, 4) < stored_bytes(network, 8) < 0.6 * stored_bytes(network)


def test_power_is_what_the_sources_say():
    assert PULP.milliwatts(21e6) == pytest.approx(1.0)
    # an EEGNet of 13 million multiply-adds in 0.627 mJ
    assert PULP.milliwatts(13.17e6) == pytest.approx(0.627, rel=0.01)
    assert all(chip.source for chip in CHIPS)
    assert CHIPS[-1].milliwatts(1e6) > BUDGET


def _row(model, severity, person, after, modality="eeg", montage="8 + 8", pair=0):
    return errors.Row(model, modality, montage, severity, person, pair, 10.0, after)


def test_people_count_once_and_differences_are_of_the_same_windows():
    joint = [_row("joint", "weak", "a", -5), _row("joint", "strong", "a", -3)]
    joint += [_row("joint", "weak", "b", -8, pair=1)]
    small = [replace(r, model="small", after=r.after + 0.5) for r in joint]
    assert errors.by_person(joint) == [-4, -8]
    assert errors.by_person(joint, "reduction") == [14, 18]
    assert errors.difference(small, joint) == [0.5, 0.5]
    with pytest.raises(KeyError):
        errors.difference(small, joint[:1])
    with pytest.raises(ValueError, match="same windows"):
        errors.difference([replace(r, before=11.0) for r in small], joint)


def test_errors_of_a_model_that_takes_nothing_away_are_those_before(clean_case, network):
    nothing = CrossModalAutoencoder(Architecture(streams=("eeg",), width=WIDTH))
    with torch.no_grad():
        bias = nothing.get_parameter("decoders.eeg.leave.bias")
        bias[0] = -100  # the motion mask stays shut
    (row,) = errors.rows({"nothing": nothing.eval()}, iter([clean_case]))
    assert row.after == pytest.approx(row.before)
    assert row.before > -10


@pytest.fixture(scope="module")
def clean_case(at_rest):
    from neurofuse.models.training.corpus import clean_stream
    from neurofuse.models.training.windows import WindowSampling, sample_batch

    clean = clean_stream(at_rest, "eeg", "simulated")
    assert clean is not None
    sampling = WindowSampling(20.0, 2, (8, 8), severity=(1.0, 1.0)).unaugmented()
    batch = sample_batch({"eeg": [clean]}, sampling, np.random.default_rng(5))
    return errors.Case("8 + 8", "strong", 0, {"eeg": "simulated"}, batch)


def test_a_curve_goes_on_where_it_stopped(tmp_path):
    facts = {"name": "width-4", "parameters": 2431, "training": {"steps": 200}}
    made = tmp_path / "width-4/width-4.json"
    made.parent.mkdir()
    scores = {"step": 100, "eeg_db": -5.0, "nirs_db": -4.0}
    made.write_text(json.dumps(facts | {"validation": scores}))
    assert curve.points(tmp_path) == []
    made.write_text(json.dumps(facts | {"validation": scores | {"step": 200}}))
    assert curve.points(tmp_path) == [curve.Point("width-4", 2431, 200, -5.0, -4.0)]


def test_the_page_is_one_screen(monkeypatch, tmp_path):
    found = []
    for step in (*compress.STEPS, compress.UNFILTERED):
        for name in ("joint", "joint-small"):
            model = name if step == "float" else f"{name}, {step}"
            for modality in ("eeg", "nirs"):
                for montage in errors.MONTAGES:
                    for severity in errors.SEVERITIES:
                        found += [
                            _row(model, severity, person, -5.0, modality, montage, pair)
                            for pair, person in enumerate("abc")
                        ]
    weights = [compress.WHOLE, compress.WHOLE.with_stem("joint-small")]
    monkeypatch.setattr(compress, "load_model", lambda _: CrossModalAutoencoder())
    spent = [
        cost.Cost(name, montage, 1000, Count(6e7, 6e7, 10, 10), False)
        for name in ("joint", "joint-small")
        for montage in cost.MONTAGES
    ]
    made = energy.page(found, weights, spent, [curve.Point("width-4", 2431, 200, -5.0, -4.0)] * 6)
    text = made.markdown("edge")
    assert len(text.splitlines()) <= 50
    assert "estimate" in text
    assert "without a source" in text.replace("\n", " ")
    assert "15.0, 15.0" in text
    energy.draw(made.data[""], tmp_path / "edge.png")
    assert (tmp_path / "edge.png").stat().st_size > 1000


def test_operators_that_are_named_compute_in_eight_bits(network):
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    model = graphs(weights, ("eeg",)).models["fusion"]
    rng = np.random.default_rng(0)
    seen = [{"latents": rng.normal(size=(1, WIDTH, 50)).astype(np.float32)} for _ in range(3)]
    (wanted,) = quantised.session(model).run(None, seen[0])
    apart = []
    for operators in (["MatMul"], ["Gelu"], None):  # it has no product of matrices
        made = quantised.rounded(model, operators, seen)
        (found,) = quantised.session(made).run(None, seen[0])
        apart.append(np.abs(found - wanted).max())
    assert apart[0] == 0 < apart[1] < 0.1 * np.abs(wanted).max()
    assert apart[1] < apart[2]


def test_the_page_of_exports_is_one_screen():
    bits = [
        quantised.Rounded(model, operators, name, modality, 0.2 * k, 0.9)
        for model in exported.WEIGHTS
        for operators in (quantised.CONVOLUTIONS, *quantised.BESIDE)
        for k, name in enumerate("ab")
        for modality in ("eeg", "nirs")
    ]
    close = [exported.Parity(m, b, 80.0, 0.01, 0.99, 12) for m in exported.WEIGHTS for b in (32, 8)]
    names = [f"{startup.FIRST}, {name}" for name in startup.NAMES]
    times = {name: [4.0, 3.0] for name in (*names, startup.WHOLE, startup.NETWORK)}
    assert set(exported.WANTED) <= set(times)
    text = exported.page(times, close, bits).markdown("edge_export")
    assert len(text.splitlines()) <= 50
    assert "norms 0.10, 0.10" in text.replace("\n", " ")
    assert "| 4 | 3 | 0.75 | 0.40 |" in text
