"""The recordings that are cleaned: each receiver with movements of other people, and the truth."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.paths import ROOT, recordings_folder
from benchmarks.transplant.receivers import eeg_receivers, nirs_receivers
from neurofuse.io import build
from neurofuse.models.training.movers import eeg_movements, nirs_movements
from neurofuse.models.training.split import SPLIT
from neurofuse.synth.real_movement import RealMovement
from neurofuse.synth.transplant import transplant

ELECTRODES = {"Muse": (1, 2, 4), "blink": (2, 4)}  # of a case, by kind of movement; others:
PORR_ELECTRODES = (1, 2)
PORR_KINDS = ("head", "cap", "jaw", "face")
EACH = 2  # kinds of Porr's movements that a receiver gets
DRAWS = 2  # cases of each fNIRS window
SHARE = 0.25  # of the time that is in motion
LEAST = 0.02  # of it, else a case is left out
SOURCES = (
    "io/quality/calm.py",
    "synth/real_movement.py",
    "synth/transplant.py",
    "models/training/movers.py",
)
SEED = 20


@dataclass(frozen=True)
class Case:
    """A recording at rest with movements of others.

    Attributes
    ----------
    receiver, modality, kind : str
        Whose recording, "eeg" or "nirs", and the kind of the movements.
    truth : Dataset
        The node at rest: `eeg` [V] or `od` [1].
    mixed, floor : array
        With the movements; with what a perfect cleaner may leave.
    motion, rest : bool array (channel, time)
        Where a channel moves, and where the recording at rest is calm, so that it is the truth.
    donors : list of str
        Whose movements they are, one name a movement.
    """

    receiver: str
    modality: str
    kind: str
    truth: xr.Dataset
    mixed: np.ndarray
    floor: np.ndarray
    motion: np.ndarray
    rest: np.ndarray
    donors: list[str]

    @property
    def variable(self) -> str:
        return "eeg" if self.modality == "eeg" else "od"

    def recording(self) -> xr.DataTree:
        """What is cleaned."""
        data = self.truth[self.variable].copy(data=self.mixed)
        node = self.truth.assign({self.variable: data})
        return build(node) if self.modality == "eeg" else build(nirs=node)


@lru_cache
def cases(part: str) -> list[Case]:
    """All cases of a part of the split; read from `runs/` where they were built before."""
    target = ROOT / "runs/transplant" / f"{part}-{_key()}.pickle"
    if not target.exists():
        made = [c for c in (*eeg_cases(part), *nirs_cases(part)) if c.motion.mean() > LEAST]
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            pickle.dump(made, file)
        os.replace(temporary, target)
    return pickle.loads(target.read_bytes())


def eeg_cases(part: str) -> Iterator[Case]:
    """Muse bursts and blinks, and two kinds of Porr's movements, in everyone's calm EEG."""
    pool = list(eeg_movements(part))
    present = [kind for kind in PORR_KINDS if any(one.kind == kind for one in pool)]
    for number, (receiver, node) in enumerate(eeg_receivers(part)):
        turned = [present[(number + k) % len(present)] for k in range(min(EACH, len(present)))]
        for kind in ("Muse", "blink", *turned):
            others = [one for one in pool if one.kind == kind and one.donor != receiver]
            for electrodes in ELECTRODES.get(kind, PORR_ELECTRODES):
                rng = np.random.default_rng([SEED, number, len(kind), electrodes])
                if others and node.sizes["channel"] >= electrodes:
                    chosen = np.sort(rng.permutation(node.sizes["channel"])[:electrodes])
                    few = node.isel(channel=chosen)
                    yield planted(
                        receiver, "eeg", kind, few, np.ones(few.eeg.shape, bool), others, rng
                    )


def nirs_cases(part: str) -> Iterator[Case]:
    """Movements of optodes in fNIRS at rest."""
    pool = list(nirs_movements(part))
    for number, (receiver, node, rest) in enumerate(nirs_receivers(part)):
        others = [one for one in pool if one.donor != receiver]
        for draw in range(DRAWS if others else 0):
            rng = np.random.default_rng([SEED, number, draw])
            yield planted(receiver, "nirs", "optodes", node, rest, others, rng)


def planted(
    receiver: str,
    modality: str,
    kind: str,
    node: xr.Dataset,
    rest: np.ndarray,
    pool: list[RealMovement],
    rng: np.random.Generator,
) -> Case:
    """A case from a receiver and the movements of others."""
    signal = node["eeg" if modality == "eeg" else "od"].values
    rate = float(node.attrs["rate"])
    got = transplant(signal, rate, pool, rng, modality, share=SHARE)
    donors = [one.donor for _, one in got.placed]
    return Case(receiver, modality, kind, node, got.mixed, got.floor, got.motion, rest, donors)


def _key() -> str:
    """Of all that makes cases: the files of this folder, the parts of the package, the split."""
    files = [Path(__file__).with_name(n) for n in ("cases.py", "receivers.py")]
    files += [ROOT / name for name in SOURCES] + [SPLIT]
    total = hashlib.sha256(str(recordings_folder()).encode())
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()[:12]
