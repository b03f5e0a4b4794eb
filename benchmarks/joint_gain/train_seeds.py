"""Train every arm of the comparison alike: joint, single-modality models, ablations; some seeds.

    python -m benchmarks.joint_gain.train_seeds --seeds 0 1 2 --steps 500

The budget is smaller than that of the packaged models and the same for all. One folder a seed
(`runs/seeds/SEED`) with NAME.safetensors, for `python -m benchmarks.joint_gain --weights`. Two arms
are trained at a time, one thread each; resumes where it was cut off.
"""

import argparse
import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.common.paths import ROOT

CONFIGS = ROOT / "benchmarks/training/configs"


def train_arm(config: Path, seed: int, steps: int, out: Path) -> str:
    """Train one arm with one seed, unless it is there already."""
    from neurofuse.models.training.train import train

    target = out / str(seed) / f"{config.stem}.safetensors"
    if not target.exists():
        plan = json.loads(config.read_text())
        plan |= {"seed": seed, "steps": steps, "warm_steps": steps // 5}
        results = train(plan, out / str(seed) / config.stem, resume=True)
        for file in (results.with_suffix(".json"), results):  # weights last: they say it is done
            shutil.copy(file, target.with_suffix(file.suffix))
    return f"{config.stem}, seed {seed}: {target}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"))
    parser.add_argument("--arms", nargs="+", help="names of configurations; all by default")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    models = [CONFIGS / f"{name}.json" for name in ("joint", "eeg", "nirs")]
    known = {p.stem: p for p in [*models, *sorted(CONFIGS.glob("ablations/*.json"))]}
    arms = [known[name] for name in options.arms or known]
    with ProcessPoolExecutor(2) as pool:
        jobs = [
            pool.submit(train_arm, arm, seed, options.steps, options.out)
            for seed in options.seeds
            for arm in arms
        ]
        for job in jobs:
            print(job.result(), flush=True)


if __name__ == "__main__":
    main()
