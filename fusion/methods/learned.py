"""The cross-modal autoencoder as a cleaner: packaged, from a path of weights, or in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.fusion.methods.limits import warn_of_limits
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.lazy import is_lazy
from neurofuse.io.modality import MODALITIES
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.recording import (
    EVIDENCE_INPUTS,
    GATE_OPEN,
    check,
    note,
    stream_dataset,
    streams,
    with_stream,
)
from neurofuse.models.edge.load import offline_architecture
from neurofuse.models.joint.architecture import Architecture

if TYPE_CHECKING:
    from neurofuse.models.inference.windows import ArtifactEstimate
    from neurofuse.models.joint.autoencoder import CrossModalAutoencoder

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Learned:
    """A trained model as a cleaner; the weights are loaded when it first cleans.

    Parameters
    ----------
    model : str, Path or CrossModalAutoencoder
        The name of packaged weights ("joint", "eeg", "nirs"), the path of weights trained with
        `neurofuse train`, the folder of an export, which needs no torch, or a model in memory.
    name : str
        What it is called in tables and provenance; by default the name of its weights.

    Raises
    ------
    ReadError
        If no weights are found under the path, or their description is missing or damaged.

    Examples
    --------
    >>> joint = Learned("joint")
    >>> joint.name, joint.streams, joint.delay
    ('joint', ('eeg', 'nirs'), 60.0)
    """

    model: "str | Path | CrossModalAutoencoder"
    name: str = ""
    citation: str = (
        "cross-modal autoencoder with a multichannel Wiener filter, trained on motion injected "
        "into both modalities: neurofuse"
    )
    needs: str = ""

    architecture: Architecture = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.model, str | Path):
            path = Path(self.model)
            name = (path.resolve() if self.exported else path).name.removesuffix(SUFFIX)
            architecture = architecture_of(self.model)
        else:
            name, architecture = type(self.model).__name__, self.model.architecture
        object.__setattr__(self, "name", self.name or name)
        object.__setattr__(self, "architecture", architecture)

    @property
    def exported(self) -> bool:
        """Whether it is the folder of an export (`neurofuse export`)."""
        return isinstance(self.model, str | Path) and exported(self.model)

    @property
    def streams(self) -> tuple[str, ...]:
        """The modalities that it treats."""
        return self.architecture.streams

    @property
    def delay(self) -> float:
        """The window that it sees at once [s]."""
        return self.architecture.windows.length

    def fit(self, recording: xr.DataTree, /) -> "Learned":
        """Itself: it is trained already (`neurofuse train` makes new weights)."""
        return self

    def transform(
        self,
        recording: xr.DataTree,
        /,
        *,
        progress: Callable[[float], None] | None = None,
        uncertainty: bool = False,
        judged: bool = False,
    ) -> xr.DataTree:
        """A cleaned Recording with the motion mask `gate` (channel, time; 0 to 1).

        Parameters
        ----------
        recording : Recording
        progress : callable, optional
            Called with the fraction done.
        uncertainty : bool
            Also estimate the standard deviation of the error, as `uncertainty` [V; 1].
        judged : bool
            Channels without a usable signal are marked bad already.

        Raises
        ------
        ParameterError
            If it treats none of the Recording's modalities.
        ReadError
            If a modality has no usable channel, or the weights cannot be read.
        """
        check(recording)
        cleaned = recording if judged else mark_bad(recording)
        warn_of_limits(cleaned, self.streams)
        estimates = _estimate_artifacts(self.exported)(
            cleaned, self.model, uncertainty=uncertainty, progress=progress
        )
        if not estimates:
            raise ParameterError(
                f"a Recording with {' and '.join(streams(recording))} only",
                f"a modality that {self.name!r} treats",
                "choose another method, or add the other modality",
            )
        for stream, estimate in estimates.items():
            modality = MODALITIES[stream]
            node = SUBTRACT[stream](stream_dataset(cleaned, stream), estimate.artifact)
            node = node.assign(gate=(("channel", "time"), estimate.gate))
            told = (("input", "time"), estimate.evidence, {"units": "log odds"})
            node = node.assign(evidence=told).assign_coords(input=list(EVIDENCE_INPUTS))
            if estimate.deviation is not None:
                units = {"units": modality.cleaned_unit}
                node = node.assign(uncertainty=(modality.dims, estimate.deviation, units))
            cleaned = with_stream(cleaned, stream, node)
        moving = {
            stream: round(float((estimate.gate > GATE_OPEN).any(0).mean()), 4)
            for stream, estimate in estimates.items()
        }
        facts = {"streams": list(estimates), "moving_share": moving}
        agreement = next(iter(estimates.values())).agreement
        if agreement is not None:
            facts["shared_movement"] = round(agreement, 2)
        with_head = {s: estimate.head_agreement for s, estimate in estimates.items()}
        seen = {s: round(found, 2) for s, found in with_head.items() if found is not None}
        if seen:
            facts["shared_with_imu"] = seen
        return note(cleaned, "clean", method=self.name, **facts)


def exported(model: str | Path) -> bool:
    """Whether a method is the folder of an export: no packaged name, and a folder.

    Examples
    --------
    >>> exported("joint")
    False
    """
    packaged = not isinstance(model, Path) and weights_path(model).is_file()
    return not packaged and not str(model).endswith(SUFFIX) and Path(model).is_dir()


def _estimate_artifacts(from_export: bool) -> Callable[..., "dict[str, ArtifactEstimate]"]:
    """The function that applies a model, with or without torch."""
    if from_export:
        from neurofuse.models.edge.apply import estimate_artifacts as without_torch

        return without_torch
    try:
        from neurofuse.models.inference.apply import estimate_artifacts
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ParameterError(
            "a model whose weights need torch, which is not installed",
            "torch, or the folder of an export",
            "pip install torch, or give the folder that `neurofuse export` wrote as the method",
        ) from error
    return estimate_artifacts


def weights_path(model: str | Path) -> Path:
    """Where weights lie: a packaged name or the path itself."""
    if str(model).endswith(SUFFIX):
        return Path(model)
    return Path(str(files("neurofuse.models").joinpath("pretrained", f"{model}{SUFFIX}")))


def description(model: str | Path) -> dict[str, Any]:
    """What the JSON beside weights says of them, without loading torch.

    Raises
    ------
    ReadError
        If there are no such weights, or no JSON of them beside them.
    """
    path = weights_path(model)
    for part in (path, path.with_suffix(".json")):
        if not part.is_file():
            raise ReadError(f"no file {part}", "weights beside their JSON", "check the path")
    try:
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise TypeError("no object")
    except (ValueError, TypeError) as error:  # UnicodeDecodeError is a ValueError
        raise _undescribed(path, type(error).__name__) from error
    return facts


def architecture_of(model: str | Path) -> Architecture:
    """The architecture of weights, checked against its bounds.

    Raises
    ------
    ReadError
        If there are no such weights, or their JSON describes no model that can be built.
    """
    if exported(model):
        return offline_architecture(model)
    facts = description(model)
    try:
        return Architecture.model_validate(facts["architecture"])
    except (KeyError, ValueError) as error:  # pydantic's ValidationError is a ValueError
        reason = " ".join(str(error).split())[:200]
        raise _undescribed(weights_path(model), reason) from error


def _undescribed(path: Path, reason: str) -> ReadError:
    return ReadError(
        f"{path.with_suffix('.json').name}, which describes no model ({reason})",
        "the JSON written with the weights",
        "install again, or train again",
    )


def _subtract_eeg(node: xr.Dataset, artifact: Any) -> xr.Dataset:
    before = node.eeg.transpose("channel", "time").data  # numpy, or dask for dask
    after = before - artifact
    if is_lazy(node.eeg):
        after = np.where(artifact == 0, before, after)
    else:
        np.copyto(after, before, where=artifact == 0)  # holds one copy less
    return node.assign(eeg=(("channel", "time"), after, node.eeg.attrs))


def _subtract_nirs(node: xr.Dataset, artifact: np.ndarray) -> xr.Dataset:
    """Subtract in optical density; samples without an artifact keep their very value."""
    name = MODALITIES["nirs"].variable(node)
    before = node[name].transpose("channel", "wavelength", "time")
    after = before.copy(data=before.values.astype(float))  # a copy
    for row, estimate in zip(after.values, artifact, strict=True):
        changed = estimate != 0
        # -ln(intensity) - artifact: the intensity times exp(artifact)
        row[changed] = (
            row[changed] - estimate[changed]
            if name == "od"
            else row[changed] * np.exp(estimate[changed])
        )
    return node.assign({name: after})


SUBTRACT: dict[str, Callable[[xr.Dataset, Any], xr.Dataset]] = {
    "eeg": _subtract_eeg,
    "nirs": _subtract_nirs,
}
