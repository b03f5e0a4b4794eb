"""The network: montage-agnostic, scale-equivariant, closed motion masks, absent streams."""

import pytest
import torch

from neurofuse.models.joint.architecture import Architecture, Bands
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.bands import frame_count, split, to_frames, to_samples
from neurofuse.models.joint.tensors import Stream


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
    return CrossModalAutoencoder(Architecture(width=8)).eval()


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


def test_the_other_modality_counts(model):
    given = streams()
    with_partner = model(given)[0]["eeg"].gate_logit
    alone = model({"eeg": given["eeg"]})[0]["eeg"].gate_logit
    assert not torch.allclose(with_partner, alone)


def test_the_other_modality_raises_motion_probability_and_never_lowers_it(model):
    both = streams()
    together, _ = model(both)
    raised = 0.0
    for name in both:
        alone, _ = model({name: both[name]})
        more = together[name].gate_logit - alone[name].gate_logit
        assert (more > -1e-5).all()
        assert (together[name].fraction_logit - alone[name].fraction_logit > -1e-5).all()
        raised += more.sum().item()
    assert raised > 0
