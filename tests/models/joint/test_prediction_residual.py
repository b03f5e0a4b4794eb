"""What the other channels do not predict of a channel."""

import torch

from neurofuse.models.joint.architecture import Bands
from neurofuse.models.joint.bands import degrees_of_freedom
from neurofuse.models.joint.prediction_residual import prediction_residual

FREE = torch.tensor([200.0, 400.0])


def signals(channels: int = 6) -> torch.Tensor:
    """Channels (1, channel, 2 bands, 4000) that mix two sources, with a little of their own."""
    torch.manual_seed(0)
    sources, mixing = torch.randn(2, 2, 4000), torch.randn(channels, 2)
    mixed = torch.einsum("cs,sbt->cbt", mixing, sources) + 0.1 * torch.randn(channels, 2, 4000)
    return mixed[None]


def test_what_others_predict_goes_and_what_is_new_stays():
    x = signals()
    weight = torch.ones(1, 4000)
    weight[:, 1000:1100] = 0
    x[0, 2, :, 1000:1100] += 0.5
    rest = prediction_residual(x, weight, FREE)
    quiet, moved = rest[0, 2, :, 1100:].std(-1), rest[0, 2, :, 1000:1100].mean(-1)
    assert (quiet < 0.3 * x[0, 2, :, 1100:].std(-1)).all()
    assert (moved > 2 * quiet).all(), "half an SD of the signal stands out of the residual"


def test_one_channel_comes_back():
    x = signals(1)
    assert torch.equal(prediction_residual(x, torch.ones(1, 4000), FREE), x)


def test_few_independent_values_predict_nothing():
    x = signals()
    rest = prediction_residual(x, torch.ones(1, 4000), torch.full((2,), 1e-3))
    torch.testing.assert_close(rest, x, rtol=0.02, atol=0.02)


def test_scale_and_order_of_channels():
    x, weight, order = signals(), torch.ones(1, 4000), torch.tensor([3, 1, 0, 5, 4, 2])
    rest = prediction_residual(x, weight, FREE)
    torch.testing.assert_close(
        prediction_residual(1e-6 * x, weight, FREE), 1e-6 * rest, rtol=1e-3, atol=1e-9
    )
    torch.testing.assert_close(
        prediction_residual(x[:, order], weight, FREE), rest[:, order], rtol=1e-3, atol=1e-4
    )


def test_flat_channels_do_no_harm():
    x = signals()
    x[0, 1] = 0
    assert torch.isfinite(prediction_residual(x, torch.ones(1, 4000), FREE)).all()


def test_degrees_of_freedom_are_twice_the_width_times_the_duration():
    free = degrees_of_freedom(Bands().eeg, 250.0, 2500)
    assert free[0] == 2 * 2.0 * 10
    torch.testing.assert_close(free.sum(), torch.tensor(2500.0))
