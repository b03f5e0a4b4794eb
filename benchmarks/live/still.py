"""What live cleaning changes where nobody moves: recordings at rest, from their first sample on."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import xarray as xr

from benchmarks.common.evaluation import Case
from benchmarks.live.errors import live, raw
from benchmarks.still import eeg, nirs
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import stream_dataset, with_stream

CAP = 8  # electrodes from which on it is one
WHOLE = {"eeg": "total", "nirs": "change"}  # figure [dB] of `benchmarks.still`


@dataclass(frozen=True)
class Still:
    """The change of one recording [dB]: of all channels of EEG, of the median fNIRS channel."""

    kind: str
    participant: str
    value: float


def changes(part: str) -> list[Still]:
    """Every recording at rest of a part, at its own rate and without added drift."""
    found = []
    for module in (eeg, nirs):
        for case in module.cases(part):
            if case.kind in ("0 µV", nirs.NATIVE):
                figure = module.figures(case, _cleaned(case))[WHOLE[case.stream]]
                found.append(Still(_kind(case), case.participant, figure))
    return found


def by_person(found: list[Still]) -> dict[str, list[float]]:
    """Means of each participant's recordings, by kind."""
    people: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in found:
        people[one.kind, one.participant].append(one.value)
    kinds: dict[str, list[float]] = defaultdict(list)
    for (kind, _), values in people.items():
        kinds[kind].append(float(np.mean(values)))
    return dict(kinds)


def _kind(case: Case) -> str:
    if case.stream == "nirs":
        return "fNIRS in 0.01-0.1 Hz"
    caps = case.recording["eeg"].sizes["channel"] >= CAP
    return "EEG of caps" if caps else "EEG of few electrodes"


def _cleaned(case: Case) -> xr.DataTree:
    """The recording with what came out live; what had not come out yet as recorded."""
    node = stream_dataset(case.recording, case.stream)
    modality = MODALITIES[case.stream]
    name = modality.variable(node)
    made = live(case.recording, only=case.stream)[case.stream]
    made = np.exp(-made) if name == "intensity" else made
    after = raw(node, case.stream).copy()
    after[..., : made.shape[-1]] = made
    given = {name: (modality.dims, after, node[name].attrs)}
    return with_stream(case.recording, case.stream, node.assign(given))
