"""Real movements and calm stretches of people in motion, from the data folder.

Movements are of people with few dry electrodes and of fNIRS recordings in motion; added to other
people's recordings at rest they are windows to train on, and a benchmark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.signal import butter, sosfiltfilt

from neurofuse.io import mark_bad, read, stream_dataset, to_optical_density
from neurofuse.io.quality.calm import calm
from neurofuse.io.runs import runs
from neurofuse.models.training.split import subject_files
from neurofuse.synth.real_movement import RealMovement, real_movements
from neurofuse.synth.transplant import resampled

TASKS = {  # of Porr's recordings: kind of movement
    "movehead": "head",
    "movehat": "cap",
    "jaw": "jaw",
    "blink": "face",
    "eyescrunching": "face",
    "raisingeyebrows": "face",
}
MARKED = 0.5  # s by which the authors' intervals may be off
TRANSIENT = 4.0  # s at the start of a recording in which an amplifier may settle
FAST = 300.0  # Hz; EEG above is taken at half of this or more
HIGH = 15.0  # Hz; blinks have hardly any energy above
DRIFT = 0.3  # Hz; slower drift of dry electrodes would be most of the energy of a calm piece
PIECE = 2.0  # s, the shortest calm piece of EEG
SEAM = 0.2  # s over which pieces are joined
CALM = 0.5  # of the time at least, else a channel is left out
BLINK = 0.05, 0.7  # share of energy above `HIGH`, longest excursion [s]: blinks have less of both


def samples(recorded: Path | xr.DataTree, modality: str) -> xr.Dataset:
    """Usable channels of a recording without its start: EEG at 300 Hz or less, fNIRS as `od`."""
    recording = mark_bad(read(recorded) if isinstance(recorded, Path) else recorded)
    if modality == "nirs":
        recording = to_optical_density(recording)
    node = stream_dataset(recording, modality).drop_vars(["hbo", "hbr"], errors="ignore")
    name = "od" if modality == "nirs" else "eeg"
    good = ~node.bad.values & np.isfinite(node[name].values).reshape(len(node.bad), -1).all(-1)
    if modality == "eeg":
        good &= node.ch_type.values == "eeg"
    rate = float(node.attrs["rate"])
    node = node.isel(channel=good, time=slice(round(TRANSIENT * rate), None))
    if rate <= FAST or modality == "nirs":
        return node
    slower = rate / np.ceil(rate / FAST)
    data = resampled(node.eeg.values, rate, slower)
    rest = node.isel(time=slice(data.shape[-1])).drop_vars("time")
    rest = rest.assign(eeg=(("channel", "time"), data, node.eeg.attrs))
    rest = rest.assign_coords(time=TRANSIENT + np.arange(data.shape[-1]) / slower)
    return rest.assign_attrs(rate=slower)


def eeg_movements(part: str) -> Iterator[RealMovement]:
    """Those of dry electrodes: of Muse headbands, and what Porr's subjects were told to do."""
    for subject, files in subject_files(part, "few_electrodes").items():
        for path in files:
            task = path.stem.split("task-")[-1].removesuffix("_eeg")
            if "porr" in subject and task not in TASKS:
                continue
            node = samples(path, "eeg")
            rate = float(node.attrs["rate"])
            marks = intervals(path) if "porr" in subject else None
            kind = TASKS.get(task, "Muse" if "muse" in subject else "patch")
            for one in real_movements(
                node.eeg.values, rate, donor=subject, kind=kind, within=marks
            ):
                yield replace(one, kind="blink") if is_blink(one) else one


def nirs_movements(part: str) -> Iterator[RealMovement]:
    """Those of fNIRS recordings in motion, both wavelengths."""
    for subject, files in subject_files(part, "nirs_moving").items():
        for path in files:
            node = samples(path, "nirs")
            rate = float(node.attrs["rate"])
            yield from real_movements(node.od.values, rate, "nirs", donor=subject, kind="optodes")


def movements_in(recording: xr.DataTree, modality: str, donor: str) -> list[RealMovement]:
    """The large movements of any recording; blinks count as some.

    Raises
    ------
    ReadError
        If it has no usable channel of the modality.
    """
    node = samples(recording, modality)
    data = node["od" if modality == "nirs" else "eeg"].values
    return real_movements(data, float(node.attrs["rate"]), modality, donor=donor, kind="own")


def intervals(path: Path) -> list[tuple[float, float]] | None:
    """The authors' intervals [s] of artifacts in what `samples` returns; None where none are."""
    events = stream_dataset(read(path), "events")
    chosen = [d.endswith("artefact") for d in events.description.values.astype(str)]
    onset, length = events.onset.values[chosen] - TRANSIENT, events.duration.values[chosen]
    pairs = zip(onset - MARKED, onset + length + MARKED, strict=True)
    return [(float(a), float(b)) for a, b in pairs] or None


def is_blink(one: RealMovement) -> bool:
    """Whether a movement is nothing but blinks: smooth, and no excursion is long."""
    share, length = BLINK
    power = np.abs(np.fft.rfft(one.artifact)) ** 2
    high = np.fft.rfftfreq(one.artifact.shape[-1], 1 / one.rate) > HIGH
    size = np.abs(one.artifact)
    away = [runs(row > row.max() / 4) for row in size[one.moved]]
    longest = max(b - a for row in away for a, b in row) / one.rate
    return bool(power[:, high].sum() < share * power.sum() and longest < length)


def calm_pieces(files: Sequence[Path], least: float, most: float) -> xr.Dataset | None:
    """The calm pieces of one person's EEG, joined; None where they are shorter than `least` [s].

    Of the first recording that has enough of them, at most `most` seconds.
    """
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
