"""Of which channels a correction was made: the weights of filters across channels.

They are linear in the channels, so that their weights are an explanation by themselves: the part of
a channel is its weights times its signal, and parts add up to the whole. Of EEG the whole is the
correction; of fNIRS it is what other channels say of the clean signal of a channel in motion, which
the filter along time takes for known.
"""

import torch
from torch import Tensor

from neurofuse.models.joint.across_channels import shares_of_prediction
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


def cleaned_once(
    model: CrossModalAutoencoder, stream: Stream, latent: Latent, estimate: Estimate
) -> Tensor:
    """The fNIRS channels of a window from which each is predicted."""
    a, gate = model.architecture, estimate.gate
    fraction = to_samples(
        torch.sigmoid(estimate.fraction_logit), stream.rate, gate.shape[-1], a.latent_rate
    )
    opened = gate if a.gated else torch.ones_like(gate)
    rough = opened[:, :, None, None] * fraction[:, :, None] * latent.bands
    return model.cleaned_once(stream, rough, gate)


def shares_of_others(
    model: CrossModalAutoencoder,
    cleaned: Tensor,
    gate: Tensor,
    rate: float,
    first: float,
    last: float,
) -> Tensor:
    """Shares (channel used, corrected channel) of the prediction of fNIRS from other channels.

    Parameters
    ----------
    model : CrossModalAutoencoder
    cleaned : Tensor
        `cleaned_once` of a window.
    gate : Tensor (batch, channel, time)
        Its motion mask, at a rate [Hz].
    first, last : float
        Samples of the movement, counted from the window's first.

    Returns
    -------
    Tensor (channel, channel)
        Columns sum up to 1; zeros for channels that do not move, and where the model predicts none.
    """
    settings = model.architecture.across_channels
    moving = gate[0, :, max(int(first), 0) : max(int(last), int(first) + 1, 1)].amax(-1) > 0
    if not model.architecture.across:
        moving = torch.zeros_like(moving)
    return shares_of_prediction(cleaned, gate, rate, settings, first, last) * moving


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
