"""What the other channels do not predict of a channel: motion shows there while it is still small.

Neighbouring channels have most of brain and body activity in common, so that each is largely
predictable from the rest. An artifact well below the signal's own amplitude can still be many times
as large as the residual of that prediction.
"""

import torch
from torch import Tensor

from neurofuse.models.joint.wiener import solve


@torch.no_grad()
def prediction_residual(bands: Tensor, weight: Tensor, degrees_of_freedom: Tensor) -> Tensor:
    """Each channel less its best linear prediction from all the others, band by band.

    Parameters
    ----------
    bands : Tensor (batch, channel, band, time)
        Signal in bands; any scale.
    weight : Tensor (batch, time)
        Weight 0..1 of each sample in the covariance of the quiet signal.
    degrees_of_freedom : Tensor (band,)
        Independent values a second in each band (twice its width [Hz]) times the duration [s]:
        with few of them the prediction shrinks to nothing, and the channel comes back as it is.

    Returns
    -------
    Tensor (batch, channel, band, time)
    """
    x = bands.transpose(1, 2)
    channels = x.shape[2]
    if channels == 1:
        return bands
    total = weight.sum(-1)[:, None, None, None] + 1e-8
    covariance = (x * weight[:, None, None]) @ x.transpose(-1, -2) / total
    size = covariance.diagonal(dim1=-2, dim2=-1)
    known = degrees_of_freedom * weight.mean(-1, keepdim=True)
    trust = (known / (known + 2 * channels))[..., None, None]
    floor = 1e-4 * size + 1e-7 * size.mean(-1, keepdim=True) + 1e-30
    covariance = trust * covariance + torch.diag_embed((1 - trust[..., 0]) * size + floor)
    unit = torch.eye(channels, dtype=x.dtype, device=x.device).expand_as(covariance)
    root = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    scaled = covariance / root[..., :, None] / root[..., None, :]
    precision = solve(scaled.flatten(0, 1), unit.flatten(0, 1)).view_as(scaled)
    precision = precision / precision.diagonal(dim1=-2, dim2=-1)[..., None]
    precision = precision * root[..., :, None] / root[..., None, :]
    return (precision @ x).transpose(1, 2)
