"""Rows of `joint_gain`: filters without training, baselines, weights and their controls.

Each is named by the key of its weights and settings, so that what has changed is computed again.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.clean_pairs import LENGTH, START
from benchmarks.common.keys import method_key, result_key, weights, weights_key
from benchmarks.common.lost import repaired
from benchmarks.common.methods import JOINT, MISMATCHED, baselines, packaged
from benchmarks.common.paths import ROOT
from benchmarks.joint_gain import bounds, segments
from benchmarks.joint_gain.facts import ALONE, BOUND, NO_REFERENCE, SILENT, UNTOLD
from neurofuse.fusion.controls import with_partner
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import without_stream
from neurofuse.models.inference import windows
from neurofuse.models.training.split import SPLIT

PACKAGED = ROOT / "models/pretrained"
Arms = Iterator[tuple[str, str, np.ndarray | xr.DataTree | str]]  # arm, stream, cleaned or failure


@dataclass(frozen=True)
class Case:
    """A recording without and with motion, and a contaminated one of another participant."""

    truth: xr.DataTree
    contaminated: xr.DataTree
    mismatched: xr.DataTree
    lost: dict[str, xr.DataArray]  # by modality: samples (channel, time) left out for every method

    def material(self, stream: str) -> segments.Material:
        """What is scored of a modality."""
        return segments.material(self.truth, self.contaminated, stream, self.lost[stream])


@dataclass(frozen=True)
class Producer:
    """Something that makes rows of the tables, and the name of the folder of its figures."""

    key: str
    arms: Callable[[Case], Arms]
    streams: tuple[str, ...]
    weights: str = ""  # of learned methods, whose change of clean recordings is also computed
    joint: bool = False


def pairs_key() -> str:
    """The key of the recordings and of how they are scored."""
    verdict = next(path for name, _, path in packaged() if name == JOINT)
    return result_key("pairs", LENGTH, START, files=[SPLIT, verdict])


def learned(path: Path) -> Producer:
    """The arms of a file of weights."""
    key = f"{path.stem}-{weights_key(path)}"
    facts = json.loads(path.with_suffix(".json").read_text())
    treated = tuple(facts["architecture"]["streams"])
    arms = partial(_learned, str(path), path.stem, treated)
    return Producer(key, arms, treated, str(path), len(treated) > 1)


def _learned(path: str, name: str, treated: tuple[str, ...], case: Case) -> Arms:
    """The controls are of the joint model only; one run of it cleans both streams."""
    cleaned = repaired(case.contaminated, path)
    for stream in treated:
        yield ALONE if name in MODALITIES else name, stream, cleaned
    for stream in treated if name == JOINT else ():
        other = MODALITIES[stream].other.name
        mismatched = with_partner(case.contaminated, case.mismatched, other)
        yield MISMATCHED, stream, repaired(mismatched, path)
        silent = without_stream(case.contaminated, other)
        yield SILENT, stream, repaired(silent, path)


def untold() -> Producer:
    """The packaged joint model that is told that nothing is lost."""
    path = next(path for name, _, path in packaged() if name == JOINT)
    return Producer(f"untold-{weights_key(path)}", partial(_untold, str(path)), tuple(MODALITIES))


def _untold(path: str, case: Case) -> Arms:
    """Lost EEG is no evidence for the model, so that it leaves it alone; here it does not know."""
    known = windows.lost_times
    windows.lost_times = lambda node, stream: np.zeros_like(known(node, stream))
    try:
        cleaned = repaired(case.contaminated, path)
    finally:
        windows.lost_times = known
    for stream in MODALITIES:
        yield UNTOLD, stream, cleaned


def reference(case: Case) -> Arms:
    """The filters without training."""
    for stream in MODALITIES:
        data = case.material(stream)
        yield NO_REFERENCE, stream, bounds.no_reference(data)
        yield BOUND, stream, bounds.bound(data)


def _baseline(name: str, case: Case) -> Arms:
    for stream, how in baselines()[name].treatments.items():
        given = case.contaminated
        if "partner" not in how.references:
            given = without_stream(given, MODALITIES[stream].other.name)
        try:
            yield name, stream, repaired(given, name)
        except NeurofuseError as error:
            yield name, stream, str(error)


def producers(
    folders: list[Path], *, baseline: bool = True, networks: bool = False
) -> list[Producer]:
    """References, baseline methods and networks if asked for, then all weights, each file once."""
    key = f"reference-{result_key('reference')}"
    made = [Producer(key, reference, tuple(MODALITIES))]
    made += [
        Producer(f"baseline-{name}-{method_key(name)}", partial(_baseline, name), one.streams)
        for name, one in baselines(networks=networks).items()
        if baseline
    ]
    if any(folder.resolve() == PACKAGED.resolve() for folder in folders):
        made.append(untold())
    trained = [learned(path) for folder in folders for path in weights(folder)]
    return made + list({p.key: p for p in trained}.values())
