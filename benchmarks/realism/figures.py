"""Figures of generated motion beside real motion."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from benchmarks.realism import eeg, nirs
from benchmarks.realism.nirs import Values, summarise

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw_nirs(real: list[Values], made: list[Values], examples, path: Path) -> None:
    """Examples and distributions of fNIRS motion, real and generated."""
    figure, axes = plt.subplots(4, 3, figsize=(11, 9), constrained_layout=True)
    for row, (title, recording) in enumerate(examples):
        od = nirs.density(recording)
        rate = od.attrs["rate"]
        events = [e for e in nirs.detect(od) if e.size >= 0.2]
        events.sort(key=lambda e: e.size)
        for column, part in enumerate((0.3, 0.6, 0.9)):
            event = events[int(part * (len(events) - 1))]
            first = max(event.start - int(10 * rate), 0)
            here = slice(first, first + int(30 * rate))
            axis = axes[row, column]
            for color, course in zip(("C3", "C0"), od.values[event.channel], strict=True):
                axis.plot(np.arange(len(course[here])) / rate, course[here], color, lw=0.8)
            axis.set(title=f"{title}: {od.channel.values[event.channel]}", xlabel="s")
        axes[row, 0].set_ylabel("OD, 690 (red), 830 nm")
    wanted = nirs.targets()
    names = {
        "fnirs_event_duration_s_ge0p1": "duration, s",
        "fnirs_event_peak_abs_od_ge0p1": "peak, OD",
        "fnirs_event_rise_10_90_s_ge0p1": "rise, s",
        "fnirs_event_abs_shift_over_peak_ge0p1": "|shift| / peak",
        "fnirs_event_gap_s_ge0p1": "gap between events, s",
        "fnirs_artifact_corr_830_690": "r of 830 and 690 nm",
    }
    for axis, (base, label) in zip(axes[2:].ravel(), names.items(), strict=True):
        for color, group, who in (("k", real, "real"), ("C1", made, "generated")):
            pool = np.sort(np.concatenate([m[base] for m in group if base in m]))
            axis.plot(pool, np.linspace(0, 1, len(pool)), color, label=who)
        points = ("05", "25", "50", "75", "95")
        have = [(wanted[f"{base}_q{q}"]["value"], int(q) / 100) for q in points]
        axis.plot(*zip(*have, strict=True), "ko", ms=4, mfc="w", label="JSON, 10 runs")
        if have[0][0] > 0:
            axis.set_xscale("log")
        axis.set(xlabel=label, ylim=(0, 1))
    axes[2, 0].legend(fontsize=8)
    figure.savefig(path, dpi=75)
    plt.close(figure)


def middle(recordings: list) -> tuple[np.ndarray, float]:
    """Samples (channel, time) [uV] in 0.5-45 Hz, and rate, of the recording of middling size."""
    results = []
    for recording in recordings:
        samples, rate = eeg.samples_of(recording)
        course = eeg.filtered(samples, rate, 0.5, 45.0) * 1e6
        results.append((np.percentile(np.abs(course), 99), course, rate))
    results.sort(key=lambda f: f[0])
    return results[len(results) // 2][1:]


def draw_eeg(real: list[Values], made: list[Values], path: Path) -> None:
    """Spectra over rest by task, and examples, of EEG motion, real and generated."""
    figure = plt.figure(figsize=(11, 9), constrained_layout=True)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 2.2))
    above, below = parts
    place = np.arange(len(eeg.BANDS))
    for column, (axis, task) in enumerate(zip(above.subplots(1, 5), eeg.TYPES, strict=True)):
        for shift, color, group, who in (
            (-0.15, "k", real, "real"),
            (0.15, "C1", made, "generated"),
        ):
            results = summarise(group)
            base = [f"eeg_{task}_psd_{b}_hz_over_relax_db" for b in eeg.BANDS]
            low, mid, high = np.array([[results[f"{b}_q{q}"] for b in base] for q in (25, 50, 75)])
            ends = [mid - low, high - mid]
            axis.errorbar(place + shift, mid, ends, fmt="o", color=color, ms=3, label=who)
        axis.set_xticks(place, [f"{int(b[1])}" for b in eeg.BANDS.values()], fontsize=7)
        axis.set_title(task, fontsize=10)
        axis.set_xlabel("band up to, Hz", fontsize=8)
        axis.axhline(0, color="0.8", lw=0.5)
        if not column:
            axis.set_ylabel("dB over rest, middle half")
            axis.legend(fontsize=7)
    rests = [eeg.recording_of(s, eeg.REST) for s in eeg.subjects()]
    for order, (pair, task) in enumerate(
        zip(
            below.subplots(3, 2, sharex=True),
            ("movehead", "movehat", "jaw"),
            strict=True,
        )
    ):
        true = [eeg.recording_of(s, task) for s in eeg.subjects()]
        seed = nirs.FRESH + 1000 * order
        contaminated = [eeg.injected(r, task, seed + number) for number, r in enumerate(rests)]
        for axis, recordings, who in zip(
            pair, (true, contaminated), ("real", "injected"), strict=True
        ):
            course, rate = middle(recordings)
            count, loud = int(8 * rate), int(2 * rate)
            power = np.convolve((course**2).sum(axis=0), np.ones(loud), "valid")
            first = int(np.argmax(power)) - (count - loud) // 2
            first = min(max(first, 0), course.shape[1] - count)
            for channel, values in enumerate(course[:, first : first + count : 5]):
                axis.plot(np.arange(len(values)) * 5 / rate, values, f"C{channel}", lw=0.6)
            axis.set_title(f"{task}, {who}", fontsize=10)
            axis.set_ylabel("uV")
    figure.savefig(path, dpi=75)
    plt.close(figure)
