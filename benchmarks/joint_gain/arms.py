"""Who makes rows in `joint_gain.py`: filters without training, peers, weights and their controls.

Each is named by digests of its weights and of the code that it depends on, so that what has changed
is computed again.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

import benchmarks.joint_gain.bounds as bounds
import benchmarks.joint_gain.facts as rows
import benchmarks.joint_gain.segments as segments
from benchmarks.common.clean_pairs import LENGTH, START
from benchmarks.common.keys import OTHER, method_key, result_key, weights, weights_key
from neurofuse.fusion.clean import clean
from neurofuse.fusion.controls import with_partner
from neurofuse.fusion.methods.registry import LEARNED, PEERS
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import without_stream
from neurofuse.models.training.corpus import SPLIT

Arms = Iterator[tuple[str, str, np.ndarray | xr.DataTree | str]]  # arm, stream, cleaned or failure


@dataclass(frozen=True)
class Case:
    """A recording, the same disturbed, and somebody else's that is disturbed as much."""

    truth: xr.DataTree
    contaminated: xr.DataTree
    stranger: xr.DataTree


@dataclass(frozen=True)
class Producer:
    """Something that makes rows of the tables, and the name of the folder of its figures."""

    key: str
    arms: Callable[[Case], Arms]
    streams: tuple[str, ...]
    learned: str = ""  # what `clean` is told, for the figures on clean recordings
    joint: bool = False


def pairs_key() -> str:
    """The key of the recordings and of how they are scored."""
    return result_key("pairs", LENGTH, START, files=[SPLIT])


def learned(path: Path) -> Producer:
    """The arms of a file of weights."""
    key = f"{path.stem}-{weights_key(path)}"
    facts = json.loads(path.with_suffix(".json").read_text())
    treated = tuple(facts["architecture"]["streams"])
    arms = partial(_learned, str(path), path.stem, treated)
    return Producer(key, arms, treated, str(path), len(treated) > 1)


def _learned(path: str, name: str, treated: tuple[str, ...], case: Case) -> Arms:
    """The controls are of the joint model only; one run of it cleans both streams."""
    cleaned = clean(case.contaminated, path)
    for stream in treated:
        yield "twin" if name in OTHER else name, stream, cleaned
    for stream in treated if name == "joint" else ():
        shuffled = with_partner(case.contaminated, case.stranger, OTHER[stream])
        yield rows.SHUFFLED, stream, clean(shuffled, path)
        silent = without_stream(case.contaminated, OTHER[stream])
        yield rows.SILENT, stream, clean(silent, path)


def reference(case: Case) -> Arms:
    for stream in OTHER:
        found = segments.material(case.truth, case.contaminated, stream)
        yield rows.BLIND, stream, bounds.blind(found)
        yield rows.BOUND, stream, bounds.bound(found)


def _peer(name: str, case: Case) -> Arms:
    for stream, how in PEERS[name].treatments.items():
        given = case.contaminated
        if "partner" not in how.references:
            given = without_stream(given, OTHER[stream])
        try:
            yield name, stream, clean(given, name)
        except NeurofuseError as error:
            yield name, stream, str(error)


def producers(folders: list[Path], zoo: bool = False, peers: bool = True) -> list[Producer]:
    """References, classical peers, the zoo if asked for, then all weights, each file once."""
    key = f"reference-{result_key('reference')}"
    made = [Producer(key, reference, tuple(OTHER))]
    made += [
        Producer(f"peer-{n}-{method_key(n)}", partial(_peer, n), p.streams, n)
        for n, p in PEERS.items()
        if peers and (zoo or p not in LEARNED)
    ]
    found = [learned(path) for folder in folders for path in weights(folder)]
    return made + list({p.key: p for p in found}.values())
