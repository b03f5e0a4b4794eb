"""Train single-modality models with all labs, and without one of them at a time.

    python -m benchmarks.generality.train --names eeg-all nirs-all nirs-without-finemi

The settings are those of `benchmarks/training/configs/eeg.json` and `nirs.json`, from nothing, with
fewer steps. One folder a model below `runs/generality`; what was cut off is resumed, what is done
is left alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.common.paths import ROOT, recordings_folder
from benchmarks.generality.labs import LABS, met

CONFIGS = ROOT / "benchmarks/training/configs"
FOLDER = ROOT / "runs/generality"
STEPS = 250
ALL = "all"


def names() -> list[str]:
    """The models of the benchmark: with all labs, and without each lab that training has met.

    Examples
    --------
    >>> names()[0], "nirs-without-homer3" in names()
    ('eeg-all', True)
    """
    found = []
    for stream in ("eeg", "nirs"):
        found.append(f"{stream}-{ALL}")
        found += [f"{stream}-without-{lab.key}" for lab in met(stream)]
    return found


def plan_of(name: str, steps: int = STEPS) -> dict[str, Any]:
    """The configuration of a model, by its name.

    Examples
    --------
    >>> plan_of("eeg-without-muse")["leave_out"], plan_of("eeg-all")["leave_out"]
    (['eeg_wearable/muse_cueing'], [])
    """
    stream, _, rest = name.partition("-")
    plan = json.loads((CONFIGS / f"{stream}.json").read_text())
    plan["warm_steps"] = round(plan["warm_steps"] * steps / plan["steps"])
    plan |= {"steps": steps, "validate_every": steps}
    missing = rest.removeprefix("without-") if rest != ALL else None
    return plan | {"leave_out": [LABS[missing].folder] if missing else []}


def trained(name: str, steps: int = STEPS) -> Path:
    """The weights of a model, trained unless they are there."""
    return finished(FOLDER / name, plan_of(name, steps))


def finished(folder: Path, plan: dict[str, Any]) -> Path:
    """The weights of a plan in a folder, trained to the end unless they are there."""
    from neurofuse.models.training.train import train

    done = folder / "done"
    if not done.exists():
        train(plan, folder, resume=True)
        done.touch()
    return folder / f"{plan['name']}.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", nargs="+", default=names(), help="models to train")
    options = parser.parse_args()
    recordings_folder()
    for name in options.names:
        print(name, trained(name), flush=True)


if __name__ == "__main__":
    main()
