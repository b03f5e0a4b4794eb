"""Real recordings of five sets of devices as one BIDS study of 40 sessions.

But for the one headband that measured both, EEG of one person stands beside fNIRS of another, from
the first sample of each to the end of the shorter: nothing is shared, in the brain or in movement.
Such a study shows how a cohort is processed, not how well the other modality helps.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import xarray as xr

from benchmarks.cohort.data_set import BEGAN, write_session, write_top
from neurofuse.io import build, read, stream_dataset

ABOUT = "Artificial pairs: EEG of one person beside fNIRS of another, but for sub-openmuse."
CAP, MUSE = "eeg_clean/*_task-rest_eeg.edf", "eeg_wearable/muse_cueing/*_eeg.edf"
NAMED = r"(?:sub|rec)-(?P<who>\w+?)_task-(?P<task>\w+)_"
BOTH = "simultaneous/openmuse_worn/own_zero/test_eeg_quality_"
WORN = 62.0  # s after which that headband was taken off


@dataclass(frozen=True)
class Source:
    """fNIRS files of one device, and whose EEG stands beside them."""

    site: str
    nirs: str  # files below the folder of real recordings
    person: str  # expression that finds who it was in a file's name, and the task if it has one
    task: str  # if it has none
    eeg: str  # files, one for each
    models: tuple[str, str]  # of EEG and fNIRS
    most: int = 99  # how many of them are taken


SOURCES = (
    Source("finemi", "fnirs_clean/finemi/*.snirf", r"sub-(?P<who>\d+)_", "imagery",
           CAP, ("cap of 19", "NIRScout")),
    Source("homer3", "fnirs_clean/homer3_fingertapping/*.snirf", r"sub-(?P<who>\d+)_", "tapping",
           CAP, ("cap of 19", "TechEn CW6")),
    Source("homer3", "fnirs_motion/homer3_twni/*.snirf", r"(?P<who>s\d)_", "motion",
           CAP, ("cap of 19", "TechEn CW6")),
    Source("dtu", "fnirs_devices/nirsport2_dtu/*.snirf", NAMED, "",
           MUSE, ("Muse", "NIRSport2")),
    Source("dyads", "fnirs_devices/nirx_dyads/*.snirf", NAMED, "",
           MUSE, ("Muse", "NIRScoutX"), most=9),
)  # fmt: skip


def make_real_study(folder: Path, recordings: Path, seconds: float = 150.0) -> int:
    """Write the study to `folder`, each session cut to `seconds`; returns how many there are."""
    taken: Counter[str] = Counter()  # files of EEG, by their pattern
    runs: Counter[tuple[str, str]] = Counter()
    sites: dict[str, str] = {}
    for source in SOURCES:
        for path in sorted(recordings.glob(source.nirs))[: source.most]:
            found = re.match(source.person, path.name)
            assert found, path
            parts = found.groupdict()
            subject, task = source.site + parts["who"], parts.get("task") or source.task
            eeg = sorted(recordings.glob(source.eeg))[taken[source.eeg]]
            taken[source.eeg] += 1
            runs[subject, task] += 1
            entities = {"sub": subject, "task": task, "run": str(runs[subject, task])}
            models = {"eeg": source.models[0], "nirs": source.models[1]}
            began = BEGAN + timedelta(days=len(sites), hours=runs.total())
            write_session(folder, entities, side_by_side(eeg, path, seconds), models, began)
            sites[subject] = source.site
    clock = json.loads((recordings / f"{BOTH}clock.json").read_text("utf-8"))
    pair = (recordings / f"{BOTH}{name}" for name in ("eeg.edf", "optics.snirf"))
    both = read(*pair, offset=clock["offset_to_eeg_s"]["optics"])
    worn = both.sel(time=slice(None, WORN))
    models = {"eeg": "OpenMuse", "nirs": "OpenMuse optics"}
    write_session(folder, {"sub": "openmuse", "task": "rest", "run": "1"}, worn, models)
    sites["openmuse"] = "openmuse"
    write_top(folder, "Real recordings in artificial pairs", ABOUT, list(sites.items()))
    return runs.total() + 1


def side_by_side(eeg: Path, nirs: Path, seconds: float) -> xr.DataTree:
    """EEG and fNIRS of two files, both from their first sample on and equally long."""
    nodes = [stream_dataset(read(eeg), "eeg"), stream_dataset(read(nirs), "nirs")]
    nodes = [node.assign_coords(time=node.time - node.time[0]) for node in nodes]
    end = min(seconds, *(float(node.time[-1]) for node in nodes))
    return build(*(node.sel(time=slice(None, end)) for node in nodes))
