"""Draw docs/figures/clocks.png from what `benchmarks.clocks.pulses` left in runs/clocks.

python -m benchmarks.clocks.figure
"""

import argparse
import json

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.clocks.pulses import RUNS
from benchmarks.common.paths import ROOT

SHOWN = {
    "uniform--5-ms-wide--both-streams": "5 ms wide, both streams",
    "uniform--5-ms--one-stream": "±5 ms, one stream",
    "Gaussian--SD-5-ms--both-streams": "SD 5 ms, both streams",
    "Gaussian--SD-5-ms--both-streams--200-pulses": "SD 5 ms, both, 200 pulses",
}


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for name, label in SHOWN.items():
        result = json.loads(next(RUNS.glob(f"reading_{name}_*.json")).read_text())
        error = np.array(result["quantiles"])
        left.plot(error, np.linspace(0, 1, len(error)), label=label)
        right.plot(np.linspace(0, 60, len(result["along"])), result["along"], label=label)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        (axes.axvline if axes is left else axes.axhline)(2, color="black", lw=0.8, ls="--")
    left.set(xlabel="error of the time axis [ms]", ylabel="fraction of instants", xlim=(0, 12))
    right.set(xlabel="minute of the hour", ylabel="95th percentile [ms]", ylim=(0, None))
    left.legend(fontsize=8)
    figure.suptitle("20 pulses in 1 h, 20 % missing in either stream; dashed: 2 ms", fontsize=10)
    figure.savefig(ROOT / "docs/figures/clocks.png", dpi=110)


if __name__ == "__main__":
    main()
