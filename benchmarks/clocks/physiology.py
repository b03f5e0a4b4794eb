"""How often clocks are estimated from heart rate and movement: right, refused, or wrong.

    python -m benchmarks.clocks.physiology --seeds 200

Pairs of 20 min (by movement alone 1 h) have random offsets in ±600 s and drifts in ±500 ppm.
Right: within 100 ms along the whole fNIRS recording. Conditions: "ecg" (an ECG channel in the EEG
file, and movement), "movement" (no ECG), "neither" (at rest, no ECG), "mismatched" (recordings of
two participants, with ECG and movement), "steady" (a heart whose rate varies a tenth as much),
"noisy" (six times the noise in the light).
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy import ndimage

from neurofuse.io import build, eeg_dataset, nirs_dataset
from neurofuse.io.clock.physiology import by_physiology
from neurofuse.io.errors import AlignmentError

EEG_RATE, NIRS_RATE = 125.0, 8.0
SECONDS = {
    "ecg": 1200.0,
    "movement": 3600.0,
    "neither": 1200.0,
    "mismatched": 1200.0,
    "steady": 1200.0,
    "noisy": 1200.0,
}  # of fNIRS
CONDITIONS = ("ecg", "movement", "neither", "mismatched", "steady", "noisy")
WITHIN = 0.1  # s


def wave(frequency: float, spread: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """A wave (sampled at 10 Hz) whose frequency [Hz] and amplitude vary within 10 s."""
    wander = ndimage.gaussian_filter1d(rng.standard_normal((2, count)), 50, axis=-1)
    wander /= wander.std(-1, keepdims=True)
    return (1 + 0.4 * wander[0]) * np.sin(0.2 * np.pi * np.cumsum(frequency + spread * wander[1]))


class Body:
    """A heart and movements on a time axis of its own."""

    def __init__(
        self, rng: np.random.Generator, begin: float, end: float, moves: bool, steady: bool
    ):
        grid = np.arange(begin, end, 0.1)
        slow = np.cumsum(rng.normal(0, 0.01, len(grid)))
        mayer = 0.03 * wave(0.1, 0.015, len(grid), rng)
        breath = 0.04 * wave(rng.uniform(0.2, 0.3), 0.04, len(grid), rng)
        change = (0.1 if steady else 1.0) * (mayer + breath + 0.02 * np.tanh(slow))
        pace = rng.uniform(0.9, 1.4) * (1 + change)
        phase = np.cumsum(pace) * 0.1
        self.beats = np.interp(np.arange(1, int(phase[-1])), phase, grid)
        count = rng.poisson((end - begin) / 45) if moves else 0
        self.moves = np.sort(rng.uniform(begin, end, count))
        self.strength = rng.lognormal(0, 0.7, count)
        self.length = rng.lognormal(0.3, 0.6, count)


def eeg_of(body: Body, rng: np.random.Generator, start: float, seconds: float, ecg: bool):
    """A Recording of EEG whose first sample lies at `start` on the body's time."""
    time = start + np.arange(int(seconds * EEG_RATE)) / EEG_RATE
    noise = rng.standard_normal((2, len(time)))
    voltage = 1e-5 * (noise + np.cumsum(noise, -1) * 0.02)
    for at, strength, length in zip(body.moves, body.strength, body.length, strict=True):
        late = at + rng.uniform(-0.1, 0.1)
        here = (time >= late) & (time < late + length)
        swing = rng.normal(0, 1, (2, 1)) * np.sin(2 * np.pi * 1.5 * (time[here] - late))
        voltage[:, here] += 6e-5 * strength * (swing + 0.3 * rng.standard_normal((2, here.sum())))
    names, kinds = ["C3", "C4"], ["eeg", "eeg"]
    if ecg:
        heart = 5e-5 * rng.standard_normal(len(time))
        for beat in body.beats[(body.beats > time[0]) & (body.beats < time[-1])]:
            first, last = np.searchsorted(time, [beat - 0.1, beat + 0.1])
            heart[first:last] += 1e-3 * np.exp(-0.5 * ((time[first:last] - beat) / 0.012) ** 2)
        voltage, names, kinds = np.vstack([voltage, heart]), [*names, "ECG"], [*kinds, "ecg"]
    return build(eeg_dataset(voltage, EEG_RATE, names, ch_type=kinds))


def nirs_of(body: Body, rng: np.random.Generator, instants: np.ndarray, noise: float):
    """A Recording of fNIRS sampled at `instants` of the body's time."""
    count = 4
    arrival = rng.normal(0.22, 0.03)
    pulses = body.beats + arrival + rng.normal(0, 0.008, len(body.beats))
    turn = 2 * np.pi * np.interp(instants, pulses, np.arange(len(pulses)))
    # steepest rise at each beat, slower fall
    pulse = np.sin(turn) + 0.35 * np.sin(2 * turn)
    od = 0.004 * rng.uniform(0.4, 1, (count, 2, 1)) * pulse
    mayer = np.cumsum(rng.standard_normal((count, 2, len(instants))), -1)
    od = od + 2e-4 * mayer + 0.002 * noise * rng.standard_normal(od.shape)
    for at, strength, length in zip(body.moves, body.strength, body.length, strict=True):
        late = at + rng.uniform(-0.1, 0.1)
        here = (instants >= late) & (instants < late + length)
        wild = rng.normal(0, 1, (count, 1, 1)) * np.cumsum(rng.standard_normal(here.sum()))
        od[..., here] += 0.1 * strength * wild / np.sqrt(max(here.sum(), 1))
    optodes = [f"S{i}" for i in range(count)], [f"D{i}" for i in range(count)]
    return build(nirs=nirs_dataset(np.exp(-od), NIRS_RATE, [760, 850], *optodes))


def trial(condition: str, seed: int) -> tuple[str, float]:
    """("right" | "wrong" | "refused", largest error [s])."""
    rng = np.random.default_rng([seed, CONDITIONS.index(condition)])
    offset, drift = rng.uniform(-600, 600), rng.uniform(-500, 500)
    seconds = SECONDS[condition]
    length = seconds + 600
    moves = condition != "neither"
    ends = -700.0, length + 1300.0
    steady = condition == "steady"
    body = Body(rng, *ends, moves, steady)
    eeg = eeg_of(body, rng, 0.0, length, condition not in ("movement", "neither"))
    other = Body(rng, *ends, moves, steady) if condition == "mismatched" else body
    file_time = np.arange(int(seconds * NIRS_RATE)) / NIRS_RATE
    truth = offset + file_time * (1 + drift / 1e6)
    nirs = nirs_of(other, rng, truth, 6.0 if condition == "noisy" else 1.0)
    try:
        estimate = by_physiology(eeg, nirs)
    except AlignmentError:
        return "refused", np.nan
    error = float(np.abs(estimate.to_common(file_time) - truth).max())
    return ("right" if error <= WITHIN and condition != "mismatched" else "wrong"), error


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--conditions", nargs="+", default=CONDITIONS, choices=CONDITIONS)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    print("| condition | right | refused | wrong | error where not refused, median / 95 % [ms] |")
    print("|---|---|---|---|---|")
    with ProcessPoolExecutor(options.jobs) as pool:
        for condition in options.conditions:
            results = list(pool.map(partial(trial, condition), range(options.seeds)))
            outcomes = [result for result, _ in results]
            fractions = [
                outcomes.count(name) / len(outcomes) for name in ("right", "refused", "wrong")
            ]
            errors = [1e3 * error for _, error in results if np.isfinite(error)]
            spread = "{:.0f} / {:.0f}".format(*np.percentile(errors, [50, 95])) if errors else "–"
            cells = [condition, *(f"{100 * part:.1f} %" for part in fractions), spread]
            print("| " + " | ".join(cells) + " |", flush=True)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
