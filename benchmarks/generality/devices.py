"""Errors of the packaged models on simulated devices: other rates, noise, converters, DC coupling.

Every device records the same simulated people with the same movements, so that what differs is the
device. What it would have recorded without movement is the truth.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from scipy.signal import butter, sosfiltfilt

from benchmarks.common.keys import result_key
from benchmarks.common.lost import repaired
from benchmarks.common.methods import packaged
from benchmarks.common.paths import write
from benchmarks.common.statistics import decibel
from benchmarks.generality.errors import HERE
from benchmarks.generality.train import FOLDER
from benchmarks.still.eeg import drift
from benchmarks.transplant.cases import Case
from benchmarks.transplant.evaluation import figures
from neurofuse.fusion.signal.bands import EEG_MOTION, bandpass
from neurofuse.io import stream_dataset, to_optical_density
from neurofuse.io.recording import with_stream
from neurofuse.synth import simulate

PEOPLE = 4
LENGTH = 90.0  # s
SEVERITIES = (0.2, 1.0)  # of movements: weak and typical, by turns
FIRST_SEED = 25_000_000  # no participant of training
USUAL = {"eeg": "EEG, 250 Hz", "nirs": "fNIRS, 10 Hz"}
VARIABLE = {"eeg": "eeg", "nirs": "od"}

# of samples and a rate: what the device records of them, and slow drift that is no part of it
Records = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray | float]]


@dataclass(frozen=True)
class Device:
    """A device of one modality: its rate, and what becomes of samples in it."""

    stream: str
    rate: float  # Hz
    records: Records = lambda samples, rate: (samples, 0.0)

    def settings(self) -> dict[str, Any]:
        """Of `simulate`."""
        return {f"{self.stream}_rate": self.rate}


def noisy(size: float) -> Records:
    """White noise of a standard deviation [V or OD] beside what is recorded."""

    def records(samples: np.ndarray, rate: float) -> tuple[np.ndarray, float]:
        noise = np.random.default_rng(0).standard_normal(samples.shape)
        return samples + size * noise, 0.0

    return records


def coarse(step: float) -> Records:
    """A converter with large steps [V or OD]."""
    return lambda samples, rate: (step * np.round(samples / step), 0.0)


def dc_coupled(size: float, high_pass: float = 0.0) -> Records:
    """Drift of electrodes below 0.05 Hz, standard deviation [V]; a high-pass [Hz] afterwards."""

    def records(samples: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray | float]:
        slow = size * drift((len(samples), samples.shape[-1]), rate, 0)
        if not high_pass:
            return samples + slow, slow
        sections = butter(2, high_pass, "highpass", fs=rate, output="sos")
        return np.asarray(sosfiltfilt(sections, samples + slow)), 0.0

    return records


DEVICES = {USUAL["eeg"]: Device("eeg", 250.0)}
DEVICES |= {f"EEG, {rate:g} Hz": Device("eeg", rate) for rate in (100.0, 500.0, 1000.0)}
DEVICES |= {
    "EEG, noise of 5 µV": Device("eeg", 250.0, noisy(5e-6)),
    "EEG, steps of 4 µV": Device("eeg", 250.0, coarse(4e-6)),
    "EEG, DC-coupled, drift of 100 µV": Device("eeg", 250.0, dc_coupled(1e-4)),
    "EEG, DC-coupled, drift of 300 µV": Device("eeg", 250.0, dc_coupled(3e-4)),
    "… high-passed at 0.3 Hz before": Device("eeg", 250.0, dc_coupled(3e-4, 0.3)),
    USUAL["nirs"]: Device("nirs", 10.0),
}
DEVICES |= {f"fNIRS, {rate:g} Hz": Device("nirs", rate) for rate in (1.0, 2.0, 5.0, 25.0, 50.0)}
DEVICES |= {
    "fNIRS, noise of 0.01 OD": Device("nirs", 10.0, noisy(0.01)),
    "fNIRS, steps of 0.005 OD": Device("nirs", 10.0, coarse(0.005)),
}


@lru_cache(maxsize=2)
def recorded(name: str, person: int) -> tuple[xr.DataTree, Case, np.ndarray | float]:
    """A person with movements as a device records them, the case of its modality, and drift."""
    device, severity = DEVICES[name], SEVERITIES[person % len(SEVERITIES)]
    truth, mixed = (
        to_optical_density(one)
        for one in simulate(
            LENGTH, seed=FIRST_SEED + person, severity=severity, **device.settings()
        )
    )
    stream, variable = device.stream, VARIABLE[device.stream]
    still, seen = stream_dataset(truth, stream), stream_dataset(mixed, stream)
    # each recording has a reference of its own, which is no movement
    level = {"eeg": 0.0, "nirs": np.log(_reference(seen) / _reference(still))}[stream]
    rest, moving = still[variable].values, seen[variable].values - level
    (made, _), (disturbed, slow) = (device.records(x, device.rate) for x in (rest, moving))
    seen = seen.assign({variable: (seen[variable].dims, disturbed, seen[variable].attrs)})
    still = still.assign({variable: (still[variable].dims, made - slow, still[variable].attrs)})
    motion = seen.motion.values.astype(bool)
    nothing = np.ones_like(motion)
    case = Case(str(person), stream, name, still, disturbed, made - slow, motion, nothing, [])
    return with_stream(mixed, stream, seen), case, slow


def _reference(node: xr.Dataset) -> np.ndarray | float:
    return node["reference"].values[..., None] if "reference" in node.coords else 1.0


def errors(method: str, name: str) -> dict[str, float]:
    """Error [dB] of each simulated person on a device after cleaning; see `generality.errors`.

    Of EEG in 0.5-45 Hz, since what drifts cannot be known within a movement.
    """
    weights = {model: path for model, _, path in packaged()}
    files = [HERE / "devices.py"] + [weights[m] for m in [method] if m in weights]
    target = FOLDER / "errors" / f"{_plain(name)}-{method}_{result_key(name, files=files)}.json"
    if not target.exists():
        write(target, {str(person): measured(method, name, person) for person in range(PEOPLE)})
    return json.loads(target.read_text())


def measured(method: str, name: str, person: int) -> float:
    """What `errors` holds of one person, computed."""
    recording, case, slow = recorded(name, person)
    cleaned = stream_dataset(repaired(recording, method), case.modality)
    made = cleaned[case.variable].values - slow
    if case.modality == "nirs":
        return figures(case, made)["error"]
    rate, truth = DEVICES[name].rate, case.truth.eeg.values
    error, truth = (bandpass(x, rate, *EEG_MOTION) for x in (made - truth, truth))
    return decibel(float((error[case.motion] ** 2).sum()), float((truth[case.motion] ** 2).sum()))


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)
