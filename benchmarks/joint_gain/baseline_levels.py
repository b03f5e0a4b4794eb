"""Gain by correcting baseline levels after motion in fNIRS, and the effect of its constants.

    python -m benchmarks.joint_gain.baseline_levels

An hour. Packaged fNIRS model alone; validation and training participants (the network has seen the
latter, the constants have not), and simulated participants who tap, whose response should come back
whole. The last row sets each stretch between movements to its true baseline level: what is left to
gain there.
"""

import argparse
import logging
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import xarray as xr

from benchmarks.brain_signals.measures import STRONGEST, response
from benchmarks.common.clean_pairs import cut
from benchmarks.common.lost import repaired
from benchmarks.joint_gain import segments
from benchmarks.joint_gain.facts import TARGETED, sizes
from neurofuse.io import build, read, stream_dataset
from neurofuse.io.recording import without_stream
from neurofuse.io.runs import runs
from neurofuse.models.inference import windows
from neurofuse.models.training.split import subject_files
from neurofuse.models.weights import load_model
from neurofuse.synth import inject, simulate

SEVERITIES = (0.15, 0.5, 1.5)
RECORDINGS = {"validation": 2, "train": 1}  # of each participant
SEEDS = {"validation": 5000, "train": 7000, "tapping": 45_000}
TAPPING, DURATION, COUPLED = 4, 330.0, 3.0  # simulated participants, s each, size of their response


def real(part: str) -> Iterator[tuple[str, int, xr.DataTree]]:
    """Participant, seed and recording at rest: fNIRS beside any EEG."""
    eeg = [files for _, files in sorted(subject_files(part, "eeg").items())]
    for number, (participant, files) in enumerate(subject_files(part, "nirs").items()):
        for take in range(RECORDINGS[part]):
            other = eeg[(number + RECORDINGS[part] * take) % len(eeg)]
            rest = next(path for path in other if "rest" in path.name)
            pair = build(cut(read(rest), "eeg"), cut(read(files[take % len(files)]), "nirs"))
            yield participant, SEEDS[part] + 100 * number + take, pair


def tapping(group: str) -> Iterator[tuple[str, int, xr.DataTree]]:
    for seed in range(SEEDS[group], SEEDS[group] + TAPPING):
        yield str(seed), seed, simulate(DURATION, seed=seed, coupling=COUPLED, severity=0.0)[0]


def cases(group: str) -> Iterator[tuple[str, xr.DataTree, xr.DataTree]]:
    """Participant, truth and contaminated recording."""
    for participant, seed, rest in (tapping if group == "tapping" else real)(group):
        for severity in SEVERITIES:
            yield participant, *inject(rest, seed=seed, severity=severity, share="timing")


def true_levels(rows: np.ndarray, data: segments.Material) -> np.ndarray:
    """Rows (row, time) with true baseline levels at rest; straight lines between."""
    out = rows.copy()
    for k, error in enumerate(rows - data.truth):
        at, off = [], []
        for first, last in runs(~data.motion[k // data.waves]):
            at += [first, last - 1]
            off += 2 * [error[first:last].mean()]
        out[k] -= np.interp(np.arange(len(error)), at, off)
    return out


def cleaned(contaminated, data: segments.Material, **settings: float) -> np.ndarray:
    model = load_model("nirs")
    level = model.architecture.baseline_level.model_copy(update=settings)
    model.architecture = model.architecture.model_copy(update={"baseline_level": level})
    done = repaired(without_stream(contaminated, "eeg"), model)
    return segments.samples(done, "nirs", data.channel)


def uncorrected_levels(contaminated, data: segments.Material) -> np.ndarray:
    """Baseline levels as the filter of the derivative leaves them."""
    with mock.patch.object(windows, "baseline_level_error", lambda x, *_: np.zeros_like(x)):
        return cleaned(contaminated, data)


def preserved(rows: np.ndarray, data: segments.Material, truth: xr.DataTree) -> float:
    """Response to tapping over the true one, where it is strongest in optical density."""
    events, time = (stream_dataset(truth, s) for s in ("events", "nirs"))
    onsets = events.onset.values[events.description.values == "task"]
    true, seen = (response(x, time.time.values, onsets) for x in (data.truth, rows))
    strongest = np.argsort(-np.abs(true))[: 2 * STRONGEST]
    return float(np.mean(seen[strongest] / true[strongest]))


def column(group: str, arms: dict[str, Callable]) -> dict[str, list[str]]:
    """Cells of every arm: error [dB] by view; with a task, what is preserved of its response."""
    sums_by_arm: dict[str, dict[str, np.ndarray]] = {name: {} for name in arms}
    responses: dict[str, list[float]] = {name: [] for name in arms}
    for participant, truth, contaminated in cases(group):
        data = segments.material(truth, contaminated, "nirs")
        energy = segments.energies(data.truth, data)
        artifact = segments.energies(data.contaminated - data.truth, data)
        size = np.array(sizes(artifact, energy, "nirs"))
        counted = np.flatnonzero((size >= TARGETED[0]) & (size < TARGETED[1]))
        for name, make in arms.items():
            rows = make(contaminated, data)
            error = segments.energies(rows - data.truth, data)
            sums = [[sum(sum(x[v][k]) for k in counted) for x in (error, energy)] for v in error]
            before = sums_by_arm[name].get(participant, 0.0)
            sums_by_arm[name][participant] = before + np.array(sums)
            if group == "tapping":
                responses[name].append(preserved(rows, data, truth))
    cells = {}
    for name, by_participant in sums_by_arm.items():
        mean = np.mean([10 * np.log10(x[:, 0] / x[:, 1]) for x in by_participant.values()], axis=0)
        cells[name] = [" / ".join(f"{v:.1f}" for v in mean)]
        if group == "tapping":
            each = np.reshape(responses[name], (-1, len(SEVERITIES))).mean(0)
            cells[name].append(" / ".join(f"{v:.2f}" for v in each))
    return cells


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    arms: dict[str, Callable] = {"as the filter leaves them": uncorrected_levels}
    for seconds, free in ((5, 0.4), (10, 0.4), (20, 0.4), (40, 0.4), (10, 0.2), (10, 0.6)):
        arms[f"returning in {seconds} s, free {free}"] = (
            lambda c, data, seconds=seconds, free=free: cleaned(
                c, data, return_time=float(seconds), error=free
            )
        )
    arms["true baseline levels"] = lambda c, data: true_levels(cleaned(c, data), data)
    columns = [column(group, arms) for group in SEEDS]
    severities = ", ".join(f"{s:g}" for s in SEVERITIES)
    print("fNIRS, error [dB] in 0.01-0.7 Hz / unfiltered; response over the true one at severity")
    print(f"{severities}\n\n| baseline levels | {' | '.join(SEEDS)} | response |")
    print("|---" * (len(SEEDS) + 2) + "|")
    for name in arms:
        print(f"| {name} | " + " | ".join(c for part in columns for c in part[name]) + " |")


if __name__ == "__main__":
    main()
