"""`nf.read` beside MNE's own reader on the same file.

    python -m benchmarks.speed.reading_speed

One hour of 32 EEG channels at 500 Hz and of 40 fNIRS channels at 10 Hz. Both readers load all
samples; they take turns in one process, and the least time of each counts.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mne
import numpy as np

import neurofuse as nf
from neurofuse.io import build, eeg_dataset, lazy, nirs_dataset, write_eeg, write_nirs

LARGEST = 1.3


def make(folder: Path, seconds: int) -> list[Path]:
    """The files to read."""
    rng = np.random.default_rng(0)
    voltage = 2e-5 * rng.standard_normal((32, seconds * 500))
    eeg = build(eeg_dataset(voltage, 500.0, [f"E{i}" for i in range(32)]))
    light = np.exp(0.05 * rng.standard_normal((40, 2, seconds * 10)))
    optodes = [f"S{i + 1}" for i in range(40)], [f"D{i + 1}" for i in range(40)]
    nirs = build(nirs=nirs_dataset(light, 10.0, [760, 850], *optodes))
    paths = [folder / f"speed{suffix}" for suffix in (".edf", ".vhdr", ".fif")]
    for path in paths:
        write_eeg(eeg, path, overwrite=True)
    return [*paths, write_nirs(nirs, folder / "speed.snirf", overwrite=True)]


def seconds_of(reader: Callable[[], object]) -> float:
    start = time.perf_counter()
    reader()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path("runs/speed"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    lazy.LARGE = 2**40  # neither leaves samples in the file
    worst = 0.0
    for path in make(options.folder, options.seconds):
        times = [
            (
                seconds_of(partial(mne.io.read_raw, path, preload=True, verbose="error")),
                seconds_of(partial(nf.read, path)),
            )
            for _ in range(options.rounds)
        ]
        theirs, ours = np.min(times, axis=0)
        worst = max(worst, ours / theirs)
        print(
            f"{path.suffix:8} MNE {theirs:6.3f} s   neurofuse {ours:6.3f} s   {ours / theirs:.2f} x"
        )
    print(f"slowest ratio {worst:.2f} (at most {LARGEST} wanted)")


if __name__ == "__main__":
    main()
