"""The former name of `neurofuse.fusion.methods.registry`, accepted until neurofuse 1.0."""

from typing import Any

from neurofuse.fusion.methods import registry
from neurofuse.io.deprecation import renamed

_RENAMED = {"PEERS": "BASELINES", "get": "get_method", "Peer": "Classical"}


def __getattr__(name: str) -> Any:
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    renamed(f"neurofuse.fusion.peers.{name}", f"neurofuse.fusion.methods.registry.{_RENAMED[name]}")
    return getattr(registry, _RENAMED[name])
