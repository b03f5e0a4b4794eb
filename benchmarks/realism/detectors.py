"""Do published motion detectors respond to injected motion as they do to real motion?

    python -m benchmarks.realism.detectors --page docs/measured/synth_detectors.md

fNIRS (Homer3 twNI, its own quiet stretches with motion injected): GVTD (Sherafati 2020) and
channel-wise motion detection by the published parameters of Homer's, as cedalion has it (change of
OD within 0.5 s above 0.3 or above 20 SD of the sample-to-sample change, 1 s around it masked). EEG
(Porr: real jaw and cap movement; the same participants lying relaxed with these injected; always
after a stretch of the same participant's rest, as z-scores need one):
`mne.preprocessing.annotate_muscle_zscore` and the rejection of 1-s epochs by peak to peak.
"""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.page import Page, Table
from benchmarks.realism.material import SUBJECTS, TASKS, porr, quiet_base, real_nirs
from neurofuse.io import build, stream_dataset
from neurofuse.io.optics.gvtd import global_variance
from neurofuse.synth import inject

WITHIN, AROUND = 0.5, 1.0  # s
AMPLITUDE, DEVIATIONS = 0.3, 20.0  # OD; SD of the change from sample to sample
MUSCLE = {"110-140 Hz": (110.0, 140.0), "20-60 Hz": (20.0, 60.0)}  # MNE's default, and lower
SEVERITIES = (0.2, 1.0, 3.0)
Z, PEAK_TO_PEAK = 4, 150e-6  # robust z of the muscle envelope; V


def gvtd_fires(node: xr.Dataset) -> np.ndarray:
    """Times (time,) at which GVTD is above its threshold."""
    return np.asarray(global_variance(build(nirs=node)).moving.values)


def jumps(node: xr.Dataset) -> np.ndarray:
    """Times (time,) masked in any channel by the amplitude and SD rule."""
    od, rate = node.od.values.reshape(-1, node.sizes["time"]), float(node.attrs["rate"])
    limit = np.minimum(AMPLITUDE, DEVIATIONS * np.diff(od).std(axis=1, keepdims=True))
    fires = np.zeros(od.shape[1], bool)
    for step in range(1, round(WITHIN * rate) + 1):
        fires[step:] |= (np.abs(od[:, step:] - od[:, :-step]) > limit).any(axis=0)
    wide = np.ones(2 * round(AROUND * rate) + 1)
    return np.convolve(fires, wide, "same") > 0


def marked(rest: xr.DataTree, recording: xr.DataTree, detector: str) -> np.ndarray:
    """Times (time,) of a recording that MNE marks in one that begins with `rest`."""
    import mne

    nodes = [stream_dataset(r, "eeg") for r in (rest, recording)]
    rate, volts = float(nodes[0].attrs["rate"]), [n.eeg.values[:2] for n in nodes]
    info = mne.create_info(["EEG1", "EEG2"], rate, "eeg")
    centred = [v - np.median(v, axis=1, keepdims=True) for v in volts]
    raw = mne.io.RawArray(np.concatenate(centred, axis=1), info, verbose="error")
    fires = np.zeros(raw.n_times, bool)
    if detector == "epochs":
        raw.filter(0.5, 45.0, verbose="error")
        epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="error")
        size = np.ptp(epochs.get_data(), axis=-1).max(axis=1) > PEAK_TO_PEAK
        long = np.repeat(size, int(rate))
        fires[: len(long)] = long
    else:
        marks, _ = mne.preprocessing.annotate_muscle_zscore(
            raw, threshold=Z, ch_type="eeg", filter_freq=MUSCLE[detector], verbose="error"
        )
        for onset, length in zip(marks.onset, marks.duration, strict=True):
            fires[int(onset * rate) : int((onset + length) * rate)] = True
    return fires[volts[0].shape[1] :]


def nirs_rows() -> Iterator[tuple[str, list[float]]]:
    """Fraction of time in %: real, quiet base, injected; then hits by severity, false."""
    for name, fires in (("fNIRS, GVTD", gvtd_fires), ("fNIRS, amplitude and SD", jumps)):
        real, quiet, injected, hits, false = [], [], [], {s: [] for s in SEVERITIES}, []
        for number, (_, node) in enumerate(real_nirs()):
            base, _ = quiet_base(node)
            real.append(fires(node).mean())
            quiet.append(fires(base).mean())
            for severity in SEVERITIES:
                _, made = inject(build(nirs=base), seed=300 + number, severity=severity)
                there = stream_dataset(made, "nirs")
                results, mask = fires(there), there.motion.values.any(axis=0)
                if mask.any():
                    hits[severity].append(results[mask].mean())
                if severity == 1:
                    injected.append(results.mean())
                    false.append(results[~mask].mean())
        yield name, [*_percent(real, quiet, injected), *_percent(*hits.values(), false)]


def eeg_rows() -> Iterator[tuple[str, list[float]]]:
    """The same for EEG: each detector on the movement that it is made for."""
    for detector, task in (("110-140 Hz", "jaw"), ("20-60 Hz", "jaw"), ("epochs", "movehat")):
        real, quiet, injected, hits, false = [], [], [], {s: [] for s in SEVERITIES}, []
        for subject in SUBJECTS:
            rest = porr(subject, "relaxinglieing")
            real.append(marked(rest, porr(subject, task), detector).mean())
            quiet.append(marked(rest, rest, detector).mean())
            for severity in SEVERITIES:
                _, made = inject(
                    rest,
                    seed=300 + subject,
                    types=TASKS[task],
                    severity=severity,
                    bouts_per_minute=12.0,
                )
                results = marked(rest, made, detector)
                mask = made["eeg"].motion.values.any(axis=0)
                if mask.any():
                    hits[severity].append(results[mask].mean())
                if severity == 1:
                    injected.append(results.mean())
                    false.append(results[~mask].mean())
        what = "epochs above 150 µV" if detector == "epochs" else f"muscle z-score, {detector}"
        yield (
            f"EEG, {what} ({task})",
            [
                *_percent(real, quiet, injected),
                *_percent(*hits.values(), false),
            ],
        )


def _percent(*values: list[float]) -> list[float]:
    return [100 * float(np.mean(v)) if v else np.nan for v in values]


COLUMNS = ["detector", "real motion", "quiet", "injected"]
COLUMNS += [*(f"hits × {s:g}" for s in SEVERITIES), "false"]
QUESTION = """Do detectors made by others fire on injected motion as they do on real motion?
Fraction of time [%] that a detector marks: in real recordings with motion, in their quiet stretches
(fNIRS) or the same participants lying relaxed (EEG; rest always comes first, as z-scores need it),
and in these with motion injected at severity 1; then what it marks of the injected motion mask at
severity 0.2, 1 and 3 (hits), and of the rest (false)."""
LIMITS = """How much motion the real recordings hold is not how much is injected, so the first and
the third column agree in order only. Motion masks also hold motion too small to be marked. The
muscle detector hardly fires on either: jaw movement lasts too long in these recordings to stand
out."""


def page(rows: Table) -> Page:
    return Page(
        title="Detectors made by others, on injected motion",
        question=QUESTION,
        table=rows,
        limits=LIMITS,
        command="python -m benchmarks.realism.detectors --page docs/measured/synth_detectors.md",
        data={"": rows},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    rows = [[name, *(f"{v:.1f}" for v in values)] for name, values in (*nirs_rows(), *eeg_rows())]
    made = page(Table(COLUMNS, rows))
    print(made.markdown("synth_detectors"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
