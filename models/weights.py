"""Weights on disk: safetensors beside a JSON that says what they are. No pickles.

The JSON holds architecture, rates, units, training data, seed, versions, the command and the
weights' SHA-256, which is checked on loading.
"""

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.joint.autoencoder import Architecture, CrossModalAutoencoder
from neurofuse.models.joint.bands import LATENT_RATE

PRETRAINED = Path(__file__).with_name("pretrained")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def packaged() -> dict[str, dict]:
    """The packaged models' JSON facts by name."""
    return {p.stem: json.loads(p.read_text()) for p in sorted(PRETRAINED.glob("*.json"))}


def save_model(
    path: Path,
    model: CrossModalAutoencoder,
    name: str,
    training: dict[str, Any],
    scores: dict,
    people: dict[str, list[str]],
    command: str,
) -> None:
    """Write weights and their JSON, each to a temporary name first.

    `training` is all that decided the run, `people` names who was trained on, by stream, and
    `command` made the weights.
    """
    temporary = path.with_suffix(".safetensors.tmp")
    temporary.write_bytes(save({k: v.contiguous() for k, v in model.state_dict().items()}))
    facts = {
        "name": name,
        "architecture": model.architecture.model_dump(mode="json"),
        "parameters": sum(p.numel() for p in model.parameters()),
        "rates_hz": {
            "latent": LATENT_RATE,
            "eeg": "any; trained at 250",
            "nirs": "any; trained at 5, 7.8125 and 10",
        },
        "units": {"eeg": "V (any scale)", "nirs": "change of optical density per sample"},
        "training": training,
        "training_data": people,
        "validation": scores,
        "doubt": model.doubt,
        "command": command,
        "versions": {p: version(p) for p in ("neurofuse", "torch", "numpy", "mne")}
        | {"python": platform.python_version()},
        "sha256": digest(temporary),
    }
    described = path.with_suffix(".json.tmp")
    described.write_text(json.dumps(facts, indent=1) + "\n")
    os.replace(temporary, path)
    os.replace(described, path.with_suffix(".json"))


def load_model(name: str | Path) -> CrossModalAutoencoder:
    """A model by its packaged name ("joint", "eeg", "nirs") or the path of its .safetensors.

    Raises
    ------
    ParameterError
        For an unknown name.
    ReadError
        If the weights or their JSON are missing, damaged or do not belong together.
    """
    path = _find(name)
    facts_file = path.with_suffix(".json")
    try:
        facts = json.loads(facts_file.read_text())
        architecture = Architecture.model_validate(facts["architecture"])
        if digest(path) != facts["sha256"]:
            raise ReadError(
                f"{path.name} whose SHA-256 is not the one in {facts_file.name}",
                "weights beside the JSON written with them",
                "install again, or train again",
            )
        model = CrossModalAutoencoder(architecture)
        model.load_state_dict(load_file(path))
        model.doubt |= facts.get("doubt", {})
    except (ValueError, KeyError, RuntimeError, ValidationError) as error:
        raise ReadError(
            f"{path.name} that does not fit its JSON ({type(error).__name__})",
            "weights and JSON of one training run",
            "install again, or train again",
        ) from error
    return model.eval()


def load_facts(name: str | Path) -> dict:
    """What the JSON beside weights says of them; the name is one that `load_model` takes."""
    path = _find(name).with_suffix(".json")
    try:
        facts = json.loads(path.read_text())
        return facts | {key: facts[key] for key in ("architecture", "training_data")}
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"{path.name} that does not describe weights ({type(error).__name__})",
            "the JSON written with them",
            "install again, or train again",
        ) from error


def _find(name: str | Path) -> Path:
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


def save_state(path: Path, model, optimizer, step: int, best: float) -> None:
    """Write all that resuming needs; counts travel as tensors beside the moments."""
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    tensors["progress"] = torch.tensor([float(step), best], dtype=torch.float64)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(save(tensors))
    os.replace(temporary, path)


def load_state(path: Path, model, optimizer) -> tuple[int, float]:
    """Restore what `save_state` wrote; returns the step and the best validation score."""
    tensors = load_file(path)
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)
    step, best = tensors["progress"].tolist()
    return int(step), best
