"""Decoders of the field's standard kind: CSP or band power, HbO and HbR, LDA."""

import numpy as np
import xarray as xr

from neurofuse.fusion.signal.bands import EEG_BANDS, HAEMODYNAMIC, bandpass
from neurofuse.io import stream_dataset, to_haemoglobin

DECODED = (4.0, 30.0)  # Hz of EEG
POWERS = tuple(EEG_BANDS[name] for name in ("theta", "alpha", "beta"))
WINDOW = 2.0  # s
TRIAL = {"tapping": (5.0, 15.0), "imagery": (4.0, 10.0), "simulated": (4.0, 12.0)}  # s after onset
BEFORE = {"tapping": (-8.0, 0.0), "imagery": (-5.0, 0.0), "simulated": (-8.0, 0.0)}
EEG_TRIAL, EEG_BEFORE = (0.5, 6.5), (-7.0, -1.0)  # s; simulated tapping
LONG_TRIAL, LATE_TRIAL = (0.5, 10.5), (4.0, 14.0)  # s; tasks of 10 s: EEG, fNIRS
FOLDS = 5


def eeg_accuracy(*classes: np.ndarray) -> dict[str, float]:
    """CSP and band power (windows, channel, time; one array a class) by shrinkage LDA."""
    from mne.decoding import CSP
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = min(map(len, classes))
    data = np.concatenate([c[:count] for c in classes])
    label = np.repeat(np.arange(len(classes)), count)
    fold = np.tile(np.arange(count) * FOLDS // count, len(classes))
    components = min(4, data.shape[1])
    csp = make_pipeline(CSP(components, reg="ledoit_wolf", log=True), lda())
    power = make_pipeline(StandardScaler(), lda())
    return {
        "CSP": _cross_validated(csp, data, label, fold),
        "band power": _cross_validated(power, powers(data), label, fold),
    }


def windows_of(recording: xr.DataTree) -> np.ndarray:
    """Windows of 2 s (window, channel, time), 4-30 Hz [µV], of usable channels; ends left out."""
    data, rate = _eeg(recording)
    length = round(WINDOW * rate)
    count = data.shape[1] // length - 4
    data = data[:, 2 * length : (2 + count) * length]
    return data.reshape(len(data), count, length).transpose(1, 0, 2)


def powers(windows: np.ndarray) -> np.ndarray:
    """Log power in three bands (window, channel x band)."""
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[-1]))) ** 2
    frequency = np.fft.rfftfreq(windows.shape[-1], WINDOW / windows.shape[-1])
    parts = [spectrum[..., (frequency >= a) & (frequency < b)].sum(-1) for a, b in POWERS]
    return np.log(np.concatenate(parts, axis=-1) + 1e-12)


def imagery(recordings: list[xr.DataTree]) -> dict[str, float]:
    return {"HbO, HbR": nirs_accuracy(recordings, "imagery")}


def tapping(recordings: list[xr.DataTree]) -> dict[str, float]:
    return {"HbO, HbR": nirs_accuracy(recordings, "tapping")}


def nirs_accuracy(recordings: list[xr.DataTree], kind: str) -> float:
    """Mean and slope of HbO and HbR after onsets against before."""
    parts = [nirs_features(r, kind) for r in recordings]
    return two_classes(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def nirs_features(recording: xr.DataTree, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(trial, feature) after onsets and before."""
    onsets = task_onsets(recording)
    end = stream_dataset(recording, "nirs").time.values[-1]
    onsets = onsets[(onsets > 10) & (onsets + 20 < end)]
    return nirs_trials(recording, onsets, TRIAL[kind]), nirs_trials(recording, onsets, BEFORE[kind])


def both(recordings: list[xr.DataTree]) -> dict[str, float]:
    """Tapping of simulated participants by EEG, by fNIRS and by both."""
    (recording,) = recordings
    nirs = nirs_features(recording, "simulated")
    onsets = task_onsets(recording)
    end = stream_dataset(recording, "nirs").time.values[-1]
    onsets = onsets[(onsets > 10) & (onsets + 20 < end)]
    eeg = [eeg_trials(recording, onsets, span) for span in (EEG_TRIAL, EEG_BEFORE)]
    joined = [np.concatenate(pair, axis=1) for pair in zip(eeg, nirs, strict=True)]
    return {
        "EEG": two_classes(*eeg),
        "fNIRS": two_classes(*nirs),
        "both": two_classes(*joined),
    }


def eeg_trials(
    recording: xr.DataTree, onsets: np.ndarray, span: tuple[float, float] = LONG_TRIAL
) -> np.ndarray:
    """Log powers (trial, channel x band), mean over windows of 2 s in `span` [s] after onsets."""
    data, rate = _eeg(recording)
    length, window = round((span[1] - span[0]) * rate), round(WINDOW * rate)
    first = np.round((onsets + span[0]) * rate).astype(int)
    cut = np.stack([data[:, f : f + length] for f in first])
    pieces = [powers(cut[..., k : k + window]) for k in range(0, length - window + 1, window)]
    return np.mean(pieces, axis=0)


def nirs_trials(
    recording: xr.DataTree, onsets: np.ndarray, span: tuple[float, float] = LATE_TRIAL
) -> np.ndarray:
    """Mean and slope (trial, feature) of HbO and HbR in `span` [s] after onsets."""
    node = stream_dataset(to_haemoglobin(recording), "nirs")
    used, time = ~node.bad.values, node.time.values
    data = 1e6 * np.concatenate([node[v].values[used] for v in ("hbo", "hbr")])
    data = bandpass(data, float(node.attrs["rate"]), *HAEMODYNAMIC)
    return np.stack([_mean_and_slope(data, time, o + span[0], o + span[1]) for o in onsets])


def task_onsets(recording: xr.DataTree) -> np.ndarray:
    """Onsets [s] of everything that is a task."""
    events = stream_dataset(recording, "events")
    names = events.description.values.astype(str)
    known = [not name.lower().startswith(("motion", "bad")) for name in names]
    return np.sort(events.onset.values[known])


def lda():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def two_classes(one: np.ndarray, other: np.ndarray) -> float:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    label = np.repeat([0, 1], (len(one), len(other)))
    fold = np.concatenate([np.arange(len(c)) * FOLDS // len(c) for c in (one, other)])
    model = make_pipeline(StandardScaler(), lda())
    return _cross_validated(model, np.concatenate([one, other]), label, fold)


def _cross_validated(model, data: np.ndarray, label: np.ndarray, fold: np.ndarray) -> float:
    from sklearn.base import clone

    from neurofuse.io.logs import quiet

    right = []
    with quiet():
        for number in range(FOLDS):
            inside = fold != number
            fitted = clone(model).fit(data[inside], label[inside])
            right.append(fitted.predict(data[~inside]) == label[~inside])
    return float(np.concatenate(right).mean())


def _eeg(recording: xr.DataTree) -> tuple[np.ndarray, float]:
    node = stream_dataset(recording, "eeg")
    used = (node.ch_type.values == "eeg") & ~node.bad.values
    rate = float(node.attrs["rate"])
    return 1e6 * bandpass(node.eeg.values[used], rate, *DECODED), rate


def _mean_and_slope(data: np.ndarray, time: np.ndarray, begin: float, end: float) -> np.ndarray:
    inside = (time >= begin) & (time < end)
    since = time[inside] - time[inside].mean()
    part = data[:, inside]
    return np.concatenate([part.mean(-1), part @ since / (since @ since)])
