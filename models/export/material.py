"""Recordings with known motion on which an export is calibrated, and compared with torch.

Those of validation participants where the data folder (NEUROFUSE_DATA) has them, else simulated
ones. They have caps of many electrodes and a few, and several rates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.files import read
from neurofuse.io.recording import build, stream_dataset
from neurofuse.models.training.split import subject_files
from neurofuse.synth.inject import inject
from neurofuse.synth.simulate import simulate

TRIM, SECONDS = 5.0, 62.0  # s that are left out at the beginning, and used after it
LEAST = 30.0  # s, without which a recording is passed over
PAIRS = ("eeg", "nirs"), ("few_electrodes", "nirs_still"), ("eeg", "nirs_still")
SIMULATED: tuple[dict[str, Any], ...] = (
    {"eeg_rate": 250.0, "nirs_rate": 10.0},
    {"eeg_rate": 128.0, "nirs_rate": 5.0, "eeg_montage": ["TP9", "AF7", "AF8", "TP10"]},
    {"eeg_rate": 500.0, "nirs_rate": 12.5, "eeg_montage": 32, "nirs_montage": "motor"},
)


@dataclass(frozen=True)
class Known:
    """A recording with motion, and its truth."""

    name: str
    people: dict[str, str]  # by modality; none of a simulated one
    truth: xr.DataTree
    contaminated: xr.DataTree


def recordings(streams: tuple[str, ...], *, seed: int = 0) -> Iterator[Known]:
    """Recordings of one or both modalities; other seeds move otherwise.

    Parameters
    ----------
    streams : tuple of str
        "eeg", "nirs" or both.
    seed : int
        Of all movements; also which participants come together.
    """
    found = False
    for number, kinds in enumerate(PAIRS):
        parts, people = {}, {}
        for stream, kind in zip(("eeg", "nirs"), kinds, strict=True):
            if stream in streams:
                files = subject_files("validation", kind)
                person = _usable(files, stream, number + seed)
                if person is not None:
                    people[stream], parts[stream] = person
        if set(parts) == set(streams):
            found = True
            clean = build(parts.get("eeg"), parts.get("nirs"))
            made = inject(clean, seed=seed + number, share="full", sensors=True, bouts_per_minute=4)
            yield Known(" + ".join(people.values()), people, *made)
    if not found:
        yield from simulated(streams, seed=seed)


def simulated(streams: tuple[str, ...], *, seed: int = 0) -> Iterator[Known]:
    """Three montages at three rates, by a random generator."""
    for number, options in enumerate(SIMULATED):
        absent: dict[str, Any] = {f"{s}_montage": None for s in ("eeg", "nirs") if s not in streams}
        chosen = {"share": "full", "sensors": True, "bouts_per_minute": 4} | options | absent
        truth, contaminated = simulate(SECONDS, seed=seed + number, **chosen)
        yield Known(f"simulated {number + 1}", {}, truth, contaminated)


def _usable(
    files: dict[str, list[Path]], stream: str, number: int
) -> tuple[str, xr.Dataset] | None:
    """The part of a participant's recording, from the number-th on, that is used."""
    names = [name for name, paths in files.items() if paths]
    for name in names[number % len(names) :] + names[: number % len(names)] if names else []:
        node = stream_dataset(read(files[name][0]), stream)
        time = node.time.values - node.time.values[0]
        inside = np.flatnonzero((time >= TRIM) & (time < TRIM + SECONDS))
        if inside.size / float(node.attrs["rate"]) >= LEAST:
            node = node.isel(time=inside)
            return name, node.assign_coords(time=node.time.values - float(node.time[0]))
    return None
