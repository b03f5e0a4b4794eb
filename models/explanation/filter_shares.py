"""Of which channels the correction of an EEG channel was made: the weights of the spatial filter.

The filter is linear in the recorded channels, so that its weights are an explanation by
themselves: the part of a channel in a correction is its weights times its signal, and parts add up
to the correction.
"""

import torch
from torch import Tensor

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.bands import to_samples
from neurofuse.models.joint.features import quiet_weight
from neurofuse.models.joint.tensors import Estimate, Latent, Stream
from neurofuse.models.joint.wiener import SpatialWeights, spatial_weights


def weights_of(
    model: CrossModalAutoencoder, stream: Stream, latent: Latent, estimate: Estimate
) -> SpatialWeights:
    """The filter across EEG channels in every half-overlapping window of a window of the model."""
    a, length = model.architecture, stream.signal.shape[-1]
    fraction = to_samples(
        torch.sigmoid(estimate.fraction_logit), stream.rate, length, a.latent_rate
    )
    gate = estimate.gate
    opened = gate if a.gated else torch.ones_like(gate)
    rough = opened * (fraction * latent.bands).sum(-2)
    quiet = quiet_weight(stream.signal, gate.amax(1), stream.rate, a.quiet)
    settings = model.spatial_settings(rough.shape[1], stream.rate)
    return spatial_weights(stream.signal, rough, quiet, **settings)


def shares_of_channels(
    model: CrossModalAutoencoder, found: SpatialWeights, first: float, last: float
) -> Tensor:
    """Shares (channel used, corrected channel) of the energy of corrections, columns sum up to 1.

    Parameters
    ----------
    model : CrossModalAutoencoder
    found : SpatialWeights
        `weights_of` a window.
    first, last : float
        Samples of the movement, counted from the window's first.

    Returns
    -------
    Tensor (channel, channel)
        A share may be negative: that channel was subtracted. Zeros where nothing was corrected.
        With few electrodes what each channel corrects alone is in its own share.
    """
    channels = found.weights.shape[-1]
    hop = found.signal.shape[-1] // 2
    centre = found.busy % found.windows * hop  # of each window, which is padded by a hop
    near = (centre >= first - hop) & (centre <= last + hop)
    energy = found.weights.new_zeros(channels, channels)
    for weights, signal in zip(found.weights[near], found.signal[near], strict=True):
        seen = signal * found.taper
        parts = weights * (seen @ seen.T @ weights)  # (lag * channel, corrected channel)
        energy += parts.unflatten(0, (-1, channels)).sum(0)
    total = energy.sum(0, keepdim=True)
    shares = torch.where(total > 0, energy / total.clamp_min(1e-30), 0)
    few = model.architecture.few_electrodes
    if channels < few.below:
        together = channels / (channels + few.half)
        shares = torch.lerp(torch.eye(channels).to(shares), shares, together)
    return shares
