"""Energies at the latent rate."""

import pytest
import torch

from neurofuse.models.joint.bands import low_quantile


@pytest.mark.parametrize("shape", [(1, 32, 6, 600), (2, 5, 2, 4, 433), (3, 2), (4, 1)])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.5])
def test_the_quiet_energy_is_the_quantile_of_torch(shape, share):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)) ** 3
    assert torch.equal(low_quantile(x, share), x.quantile(share, dim=-1, keepdim=True))
