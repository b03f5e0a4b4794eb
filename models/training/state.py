"""All that resuming needs, in one file: weights, the optimisers' moments, and some counts."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn


def save_state(
    path: Path,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
    counts: Sequence[float],
) -> None:
    """Write networks and optimisers under their names, and counts, to a temporary name first."""
    tensors: dict[str, Tensor] = {}
    for name, network in networks.items():
        tensors |= {f"{name}.{k}": v.contiguous() for k, v in network.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    tensors["progress"] = torch.tensor(counts, dtype=torch.float64)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(save(tensors))
    os.replace(temporary, path)


def load_state(
    path: Path,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> list[float]:
    """Restore what `save_state` wrote; returns the counts."""
    tensors = load_file(path)

    def under(name: str) -> dict[str, Tensor]:
        return {
            k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")
        }

    for name, network in networks.items():
        network.load_state_dict(under(name))
    for name, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in under(name).items():
            index, moment = key.split(".")
            state.setdefault(int(index), {})[moment] = value
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    return tensors["progress"].tolist()
