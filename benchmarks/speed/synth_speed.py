"""How fast motion is generated, on one core.

    OMP_NUM_THREADS=1 python -m benchmarks.speed.synth_speed

Injection into 32 EEG channels at 250 Hz and 40 fNIRS channels at 10 Hz, and training windows
(60 s, clean signals of several participants contaminated on the fly). Goal: 200 x real time.
"""

import argparse
import time

import numpy as np

from neurofuse.io import build, eeg_dataset, nirs_dataset
from neurofuse.models.training.corpus import load_corpus
from neurofuse.models.training.windows import WindowSampling, sample_batch
from neurofuse.synth import inject


def injection(length: float, seeds: int) -> float:
    """Times real time (median over seeds)."""
    rng = np.random.default_rng(0)
    place = rng.normal(size=(80, 3))
    place *= 0.095 / np.linalg.norm(place, axis=1, keepdims=True)
    recording = build(
        eeg_dataset(
            1e-5 * rng.normal(size=(32, int(length * 250))),
            250.0,
            [f"E{i}" for i in range(32)],
            position=place[:32],
        ),
        nirs_dataset(
            np.exp(0.01 * rng.normal(size=(40, 2, int(length * 10)))),
            10.0,
            [760, 850],
            [f"S{i // 5}" for i in range(40)],
            [f"D{i}" for i in range(40)],
        ),
    )
    spent = []
    for seed in range(seeds):
        start = time.perf_counter()
        inject(recording, seed=seed)
        spent.append(time.perf_counter() - start)
    return length / float(np.median(spent))


def windows(batches: int) -> tuple[float, float]:
    """Training windows a second and how many times real time that is."""
    corpus = {s: load_corpus("train", s, simulated=2)[:6] for s in ("eeg", "nirs")}
    sampling, rng = WindowSampling(), np.random.default_rng(0)
    sample_batch(corpus, sampling, rng)
    start = time.perf_counter()
    for _ in range(batches):
        sample_batch(corpus, sampling, rng)
    rate = batches * sampling.batch / (time.perf_counter() - start)
    return rate, rate * sampling.window


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seeds", type=int, default=9)
    options = parser.parse_args()
    print(f"injection: {injection(options.seconds, options.seeds):.0f} x real time")
    rate, times = windows(20)
    print(f"training: {rate:.1f} windows of 60 s a second, {times:.0f} x real time")


if __name__ == "__main__":
    main()
