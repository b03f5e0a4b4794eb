"""Weights of the zoo on disk: NAME_STREAM.safetensors and, beside it, NAME_STREAM.json.

Stored with 16 bits, which changes a clean signal by less than a thousandth and halves the package.
"""

import json
import os
import platform
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.single_series import NAMES, ZOO
from neurofuse.models.single_series.kind import KINDS
from neurofuse.models.single_series.net import Net
from neurofuse.models.weights import digest

PRETRAINED = Path(__file__).with_name("pretrained")


def save_net(
    path: Path,
    net: Net,
    name: str,
    stream: str,
    training: dict,
    people: list[str],
    scores: dict,
    command: str,
) -> None:
    """Write weights and their JSON, each to a temporary name first."""
    temporary = path.with_suffix(".safetensors.tmp")
    temporary.write_bytes(save({k: v.half().contiguous() for k, v in net.state_dict().items()}))
    kind = KINDS[stream]
    facts = {
        "name": name,
        "stream": stream,
        "config": net.config,
        "parameters": sum(p.numel() for p in net.parameters()),
        "stored": "float16",
        "rates_hz": {"working": kind.rate, "input": "any, resampled"},
        "window_s": kind.length / kind.rate,
        "units": "V (any scale)" if stream == "eeg" else "change of optical density per sample",
        "training": training,
        "training_data": {stream: people},
        "validation": scores,
        "command": command,
        "versions": {p: version(p) for p in ("neurofuse", "torch", "numpy", "scipy")}
        | {"python": platform.python_version()},
        "sha256": digest(temporary),
    }
    described = path.with_suffix(".json.tmp")
    described.write_text(json.dumps(facts, indent=1) + "\n")
    os.replace(temporary, path)
    os.replace(described, path.with_suffix(".json"))


def load_net(name: str, stream: str, folder: Path | None = None) -> Net:
    """A trained net by name and stream, in double precision (see `apply`); packaged by default.

    Raises
    ------
    ParameterError
        For an unknown name or stream.
    ReadError
        If the weights or their JSON are missing, damaged or do not belong together.
    """
    if name not in NAMES or stream not in KINDS:
        raise ParameterError(
            f"the net {name!r} for {stream!r}",
            f"one of {', '.join(NAMES)} for eeg or nirs",
            "choose one of these",
        )
    return _load(name, stream, folder or PRETRAINED)


@lru_cache(maxsize=4)
def _load(name: str, stream: str, folder: Path) -> Net:
    path = folder / f"{name}_{stream}.safetensors"
    facts_file = path.with_suffix(".json")
    for part in (path, facts_file):
        if not part.is_file():
            raise ReadError(
                f"no weights {part.name} of the net {name!r}",
                f"them in {folder}",
                f"train it: python -m benchmarks.training.single_series --names {name} --streams {stream}",
            )
    try:
        facts = json.loads(facts_file.read_text())
        if digest(path) != facts["sha256"]:
            raise ReadError(
                f"{path.name} whose SHA-256 is not the one in {facts_file.name}",
                "weights beside the JSON written with them",
                "install again, or train again",
            )
        net = ZOO[name].from_config(facts["config"])
        net.load_state_dict(load_file(path))
    except (ValueError, KeyError, RuntimeError, TypeError, ParameterError) as error:
        raise ReadError(
            f"{path.name} that does not fit its JSON ({type(error).__name__})",
            "weights and JSON of one training run",
            "install again, or train again",
        ) from error
    return net.to(torch.float64).eval()
