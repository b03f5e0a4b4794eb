"""Prediction of fNIRS channels from each other."""

import pytest
import torch

from neurofuse.models.joint.across_channels import predict_from_others, shares_of_prediction
from neurofuse.models.joint.architecture import AcrossChannels

RATE = 8.0


def shared(channels=6, noise=0.3, seconds=120):
    """Channels (1, channel, wavelength, time) with one slow and one fast wave in common."""
    generator = torch.Generator().manual_seed(0)
    length = int(seconds * RATE)
    time = torch.arange(length) / RATE
    slow = torch.sin(2 * torch.pi * 0.07 * time)
    pulse = torch.sin(2 * torch.pi * 1.1 * time)
    size = torch.rand(2, channels, 2, 1, generator=generator) + 0.5
    own = noise * torch.randn(1, channels, 2, length, generator=generator)
    return size[0] * slow + size[1] * pulse, own


def explained(predicted, truth):
    return 1 - float((predicted - truth).square().mean() / truth.square().mean())


def test_what_channels_share_is_predicted():
    common, own = shared()
    predicted = predict_from_others(common + own, torch.zeros(1, 6, 960), RATE, AcrossChannels())
    assert explained(predicted, common[None]) > 0.9


def test_a_channel_does_not_predict_itself():
    common, own = shared()
    gate = torch.zeros(1, 6, 960)
    gate[:, 2, 400:480] = 1
    artifact = torch.zeros_like(own)
    artifact[:, 2, :, 400:480] = 50.0
    plain, changed = (
        predict_from_others(common + own + x, gate, RATE, AcrossChannels())
        for x in (torch.zeros_like(own), artifact)
    )
    torch.testing.assert_close(changed[:, 2], plain[:, 2], rtol=1e-2, atol=1e-2)


def test_independent_channels_predict_next_to_nothing():
    _, own = shared()
    predicted = predict_from_others(own, torch.zeros(1, 6, 960), RATE, AcrossChannels())
    assert predicted.square().mean() < 0.05 * own.square().mean()


def test_shares_tell_who_predicts_whom():
    common, own = shared()
    series = common + own
    series[:, 5] = own[:, 5]  # has nothing in common with the others
    gate = torch.zeros(1, 6, 960)
    gate[:, 4, 400:480] = 1
    found = shares_of_prediction(series, gate, RATE, AcrossChannels(), 400, 480)
    assert found.shape == (6, 6)
    torch.testing.assert_close(found[:, :5].sum(0), torch.ones(5))
    assert not found.diagonal().any()
    assert found[5, :5].abs().max() < 0.05
    assert found[4, :4].max() < found[:4, :4].sum(0).min() / 3  # it moves
    alone = shares_of_prediction(series[:, :1], gate[:, :1], RATE, AcrossChannels(), 400, 480)
    assert not alone.any()


def test_channels_in_motion_say_less():
    common, own = shared()
    gate = torch.zeros(1, 6, 960)
    gate[:, 3:, 400:480] = 1
    error = torch.zeros_like(own)
    noise = torch.randn(1, 3, 2, 80, generator=torch.Generator().manual_seed(1))
    error[:, 3:, :, 400:480] = 5 * noise
    wary, trusting = (
        predict_from_others(common + own + error, gate, RATE, AcrossChannels(error=e))[
            :, 0, :, 400:480
        ]
        for e in (100.0, 0.0)
    )
    truth = common[0, :, 400:480]
    assert (wary - truth).square().mean() < 0.5 * (trusting - truth).square().mean()


@pytest.mark.parametrize(("channels", "length"), [(1, 200), (2, 5), (3, 40)])
def test_few_channels_and_samples(channels, length):
    series = torch.randn(1, channels, 2, length, generator=torch.Generator().manual_seed(0))
    predicted = predict_from_others(
        series, torch.zeros(1, channels, length), RATE, AcrossChannels()
    )
    assert predicted.shape == series.shape
    assert torch.isfinite(predicted).all()
    if channels == 1:
        assert (predicted == 0).all()


def test_scale_in_scale_out():
    common, own = shared()
    gate = torch.zeros(1, 6, 960)
    gate[:, 0, 100:200] = 1
    plain = predict_from_others(common + own, gate, RATE, AcrossChannels())
    large = predict_from_others(1e3 * (common + own), gate, RATE, AcrossChannels())
    torch.testing.assert_close(large, 1e3 * plain, rtol=1e-3, atol=1e-2)
