"""Write an export: graphs or weights, what is to be known of them, and their hashes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

import neurofuse.models as models
from neurofuse.models.edge.onnx_file import OPSET
from neurofuse.models.edge.spec import FORMAT, SPEC, VERSION, spec_digest
from neurofuse.models.export.graph import Parts, graphs
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.weights import find_weights, load_facts, load_model, software

LIVE_WEIGHTS = "weights.safetensors"
RATES = {"eeg": "any; trained at 250", "nirs": "any; trained at 5, 7.8125 and 10"}
UNITS = {"eeg": "V", "nirs": "light intensity (any linear unit) or optical density (1)"}


@dataclass(frozen=True)
class Given:
    """A model that is exported: its settings, its weights by torch's names, and their JSON."""

    name: str
    architecture: Architecture
    weights: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    digest: str  # of the file of weights


def given_model(method: str | Path) -> Given:
    """A packaged model or the path of weights, read and checked as for cleaning.

    Raises
    ------
    ParameterError, ReadError
        As `load_model`.
    """
    model, facts, path = load_model(method), load_facts(method), find_weights(method)
    content = path.read_bytes()
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    return Given(path.stem, model.architecture, weights, facts, hashlib.sha256(content).hexdigest())


def offline_parts(given: Given, ranges: Mapping[str, tuple[float, float]] | None = None) -> Parts:
    """The graphs of a model that cleans recordings."""
    return graphs(given.weights, given.architecture.streams, ranges)


def contents(given: Given, parts: Parts | None) -> dict[str, bytes]:
    """Files of an export by their names, without its spec: graphs, or weights of a live model."""
    if parts is None:
        return {LIVE_WEIGHTS: save(dict(given.weights))}
    return {f"{name}.onnx": model.SerializeToString() for name, model in parts.models.items()}


def spec_of(
    given: Given, files: Mapping[str, bytes], bits: int, participants: dict[str, list[str]]
) -> dict[str, Any]:
    """What spec.json says (`models.edge.spec.Spec`)."""
    a = given.architecture
    spec: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": given.name,
        "kind": "live" if a.causal else "offline",
        "opset": OPSET,
        "bits": bits,
        "rates_hz": RATES | {"latent": a.latent_rate},
        "units": UNITS,
        "architecture": a.model_dump(mode="json"),
        "learned": None if a.causal else learned_of(given),
        "calibration_participants": participants,
        "weights_sha256": given.digest,
        "code_sha256": code_digest(),
        "versions": software("onnx", "scipy"),
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in files.items()
        },
    }
    return spec | {"spec_sha256": spec_digest(spec)}


def learned_of(given: Given) -> dict[str, Any]:
    """What stands in no graph; filters are those of the single-modality models, if they exist."""
    a, weights = given.architecture, given.weights

    def of(modality: str, name: str) -> Any:
        prefix = f"single.{modality}." if a.single_width and modality in a.streams else ""
        return weights[f"{prefix}{name}"].tolist()

    return {
        "absent": {s: weights[f"fusion.absent.{s}"].tolist() for s in a.streams},
        "log_spread": of("nirs", "log_spread"),
        "log_reach": of("nirs", "log_reach"),
        "log_shrinkage": of("eeg", "log_shrinkage"),
        "pooling_logit": of("eeg", "pooling_logit"),
        "calibration": dict(zip(a.streams, weights["calibration"].tolist(), strict=True)),
    }


def code_digest() -> str:
    """SHA-256 over the sources of `neurofuse.models` by their names."""
    root = Path(models.__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def write_files(folder: Path, files: Mapping[str, bytes], spec: Mapping[str, Any]) -> list[Path]:
    """Write an export's files, its spec last: without it a folder is no export."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    (folder / SPEC).write_text(json.dumps(spec, indent=1) + "\n", encoding="utf-8")
    return [*paths, folder / SPEC]
