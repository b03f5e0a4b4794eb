"""Are people to learn from so scarce that pretraining without truth could pay?

    OMP_NUM_THREADS=1 python -m benchmarks.self_supervised \\
        --page docs/measured/self_supervised_pretraining.md

Trains each modality from nothing on all participants and on a part of them. Resumes where it was
cut off (`runs/self_supervised`).
"""

import argparse
import json
import logging
from dataclasses import replace
from itertools import product
from pathlib import Path

from benchmarks.common.keys import result_key
from benchmarks.common.paths import ROOT, recordings_folder, write
from benchmarks.self_supervised.arms import SCARCE, SHARES, SIMULATED, STREAMS, Arm, train_arm
from benchmarks.self_supervised.evaluation import BATCHES, errors
from benchmarks.self_supervised.results import Row, page
from neurofuse.models.training.corpus import SIMULATED as MADE


def rows_of(arm: Arm, out: Path) -> list[Row]:
    """Figures of an arm by validation participant, from `out` where they were found before."""
    weights = train_arm(arm, out)
    kept = weights.parent / f"{result_key('errors', BATCHES, files=[weights])}.figures.json"
    if not kept.exists():
        write(kept, {"rows": errors(weights, arm.stream)})
    scratch = train_arm(replace(arm, pretrained=0), out)  # of those alone whose truth is known
    facts = json.loads(scratch.with_suffix(".json").read_text())
    people = [p for p in facts["training_data"][arm.stream] if not p.startswith(MADE)]
    known = {"stream": arm.stream, "share": arm.share, "simulated": arm.simulated}
    known |= {"seed": arm.seed, "pretrained": arm.pretrained, "trained on": len(people)}
    return [known | row for row in json.loads(kept.read_text())["rows"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES))
    parser.add_argument("--simulated", type=int, nargs="+", default=list(SIMULATED))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--pretrained", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/self_supervised")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    found: list[Row] = []
    chosen = product(options.seeds, options.simulated, options.shares, options.streams)
    arms = [Arm(stream, share, n, seed, options.steps) for seed, n, share, stream in chosen]
    if options.pretrained:
        arms += [
            replace(arm, pretrained=options.steps)
            for arm in arms
            if (arm.stream, arm.simulated) == SCARCE and arm.share < 1
        ]
    for arm in arms:
        found += rows_of(arm, options.out)
        print(arm.name, "done", flush=True)
    made = page(found, options.steps)
    print(made.markdown("self_supervised_pretraining"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
