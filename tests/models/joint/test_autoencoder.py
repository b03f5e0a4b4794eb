"""The network: montage-agnostic, scale-equivariant, closed motion masks, absent streams."""

from dataclasses import replace

import pytest
import torch

from neurofuse.models.joint.architecture import Architecture, Bands, MotionMask
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.bands import frame_count, split, to_frames, to_samples
from neurofuse.models.joint.tensors import Stream
from neurofuse.models.joint.witnesses import Trust, agreements


def streams(batch=1, eeg=5, nirs=3, waves=2, seconds=12, eeg_rate=125.0, nirs_rate=8.0):
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    return {
        "eeg": Stream(
            draw(batch, eeg, int(seconds * eeg_rate)), 0.1 * draw(batch, eeg, 3), eeg_rate
        ),
        "nirs": Stream(
            draw(batch, nirs, waves, int(seconds * nirs_rate)),
            0.1 * draw(batch, nirs, 3),
            nirs_rate,
        ),
    }


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    mask = MotionMask(eeg=(0.25, 0.75))  # probabilities of a random network are near 0.5
    return CrossModalAutoencoder(Architecture(width=8, motion_mask=mask)).eval()


def test_bands_sum_to_the_signal():
    x = torch.randn(2, 3, 1000)
    torch.testing.assert_close(split(x, 250.0, Bands().eeg).sum(-2), x, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("rate", [5.0, 10.0, 256.0])
def test_frames_and_samples_keep_a_slow_ramp(rate):
    length = int(20 * rate)
    ramp = torch.arange(length)[None] / rate
    frames = to_frames(ramp, rate, 10.0)
    assert frames.shape[-1] == frame_count(length, rate, 10.0)
    back = to_samples(frames, rate, length, 10.0)
    inner = slice(int(rate), -int(rate))
    assert (back - ramp)[:, inner].abs().max() < 0.15


@pytest.mark.parametrize(
    "sizes",
    [
        {"eeg": 1, "nirs": 1},
        {"eeg": 40, "nirs": 2},
        {"waves": 1},
        {"waves": 3},
        {"eeg_rate": 500.0, "nirs_rate": 3.9},
        {"seconds": 2},
    ],
)
def test_any_montage_and_rate(model, sizes):
    given = streams(**sizes)
    found, motion = model(given)
    for name, stream in given.items():
        assert found[name].artifact.shape == stream.signal.shape
        assert torch.isfinite(found[name].artifact).all()
    assert set(motion) == {"eeg", "nirs"}


@pytest.mark.parametrize("name", ["eeg", "nirs"])
def test_one_stream_absent(model, name):
    given = {name: streams()[name]}
    found, motion = model(given)
    assert set(found) == {name}
    assert set(motion) == {"eeg", "nirs"}


def test_scale_in_scale_out(model):
    given = streams()
    scaled = {name: Stream(1e3 * s.signal, s.position, s.rate) for name, s in given.items()}
    plain, large = model(given)[0], model(scaled)[0]
    for name in given:
        wanted = 1e3 * plain[name].artifact
        torch.testing.assert_close(large[name].artifact, wanted, rtol=1e-2, atol=1.0)


def test_order_of_channels_is_free(model):
    given = streams()
    order = [4, 2, 0, 1, 3]
    eeg = given["eeg"]
    shuffled = Stream(eeg.signal[:, order], eeg.position[:, order], eeg.rate)
    plain = model(given)[0]["eeg"].artifact
    permuted = model(given | {"eeg": shuffled})[0]["eeg"].artifact
    torch.testing.assert_close(permuted, plain[:, order], rtol=1e-3, atol=1e-4)


def test_a_closed_mask_leaves_samples(model):
    found, _ = model(streams())
    for estimate in found.values():
        shut = estimate.gate == 0
        artifact = estimate.artifact if estimate.artifact.ndim == 3 else estimate.artifact.amax(2)
        assert (artifact[shut] == 0).all()


def test_the_other_modality_counts_as_far_as_it_is_believed(model):
    both = streams()
    alone = {name: model({name: both[name]})[0][name] for name in both}
    none, half, full = (model(both, trust=Trust(torch.tensor([w]), {}))[0] for w in (0.0, 0.5, 1.0))
    for name in both:
        torch.testing.assert_close(none[name].gate_logit, alone[name].gate_logit)
        assert not torch.allclose(full[name].gate_logit, alone[name].gate_logit)
        assert not torch.allclose(half[name].gate_logit, full[name].gate_logit)


def test_the_window_itself_tells_how_far(model):
    both = streams()
    latents = model.encode(both)
    a = model.architecture
    trust = agreements(model.movement(latents), None, a.latent_rate, a.sharing).trust(a.sharing)
    given, found = model(both, trust=trust)[0], model(both, latents=latents)[0]
    for name in both:
        torch.testing.assert_close(given[name].artifact, found[name].artifact)


def with_head(both, movement):
    return {name: replace(stream, head=movement) for name, stream in both.items()}


def test_the_head_counts_as_far_as_it_is_believed(model):
    one = {"nirs": streams()["nirs"]}
    moves = torch.rand(1, 300, generator=torch.Generator().manual_seed(0))
    alone = model(one)[0]["nirs"]
    for weight, same in ((0.0, True), (1.0, False)):
        trust = Trust(None, {"nirs": torch.tensor([weight])})
        told = model(with_head(one, moves), trust=trust)[0]["nirs"]
        assert torch.allclose(told.gate_logit, alone.gate_logit, atol=1e-5) == same


@pytest.mark.parametrize("frames", [5, 10_000])
def test_a_head_of_another_length_is_no_error(model, frames):
    found = model(with_head(streams(), torch.zeros(1, frames)))[0]
    for name, estimate in model(streams())[0].items():
        torch.testing.assert_close(found[name].gate_logit, estimate.gate_logit)


def test_a_loud_burst_of_few_electrodes_opens_the_mask(model):
    few, many = streams(eeg=2, seconds=20), streams(eeg=9, seconds=20)
    for given, opened in ((few, True), (many, False)):
        eeg = given["eeg"]
        loud = eeg.signal.clone()
        loud[:, 0, 1000:1250] *= 30
        plain, burst = (
            model({"eeg": Stream(x, eeg.position, eeg.rate)})[0]["eeg"].gate[0, 0, 1050:1200]
            for x in (eeg.signal, loud)
        )
        assert bool((burst == 1).all()) == opened
        assert (plain < 1).any()


def test_no_variance_unless_asked(model):
    found, _ = model(streams(), uncertainty=False)
    assert all(estimate.variance is None for estimate in found.values())


@pytest.fixture(scope="module")
def beside_single(model):
    """The joint model with models of each modality, of another width, as part of it."""
    torch.manual_seed(1)
    return CrossModalAutoencoder(model.architecture.model_copy(update={"single_width": 6})).eval()


@pytest.mark.parametrize("others", [Trust(torch.tensor([0.0]), {}), None])
def test_where_the_partner_counts_for_nothing_the_result_is_the_single_models(
    beside_single, others
):
    both = streams()
    for name, stream in both.items():
        given = both if others else {name: stream}
        found = beside_single(given, trust=others)[0][name]
        single = beside_single.single[name]({name: stream})[0][name]
        for field in ("gate_logit", "fraction_logit", "clean", "artifact", "variance"):
            torch.testing.assert_close(getattr(found, field), getattr(single, field))


def test_where_the_partner_counts_fully_half_of_the_estimate_is_the_single_models(beside_single):
    both = streams()
    fully = Trust(torch.tensor([1.0]), {})
    mixed = beside_single(both, trust=fully)[0]
    latents = beside_single.encode(both)
    movement = beside_single.movement(latents)
    fused = beside_single.fusion({s: latent.pooled for s, latent in latents.items()})
    for name, latent in latents.items():
        evidence = beside_single.witnessed_by(name, movement, None, fully)
        other = beside_single.decoders[name](latent.channel, fused, latent.near, evidence)[0]
        own = beside_single.single[name]({name: both[name]})[0][name].gate_logit
        torch.testing.assert_close(mixed[name].gate_logit, (own + other) / 2)
