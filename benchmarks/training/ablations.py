"""Fine-tune the joint model without one of its parts, or without one part of its windows.

    python -m benchmarks.training.ablations --start runs/third/joint/joint.safetensors

Every arm begins from the same weights and takes the same number of steps; one folder a seed
(`runs/ablations/SEED`) with ARM.safetensors. Resumes where it was cut off. What arms without
training are worth (partner, sharing weight, cross-channel filter) is a setting at evaluation.
"""

import argparse
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

JOINT = {"streams": ["eeg", "nirs"], "width": 40}
ARMS: dict[str, dict[str, Any]] = {
    "whole": {},
    "no_witnesses": {"architecture": JOINT | {"witnessed": False}},
    "no_imu": {"windows": {"head": 0.0}},
    "no_transplants": {"windows": {"transplanted": 0.0}},
    "no_recovery": {"windows": {"recovery": 0.0, "rails": 0.0}},
    "no_devices": {
        "windows": {"wearable": 0.0, "drift": 0.0, "weak": 0.0, "coarse": 0.0, "dark": 0.0}
    },
    "no_few": {"windows": {"few": 0.0}},
}


def train_arm(arm: str, seed: int, steps: int, start: str, out: Path) -> str:
    """Train one arm with one seed, unless it is there already."""
    from neurofuse.models.training.train import train

    target = out / str(seed) / f"{arm}.safetensors"
    if not target.exists():
        plan = {
            "name": arm,
            "start": start,
            "steps": steps,
            "warm_steps": 0,
            "learning_rate": 1e-3,
            "seed": 100 + seed,
            "validate_every": steps,  # the last weights, not the luckiest
            "validation_batches": 16,
        }
        results = train(plan | ARMS[arm], out / str(seed) / arm, resume=True)
        for file in (results.with_suffix(".json"), results):  # weights last: they say it is done
            shutil.copy(file, target.with_suffix(file.suffix))
    return f"{arm}, seed {seed}: {target}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--start", default="joint", help="weights to begin from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(2) as pool:
        jobs = [
            pool.submit(train_arm, arm, seed, options.steps, options.start, options.out)
            for seed in options.seeds
            for arm in options.arms
        ]
        for job in jobs:
            print(job.result(), flush=True)


if __name__ == "__main__":
    main()
