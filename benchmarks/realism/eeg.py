"""Motion in EEG, measured as motion_statistics.md (beside this file), section 2, measured it.

    python -m benchmarks.realism.eeg    # the six real Porr subjects against the JSON

`reference` describes a participant at rest, `measure_task` what a task adds to each pool. Written
anew from the text; what it leaves open is settled on the real recordings and said at the constants.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt, welch

from benchmarks.common.paths import recordings_folder
from benchmarks.realism.nirs import FRESH, Values, comparison, merged, summarise
from neurofuse.io import read, stream_dataset, with_stream
from neurofuse.io.runs import runs
from neurofuse.synth import inject

TYPES = {
    "movehead": ("nod", "shake", "tilt"),
    "movehat": ("touch",),
    "jaw": ("jaw",),
    "eyescrunching": ("face",),
    "raisingeyebrows": ("face",),
}
# movehead and movehat are movement throughout; of the others' time in real files a third is
BOUTS = {
    "movehead": 60.0,
    "movehat": 60.0,
    "jaw": 3.0,
    "eyescrunching": 12.0,
    "raisingeyebrows": 12.0,
}  # per minute
# one kind of movement, the face, stands for both tasks; eyes are squeezed harder than brows raised
SEVERITY = {"eyescrunching": 1.4, "raisingeyebrows": 0.7}
BREAK = 1.0  # s: a longer one ends an injected interval
FOREHEAD = np.array([[-0.03, 0.105, 0.04], [0.03, 0.105, 0.04]])  # m: Fp1, Fp2
PORR = "eeg_motion/porr"
REST = "relaxinglieing"
WHOLE = ("movehead", "movehat")  # no intervals: all of the file is movement
TASKS = (*WHOLE, "jaw", "eyescrunching", "raisingeyebrows", REST)
MOTION = rf"eeg_({'|'.join(TASKS)})_"  # keys that are measured here
START = 5.0  # s at the start that hold the filter's transient
WINDOW = 4.0  # s of a spectrum
BANDS = {
    "0p5_2": (0.5, 2.0),
    "2_4": (2.0, 4.0),
    "4_8": (4.0, 8.0),
    "8_13": (8.0, 13.0),
    "13_30": (13.0, 30.0),
    "30_45": (30.0, 45.0),
    "55_95": (55.0, 95.0),
}
BURST_BANDS = {"0p5_45hz": (0.5, 45.0), "2_45hz": (2.0, 45.0)}
CORR_BANDS = {"0p5_4": (0.5, 4.0), "4_13": (4.0, 13.0), "13_45": (13.0, 45.0)}
RMS = 0.2  # s of the sliding root mean square of a burst
HIGH, LOW = 4.0, 2.0  # times the median at rest: detection, extent
SHORTEST = 1.0  # s of a segment that is used (not in the text)
SLOWEST = 2.5  # s of a segment from which 0.5-2 Hz is given (not in the text)
MERGE = 0.3  # s: gaps within a burst (not in the text)
BRIEFEST = 0.02  # s of a burst (not in the text)


@dataclass
class Reference:
    """A participant at rest: power (channel,) of bands, usual RMS (channel,) of burst bands."""

    power: dict[str, np.ndarray]
    rms: dict[str, np.ndarray]


def filtered(samples: np.ndarray, rate: float, low: float, high: float | None) -> np.ndarray:
    edges, kind = (low, "highpass") if high is None else ((low, high), "bandpass")
    sos = butter(4, edges, kind, fs=rate, output="sos")
    return sosfiltfilt(sos, samples, axis=-1)


def spectrum(samples: np.ndarray, rate: float, average: str) -> tuple[np.ndarray, np.ndarray]:
    count = min(int(WINDOW * rate), samples.shape[-1])
    return welch(samples, rate, nperseg=count, average=average, axis=-1)


def band_power(freq: np.ndarray, power: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    here = (freq >= band[0]) & (freq < band[1])
    return power[..., here].sum(axis=-1) * (freq[1] - freq[0])


def sliding_rms(samples: np.ndarray, rate: float) -> np.ndarray:
    power = uniform_filter1d(samples**2, int(RMS * rate), axis=-1, mode="nearest")
    return np.sqrt(np.maximum(power, 0))


def reference(samples: np.ndarray, rate: float) -> Reference:
    """What is usual for a participant lying relaxed; samples (channel, time) [V] of one recording.

    Its spectrum is the median of WINDOW long windows, so that movements in it count little.
    """
    count = int(WINDOW * rate)
    slow = filtered(samples, rate, 0.5, None)
    parts = [slow[:, f : f + count] for f in range(0, slow.shape[1] - count + 1, count // 2)]
    spectra = [spectrum(p, rate, "mean") for p in parts]
    power = {
        name: np.median([band_power(f, p, band) for f, p in spectra], axis=0)
        for name, band in BANDS.items()
    }
    rms = {
        name: np.median(sliding_rms(filtered(samples, rate, *band), rate), axis=-1)
        for name, band in BURST_BANDS.items()
    }
    return Reference(power, rms)


def measure_task(
    samples: np.ndarray,
    rate: float,
    task: str,
    rest: Reference,
    spans: list[tuple[float, float]] | None = None,
) -> Values:
    """What one recording of a task adds to the pool of each quantity.

    Parameters
    ----------
    samples : array (channel, time) [V]
        Two channels, without the START.
    rate : float
        [Hz]
    task : str
        Names the keys.
    rest : Reference
        The same participant at rest.
    spans : list of (start, stop) [s], optional
        Where the task is done; all of the samples by default.

    Returns
    -------
    dict of arrays by key of motion_statistics.json without its `_qNN`; see `realism_nirs.measure`.
    """
    out: dict[str, list] = defaultdict(list)
    length = samples.shape[1]
    cuts = [slice(0, length)]
    if spans is not None:
        cuts = [slice(max(int(a * rate), 0), min(int(b * rate), length)) for a, b in spans]
        cuts = [c for c in cuts if c.stop - c.start >= SHORTEST * rate]
        if not cuts:
            return {}
    slow = filtered(samples, rate, 0.5, None)
    _spectra(out, task, [slow[:, c] for c in cuts], rate, rest)
    name = f"eeg_{task}"
    broad = filtered(samples, rate, *BURST_BANDS["0p5_45hz"])
    for part in (broad[:, c] * 1e6 for c in cuts):
        out[f"{name}_abs_amplitude_0p5_45hz_uv"] += np.abs(part[:, ::5]).ravel().tolist()
        second = int(rate)
        whole = part[:, : part.shape[1] // second * second].reshape(len(part), -1, second)
        out[f"{name}_ptp_1s_0p5_45hz_uv"] += np.ptp(whole, axis=-1).ravel().tolist()
        centred = part - part.mean(axis=1, keepdims=True)
        fourth = (centred**4).mean(axis=1) / (centred**2).mean(axis=1) ** 2 - 3
        out[f"{name}_excess_kurtosis_0p5_45hz"] += fourth.tolist()
    for band, edges in BURST_BANDS.items():
        course = broad if band == "0p5_45hz" else filtered(samples, rate, *edges)
        for cut in cuts:
            for channel, values in enumerate(course[:, cut]):
                _bursts(out, f"{name}_burst_{band}", values, rate, rest.rms[band][channel])
    for band, edges in CORR_BANDS.items():
        course = np.concatenate([filtered(samples, rate, *edges)[:, c] for c in cuts], axis=1)
        out[f"{name}_corr_ch1_ch2_{band}_hz"].append(np.corrcoef(course)[0, 1])
    return {k: np.asarray(v) for k, v in out.items()}


def _spectra(out, task: str, parts: list[np.ndarray], rate: float, rest: Reference) -> None:
    spectra = [spectrum(p, rate, "mean") for p in parts]
    weight = np.array([p.shape[1] for p in parts], float)
    slow = np.array([p.shape[1] >= SLOWEST * rate for p in parts])
    for band, edges in BANDS.items():
        use = slow if band == "0p5_2" else np.ones(len(parts), bool)
        if not use.any():
            continue
        powers = np.array([band_power(f, p, edges) for f, p in spectra])[use]
        power = np.average(powers, axis=0, weights=weight[use])
        gain = 10 * np.log10(power / rest.power[band])
        out[f"eeg_{task}_psd_{band}_hz_over_relax_db"] += gain.tolist()
        out[f"eeg_{task}_rms_{band}_hz_uv_median"] += (np.sqrt(power) * 1e6).tolist()
        for channel, value in enumerate(gain):
            out[f"eeg_{task}_ch{channel + 1}_psd_{band}_hz_over_relax_db_median"].append(value)
    freq = np.arange(1.0, 40.25, 0.25)
    power = np.average(
        [[np.interp(freq, f, c) for c in p] for f, p in spectra], axis=0, weights=weight
    )
    slope = np.polyfit(np.log10(freq), np.log10(power).T, 1)[0]
    out[f"eeg_{task}_psd_slope_1_40hz"] += slope.tolist()


def burst_spans(values: np.ndarray, rate: float, usual: float) -> list[tuple[int, int]]:
    """Samples (start, stop) of bursts: sliding RMS above HIGH times usual, out to LOW times.

    The width of the RMS is taken off, and gaps below MERGE are closed (neither is in the text).
    """
    rms, half, least = sliding_rms(values, rate), int(RMS * rate) // 2, int(BRIEFEST * rate)
    results = []
    for start, stop in runs(rms > LOW * usual):
        if (rms[start:stop] > HIGH * usual).any():
            centre = (start + stop) // 2
            results.append((min(start + half, centre), max(stop - half, centre + least)))
    return merged(results, MERGE * rate)


def _bursts(out, name: str, values: np.ndarray, rate: float, usual: float) -> None:
    spans = burst_spans(values, rate, usual)
    out[f"{name}_duration_s"] += [(b - a) / rate for a, b in spans]
    out[f"{name}_peak_abs_uv"] += [float(np.abs(values[a:b]).max()) * 1e6 for a, b in spans]
    out[f"{name}_rate_per_min"].append(len(spans) / (len(values) / rate / 60))
    out[f"{name}_time_fraction"].append(sum(b - a for a, b in spans) / len(values))
    out[f"{name}_gap_s"] += [(b[0] - a[1]) / rate for a, b in pairwise(spans)]


def samples_of(recording: xr.DataTree) -> tuple[np.ndarray, float]:
    """Samples (channel, time) [V] without the START, and the rate."""
    node = recording["eeg"]
    rate = float(node.attrs["rate"])
    values = np.asarray(node.eeg.transpose("channel", "time").values, float)
    return values[:, int(START * rate) :], rate


def spans_of(recording: xr.DataTree, description: str) -> list[tuple[float, float]]:
    """Start and stop [s] of events whose description ends so, on the clock of `samples_of`."""
    events = recording["events"]
    rows = zip(events.onset.values, events.duration.values, events.description.values, strict=True)
    start = float(recording["eeg"].time[0]) + START
    return [(float(o) - start, float(o + d) - start) for o, d, n in rows if n.endswith(description)]


def outside(spans: list[tuple[float, float]], length: float) -> list[tuple[float, float]]:
    """What the spans leave of 0 to length."""
    edges = [0.0, *(e for s in sorted(spans) for e in s), length]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def subjects() -> list[str]:
    return sorted({p.name.split("_")[0] for p in (recordings_folder() / PORR).glob("*.vhdr")})


def recording_of(subject: str, task: str) -> xr.DataTree:
    return read(recordings_folder() / PORR / f"{subject}_task-{task}_eeg.vhdr")


def real() -> Iterator[tuple[str, str, Values]]:
    """Subject, task and what was measured, for all subjects and TASKS."""
    for subject in subjects():
        relaxed = recording_of(subject, REST)
        rest = reference(*samples_of(relaxed))
        for task in TASKS:
            recording = recording_of(subject, task)
            samples, rate = samples_of(recording)
            spans = None
            if task == REST:
                spans = outside(spans_of(recording, "artefact_untimed"), samples.shape[1] / rate)
            elif task not in WHOLE:
                spans = spans_of(recording, "artefact") or None
            yield subject, task, measure_task(samples, rate, task, rest, spans)


def injected(recording: xr.DataTree, task: str, seed: int) -> xr.DataTree:
    """A recording of rest with the movements of a task.

    The electrodes' places are not documented. Blinks are largest at the forehead, and here they
    reach 170 to 350 uV: both electrodes are taken to sit there.
    """
    node = stream_dataset(recording, "eeg")
    place = node.position.values.copy()
    place[: len(FOREHEAD)] = FOREHEAD
    node = node.assign_coords(position=(node.position.dims, place))
    recording = with_stream(recording, "eeg", node)
    severity, bouts = SEVERITY.get(task, 1.0), BOUTS[task]
    return inject(
        recording, seed=seed, types=TYPES[task], bouts_per_minute=bouts, severity=severity
    )[1]


def spans_injected(recording: xr.DataTree) -> list[tuple[float, float]]:
    """Intervals [s] of injected movement, on the clock of `samples_of`."""
    spans = [
        s
        for n in ("nod", "shake", "tilt", "jerk", "gait", "jaw", "touch", "face")
        for s in spans_of(recording, f"motion/{n}")
    ]
    joined = merged([(round(1000 * a), round(1000 * b)) for a, b in spans], 1000 * BREAK)
    return [(a / 1000, b / 1000) for a, b in joined]


def generated(seeds: int, first: int = FRESH) -> Iterator[tuple[str, str, Values]]:
    """Subject, task and what was measured in the subject's rest with injected movement.

    The base is the same participant lying relaxed; motion that it holds stays in it.
    """
    names = subjects()
    for number, subject in enumerate(names):
        relaxed = recording_of(subject, REST)
        rest = reference(*samples_of(relaxed))
        for order, task in enumerate(TYPES):
            for seed in range(seeds):
                fresh = first + (order * len(names) + number) * seeds + seed
                contaminated = injected(relaxed, task, fresh)
                spans = None if task in WHOLE else spans_injected(contaminated)
                yield subject, task, measure_task(*samples_of(contaminated), task, rest, spans)


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    comparison(summarise([m for _, _, m in real()]), MOTION)


if __name__ == "__main__":
    main()
