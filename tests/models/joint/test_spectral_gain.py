"""The gain over time and frequency of single EEG channels."""

import pytest
import torch

from neurofuse.models.joint.spectral_gain import spectral_gain


def signal(length=2500):
    x = torch.randn(1, 2, length, generator=torch.Generator().manual_seed(0))
    burst = torch.zeros_like(x)
    burst[:, 0, 1000:1400] = 30 * torch.sin(torch.arange(400) * 0.1)
    return x, burst


def test_a_burst_is_taken_off_and_the_rest_is_left():
    x, burst = signal()
    found = spectral_gain(x + burst, (burst == 0).float(), size=124, excess=3.0)
    near = slice(950, 1450)
    left = (found - burst)[:, 0, near].square().mean()
    assert left < 0.5 * x[:, 0, near].square().mean()
    assert found[:, 1].square().mean() < 0.1 * x[:, 1].square().mean()


def test_scale_in_scale_out():
    x, burst = signal()
    quiet = (burst == 0).float()
    plain = spectral_gain(x + burst, quiet, size=124, excess=3.0)
    large = spectral_gain(1e4 * (x + burst), quiet, size=124, excess=3.0)
    torch.testing.assert_close(large, 1e4 * plain, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("length", [8, 60, 125, 500])
def test_short_windows(length):
    x, _ = signal(length=2500)
    x = x[..., :length]
    found = spectral_gain(x, torch.ones_like(x), size=124, excess=3.0)
    assert found.shape == x.shape
    assert torch.isfinite(found).all()


def test_all_in_motion_is_still_finite():
    x, _ = signal()
    assert torch.isfinite(spectral_gain(x, 0 * x, size=124, excess=3.0)).all()
