"""How exactly shared event pulses determine a clock, and how often an alignment is wrong.

    python -m benchmarks.clocks.pulses --page docs/clocks.md

A trial samples pulses in 1 h of fNIRS, an offset in ±600 s and a drift in ±500 ppm; each modality
misses 20 % of the pulses and has 10 % spurious ones, and each pulse time jitters. Errors are those
of the aligned time axis at 101 instants of the hour, pooled over trials. The bound is that of
Cramér and Rao for the pulses that both modalities really share, Gaussian jitter and no prior; no
unbiased estimate stays below it. "Trains" are designs of experiments that invite wrong matches.
Resumable: delete runs/clocks to start anew.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import optimize, stats

from benchmarks.common.paths import ROOT, write
from neurofuse.io.clock.line import fit_line
from neurofuse.io.clock.pulses import match_pulses
from neurofuse.io.errors import AlignmentError

RUNS = ROOT / "runs/clocks"
HOUR = 3600.0  # s
AXIS = np.linspace(0, HOUR, 101)
MISSING, SPURIOUS = 0.2, 0.1
TARGET = 2.0  # ms
# name: shape, size [s], jitter in how many streams, pulses
READINGS = {
    "uniform, 5 ms wide, both streams": ("uniform", 0.0025, 2, 20),
    "uniform ±5 ms, one stream": ("uniform", 0.005, 1, 20),
    "uniform ±5 ms, both streams": ("uniform", 0.005, 2, 20),
    "Gaussian, SD 5 ms, one stream": ("normal", 0.005, 1, 20),
    "Gaussian, SD 5 ms, both streams": ("normal", 0.005, 2, 20),
    "Gaussian, SD 5 ms, both streams, 200 pulses": ("normal", 0.005, 2, 200),
    "uniform ±50 ms, one stream (frames of 10 Hz)": ("uniform", 0.05, 1, 20),
}
TRAINS = {
    "at random": lambda rng: np.sort(rng.uniform(0, 600, 30)),
    "at random, 6 pulses": lambda rng: np.sort(rng.uniform(0, 600, 6)),
    "every 10 ± 1 s": lambda rng: _row(rng.uniform(9, 11, 60)),
    "every 10 ± 0.05 s": lambda rng: _row(rng.uniform(9.95, 10.05, 60)),
    "every 8, 10 or 12 s": lambda rng: _row(rng.choice([8.0, 10.0, 12.0], 60)),
    "every 8, 10 or 12 s, 15 pulses": lambda rng: _row(rng.choice([8.0, 10.0, 12.0], 15)),
    "every 10 or 11 s": lambda rng: _row(rng.choice([10.0, 11.0], 60)),
    "every 10 s": lambda rng: _row(np.full(60, 10.0)),
    "start and end of blocks": lambda rng: _copies(rng.uniform(20, 30, 30), (0.0, 5.0)),
    "bursts of 5, 1 s apart": lambda rng: _copies(rng.uniform(30, 60, 20), np.arange(5.0)),
    "on a grid of 2 s": lambda rng: np.sort(rng.choice(np.arange(0, 600, 2.0), 30, False)),
}


def _row(intervals: np.ndarray) -> np.ndarray:
    return np.cumsum(intervals)


def _copies(intervals: np.ndarray, after) -> np.ndarray:
    return np.sort((np.cumsum(intervals)[:, None] + np.asarray(after)).ravel())


class Pair:
    """What two devices recorded of events [s of fNIRS time], and the true line."""

    def __init__(self, rng: np.random.Generator, events, shape: str, size: float, streams: int):
        self.offset, self.drift = rng.uniform(-600, 600), rng.uniform(-500, 500)
        count = len(events)
        jitter = {
            "uniform": lambda: rng.uniform(-size, size, count),
            "normal": lambda: rng.normal(0, size, count),
        }[shape]
        y, x = self.truth(events) + jitter(), events + (jitter() if streams == 2 else 0)
        in_y, in_x = rng.random((2, count)) >= MISSING
        self.shared = x[in_x & in_y], y[in_x & in_y]
        more_y, more_x = (rng.poisson(SPURIOUS * count) for _ in range(2))
        self.y = np.sort(np.append(y[in_y], rng.uniform(y.min(), y.max(), more_y)))
        self.x = np.sort(np.append(x[in_x], rng.uniform(x.min(), x.max(), more_x)))

    def truth(self, time):
        return self.offset + np.asarray(time) * (1 + self.drift / 1e6)

    def estimated_clock(self):
        return match_pulses([(t, "go") for t in self.y], [(t, "go") for t in self.x])


def reading(name: str, seeds: int) -> dict:
    """Errors of one reading of "5 ms jitter" [ms], and how they compare with the bound."""
    shape, size, streams, count = READINGS[name]
    spread = size * np.sqrt(streams) / (np.sqrt(3) if shape == "uniform" else 1)
    error, oracle, variance, inside, refused = [], [], [], [], 0
    start = time.process_time()
    for seed in range(seeds):
        rng = np.random.default_rng([seed, list(READINGS).index(name)])
        pair = Pair(rng, np.sort(rng.uniform(0, HOUR, count)), shape, size, streams)
        try:
            clock = pair.estimated_clock()
        except AlignmentError:
            refused += 1
            continue
        error.append(1e3 * (clock.to_common(AXIS) - pair.truth(AXIS)))
        oracle.append(1e3 * (fit_line(*pair.shared, "events").to_common(AXIS) - pair.truth(AXIS)))
        away = pair.shared[0] - pair.shared[0].mean()
        lever = (AXIS - pair.shared[0].mean()) ** 2 / (away @ away)
        variance.append((1e3 * spread) ** 2 * (1 / len(away) + lever))
        inside.append(
            [
                clock.offset_interval[0] <= pair.offset <= clock.offset_interval[1],
                clock.drift_interval[0] <= pair.drift <= clock.drift_interval[1],
            ]
        )
    sizes = np.sqrt(np.array(variance))
    bound = optimize.brentq(lambda q: np.mean(2 * stats.norm.cdf(q / sizes) - 1) - 0.95, 0, 1e4)
    return {
        "spread": 1e3 * spread,
        "p95": float(np.percentile(np.abs(error), 95)),
        "oracle": float(np.percentile(np.abs(oracle), 95)),
        "bound": float(bound),  # pyright: ignore[reportArgumentType]
        "median_recording": float(np.median(np.percentile(np.abs(error), 95, axis=1))),
        "coverage": np.mean(inside, axis=0).tolist(),
        "refused": refused / seeds,
        "seconds": (time.process_time() - start) / seeds,
        "quantiles": np.quantile(np.abs(error), np.linspace(0, 1, 201)).tolist(),
        "along": np.percentile(np.abs(error), 95, axis=0).tolist(),
    }


def trains(name: str, seeds: int) -> dict:
    """Right, refused and wrong: both whole, cut to a part each, and of different sessions."""
    counts: dict[str, Counter] = {"whole": Counter(), "parts": Counter(), "two sessions": Counter()}
    for seed in range(seeds):
        rng = np.random.default_rng([seed, list(TRAINS).index(name), 1])
        pair, other = (Pair(rng, TRAINS[name](rng), "normal", 0.005, 2) for _ in range(2))
        counts["whole"][_verdict(pair)] += 1
        whole_y, whole_x = pair.y.copy(), pair.x.copy()
        length, parts = np.ptp(pair.x), rng.uniform(0.3, 1.0, 2)
        pair.x = pair.x[pair.x <= pair.x[0] + parts[0] * length]
        pair.y = pair.y[pair.y >= pair.y[-1] - parts[1] * length]
        counts["parts"][_verdict(pair)] += 1
        other.x, other.y = whole_x, other.y if seed % 2 else other.y[: len(whole_y)]
        counts["two sessions"]["refused" if _verdict(other) == "refused" else "wrong"] += 1
    return {kind: {k: v / seeds for k, v in count.items()} for kind, count in counts.items()}


def _verdict(pair: Pair) -> str:
    try:
        clock = pair.estimated_clock()
    except AlignmentError:
        return "refused"
    middle = pair.shared[0].mean() if len(pair.shared[0]) else pair.x.mean()
    return "right" if abs(clock.to_common(middle) - pair.truth(middle)) < 0.1 else "wrong"


def cached(kind: str, name: str, seeds: int, compute) -> dict:
    """A result from `runs/clocks`, computed if it is not there."""
    safe = "".join(c if c.isalnum() else "-" for c in name)
    target = RUNS / f"{kind}_{safe}_{seeds}.json"
    if not target.exists():
        write(target, compute(name, seeds))
    return json.loads(target.read_text())


def reading_table(seeds: int) -> list[str]:
    rows = [
        "| jitter of each pulse time | SD of a difference [ms] | error, 95 % [ms] | same pulses, "
        "matches known [ms] | bound [ms] | offset, drift in their intervals | refused "
        "| time [ms] |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in READINGS:
        r = cached("reading", name, seeds, reading)
        rows.append(
            f"| {name} | {r['spread']:.1f} | **{r['p95']:.2f}** | {r['oracle']:.2f} | "
            f"{r['bound']:.2f} | {100 * r['coverage'][0]:.1f} %, {100 * r['coverage'][1]:.1f} % | "
            f"{100 * r['refused']:.1f} % | {1e3 * r['seconds']:.0f} |"
        )
    return rows


def train_table(seeds: int) -> list[str]:
    rows = [
        "| pulses | whole: right, refused, wrong | parts: right, refused, wrong | "
        "two sessions: refused, wrong |",
        "|---|---|---|---|",
    ]
    for name in TRAINS:
        r = cached("train", name, seeds, trains)
        cells = [
            ", ".join(f"{100 * r[kind].get(k, 0):.1f}" for k in ("right", "refused", "wrong"))
            for kind in ("whole", "parts")
        ]
        last = ", ".join(f"{100 * r['two sessions'].get(k, 0):.1f}" for k in ("refused", "wrong"))
        rows.append(f"| {name} | {' | '.join(cells)} | {last} |")
    return rows


def put(page: Path, mark: str, rows: list[str]) -> None:
    """Replace what stands between <!-- mark --> and <!-- end mark -->."""
    text = page.read_text()
    head, _, rest = text.partition(f"<!-- {mark} -->\n")
    _, _, tail = rest.partition(f"<!-- end {mark} -->")
    page.write_text(f"{head}<!-- {mark} -->\n" + "\n".join(rows) + f"\n<!-- end {mark} -->{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000, help="trials of a reading")
    parser.add_argument("--train-seeds", type=int, default=200, help="trials of a design")
    parser.add_argument("--page", type=Path, help="Markdown page whose tables are replaced")
    options = parser.parse_args()
    for mark, rows in (
        ("readings", reading_table(options.seeds)),
        ("trains", train_table(options.train_seeds)),
    ):
        print("\n".join(rows), end="\n\n", flush=True)
        if options.page:
            put(options.page, mark, rows)


if __name__ == "__main__":
    main()
