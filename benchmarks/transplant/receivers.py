"""Who receives the movements: calm stretches of people with few electrodes, and fNIRS at rest."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.signal import butter, sosfiltfilt

from benchmarks.transplant.donors import samples
from neurofuse.io.quality.calm import calm
from neurofuse.io.quality.scalp_coupling import scalp_coupling_index
from neurofuse.io.runs import runs
from neurofuse.models.training.corpus import CONTACT, subject_files

SECONDS = {"eeg": (45.0, 120.0), "nirs": (50.0, 150.0)}  # least and most of a receiver
DRIFT = 0.3  # Hz; slower drift of dry electrodes would be most of the energy
PIECE = 2.0  # s, the shortest calm piece of EEG
SEAM = 0.2  # s over which pieces are joined
CALM = 0.5  # of the time at least, else a channel is left out
PAIRS = 10  # neighbouring fNIRS pairs
CASES = 3  # windows or sets of pairs of an fNIRS recording


def eeg_receivers(part: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Person and calm EEG of everyone with enough of it."""
    for subject, files in subject_files(part, "few_electrodes").items():
        if "porr" in subject:
            files = [p for p in files if "relaxing" in p.name]
        node = calm_pieces(files)
        if node is not None:
            yield subject, node


def calm_pieces(files: list[Path]) -> xr.Dataset | None:
    """The calm pieces of one person's recordings, joined; None where they are too short."""
    least, most = SECONDS["eeg"]
    for path in files:
        node = samples(path, "eeg")
        rate = float(node.attrs["rate"])
        rest = calm(node.eeg.values, rate)
        used = rest.mean(-1) >= CALM
        node, rest = node.isel(channel=used), rest[used]
        if not used.any():
            continue
        sections = butter(2, DRIFT, "highpass", fs=rate, output="sos")
        data = sosfiltfilt(sections, node.eeg.values, axis=-1, padlen=min(round(10 * rate), 5000))
        pieces = [data[:, a:b] for a, b in runs(np.asarray(rest.all(0))) if b - a >= PIECE * rate]
        joined = join(pieces, round(SEAM * rate))[:, : round(most * rate)]
        if joined.shape[-1] < least * rate:
            continue
        bare = node.drop_vars([n for n in node.variables if "time" in node[n].dims])
        return bare.assign(eeg=(("channel", "time"), joined, {"units": "V"})).assign_coords(
            time=np.arange(joined.shape[-1]) / rate
        )
    return None


def join(pieces: list[np.ndarray], count: int) -> np.ndarray:
    """Pieces (channel, time) one after the other, each faded into the next over some samples.

    Examples
    --------
    >>> join([np.ones((1, 6)), np.ones((1, 6))], 2).shape
    (1, 10)
    """
    if not pieces:
        return np.empty((1, 0))
    rise = np.sin(np.pi / 2 * (np.arange(count) + 0.5) / count)
    whole = pieces[0]
    for piece in pieces[1:]:
        seam = whole[:, -count:] * rise[::-1] + piece[:, :count] * rise
        whole = np.concatenate([whole[:, :-count], seam, piece[:, count:]], axis=-1)
    return whole


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
