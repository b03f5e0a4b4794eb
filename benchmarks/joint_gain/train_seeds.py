"""Train the three models of the comparison alike, with several seeds.

    python -m benchmarks.joint_gain.train_seeds --seeds 0 1 2 --steps 250

Each begins from the weights of the fourth stage of `benchmarks/training/packaged.sh` and takes the
fifth with fewer steps, then gets the settings of the sixth, in which the joint model takes the
single-modality models of its own seed as parts. One folder a seed (`runs/seeds/SEED`) with
NAME.safetensors, for `python -m benchmarks.joint_gain --weights`. Two are trained at a time, one
thread each; resumes where it was cut off.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.common.paths import ROOT

CONFIGS = ROOT / "benchmarks/training/configs"
TRAINED, SETTLED = 5, 6  # stages of packaged.sh
NAMES = ("eeg", "nirs", "joint")  # the joint model last: it takes the others as parts


def plan_of(name: str, stage: int) -> dict[str, Any]:
    """The configuration of a stage."""
    return json.loads((CONFIGS / f"{name}_{stage}.json").read_text())


def train_model(name: str, seed: int, options: argparse.Namespace) -> Path:
    """Weights of one model after its steps with one seed, from `out` where they are done."""
    from neurofuse.models.training.train import train

    folder = options.out / str(seed) / "trained" / name
    weights, done = folder / f"{name}.safetensors", folder / "done"
    if not done.exists():
        start = str(options.start / name / f"{name}.safetensors")
        plan = plan_of(name, TRAINED) | {"start": start, "seed": seed, "steps": options.steps}
        train(plan, folder, resume=True)
        done.touch()
    return weights


def settle(name: str, seed: int, options: argparse.Namespace) -> Path:
    """Write the weights of one model with the settings and parts of the packaged one."""
    from neurofuse.models.training.train import train

    folder = options.out / str(seed)
    if not (folder / f"{name}.safetensors").exists():
        plan = plan_of(name, SETTLED)
        plan["start"] = str(folder / "trained" / name / f"{name}.safetensors")
        plan["single"] = {s: str(folder / f"{s}.safetensors") for s in plan.get("single", ())}
        made = train(plan, folder / "settled" / name, resume=True)
        for file in (made.with_suffix(".json"), made):  # weights last: they say it is done
            os.replace(file, folder / file.name)
    return folder / f"{name}.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--start", type=Path, default=Path("runs/fourth"))
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(train_model, n, s, options) for s in options.seeds for n in NAMES]
        for job in jobs:
            print(job.result(), flush=True)
    for seed in options.seeds:
        for name in NAMES:
            print(settle(name, seed, options), flush=True)


if __name__ == "__main__":
    main()
