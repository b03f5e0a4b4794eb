"""What finding levels again is worth in fNIRS, and how much depends on its constants.

    python benchmarks/levels.py

Validation people only (2 of fNIRS, 2 recordings each, three severities); packaged fNIRS twin. The
last row sets each stretch between movements to its true level: what is left to win there.
"""

import logging
from collections.abc import Callable
from unittest import mock

import joint_gain_segments as segments
import numpy as np
from clean_pairs import cut
from joint_gain_facts import ASKED

from neurofuse.fusion.clean import clean
from neurofuse.io import build, read
from neurofuse.io.recording import without_stream
from neurofuse.models import level, source
from neurofuse.models.corpus import subject_files
from neurofuse.synth import inject

SEVERITIES = (0.15, 0.5, 1.5)
RECORDINGS = 2  # of each person
SEED = 5000


def cases():
    """Person and disturbed recording with its truth, fNIRS beside no matter whose EEG."""
    eeg = [files for _, files in sorted(subject_files("validation", "eeg").items())]
    for number, (person, files) in enumerate(subject_files("validation", "nirs").items()):
        for take in range(RECORDINGS):
            other = eeg[(number + RECORDINGS * take) % len(eeg)]
            rest = next(path for path in other if "rest" in path.name)
            pair = build(cut(read(rest), "eeg"), cut(read(files[take % len(files)]), "nirs"))
            for severity in SEVERITIES:
                seed = SEED + 100 * number + take
                yield person, *inject(pair, seed=seed, severity=severity, share="timing")


def true_levels(rows: np.ndarray, found: segments.Material) -> np.ndarray:
    """Rows (row, time) whose stretches at rest have their true level; straight lines between."""
    out = rows.copy()
    for k, error in enumerate(rows - found.truth):
        at, off = [], []
        for first, last in segments.stretches(~found.motion[k // found.waves]):
            at += [first, last - 1]
            off += 2 * [error[first:last].mean()]
        out[k] -= np.interp(np.arange(len(error)), at, off)
    return out


def cleaned(contaminated, found: segments.Material, **constants: float) -> np.ndarray:
    with mock.patch.multiple(level, **(constants or {"FREE": level.FREE})):
        done = clean(without_stream(contaminated, "eeg"), "nirs")
    return segments.samples(done, "nirs", found.channel)


def unsettled(contaminated, found: segments.Material) -> np.ndarray:
    """As the filter of the derivative sums up."""
    with mock.patch.object(source, "level_error", lambda density, *_: np.zeros_like(density)):
        return cleaned(contaminated, found)


def main() -> None:
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    arms: dict[str, Callable] = {"levels as the filter leaves them": unsettled}
    for seconds, free in ((5, 0.6), (10, 0.6), (20, 0.6), (40, 0.6), (10, 0.3), (10, 1.0)):
        arms[f"returning in {seconds} s, free {free}"] = (
            lambda c, found, seconds=seconds, free=free: cleaned(
                c, found, RETURN=float(seconds), FREE=free
            )
        )
    arms["true levels"] = lambda c, found: true_levels(cleaned(c, found), found)
    total: dict[str, dict[str, dict[str, float]]] = {}
    for person, truth, contaminated in cases():
        found = segments.material(truth, contaminated, "nirs")
        energy = segments.energies(found.truth, found)
        artifact = segments.energies(found.contaminated - found.truth, found)["band"]
        size = [
            10 * np.log10((sum(a) + 1e-30) / (sum(t) + 1e-30))
            for a, t in zip(artifact, energy["band"], strict=True)
        ]
        asked = [k for k, s in enumerate(size) if ASKED[0] <= s < ASKED[1]]
        for name, make in {**arms, "": None}.items():
            rows = energy if make is None else None
            rows = rows or segments.energies(make(contaminated, found) - found.truth, found)
            own = total.setdefault(name, {}).setdefault(person, dict.fromkeys(rows, 0.0))
            for view, values in rows.items():
                own[view] += sum(sum(values[k]) for k in asked)
    print("| fNIRS, error [dB] | 0.01-0.7 Hz | unfiltered |\n|---|---|---|")
    for name in arms:
        per = [
            [10 * np.log10(own[view] / total[""][person][view]) for view in segments.VIEWS["nirs"]]
            for person, own in total[name].items()
        ]
        print(f"| {name} | " + " | ".join(f"{v:.1f}" for v in np.mean(per, axis=0)) + " |")


if __name__ == "__main__":
    main()
