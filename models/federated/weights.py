"""The weights of a model as server and centres speak of them."""

import hashlib
from collections.abc import Mapping

from torch import Tensor, nn

from neurofuse.io.errors import ReadError


def whole(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all that the model's state holds, by name."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def trained_in(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that training may change, by name; they change with the model."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a model weights; ReadError where they do not fit."""
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise ReadError(
            f"weights that do not fit ({str(error).splitlines()[-1].strip()})",
            "those of the architecture that the server names",
            "run the same version at the server and at all centres",
        ) from error


def digest_of(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of weights, by which server and centre know that they mean the same.

    The calibration of standard deviations, which the server sets when it validates, is left out.
    """
    total = hashlib.sha256()
    for name in sorted(n for n in weights if not n.endswith("calibration")):
        total.update(name.encode())
        total.update(weights[name].numpy().tobytes())
    return total.hexdigest()
