"""How fast `clean` is, and what memory it takes: python benchmarks/speed.py --seconds 3600."""

import argparse
import resource
import time

import numpy as np

from neurofuse.fusion.clean import clean
from neurofuse.io import build, eeg_dataset, nirs_dataset
from neurofuse.synth import inject
from neurofuse.synth.brain import coloured


def peak() -> float:
    """Largest memory of this process so far [GB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    length = parser.parse_args().seconds
    rng = np.random.default_rng(0)
    eeg = 1e-5 * coloured((32, int(length * 250)), 250, 1.7, 1.0, rng)
    density = 0.01 * coloured((80, int(length * 10)), 10, 2.0, 0.01, rng)
    recording = build(
        eeg_dataset(eeg, 250, [f"E{i}" for i in range(32)]),
        nirs_dataset(
            np.exp(-density).reshape(40, 2, -1),
            10,
            [760, 850],
            [f"S{i // 5}" for i in range(40)],
            [f"D{i}" for i in range(40)],
        ),
    )
    _, contaminated = inject(recording, seed=1)
    clean(contaminated.sel(time=slice(0, 5)))  # imports and weights do not count
    before, start = peak(), time.perf_counter()
    clean(contaminated)
    spent = time.perf_counter() - start
    print(f"32 EEG channels at 250 Hz, 40 fNIRS channels at 10 Hz, {length:g} s")
    print(f"{spent:.1f} s, {length / spent:.0f} x real time")
    print(f"peak memory {peak():.2f} GB, {peak() - before:.2f} GB more than before cleaning")


if __name__ == "__main__":
    main()
