"""Weights of a network made smaller without training: small ones to zero, the others rounded."""

import copy

import torch
from torch import Tensor, nn

from neurofuse.models.joint.autoencoder import CrossModalAutoencoder


def smaller(
    model: CrossModalAutoencoder, *, pruned: float = 0.0, bits: int = 0
) -> CrossModalAutoencoder:
    """A copy whose convolutions have fewer weights, or coarser ones.

    Parameters
    ----------
    model : CrossModalAutoencoder
        Stays as it is.
    pruned : float
        Fraction, 0 to 1, of each layer's weights that become zero: the smallest ones.
    bits : int
        To which weights are rounded, with one scale for each channel that a layer gives out; 0
        leaves them as they are. Biases and norms are left as they are, and so are activations.

    Examples
    --------
    >>> from neurofuse.models.weights import load_model
    >>> half = smaller(load_model("eeg"), pruned=0.5)
    >>> float((half.encoders["eeg"].leave.weight == 0).float().mean().round(decimals=2))
    0.5
    """
    made = copy.deepcopy(model)
    with torch.no_grad():
        for layer in made.modules():
            if isinstance(layer, nn.Conv1d):
                layer.weight.copy_(rounded(without_smallest(layer.weight, pruned), bits))
    return made


def without_smallest(weight: Tensor, fraction: float) -> Tensor:
    """The weights with a fraction of them set to zero, those of the smallest magnitude."""
    count = round(fraction * weight.numel())
    if not count:
        return weight
    limit = weight.abs().flatten().kthvalue(count).values
    return torch.where(weight.abs() > limit, weight, torch.zeros_like(weight))


def rounded(weight: Tensor, bits: int) -> Tensor:
    """The weights as whole multiples of a scale, one a channel; zeros stay zeros."""
    if not bits:
        return weight
    most = 2 ** (bits - 1) - 1
    scale = weight.abs().flatten(1).amax(1).clamp_min(1e-30) / most
    scale = scale.view(-1, *[1] * (weight.dim() - 1))
    return (weight / scale).round() * scale


def stored_bytes(model: CrossModalAutoencoder, bits: int = 32) -> int:
    """Size of the weights [bytes] when those of convolutions take so many bits, others 32.

    Zeros are stored like all others, so that pruning alone saves nothing here.
    """
    within = sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Conv1d))
    channels = sum(m.out_channels for m in model.modules() if isinstance(m, nn.Conv1d))
    others = sum(p.numel() for p in model.parameters()) - within
    scales = channels if bits < 32 else 0
    return (within * bits + 7) // 8 + 4 * (others + scales)
