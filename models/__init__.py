"""Networks: a Recording or recordings in, estimated artifacts or trained weights out.

torch lives here, and no tensor leaves this folder: encoders, the network that joins both
modalities, Wiener filters, training and weights. The names below are loaded when they are first
used, and torch with them.
"""

import importlib
from typing import TYPE_CHECKING, Any

from neurofuse.io.deprecation import former_module

if TYPE_CHECKING:
    from neurofuse.models.federated.centre import Centre
    from neurofuse.models.federated.plan import Federation
    from neurofuse.models.federated.server import Server
    from neurofuse.models.joint.architecture import Architecture
    from neurofuse.models.training.config import Training
    from neurofuse.models.training.train import train
    from neurofuse.models.weights import load_model

__all__ = ["Architecture", "Centre", "Federation", "Server", "Training", "load_model", "train"]

_HOME = {
    "Architecture": "joint.architecture",
    "Centre": "federated.centre",
    "Federation": "federated.plan",
    "Server": "federated.server",
    "Training": "training.config",
    "load_model": "weights",
    "train": "training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


# a module that was public, until neurofuse 1.0
former_module(f"{__name__}.train", {name: f"{__name__}.{name}" for name in ("Training", "train")})
