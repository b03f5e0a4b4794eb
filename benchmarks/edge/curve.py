"""How does the error fall with the size of the network, all taught by the joint model?

nice -n 19 python -m benchmarks.edge.curve
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.page import Table
from benchmarks.common.paths import ROOT
from neurofuse.models import train

WIDTHS = (4, 8, 14, 24, 40)
STEPS = 200  # of each; the packaged models took thousands
SEED = 41
RUNS = ROOT / "runs/edge/curve"
TAUGHT = {"teacher": "joint", "learning_rate": 0.005, "seed": SEED, "validation_batches": 16}
REFERENCE = {"name": "joint", "start": "joint", "steps": 0, "validation_batches": 16}


@dataclass(frozen=True)
class Point:
    """A network and its errors on the same validation windows [dB]."""

    name: str
    parameters: int
    steps: int
    eeg: float
    nirs: float


def plans(steps: int = STEPS) -> dict[str, dict]:
    """The trainings of the curve: the joint model as it is, and one of each width."""
    taught = {
        f"width-{width}": TAUGHT
        | {
            "name": f"width-{width}",
            "architecture": {"width": width},
            "steps": steps,
            "warm_steps": steps,
            "validate_every": steps,
        }
        for width in WIDTHS
    }
    return {"joint": REFERENCE, **taught}


def trained(folder: Path = RUNS, steps: int = STEPS) -> None:
    """Train what is missing; a training that was stopped goes on."""
    for name, plan in plans(steps).items():
        if _point(folder / name / f"{name}.json", steps) is None:
            train(plan, folder / name, resume=True)


def points(folder: Path = RUNS, steps: int = STEPS) -> list[Point]:
    """What is trained so far, the smallest network first and the joint model last."""
    found = [_point(folder / name / f"{name}.json", steps) for name in plans(steps)]
    return sorted((one for one in found if one is not None), key=lambda one: one.parameters)


def _point(file: Path, steps: int) -> Point | None:
    """None where no training ended."""
    if not file.exists():
        return None
    facts = json.loads(file.read_text())
    scores, asked = facts["validation"], facts["training"]["steps"]
    if scores["step"] < asked or asked not in (0, steps):
        return None
    return Point(facts["name"], facts["parameters"], asked, scores["eeg_db"], scores["nirs_db"])


def table(found: list[Point]) -> Table:
    """Errors by size."""
    rows = [[p.name, str(p.parameters), f"{p.eeg:.2f}", f"{p.nirs:.2f}"] for p in found]
    return Table(["network", "weights", "EEG [dB]", "fNIRS [dB]"], rows)


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=RUNS)
    options = parser.parse_args(None if arguments is None else list(arguments))
    trained(options.folder)
    print(table(points(options.folder)).markdown())


if __name__ == "__main__":
    main()
