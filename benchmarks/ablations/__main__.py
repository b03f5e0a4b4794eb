"""What does each part of the joint model, and of its training windows, bring?

    python -m benchmarks.ablations --start runs/third/joint/joint.safetensors \\
        --page docs/measured/ablations.md

Three seeds of every arm, two at a time; resumes where it was cut off (`runs/ablations`).
"""

import argparse
import json
import logging
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd

from benchmarks.ablations.arms import ARMS, NAMES, SETTINGS, WHOLE, train_arm
from benchmarks.ablations.figures import FIGURES, figures
from benchmarks.common.keys import weights_key
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, write

QUESTION = """What does each part of the joint model, and of its training windows, bring? Every arm
begins from the weights of the stage before ({start}) and is trained for {steps} steps with the same
{seeds} seeds; the two last arms are the whole model with another setting. Figures are those of
other pages, of validation people: error in generated motion (windows of training), in transplanted
real movements, change of recordings at rest, and error with over without a witness where few
channels share the timing of movements. The row "whole" has values, all others differences from it
of the same seed, mean [lowest, highest seed]; above 0 the part helps."""
LIMITS = """{steps} steps are a tenth of what the packaged weights had on these windows. Seeds say
how far training itself scatters, not how people differ. The figures are of the joint network alone,
before the single-modality models became part of it."""
COMMAND = "python -m benchmarks.ablations --start {start} --page docs/measured/ablations.md"


def trained(arm: str, seed: int, options: argparse.Namespace) -> dict:
    """Figures of an arm, from `runs/` where they were found before."""
    base = arm if arm in ARMS else WHOLE
    weights = train_arm(base, seed, options.steps, options.start, options.out)
    kept = options.out / str(seed) / f"{arm}_{weights_key(weights)}.figures.json"
    if not kept.exists():
        write(kept, {"arm": arm, "seed": seed} | figures(weights, SETTINGS.get(arm, {})))
    return json.loads(kept.read_text())


def quiet() -> None:
    """Two processes, one thread each, without a word."""
    os.environ["OMP_NUM_THREADS"] = "1"
    logging.getLogger("neurofuse").setLevel(logging.ERROR)


def page(rows: pd.DataFrame, options: argparse.Namespace) -> Page:
    """The page of all arms and seeds."""
    whole = rows[rows.arm == WHOLE].set_index("seed")
    lines = []
    for arm in dict.fromkeys(rows.arm):
        own = rows[rows.arm == arm].set_index("seed")
        cells = []
        for figure in FIGURES:
            values = own[figure] if arm == WHOLE else own[figure] - whole[figure]
            low, high = values.min(), values.max()
            cells.append(f"{values.mean():.2f} [{low:.2f}, {high:.2f}]")
        lines.append([NAMES[arm], *cells])
    every = [[str(row[c]) for c in ("arm", "seed", *FIGURES)] for _, row in rows.iterrows()]
    seeds = len(whole)
    return Page(
        title="Ablations",
        question=QUESTION.format(start=options.start, steps=options.steps, seeds=seeds),
        table=Table(["arm", *FIGURES.values()], lines),
        limits=LIMITS.format(steps=options.steps),
        command=COMMAND.format(start=options.start),
        data={"": Table(["arm", "seed", *FIGURES], every)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--start", default="joint", help="weights to begin from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--arms", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--out", type=Path, default=ROOT / "runs/ablations")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    rows = []
    with ProcessPoolExecutor(2, initializer=quiet) as pool:
        jobs = [
            pool.submit(trained, arm, seed, options)
            for seed in options.seeds
            for arm in options.arms
        ]
        for job in jobs:
            rows.append(job.result())
            print(rows[-1], flush=True)
    made = page(pd.DataFrame(rows), options)
    print(made.markdown("ablations"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
