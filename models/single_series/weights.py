"""Weights of the baseline networks on disk: NAME_STREAM.safetensors beside NAME_STREAM.json.

Stored with 16 bits, which changes a clean signal by less than a thousandth and halves the package.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.single_series import NAMES, NETS
from neurofuse.models.single_series.kind import KINDS
from neurofuse.models.single_series.net import Net
from neurofuse.models.weights import does_not_fit, read_weights, save_weights, software

PRETRAINED = Path(__file__).with_name("pretrained")


def save_net(
    path: Path,
    net: Net,
    name: str,
    stream: str,
    training: dict[str, Any],
    participants: list[str],
    scores: dict[str, float],
    command: str,
) -> None:
    """Write a net's weights and their JSON."""
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
        "training_data": {stream: participants},
        "validation": scores,
        "command": command,
        "versions": software("scipy"),
    }
    save_weights(path, {k: v.half() for k, v in net.state_dict().items()}, facts)


def load_net(name: str, stream: str, folder: Path | None = None) -> Net:
    """A trained net by name and modality, in double precision (see `apply`).

    Parameters
    ----------
    name : str
        One of `neurofuse.models.single_series.NAMES`.
    stream : {"eeg", "nirs"}
        Each modality has weights of its own.
    folder : Path, optional
        Where the weights are; the packaged ones by default.

    Raises
    ------
    ParameterError
        For an unknown name or modality.
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
    for part in (path, path.with_suffix(".json")):
        if not part.is_file():
            command = "python -m benchmarks.training.single_series"
            raise ReadError(
                f"no weights {part.name} of the net {name!r}",
                f"them in {folder}",
                f"train it: {command} --names {name} --streams {stream}",
            )
    try:
        facts, tensors = read_weights(path)
        with torch.random.fork_rng(devices=[]):  # the first weights are random, and replaced
            net = NETS[name].from_config(facts["config"])
        net.load_state_dict(tensors)
    except (ValueError, KeyError, RuntimeError, TypeError, ParameterError) as error:
        raise does_not_fit(path, error) from error
    return net.to(torch.float64).eval()
