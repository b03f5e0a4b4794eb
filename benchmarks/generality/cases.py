"""The recordings on which models are judged: people at rest, with generated movements added.

They are cases of `benchmarks.transplant`, whose figures they get. Movements of TechEn's fNIRS
device, of which no one sat still, are those of `benchmarks.transplant` itself.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
import xarray as xr

from benchmarks.common.clean_pairs import cut
from benchmarks.generality.labs import LABS, Lab
from benchmarks.still.nirs import IN_MOTION, calm_part
from benchmarks.transplant import cases as transplants
from benchmarks.transplant.cases import LEAST, Case
from benchmarks.transplant.receivers import eeg_receivers
from neurofuse.io import build, read, stream_dataset, to_optical_density
from neurofuse.models.training.split import subject_files
from neurofuse.synth import inject

LENGTH = 150.0  # s of a recording at most
SEVERITIES = (0.2, 1.0)  # of movements: weak, typical
DRAWS = {"eeg": 1, "nirs": 3}  # of movements of each severity: fNIRS has fewer people
BOUTS = 3.0  # of movement a minute
SEED = 25
TECHEN = "techen"  # movements of this lab, in recordings of others


@cache
def cases(key: str) -> tuple[Case, ...]:
    """All cases of a lab: everyone in its part, each with weak and with typical movements.

    Examples
    --------
    >>> sorted({case.receiver for case in cases("finemi")})  # doctest: +SKIP
    ['fnirs_clean/finemi/sub-02', 'fnirs_clean/finemi/sub-08']
    """
    if key == TECHEN:
        return tuple(c for c in transplants.cases("validation") if c.modality == "nirs")
    lab = LABS[key]
    made = (
        moving(person, lab.stream, node, SEED + 100 * number + draw, severity)
        for number, (person, node) in enumerate(at_rest(lab))
        for draw in range(DRAWS[lab.stream])
        for severity in SEVERITIES
    )
    return tuple(case for case in made if case.motion.mean() > LEAST)


def at_rest(lab: Lab) -> Iterator[tuple[str, xr.Dataset]]:
    """Everyone in a lab's part of the split, and their samples at rest."""
    if lab.stream == "nirs":
        yield from nirs_at_rest(lab)
    elif lab.key == "eegmat":
        for person in lab.people(lab.part):
            files = subject_files(lab.part, "eeg")[person]
            node = cut(read(next(f for f in files if "rest" in f.name)), "eeg")
            usable = ~node.bad.values & (node.ch_type.values == "eeg")
            yield person, node.isel(channel=usable)
    else:
        for person, node in eeg_receivers(lab.part):
            if person.startswith(lab.folder):
                yield person, node


def nirs_at_rest(lab: Lab) -> Iterator[tuple[str, xr.Dataset]]:
    """Optical density of everyone's calm stretches, one a file."""
    for kind in ("nirs", "nirs_still"):
        for person, files in subject_files(lab.part, kind).items():
            for path in files if person.startswith(lab.folder) else ():
                node = None if IN_MOTION in path.name else calm_part(path)
                if node is None or not node.sizes["channel"]:
                    continue
                density = stream_dataset(to_optical_density(build(nirs=node)), "nirs")
                density = density.drop_vars(["hbo", "hbr"], errors="ignore")
                yield person, density.isel(time=slice(round(LENGTH * density.attrs["rate"])))


def moving(person: str, stream: str, node: xr.Dataset, seed: int, severity: float) -> Case:
    """A case of somebody at rest and generated movements."""
    rest = build(node) if stream == "eeg" else build(nirs=node)
    mixed = inject(rest, seed=seed, severity=severity, bouts_per_minute=BOUTS)[1]
    seen, name = stream_dataset(mixed, stream), "eeg" if stream == "eeg" else "od"
    moved = np.asarray(seen.motion.values, bool)
    truth, calm = node[name].values, np.ones_like(moved)
    return Case(person, stream, "generated", node, seen[name].values, truth, moved, calm, [])
