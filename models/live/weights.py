"""Weights as plain arrays, read without torch."""

import hashlib
import json
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.edge.spec import read_export
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.live.shapes import shapes
from neurofuse.models.weight_files import LARGEST_FILE, LARGEST_VALUE, PRETRAINED

Weights = dict[str, np.ndarray]


def load_arrays(name: str | Path) -> tuple[Architecture, Weights]:
    """Architecture and arrays of a causal model.

    Parameters
    ----------
    name : str or Path
        "joint-live", the path of a .safetensors file that lies beside its JSON, or the folder of
        an export.

    Raises
    ------
    ParameterError
        For an unknown name, or a model that sees the future.
    ReadError
        If weights or JSON are missing, damaged or do not belong together.

    Examples
    --------
    >>> load_arrays("joint-live")[0].causal
    True
    """
    path = Path(str(name))
    if path.is_dir() and not (PRETRAINED / f"{name}.safetensors").exists():
        return _from_export(path)
    if path.suffix != ".safetensors":
        path = PRETRAINED / f"{name}.safetensors"
        if not path.exists():
            raise ParameterError(f"model {str(name)!r}", "joint-live", "choose that one")
    facts, content = _read(path)
    try:
        architecture = Architecture.model_validate(facts["architecture"])
    except (ValidationError, KeyError, TypeError) as error:
        raise _unfit(path, type(error).__name__) from error
    if not architecture.causal:
        raise ParameterError(
            f"model {path.stem!r}, which sees the future",
            "a causal model to clean while recording, such as joint-live",
            'take method="joint-live", or neurofuse.clean after the recording',
        )
    return architecture, _arrays(path, content, architecture)


def _from_export(folder: Path) -> tuple[Architecture, Weights]:
    export = read_export(folder)
    if export.spec.kind != "live" or not export.spec.architecture.causal:
        raise ParameterError(
            f"{folder}, which cleans after the recording",
            "an export of a causal model, such as joint-live",
            "give it to neurofuse.clean, or export joint-live",
        )
    architecture = export.spec.architecture
    name, content = next(iter(export.parts.items()), ("no file of weights", b""))
    return architecture, _arrays(folder / name, content, architecture)


def _arrays(path: Path, content: bytes, architecture: Architecture) -> Weights:
    """The arrays of a causal model, which are those of its architecture."""
    try:
        arrays = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _unfit(path, type(error).__name__) from error
    for name, shape in shapes(architecture).items():
        given = arrays.get(name)
        if given is None or given.shape != shape or given.dtype.kind != "f":
            found = "nothing" if given is None else f"{given.dtype} of shape {given.shape}"
            raise _unfit(path, f"{found} as {name} in place of numbers of shape {shape}")
        if not (np.isfinite(given).all() and np.abs(given).max() < LARGEST_VALUE):
            raise _unfit(path, f"values that are not finite or above {LARGEST_VALUE:g}")
    return arrays


def _read(path: Path) -> tuple[dict[str, object], bytes]:
    described = path.with_suffix(".json")
    for part in (path, described):
        if not part.is_file():
            raise ReadError(f"no file {part}", "weights beside their JSON", "check the path")
        if part.stat().st_size > LARGEST_FILE:
            raise _unfit(part, f"{part.stat().st_size:.3g} bytes")
    try:
        facts = json.loads(described.read_text())
        expected = facts["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise _unfit(described, type(error).__name__) from error
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise _unfit(path, "another SHA-256 than its JSON says")
    return facts, content


def _unfit(path: Path, why: str) -> ReadError:
    return ReadError(
        f"{path.name} that cannot be used ({why})",
        "weights and JSON of one training run",
        "install again, or train again",
    )
