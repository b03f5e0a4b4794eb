"""What an analysis takes from a recording: alpha, ERP, HRF, connectivity, coupling."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter1d
from scipy.signal import detrend

from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io import stream_dataset, to_haemoglobin
from neurofuse.io.recording import with_stream
from neurofuse.synth.haemoglobin import task_response

FEATURES = {  # whether it is a distance from the truth's
    "alpha power": False,
    "ERP amplitude": False,
    "HRF amplitude": False,
    "EEG connectivity": True,
    "fNIRS connectivity": True,
    "coupling at its lag": False,
}
PEAK = 5e-6  # V of the ERP over its electrode
LATENCY, WIDTH, REACH = 0.35, 0.06, 0.05  # s, s, m
ERP_AT = "Pz"
RHYTHMS = (8.0, 30.0)  # Hz
SLOW = (0.01, 0.2)  # Hz in which blood follows
GRID = 4.0  # Hz of slow courses
LAG, LAGS = 5.0, 15.0  # s; of simulated coupling, and the longest that the test looks at
NEARBY = 0.03  # m between an electrode and the fNIRS channels that see its blood
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
    power, true_power = ((bandpass(x, rate, 8.0, 13.0) ** 2).mean(-1) for x in (eeg, true_eeg))
    row = pair[0].channel.values.tolist().index(ERP_AT)
    strongest = np.argsort(-response(true_hbo, time, trials.task))[:STRONGEST]
    return {
        "alpha power": float(np.median(power / true_power)),
        "ERP amplitude": erp(eeg[row], rate, trials.erp),
        "HRF amplitude": float(response(hbo, time, trials.task)[strongest].mean()),
        "EEG connectivity": distance(*(bandpass(x, rate, 1, 40) for x in (eeg, true_eeg))),
        "fNIRS connectivity": distance(*(bandpass(x, slow_rate, *SLOW) for x in (hbo, true_hbo))),
        "coupling at its lag": coupling(recording),
    }


def erp(series: np.ndarray, rate: float, onsets: np.ndarray) -> float:
    """Mean amplitude [V] around the latency over that before the onset, averaged over trials."""
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
    found, wanted = (np.corrcoef(x)[off] for x in (rows, truth))
    return float(np.abs(found - wanted).mean() / np.abs(wanted).mean())


def courses(recording: xr.DataTree) -> tuple[np.ndarray, np.ndarray]:
    """Minus log power of rhythms, and HbO nearby (electrode, grid), of mean 0 and unit norm."""
    eeg, nirs = (stream_dataset(recording, s) for s in ("eeg", "nirs"))
    middle = (nirs.source_position.values + nirs.detector_position.values) / 2
    away = np.linalg.norm(eeg.position.values[:, None] - middle, axis=-1)
    near = (away < NEARBY).astype(float)
    seen = near.any(1)
    rate = float(eeg.attrs["rate"])
    energy = bandpass(eeg.eeg.values[seen], rate, *RHYTHMS) ** 2
    energy = uniform_filter1d(energy, round(rate), axis=-1)
    end = min(eeg.time.values[-1], nirs.time.values[-1])
    grid = np.arange(0.5, end - 0.5, 1 / GRID)
    power = np.array([np.interp(grid, eeg.time.values, -np.log(row + 1e-30)) for row in energy])
    blood = near[seen] @ _hbo(recording) / near[seen].sum(1, keepdims=True)
    blood = np.array([np.interp(grid, nirs.time.values, row) for row in blood])
    return _ready(power), _ready(blood)


def coupling(recording: xr.DataTree) -> float:
    """Mean over electrodes of the correlation of rhythms' fall with HbO after the lag."""
    power, blood = courses(recording)
    shift = round(LAG * GRID)
    pairs = zip(power[:, :-shift], blood[:, shift:], strict=True)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def coupling_p(recording: xr.DataTree, surrogates: int = 199) -> float:
    """p of the largest absolute correlation at 0-15 s, against power of random phases.

    The phases are the same for all electrodes, which keeps their spectra and how they go together
    (Prichard and Theiler 1994).
    """
    power, blood = courses(recording)
    length = power.shape[1]
    spectrum = np.fft.rfft(blood) * np.fft.rfft(power).conj()
    draws = np.random.default_rng(0).uniform(-np.pi, np.pi, (surrogates, spectrum.shape[1]))

    def largest(cross: np.ndarray) -> float:
        return np.abs(np.fft.irfft(cross, length)[:, : int(LAGS * GRID) + 1]).max()

    others = np.array([largest(spectrum * np.exp(1j * phase)) for phase in draws])
    return float((1 + (others >= largest(spectrum)).sum()) / (1 + surrogates))


def _hbo(recording: xr.DataTree) -> np.ndarray:
    return np.asarray(stream_dataset(to_haemoglobin(recording), "nirs").hbo.values, float)


def _ready(rows: np.ndarray) -> np.ndarray:
    """Slow part of rows, of mean 0 and unit norm; by whole Fourier terms.

    A recursive filter would ring alike at the ends of both streams, which a test of coupling takes
    for coupling.
    """
    length = rows.shape[-1]
    spectrum = np.fft.rfft(detrend(rows))
    frequency = np.fft.rfftfreq(length, 1 / GRID)
    spectrum[:, (frequency < SLOW[0]) | (frequency > SLOW[1])] = 0
    slow = np.fft.irfft(spectrum, length)
    return slow / np.maximum(np.linalg.norm(slow, axis=-1, keepdims=True), 1e-30)
