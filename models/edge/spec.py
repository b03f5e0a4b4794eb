"""What stands in an export's spec.json, and the files of which it consists."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurofuse.io.errors import ReadError
from neurofuse.models.edge.onnx_file import OPSET
from neurofuse.models.joint.architecture import Architecture

SPEC = "spec.json"
FORMAT = "neurofuse export"
VERSION = 1
LARGEST_SPEC = 2**20  # bytes
LARGEST_PART = 2**26  # bytes of one file
Size = Annotated[int, Field(ge=1, le=LARGEST_PART)]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.(onnx|safetensors)$")]
Value = Annotated[float, Field(ge=-1e4, le=1e4)]
Vector = Annotated[list[Value], Field(min_length=1, max_length=1024)]


class Facts(BaseModel):
    """Values that belong together; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(Facts):
    """One file: its SHA-256 and its size."""

    sha256: Hash
    bytes: Size


class Learned(Facts):
    """What was learned and stands in no graph."""

    absent: dict[Literal["eeg", "nirs"], Vector]
    log_spread: Value
    log_reach: Vector
    log_shrinkage: Value
    pooling_logit: Value
    calibration: dict[Literal["eeg", "nirs"], Value]


class Spec(Facts):
    """All that an export says of itself.

    Parameters
    ----------
    format, version
        Of the folder.
    name : str
        Of the model.
    kind : {"offline", "live"}
        Whether it cleans recordings, or samples while they are recorded.
    architecture : Architecture
        Bands, thresholds, windows: everything that is not learned.
    opset : int
        Of ONNX's operators.
    bits : {8, 32}
        Of weights and inputs of convolutions.
    rates_hz, units : dict
        Of what goes in.
    learned : Learned, optional
        Of an offline model.
    calibration_participants : dict
        On whose recordings ranges of 8 bits and standard deviations were measured.
    weights_sha256, code_sha256 : str
        Of the weights, and of the sources that computed the same with torch.
    versions : dict
        Of the software that made it.
    files : dict
        What it consists of.
    spec_sha256 : str
        Of everything else in it (`spec_digest`).
    """

    format: Literal["neurofuse export"]
    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")]
    kind: Literal["offline", "live"]
    architecture: Architecture
    opset: int
    bits: Literal[8, 32]
    rates_hz: dict[str, Any]
    units: dict[str, str]
    learned: Learned | None
    calibration_participants: dict[str, list[str]]
    weights_sha256: Hash
    code_sha256: Hash
    versions: dict[str, str]
    files: dict[Name, Part]
    spec_sha256: Hash


@dataclass(frozen=True)
class Export:
    """A folder that was read and checked: what it says, and its files' bytes by name."""

    spec: Spec
    parts: dict[str, bytes]


def spec_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of a spec less the hash that it holds.

    Examples
    --------
    >>> spec_digest({"version": 1}) == spec_digest({"version": 1, "spec_sha256": "0"})
    True
    """
    told = {name: value for name, value in facts.items() if name != "spec_sha256"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def is_export(path: str | Path) -> bool:
    """Whether a path is meant as an export: a folder with a spec.json.

    Examples
    --------
    >>> is_export("joint")
    False
    """
    return (Path(path) / SPEC).is_file()


def read_spec(folder: str | Path) -> Spec:
    """What an export says of itself, checked against its bounds.

    Raises
    ------
    ReadError
        If it is missing, damaged, of another version, or not of neurofuse.
    """
    path = Path(folder) / SPEC
    if not path.is_file():
        raise _unfit(f"a folder {folder} without {SPEC}")
    if path.stat().st_size > LARGEST_SPEC:
        raise _unfit(f"{path} of {path.stat().st_size:.3g} bytes")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # UnicodeDecodeError is one
        raise _unfit(f"{path} that is no JSON ({type(error).__name__})") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise _unfit(f"{path} of another program")
    if facts.get("version") != VERSION or facts.get("opset") != OPSET:
        raise _unfit(
            f"{path} of version {facts.get('version')!r} and opset {facts.get('opset')!r}",
            f"version {VERSION} and opset {OPSET}",
        )
    try:
        spec = Spec.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _unfit(f"{path} whose {where} cannot be: {first['msg']}") from error
    if spec_digest(facts) != spec.spec_sha256:
        raise _unfit(f"{path} that was edited: its SHA-256 is another one")
    return spec


def read_export(folder: str | Path) -> Export:
    """An export whose files are there, whole, and as they were written.

    Raises
    ------
    ReadError
        If a file is missing, too large, or another one than the spec says.
    """
    spec = read_spec(folder)
    parts = {}
    for name, told in spec.files.items():
        path = Path(folder) / name
        if not path.is_file():
            raise _unfit(f"an export without {path}")
        if path.stat().st_size != told.bytes:
            raise _unfit(f"{path} of {path.stat().st_size} bytes in place of {told.bytes}")
        parts[name] = path.read_bytes()
        if hashlib.sha256(parts[name]).hexdigest() != told.sha256:
            raise _unfit(f"{path} whose SHA-256 is not the one in {SPEC}")
    return Export(spec, parts)


def _unfit(found: str, wanted: str = "a folder as `neurofuse export` writes it") -> ReadError:
    return ReadError(found, wanted, "export again with this version of neurofuse")
