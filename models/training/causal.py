"""A causal model that begins from one that sees the future."""

import torch
from torch import nn

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.joint.layers import WAITING
from neurofuse.models.joint.network import Encoder, TemporalBlock


def causal_from(model: CrossModalAutoencoder, architecture: Architecture) -> CrossModalAutoencoder:
    """The same weights in a causal network: the present stands for a future it cannot wait for.

    The single-modality models that are part of `model` are left behind.
    """
    causal = CrossModalAutoencoder(architecture)
    own = {k: v for k, v in model.state_dict().items() if not k.startswith("single.")}
    causal.load_state_dict(own)
    for module in causal.modules():
        if isinstance(module, TemporalBlock) and not module.late:
            _present_for_future(module.conv)
    for modality, encoder in causal.encoders.items():
        if isinstance(encoder, Encoder) and not WAITING[modality]:
            _present_for_future(encoder.enter)
    return causal


@torch.no_grad()
def _present_for_future(convolution: nn.Conv1d) -> None:
    """Weights (out, in, tap) of a centred convolution for one that ends with the present."""
    weight = convolution.weight
    half = weight.shape[-1] // 2
    past, future = weight[..., : half + 1].clone(), weight[..., half + 1 :].sum(-1)
    weight.zero_()
    weight[..., half:] = past
    weight[..., -1] += future
