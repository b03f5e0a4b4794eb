"""Baseline networks: each is held to one constructor, one scale, and to cleaning."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.signal import resample_poly

from neurofuse.fusion.methods.single_series import SINGLE_SERIES
from neurofuse.fusion.metrics.errors import score
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.single_series import NAMES, NETS, apply, weights
from neurofuse.models.single_series.kind import KINDS, changes, ratio, resampled
from neurofuse.models.single_series.learner import Recipe
from neurofuse.models.single_series.loss import reconstruction, residual_error
from neurofuse.models.single_series.net import SATURATIONS, clipped, saturated_copies, scale
from neurofuse.models.single_series.train import train
from neurofuse.models.single_series.windows import SeriesWindows, sample_windows
from neurofuse.models.training.split import SPLIT
from neurofuse.models.weights import digest
from tests.marks import slow

# Sizes small enough for a test. A new net needs a row: `test_every_net_is_tested` fails without.
TINY = {
    "cnn": {"width": 6, "kernels": (3, 5), "dilations": (1,), "steps": 64},
    "unet": {"widths": (4, 6, 8), "kernel": 3, "steps": 128},
    "lstm": {"width": 6, "hidden": 5, "code": 4, "steps": 64},
    "cnn_lstm": {"width": 6, "kernels": (3, 5), "hidden": 5, "steps": 64},
    "dae": {"widths": (4, 6), "kernel": 5, "spread": 0.1, "moving": 0.1},
    "vae": {"width": 6, "code": 4, "kernel": 3, "steps": 64, "beta": 0.01},
    "gan": {
        "width": 6,
        "kernel": 3,
        "dilations": (1, 2),
        "steps": 64,
        "judge": 4,
        "adversarial": 0.2,
    },
    "transformer": {"width": 8, "heads": 2, "layers": 1, "steps": 32},
}
NETWORKS = {network.name: network for network in SINGLE_SERIES}
PACKAGED = [(name, stream) for name in NAMES for stream in KINDS]


def tiny(name: str, length: int = 512, *, level: bool = False):
    """A small net in double precision whose output is no mere copy of its input."""
    torch.manual_seed(3)
    net = NETS[name](2, 8.0, length, level=level, **TINY[name])
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return net.double().eval()


def series(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_every_net_is_tested():
    assert set(TINY) == set(NETS) == set(NAMES)
    for name, sizes in TINY.items():
        assert set(sizes) == set(NETS[name].DEFAULTS), name


@pytest.mark.parametrize("name", NAMES)
def test_one_constructor_and_its_round_trip(name):
    net = NETS[name](3, 8.0, 512, **TINY[name])
    stored = json.loads(json.dumps(net.config))  # as it stands beside the weights
    again = NETS[name].from_config(stored)
    assert json.loads(json.dumps(again.config)) == stored
    assert {k: v.shape for k, v in again.state_dict().items()} == {
        k: v.shape for k, v in net.state_dict().items()
    }
    other = NETS[name](64, 128.0, 1024, level=True)
    shape = {"channels": 64, "rate": 128.0, "length": 1024, "level": True}
    assert other.config == {**NETS[name].DEFAULTS, **shape}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", KINDS)
def test_about_two_hundred_thousand_weights(name, stream):
    kind = KINDS[stream]
    one, many = (
        NETS[name](n, kind.rate, kind.length, level=kind.level).state_dict() for n in (1, 30)
    )
    assert {k: v.shape for k, v in one.items()} == {k: v.shape for k, v in many.items()}
    assert 150_000 < sum(v.numel() for v in one.values()) < 230_000


@pytest.mark.parametrize("name", NAMES)
def test_refused_sizes(name):
    with pytest.raises(ParameterError, match=r"with 'depth'.*some of"):
        NETS[name](1, 8.0, 512, depth=3)
    with pytest.raises(ParameterError, match="multiple of 512"):
        NETS[name](1, 8.0, 500, **TINY[name])
    with pytest.raises(ParameterError, match=r"\(batch, channel, 512\)"):
        tiny(name)(series(0, 1, 2, 400))


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_scale_in_scale_out(name, level):
    net, x = tiny(name, level=level), series(0, 2, 3, 512)
    x[0, 0, 100:140] *= 300
    out = net(x)
    assert out.shape == x.shape
    assert (out - x).abs().max() > 0.01
    for factor in (1e-6, 37.0):
        torch.testing.assert_close(net(factor * x), factor * out, rtol=1e-7, atol=1e-9 * factor)
    assert torch.isfinite(net(torch.zeros(1, 1, 512, dtype=torch.float64))).all()


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_each_series_by_itself(name, level):
    """Any number of channels, in any order, and no channel hears of another."""
    net, x = tiny(name, level=level), series(1, 1, 5, 512)
    out = net(x)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(net(x[:, order]), out[:, order])
    torch.testing.assert_close(net(x[:, 2:3]), out[:, 2:3])
    torch.testing.assert_close(net(x.transpose(0, 1)), out.transpose(0, 1))


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_weight_takes_part(name, level):
    net, x = tiny(name, level=level), series(2, 1, 512)
    net.train()
    found, extra = net.estimate(x)
    losses = net.penalty(found, x, extra)
    total = found.square().mean() + sum(losses.values(), torch.zeros(()))
    total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_what_their_papers_add_to_the_loss():
    clean = series(4, 6, 512)
    dae = tiny("dae")
    same, flat = (dae.penalty(f, clean, {}) for f in (clean, 0.1 * clean))
    assert float(same["spread"]) == 0 < float(flat["spread"])
    level = tiny("dae", level=True)
    assert float(level.penalty(0.1 * clean, clean, {})["spread"]) > 0
    spiky = clean.clone()
    spiky[:, 200] += 50
    assert float(dae.penalty(spiky, clean, {})["moving"]) > 10 * float(same["moving"])
    vae = tiny("vae")
    normal = {"mean": torch.zeros(6, 4, 9), "log_variance": torch.zeros(6, 4, 9)}
    assert float(vae.penalty(clean, clean, normal)["divergence"]) == 0
    moved = normal | {"mean": torch.ones(6, 4, 9)}
    assert float(vae.penalty(clean, clean, moved)["divergence"]) > 0
    judge = tiny("gan").critic()
    assert judge is not None
    assert judge(clean.float(), clean.float()).shape[0] == 6
    assert all(NETS[n].critic(tiny(n)) is None for n in NAMES if n != "gan")


def test_the_vae_samples_in_training_only():
    vae, x = tiny("vae"), series(5, 2, 512)
    torch.testing.assert_close(vae.estimate(x)[0], vae.estimate(x)[0])
    vae.train()
    assert (vae.estimate(x)[0] - vae.estimate(x)[0]).abs().max() > 1e-6


def test_saturated_copies_are_the_signal_below_their_limit():
    x = torch.tensor([[-1e6, -2.0, 0.0, 0.5, 3.0, 40.0]])
    torch.testing.assert_close(clipped(x, 8.0)[0, 1:5], x[0, 1:5], rtol=0.01, atol=0)
    assert saturated_copies(x).shape == (1, len(SATURATIONS), 6)
    assert saturated_copies(x).abs().max() <= SATURATIONS[0]
    torch.testing.assert_close(scale(x), torch.tensor([[2.0]]))


def test_loss_and_score_of_known_errors():
    clean, mask = series(6, 4, 512).float(), torch.zeros(4, 512)
    mask[:3, 100:200] = 1
    windows = SeriesWindows(clean, clean, mask)
    for stream in KINDS:
        nothing, all_gone = (
            residual_error(stream, f, windows) for f in (clean, torch.zeros_like(clean))
        )
        assert len(nothing[0]) == 3
        assert nothing[0].abs().max() == nothing[1].abs().max() == 0
        torch.testing.assert_close(all_gone[0], torch.ones(3))
        good, bad = (sum(reconstruction(stream, f, windows).values()) for f in (clean, 3 * clean))
        assert float(good) < float(bad)
        # loud series do not rule
        louder = SeriesWindows(100 * clean, 100 * clean, mask)
        for one, other in zip(
            reconstruction(stream, 0.5 * clean, windows).values(),
            reconstruction(stream, 50 * clean, louder).values(),
            strict=True,
        ):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("rate", [5.0, 7.8125, 8.0, 10.0, 62.5, 128.0, 250.0, 1000.0])
def test_resampling_there_and_back(rate):
    working = KINDS["eeg" if rate > 50 else "nirs"].rate
    factor = ratio(rate, working)
    assert abs(float(factor) * rate / working - 1) < 1e-5
    time = np.arange(round(30 * rate)) / rate
    wave = np.sin(2 * np.pi * 0.05 * min(rate, working) * time)[None]
    again = resampled(resampled(wave, factor), 1 / factor)[:, : time.size]
    inside = slice(time.size // 5, -time.size // 5)
    np.testing.assert_allclose(again[:, inside], wave[:, inside], atol=0.02)
    np.testing.assert_allclose(resampled(100 + 0 * wave, factor), 100, rtol=1e-12)
    scipys = resample_poly(wave, factor.numerator, factor.denominator, axis=-1, padtype="line")
    np.testing.assert_allclose(resampled(wave, factor), scipys, atol=2e-3)


@pytest.mark.parametrize("stream", KINDS)
def test_windows_come_from_batches_with_their_truth(stream):
    kind, length = KINDS[stream], 4 * KINDS[stream].length
    rng = np.random.default_rng(0)
    shape = (2, 3, length) if stream == "eeg" else (2, 3, 2, length)
    clean = torch.from_numpy(rng.normal(size=shape)).float()
    mask = torch.zeros(2, 3, length)
    mask[..., length // 2 : length // 2 + 50] = 1
    artifact = 20 * (mask if stream == "eeg" else mask[:, :, None]).expand(shape)
    seen = Stream(clean + artifact, torch.zeros(2, 3, 3), kind.rate)
    windows = sample_windows(
        stream, seen, Target(clean, artifact, mask), 40, np.random.default_rng(1)
    )
    assert windows.seen.shape == (40, kind.length)
    moved = (windows.seen - windows.clean).abs()
    assert 0.6 < float(windows.mask.any(-1).float().mean()) < 1
    torch.testing.assert_close(moved, 20 * windows.mask, atol=1e-4, rtol=1e-4)
    again = sample_windows(
        stream, seen, Target(clean, artifact, mask), 40, np.random.default_rng(1)
    )
    other = sample_windows(
        stream, seen, Target(clean, artifact, mask), 40, np.random.default_rng(2)
    )
    assert torch.equal(again.seen, windows.seen)
    assert not torch.equal(other.seen, windows.seen)


def test_changes_are_undone_by_sums():
    level = np.random.default_rng(0).normal(size=(2, 50))
    np.testing.assert_allclose(np.cumsum(changes(level), -1), level - level[:, :1])


class Halves(torch.nn.Module):
    """A stand-in whose artifact is half of what it sees, so that the answer is known."""

    length = 512

    def forward(self, x):
        return x / 2


@pytest.mark.parametrize("length", [1, 2, 7, 300, 512, 513, 2000])
def test_windows_add_up_to_what_the_net_says(length):
    x = np.random.default_rng(1).normal(size=(3, length))
    np.testing.assert_allclose(apply.estimate(Halves(), x), x / 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [128.0, 250.0, 100.0])
@pytest.mark.parametrize("seconds", [0.03, 2.0, 20.0])
def test_eeg_of_any_rate_and_length(rate, seconds):
    net = tiny("cnn", 1024)
    x = np.random.default_rng(2).normal(size=(6, round(rate * seconds)))
    out = apply.clean_eeg(x, rate, net)
    assert out.shape == x.shape
    assert np.isfinite(out).all()
    alone = np.concatenate([apply.clean_eeg(row[None], rate, net) for row in x])
    np.testing.assert_allclose(out, alone, atol=1e-9)
    np.testing.assert_allclose(apply.clean_eeg(1e3 * x, rate, net), 1e3 * out, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rate", [2.0, 7.8125, 10.0, 50.0])
@pytest.mark.parametrize("seconds", [1.0, 30.0, 200.0])
def test_optical_density_of_any_rate_and_length(rate, seconds):
    net = tiny("cnn")
    x = np.random.default_rng(3).normal(size=(3, 2, round(rate * seconds))).cumsum(-1)
    out = apply.clean_nirs(x, rate, net)
    assert out.shape == x.shape
    assert np.isfinite(out).all()
    np.testing.assert_allclose(apply.clean_nirs(x[1:2], rate, net), out[1:2], atol=1e-9)
    np.testing.assert_allclose(apply.clean_nirs(x + 5, rate, net), out + 5, atol=1e-6)


def test_what_is_faster_than_the_working_rate_stays():
    time = np.arange(5000) / 500.0
    wave = np.sin(2 * np.pi * 120 * time)[None]
    out = apply.clean_eeg(wave, 500.0, tiny("cnn", 1024))
    np.testing.assert_allclose(out[:, 500:-500], wave[:, 500:-500], atol=0.02)


RECIPE = Recipe(windows=4, batch=2, simulated=1, validate_every=2, validation_batches=1, sizes=TINY)


@pytest.fixture(scope="module")
def without_data():
    """Train on simulated participants alone: reading real recordings takes longer than training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROFUSE_DATA", "/no/such/folder")
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory, without_data):
    folder = tmp_path_factory.mktemp("networks")
    return folder, train("nirs", folder, steps=4, recipe=RECIPE, command="a test")


def test_weights_and_facts(trained):
    folder, found = trained
    assert set(found) == set(NAMES)
    for name, path in found.items():
        facts = json.loads(path.with_suffix(".json").read_text())
        assert facts["sha256"] == digest(path)
        assert facts["training_data"] == {"nirs": ["simulated-1000000"]}
        assert facts["training"]["seed"] == 0
        assert facts["training"]["steps"] in (2, 4)
        assert facts["command"] == "a test"
        rows = [json.loads(r) for r in (path.parent / "log.jsonl").read_text().splitlines()]
        assert [row["step"] for row in rows] == [2, 4]
        net = weights.load_net(name, "nirs", path.parent)
        assert isinstance(net, NETS[name])
    assert json.loads((folder / "nirs/clock.json").read_text())["seconds"] > 0


@pytest.mark.slow
def test_resumed_training_ends_at_the_same_weights(trained, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(step):
        if step == 3:
            raise StoppedError

    threads, random = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(StoppedError):
        train("nirs", tmp_path, steps=4, recipe=RECIPE, progress=stop)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)
    train("nirs", tmp_path, steps=4, recipe=RECIPE)
    for name in NAMES:
        whole, resumed = (
            load_file(folder / "nirs" / name / "state.safetensors")
            for folder in (trained[0], tmp_path)
        )
        assert set(whole) == set(resumed)
        for part in set(whole) - {"progress"}:
            torch.testing.assert_close(resumed[part], whole[part], msg=f"{name} {part}")


@pytest.mark.slow
def test_a_net_by_itself_sees_the_same_windows(trained, tmp_path):
    train("nirs", tmp_path, steps=4, recipe=RECIPE, names=["gan"])
    one, other = (
        load_file(folder / "nirs/gan/state.safetensors") for folder in (trained[0], tmp_path)
    )
    for part in set(one) - {"progress"}:
        torch.testing.assert_close(other[part], one[part], msg=part)


@pytest.mark.slow
def test_a_run_may_begin_from_weights(trained, tmp_path):
    folder = trained[0] / "nirs" / "gan"
    train("nirs", tmp_path, steps=6, recipe=RECIPE, names=["gan"], start=folder)
    state = load_file(tmp_path / "nirs/gan/state.safetensors")
    step, best, seconds, begun = state["progress"].tolist()
    facts = json.loads((folder / "gan_nirs.json").read_text())
    assert (step, begun) == (6, facts["training"]["steps"])
    assert best <= facts["validation"]["left_db"]
    kept = json.loads((tmp_path / "nirs/gan/gan_nirs.json").read_text())
    assert kept["validation"]["left_db"] == best
    assert seconds >= 60 * facts["training"]["minutes"]


def test_another_recipe_is_refused(trained):
    with pytest.raises(ParameterError, match=r"another recipe.*recipe\.json"):
        train("nirs", trained[0], steps=4, recipe=Recipe(seed=1, sizes=TINY))


def test_weights_that_are_not_there_or_damaged(trained, simulated, tmp_path):
    path = trained[1]["cnn"]
    with pytest.raises(
        ReadError, match=r"no weights cnn_eeg.*benchmarks\.training\.single_series --names cnn"
    ):
        weights.load_net("cnn", "eeg", path.parent)
    with pytest.raises(ParameterError, match=r"net 'resnet'.*cnn, unet"):
        weights.load_net("resnet", "eeg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "PRETRAINED", tmp_path)
        with pytest.raises(ReadError, match=r"no weights dae_eeg\.safetensors of the net 'dae'"):
            NETWORKS["dae"].transform(simulated[1])
    (tmp_path / path.name).write_bytes(path.read_bytes()[:-8] + b"\1" * 8)
    (tmp_path / path.with_suffix(".json").name).write_text(path.with_suffix(".json").read_text())
    with pytest.raises(ReadError, match="SHA-256"):
        weights.load_net("cnn", "nirs", tmp_path)


@pytest.mark.parametrize(("name", "stream"), PACKAGED)
def test_packaged_weights(name, stream):
    net = weights.load_net(name, stream)
    facts = json.loads((weights.PRETRAINED / f"{name}_{stream}.json").read_text())
    kind = KINDS[stream]
    assert (net.rate, net.length) == (kind.rate, kind.length)
    assert facts["parameters"] == sum(p.numel() for p in net.parameters()) < 230_000
    participants = {p for p in facts["training_data"][stream] if not p.startswith("simulated")}
    assert participants
    assert participants <= set(json.loads(SPLIT.read_text())["train"][stream])
    assert facts["command"]


def test_all_got_the_same_training():
    for stream in KINDS:
        stored = [
            json.loads((weights.PRETRAINED / f"{name}_{stream}.json").read_text())["training"]
            for name in NAMES
        ]
        alike = [{k: v for k, v in t.items() if k not in ("steps", "minutes")} for t in stored]
        assert all(one == alike[0] for one in alike)


@pytest.mark.parametrize("name", slow(NAMES))
def test_networks_clean_eeg_better_than_nothing(simulated, name):
    truth, contaminated = simulated
    cleaned = NETWORKS[name].transform(contaminated)
    table = score(truth, contaminated, cleaned).value
    untouched = score(truth, contaminated, contaminated).value
    assert table.loc["eeg", "error_db"] < untouched.loc["eeg", "error_db"] - 3


def test_package_holds_the_weights_in_little_room():
    files = list(Path(weights.PRETRAINED).glob("*.safetensors"))
    assert len(files) == len(PACKAGED)
    assert sum(f.stat().st_size for f in files) < 6.5e6
