"""Who receives the movements: calm stretches of people with few electrodes, and fNIRS at rest."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io.quality.calm import calm
from neurofuse.io.quality.scalp_coupling import scalp_coupling_index
from neurofuse.models.training.corpus import CONTACT
from neurofuse.models.training.movers import CALM, calm_pieces, samples
from neurofuse.models.training.split import subject_files

SECONDS = {"eeg": (45.0, 120.0), "nirs": (50.0, 150.0)}  # least and most of a receiver
PAIRS = 10  # neighbouring fNIRS pairs
CASES = 3  # windows or sets of pairs of an fNIRS recording


def eeg_receivers(part: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Person and calm EEG of everyone with enough of it."""
    for subject, files in subject_files(part, "few_electrodes").items():
        if "porr" in subject:
            files = [p for p in files if "relaxing" in p.name]
        node = calm_pieces(files, *SECONDS["eeg"])
        if node is not None:
            yield subject, node


def nirs_receivers(part: str) -> Iterator[tuple[str, xr.Dataset, np.ndarray]]:
    """Person, ten neighbouring pairs over at most 150 s, and which samples of them are calm."""
    for kind in ("nirs_still", "nirs"):
        for subject, files in subject_files(part, kind).items():
            windows = [one for path in files for one in nirs_windows(path)]
            for node, rest in windows[:CASES] if len(windows) > CASES else windows:
                yield subject, node, rest


def nirs_windows(path: Path) -> Iterator[tuple[xr.Dataset, np.ndarray]]:
    """The calmest windows of a recording, each with the neighbours of another pair."""
    node = samples(path, "nirs")
    rate = float(node.attrs["rate"])
    coupling = scalp_coupling_index(node)
    node = node.isel(channel=~(coupling < CONTACT) & ~node.short.values)
    least, most = SECONDS["nirs"]
    count = min(node.sizes["time"], round(most * rate))
    if count < least * rate or node.sizes["channel"] < 2:
        return
    rest = calm(node.od.values, rate, "nirs")
    for start in range(0, node.sizes["time"] - count + 1, count):
        part, seen = node.isel(time=slice(start, start + count)), rest[:, start : start + count]
        steady = np.flatnonzero(seen.mean(-1) >= CALM)
        if len(steady) < 2:
            continue
        place = (part.source_position.values + part.detector_position.values)[steady]
        away = np.linalg.norm(place - place[np.argmax(seen[steady].mean(-1))], axis=-1)
        chosen = np.sort(steady[np.argsort(away, kind="stable")[:PAIRS]])
        time = np.arange(count) / rate
        yield part.isel(channel=chosen).assign_coords(time=time), seen[chosen]
