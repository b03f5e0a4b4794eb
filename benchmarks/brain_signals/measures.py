"""What an analysis takes from a recording: alpha, ERP, HRF, connectivity, coupling to blood."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.fusion.metrics.neurovascular import neurovascular_coupling
from neurofuse.fusion.signal.bands import ALPHA, HAEMODYNAMIC, bandpass
from neurofuse.io import stream_dataset, to_haemoglobin
from neurofuse.io.recording import with_stream
from neurofuse.synth.haemoglobin import task_response

FEATURES = {  # whether it is a distance from the truth's
    "alpha power": False,
    "ERP amplitude": False,
    "HRF amplitude": False,
    "EEG connectivity": True,
    "fNIRS connectivity": True,
    "neurovascular coupling": False,
}
PEAK = 5e-6  # V of the ERP over its electrode
LATENCY, WIDTH, REACH = 0.35, 0.06, 0.05  # s, s, m
ERP_AT = "Pz"
STRONGEST = 4  # fNIRS channels in which the response is read


@dataclass(frozen=True)
class Trials:
    """Onsets [s] of what evokes the ERP, and of the task."""

    erp: np.ndarray
    task: np.ndarray


def with_erp(recording: xr.DataTree, onsets: np.ndarray) -> xr.DataTree:
    """The recording with a P3-like deflection after each onset, largest over Pz."""
    node = stream_dataset(recording, "eeg")
    away = np.linalg.norm(node.position.values - node.position.sel(channel=ERP_AT).values, axis=-1)
    time = node.time.values
    course = sum(np.exp(-(((time - o - LATENCY) / WIDTH) ** 2) / 2) for o in onsets)
    added = np.outer(PEAK * np.exp(-((away / REACH) ** 2) / 2), course)
    return with_stream(recording, "eeg", node.assign(eeg=node.eeg + added))


def features(recording: xr.DataTree, truth: xr.DataTree, trials: Trials) -> dict[str, float]:
    """All features of a recording; channels are chosen, and distances measured, by the truth."""
    pair = [stream_dataset(r, "eeg") for r in (recording, truth)]
    rate = float(pair[0].attrs["rate"])
    eeg, true_eeg = (node.eeg.values for node in pair)
    hbo, true_hbo = (_hbo(r) for r in (recording, truth))
    time = stream_dataset(truth, "nirs").time.values
    slow_rate = float(stream_dataset(truth, "nirs").attrs["rate"])
    power, true_power = ((bandpass(x, rate, *ALPHA) ** 2).mean(-1) for x in (eeg, true_eeg))
    row = pair[0].channel.values.tolist().index(ERP_AT)
    strongest = np.argsort(-response(true_hbo, time, trials.task))[:STRONGEST]
    return {
        "alpha power": float(np.median(power / true_power)),
        "ERP amplitude": erp(eeg[row], rate, trials.erp),
        "HRF amplitude": float(response(hbo, time, trials.task)[strongest].mean()),
        "EEG connectivity": distance(*(bandpass(x, rate, 1, 40) for x in (eeg, true_eeg))),
        "fNIRS connectivity": distance(
            *(bandpass(x, slow_rate, *HAEMODYNAMIC) for x in (hbo, true_hbo))
        ),
        "neurovascular coupling": neurovascular_coupling(recording),
    }


def erp(series: np.ndarray, rate: float, onsets: np.ndarray) -> float:
    """Mean amplitude [V] around the latency minus that before the onset, averaged over trials."""
    first = np.round(onsets * rate).astype(int)
    offset = np.arange(int(-0.2 * rate), int(0.8 * rate))
    epochs = series[first[:, None] + offset].mean(0)
    at = offset / rate
    return float(epochs[np.abs(at - LATENCY) < 0.05].mean() - epochs[at < 0].mean())


def response(hbo: np.ndarray, time: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Size (channel,) of the response to a task, by regression beside slow cosines (to 0.01 Hz)."""
    length = time[-1] - time[0]
    slow = [np.cos(np.pi * k * (time - time[0]) / length) for k in range(int(0.02 * length) + 1)]
    design = np.stack([task_response(time, onsets), *slow], axis=1)
    return np.linalg.lstsq(design, hbo.T, rcond=None)[0][0]


def distance(rows: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute difference of correlations between channels over their mean absolute size."""
    off = ~np.eye(len(rows), dtype=bool)
    results, wanted = (np.corrcoef(x)[off] for x in (rows, truth))
    return float(np.abs(results - wanted).mean() / np.abs(wanted).mean())


def _hbo(recording: xr.DataTree) -> np.ndarray:
    return np.asarray(stream_dataset(to_haemoglobin(recording), "nirs").hbo.values, float)
