"""Weights on disk: safetensors beside a JSON that says what they are. No pickles.

The JSON holds architecture, rates, units, training data, seed, versions, the command and the
weights' SHA-256, which is checked on loading.
"""

import contextlib
import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.weight_files import LARGEST_FILE, LARGEST_VALUE, PRETRAINED


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def packaged() -> dict[str, dict[str, Any]]:
    """The packaged models' JSON facts by name."""
    return {p.stem: json.loads(p.read_text()) for p in sorted(PRETRAINED.glob("*.json"))}


def software(*packages: str) -> dict[str, str]:
    """Versions of Python, neurofuse, torch, numpy and of other packages."""
    names = ("neurofuse", "torch", "numpy", *packages)
    return {name: version(name) for name in names} | {"python": platform.python_version()}


def save_weights(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and, beside them, their facts with the SHA-256; to temporary names first."""
    temporary = path.with_suffix(".safetensors.tmp")
    temporary.write_bytes(save({k: v.contiguous() for k, v in tensors.items()}))
    described = path.with_suffix(".json.tmp")
    described.write_text(json.dumps(facts | {"sha256": digest(temporary)}, indent=1) + "\n")
    os.replace(temporary, path)
    os.replace(described, path.with_suffix(".json"))


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Facts and tensors of a file of weights, which may come from any source.

    Raises
    ------
    ReadError
        If the file is too large, is no safetensors file, holds values that no training leaves, or
        does not belong to its JSON.
    """
    facts_file = path.with_suffix(".json")
    for part in (path, facts_file):
        if part.stat().st_size > LARGEST_FILE:
            raise ReadError(
                f"{part.name} of {part.stat().st_size:.3g} bytes",
                f"weights of at most {LARGEST_FILE:.3g} bytes",
                "check that this is the file you mean",
            )
    _complete(path)
    facts = json.loads(facts_file.read_text())
    if digest(path) != facts["sha256"]:
        raise ReadError(
            f"{path.name} whose SHA-256 is not the one in {facts_file.name}",
            "weights beside the JSON written with them",
            "install again, or train again",
        )
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise does_not_fit(path, error) from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all() or tensor.abs().max() > LARGEST_VALUE:
            raise ReadError(
                f"{path.name} with values in {name} that are not finite or above {LARGEST_VALUE:g}",
                "weights as a training leaves them",
                "train again, or take other weights",
            )
    return facts, tensors


def _complete(path: Path) -> None:
    """Complete a `save_weights` that was killed between its two renames.

    The weights have their final name; their JSON is still under its temporary one.
    """
    facts, described = path.with_suffix(".json"), path.with_suffix(".json.tmp")
    with contextlib.suppress(FileNotFoundError, ValueError):  # none, or one cut off itself
        if json.loads(described.read_text())["sha256"] == digest(path):
            os.replace(described, facts)


def does_not_fit(path: Path, error: Exception) -> ReadError:
    """The error of weights that cannot be loaded into the network that their JSON describes."""
    return ReadError(
        f"{path.name} that does not fit its JSON ({type(error).__name__})",
        "weights and JSON of one training run",
        "install again, or train again",
    )


def save_model(
    path: Path,
    model: CrossModalAutoencoder,
    name: str,
    training: dict[str, Any],
    scores: dict[str, Any],
    participants: dict[str, list[str]],
    command: str,
) -> None:
    """Write a model's weights and their JSON.

    `training` is all that decided the run, `participants` names who was trained on, by stream, and
    `command` made the weights.
    """
    facts = {
        "name": name,
        "architecture": model.architecture.model_dump(mode="json"),
        "parameters": sum(p.numel() for p in model.parameters()),
        "rates_hz": {
            "latent": model.architecture.latent_rate,
            "eeg": "any; trained at 250",
            "nirs": "any; trained at 5, 7.8125 and 10",
        },
        "units": {"eeg": "V (any scale)", "nirs": "change of optical density per sample"},
        "training": training,
        "training_data": participants,
        "validation": scores,
        "command": command,
        "versions": software("mne"),
    }
    save_weights(path, model.state_dict(), facts)


def load_model(name: str | Path) -> CrossModalAutoencoder:
    """A model by its packaged name or the path of its weights, ready to be applied.

    Parameters
    ----------
    name : str or Path
        "joint", "eeg", "nirs", or the path of a .safetensors file that lies beside its JSON.

    Returns
    -------
    CrossModalAutoencoder
        On the CPU, in evaluation mode. Weights of older versions load too: settings that their JSON
        does not name take the defaults of `Architecture`.

    Raises
    ------
    ParameterError
        For an unknown name.
    ReadError
        If the weights or their JSON are missing, damaged or do not belong together, or if a setting
        is out of bounds.

    Examples
    --------
    >>> load_model("eeg").architecture.streams
    ('eeg',)
    """
    path = find_weights(name)
    try:
        facts, tensors = read_weights(path)
        architecture = Architecture.model_validate(facts["architecture"])
        with torch.random.fork_rng(devices=[]):  # the first weights are random, and replaced
            model = CrossModalAutoencoder(architecture)
        if "calibration" not in tensors:  # weights of older versions have it in their JSON
            older = facts.get("doubt", {})
            factors = [older.get(stream, 1.0) for stream in architecture.streams]
            tensors["calibration"] = torch.tensor(factors, dtype=torch.float64)
        for key, value in model.state_dict().items():
            if key.endswith(".witnessed.weight"):  # older versions listened to no witness
                tensors.setdefault(key, torch.zeros_like(value))
        model.load_state_dict(tensors)
    except (ValueError, KeyError, RuntimeError, ValidationError) as error:
        raise does_not_fit(path, error) from error
    return model.eval()


def load_facts(name: str | Path) -> dict[str, Any]:
    """What the JSON beside weights says of them; the name is one that `load_model` takes."""
    path = find_weights(name).with_suffix(".json")
    try:
        facts = json.loads(path.read_text())
        return facts | {key: facts[key] for key in ("architecture", "training_data")}
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"{path.name} that does not describe weights ({type(error).__name__})",
            "the JSON written with them",
            "install again, or train again",
        ) from error


def find_weights(name: str | Path) -> Path:
    """The .safetensors file of a packaged name or path, found beside its JSON."""
    path = Path(name)
    if path.suffix != ".safetensors":
        path = PRETRAINED / f"{name}.safetensors"
        if not path.exists():
            known = ", ".join(packaged()) or "none packaged"
            raise ParameterError(f"model {str(name)!r}", f"one of {known}", "choose one of these")
    for part in (path, path.with_suffix(".json")):
        if not part.is_file():
            raise ReadError(f"no file {part}", "weights beside their JSON", "check the path")
    return path
