"""Which methods benchmarks compare: the one place that looks into the registry of methods."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.common.paths import ROOT
from neurofuse.fusion.methods import plain
from neurofuse.fusion.methods.classical_base import Classical
from neurofuse.fusion.methods.registry import (
    BASELINES,
    CLASSICAL,
    JOINT,
    MODELS,
    SINGLE_SERIES,
    get_method,
    names,
)
from neurofuse.models.single_series.weights import PRETRAINED

__all__ = ["JOINT", "get_method", "names"]

UNCORRECTED, ZERO = plain.UNCORRECTED.name, plain.ZERO.name  # rows that every table has
MISMATCHED = f"{JOINT}, mismatched partner"
ALONE = {"eeg": "EEG model alone", "nirs": "fNIRS model alone"}  # rows of single-modality models
CLASSICAL_NAMES = frozenset(one.name for one in CLASSICAL)
NETWORKS = frozenset(one.name for one in SINGLE_SERIES)  # single-channel baseline networks


def baselines(modality: str | None = None, *, networks: bool = True) -> dict[str, Classical]:
    """Baseline methods by name: all, or those of a modality; with or without the networks."""
    return {
        name: one
        for name, one in BASELINES.items()
        if (modality is None or modality in one.streams) and (networks or name not in NETWORKS)
    }


def packaged() -> Iterator[tuple[str, tuple[str, ...], Path]]:
    """Name, modalities and weights of the joint model and the single-modality models."""
    for name, model in MODELS.items():
        yield name, model.streams, ROOT / "models/pretrained" / f"{name}.safetensors"


def network_weights(name: str) -> list[Path]:
    """Packaged weights of a single-channel baseline network, one file a modality."""
    return [PRETRAINED / f"{name}_{modality}.safetensors" for modality in BASELINES[name].streams]


def row_name(method: str) -> str:
    """What a method is called in a table."""
    return ALONE.get(method, method)
