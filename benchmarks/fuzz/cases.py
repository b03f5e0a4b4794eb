"""One damaged recording: made from its numbers alone, read by the worker, and judged."""

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.fuzz.mutations import Damage, fresh, mutate
from benchmarks.fuzz.parts import take_apart
from benchmarks.fuzz.reading import MEMORY, SECONDS, Case
from benchmarks.fuzz.seeds import SEEDS, Seed
from benchmarks.fuzz.sets import SETS
from benchmarks.fuzz.worker import Worker

FORMATS: dict[str, Callable[[Path], list[Seed]]] = {**SEEDS, **SETS}
WRITTEN = 8  # every so many-th case that is read is written too
PASSED = ("read", "refused")


class Made(NamedTuple):
    """A damaged copy of a recording."""

    folder: Path
    entry: str
    whole: int  # the number of the recording that it is a copy of
    damage: Damage
    write: bool


def make_case(seeds: list[Seed], name: str, case: int, seed: int, folder: Path) -> Made:
    """A damaged copy, in `folder`, of one of the whole recordings of a format."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), case])
    number = int(rng.integers(len(seeds)))
    whole, entry = seeds[number]
    copy = fresh(whole, folder / "case")
    if name in SETS:
        others = [place for place, _ in seeds if place != whole]
        damage = take_apart(copy, entry, rng, others)
    else:
        damage = mutate(copy, entry, rng)
    return Made(copy, entry, number, damage, write=rng.integers(WRITTEN) == 0)


def run_case(worker: Worker, wholes: list[Case], made: Made, folder: Path) -> Case:
    """What came of a case: outcome, message, warnings, seconds and memory."""
    before = sorted(str(p) for p in made.folder.rglob("*"))
    out = folder / "out" if made.write else None
    answer = worker.ask(made.folder / made.entry, out, SECONDS + 3)
    whole = wholes[made.whole]
    answer["warned"] = sorted(set(answer["warned"]) - set(whole["warned"]))
    samples = answer.pop("samples", {})
    if answer["outcome"] == "read" and made.damage.lost and not answer["warned"]:
        missing = set(map(tuple, whole["samples"].values())) - set(map(tuple, samples.values()))
        if missing:
            answer.update(outcome="silent", message=f"{len(missing)} channels have other samples")
    if answer["seconds"] > SECONDS and answer["outcome"] in PASSED:
        answer["outcome"] = "hang"
    if answer["peak"] * 2**20 > MEMORY:
        answer["outcome"] = "memory"
    if sorted(str(p) for p in made.folder.rglob("*")) != before:
        answer.update(outcome="partial", message="reading changed the folder")
    if out is not None:
        shutil.rmtree(out, ignore_errors=True)
    return {"damage": made.damage.said, **answer}
