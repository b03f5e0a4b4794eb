"""Is a model that centres train without sharing recordings as good as one of all of them?

OMP_NUM_THREADS=1 python -m benchmarks.federated --page docs/measured/federated.md

Trains what is not there yet below `runs/federated` (4 minutes a model and seed on one core), scores
it on the validation people and writes the page of the models that are done.
"""

import argparse
from pathlib import Path

from benchmarks.common.paths import ROOT
from benchmarks.federated.arms import arms, every, trained
from benchmarks.federated.scores import scores_of


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", choices=arms(), default=arms())
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/federated")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    for arm, seed in every(options.seeds, lambda arm, _: arm in options.arms):
        scores = scores_of(trained(arm, seed, options.runs), options.runs)
        mean = sum(scores.values()) / len(scores)
        print(f"{arm}, seed {seed}: {mean:.2f} dB", scores, flush=True)


if __name__ == "__main__":
    main()
