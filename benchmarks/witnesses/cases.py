"""EEG people with fNIRS people of few channels, at rest, and the same with injected movements."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import xarray as xr

from benchmarks.common.clean_pairs import cut
from benchmarks.still.nirs import calm_part
from neurofuse.io import build, read, stream_dataset
from neurofuse.io.recording import with_stream
from neurofuse.models.training.split import subject_files
from neurofuse.synth import inject

LENGTH = 100.0  # s of each recording
ELECTRODES = ("Fp1", "Fp2")  # of a device with two
PAIRS = (1, 2, 4)  # neighbouring pairs of a source and a detector, by seed
SEVERITIES = {"weak": 0.2, "strong": 1.0}
TURNING = ("nod", "shake", "tilt", "jerk", "gait")  # what an IMU on the head sees
UNSEEN = ("jaw", "face", "touch")  # what hardly turns the head
SETTINGS = {  # what both modalities share of a movement, and kinds of movement
    "timing": ("timing", None),
    "waveforms": ("full", None),
    "nothing": ("none", None),
    "turning": ("timing", TURNING),
    "unseen": ("timing", UNSEEN),
}


@dataclass(frozen=True, eq=False)
class Case:
    """EEG of one person and fNIRS of another at rest, and the seed of what is injected."""

    eeg_person: str
    nirs_person: str
    seed: int
    rest: xr.DataTree

    @property
    def pairs(self) -> int:
        """How many fNIRS pairs it has."""
        return self.rest["nirs"].sizes["channel"]


def cases(part: str, seeds: range | list[int]) -> list[Case]:
    """Every EEG person of a part once a seed, each time with the next fNIRS person.

    The seed also says how many pairs the fNIRS has, and where.
    """
    eeg, nirs = people(part)
    found = []
    for seed in seeds:
        for number, (person, node) in enumerate(eeg.items()):
            partner = list(nirs)[(number + seed) % len(nirs)]
            own = seed * len(eeg) + number
            few = neighbours(nirs[partner], PAIRS[seed % len(PAIRS)], own)
            found.append(Case(person, partner, own, build(node, few)))
    return found


@cache
def people(part: str) -> tuple[dict[str, xr.Dataset], dict[str, xr.Dataset]]:
    """EEG and fNIRS at rest of everyone in a part with enough of it."""
    eeg = {}
    for person, files in subject_files(part, "eeg").items():
        eeg[person] = first(cut(read(next(p for p in files if "rest" in p.name)), "eeg"))
    nirs = {}
    for kind in ("nirs", "nirs_still"):
        for person, files in subject_files(part, kind).items():
            for path in files:
                node = calm_part(path)
                if node is None:
                    continue
                node = node.isel(channel=~(node.short.values | node.bad.values))
                length = node.sizes["time"] / node.attrs["rate"]
                if length >= LENGTH and node.sizes["channel"] >= max(PAIRS):
                    nirs[person] = first(node)
                    break
    return eeg, nirs


def first(node: xr.Dataset) -> xr.Dataset:
    """The first 100 s of a modality."""
    return node.isel(time=slice(0, round(LENGTH * float(node.attrs["rate"]))))


def neighbours(node: xr.Dataset, count: int, seed: int) -> xr.Dataset:
    """Some pairs beside each other, anywhere on the head."""
    middle = (node.source_position.values + node.detector_position.values) / 2
    start = middle[np.random.default_rng(seed).integers(len(middle))]
    nearest = np.argsort(np.linalg.norm(middle - start, axis=-1), kind="stable")[:count]
    return node.isel(channel=np.sort(nearest))


@lru_cache(maxsize=40)
def moving(case: Case, setting: str, severity: str, sensors: bool = False) -> xr.DataTree:
    """A case with movements of a setting, if asked with the IMU's signals of them."""
    share, types = SETTINGS[setting]
    size = SEVERITIES[severity]
    options = {"seed": 500 + case.seed, "share": share, "types": types, "sensors": sensors}
    return inject(case.rest, severity=size, **options)[1]


def of_two_electrodes(recording: xr.DataTree) -> xr.DataTree:
    """A Recording with the EEG of Fp1 and Fp2 only."""
    node = stream_dataset(recording, "eeg")
    return with_stream(recording, "eeg", node.sel(channel=list(ELECTRODES)))


def stranger(case: Case, known: list[Case]) -> Case:
    """The next case of other people in both modalities, for mismatched partners and IMUs."""
    at = known.index(case)
    for other in known[at + 1 :] + known[:at]:
        if other.eeg_person != case.eeg_person and other.nirs_person != case.nirs_person:
            return other
    raise ValueError(f"everyone is {case.eeg_person} or {case.nirs_person}: no other partner")
