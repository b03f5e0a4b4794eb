"""EEG of people who sat still, as recorded and with slow electrode drift added."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.calm import LOUD, all_calm, longest, loudness
from benchmarks.common.evaluation import Case
from benchmarks.still.change import change_in_decibels, spread
from neurofuse.fusion.signal.bands import EEG_MOTION, bandpass
from neurofuse.io import build, mark_bad, read, stream_dataset
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import GATE_OPEN
from neurofuse.models.training.split import subject_files

SHORTEST, LONGEST = 20.0, 60.0  # s of a calm stretch
TRIM = 4.0  # s at the start, where some amplifiers still settle
NO_EEG = ("ECG", "A2-A1")  # channels of the eegmat files that are no EEG
DRIFTS = (0.0, 30e-6, 100e-6)  # V, standard deviation
FASTEST_DRIFT = 0.05  # Hz
SEED = 20261130


def cases(part: str) -> Iterator[Case]:
    """The longest calm stretch of every EEG of a part, without and with drift."""
    number = 0
    for kind in ("eeg", "few_electrodes"):
        for participant, files in subject_files(part, kind).items():
            for path in files:
                node = calm_part(path)
                if node is None:
                    continue
                number += 1
                rate, truth = float(node.attrs["rate"]), node.eeg.values
                slow = drift(truth.shape, rate, SEED + number)
                for size in DRIFTS:
                    drifting = node.assign(eeg=(node.eeg.dims, truth + size * slow, node.eeg.attrs))
                    yield Case(
                        *("eeg", participant, path.parent.name, rate),
                        *(f"{1e6 * size:.0f} µV", path.stem, build(drifting), truth),
                    )


def calm_part(path: Path) -> xr.Dataset | None:
    """The longest calm stretch of a file, at most 60 s; None if there is none of 20 s."""
    try:
        recording = mark_bad(read(path))
    except NeurofuseError:
        return None
    node = electrodes(recording)
    rate = float(node.attrs["rate"])
    node = node.isel(time=slice(round(TRIM * rate), None))
    stretch = longest(all_calm(node.eeg.values, rate, "eeg"))
    stretch = slice(stretch.start, min(stretch.stop, stretch.start + round(LONGEST * rate)))
    if stretch.stop - stretch.start < SHORTEST * rate:
        return None
    loud = (loudness(node.eeg.values, rate, "eeg")[:, stretch] > LOUD["eeg"]).any(-1)
    node = node.isel(channel=~loud, time=stretch)
    return node.assign_coords(time=np.arange(node.sizes["time"]) / rate)


def electrodes(recording: xr.DataTree) -> xr.Dataset:
    """The EEG channels of a Recording that are not bad."""
    node = stream_dataset(recording, "eeg")
    usable = ~node.bad.values & (node.ch_type.values == "eeg")
    return node.isel(channel=usable & ~np.isin(node.channel.values, NO_EEG))


def drift(shape: tuple[int, int], rate: float, seed: int) -> np.ndarray:
    """Random walks (channel, time) below 0.05 Hz with a standard deviation of 1 each.

    Examples
    --------
    >>> slow = drift((2, 5000), 250.0, 0)
    >>> bool(np.allclose(slow.std(-1), 1)), bool(np.abs(np.diff(slow)).max() < 0.02)
    (True, True)
    """
    frequency = np.fft.rfftfreq(shape[-1], 1 / rate)
    amplitude = np.zeros_like(frequency)
    chosen = (frequency > 0) & (frequency < FASTEST_DRIFT)
    amplitude[chosen] = 1 / frequency[chosen]
    draw = np.random.default_rng(seed)
    lines = draw.standard_normal((2, shape[0], frequency.size)) * amplitude
    slow = np.fft.irfft(lines[0] + 1j * lines[1], shape[-1], axis=-1)
    return slow / slow.std(-1, keepdims=True)


def figures(case: Case, cleaned: xr.DataTree) -> dict[str, float]:
    """What cleaning did to a still EEG, relative to its energy in 0.5-45 Hz without drift.

    - `change`, `worst` [dB]: energy of the change, median and worst tenth of channels;
    - `total` [dB]: of all channels together;
    - `change_in_band` [dB]: of what changed in 0.5-45 Hz alone, median; a high-pass, which takes
      only the drift, changes nothing there;
    - `open` [1]: share of channel-time with an open motion mask; NaN without a mask.
    """
    assert case.reference is not None
    node = stream_dataset(cleaned, "eeg")
    moved = node.eeg.values - stream_dataset(case.recording, "eeg").eeg.values
    moved = moved - moved.mean(-1, keepdims=True)
    energy = (bandpass(case.reference, case.rate, *EEG_MOTION) ** 2).sum(-1)
    change = (moved**2).sum(-1)
    in_band = (bandpass(moved, case.rate, *EEG_MOTION) ** 2).sum(-1)
    gate = node.gate.values > GATE_OPEN if "gate" in node else None
    return {
        **spread(change_in_decibels(change, energy)),
        "total": float(change_in_decibels(change.sum(), energy.sum())),
        "change_in_band": float(np.median(change_in_decibels(in_band, energy))),
        "open": np.nan if gate is None else float(gate.mean()),
    }
