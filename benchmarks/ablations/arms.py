"""The joint model, fine-tuned without one of its parts or without one part of its windows.

Every arm begins from the same weights and takes the same number of steps. What needs no training is
a setting of the whole model.
"""

import shutil
from pathlib import Path
from typing import Any

from neurofuse.models.joint.architecture import Sharing

WHOLE = "whole"
ARMS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "no_witnesses": {"architecture": {"witnessed": False}},  # else that of the start
    "no_imu": {"windows": {"head": 0.0}},
    "no_transplants": {"windows": {"transplanted": 0.0}},
    "no_recovery": {"windows": {"recovery": 0.0, "rails": 0.0}},
    "no_devices": {
        "windows": {"wearable": 0.0, "drift": 0.0, "weak": 0.0, "coarse": 0.0, "dark": 0.0}
    },
    "no_few": {"windows": {"few": 0.0}},
}
# the whole model with other settings
SETTINGS: dict[str, dict[str, Any]] = {
    "no_sharing_weight": {"sharing": Sharing(none=0.0, full=1e-6)},
    "no_other_channels": {"across": False},
}
NAMES = {
    WHOLE: "whole",
    "no_witnesses": "without evidence of partner and IMU",
    "no_imu": "without IMU in training",
    "no_transplants": "without real movements",
    "no_recovery": "without amplifiers that recover",
    "no_devices": "without other devices",
    "no_few": "without windows of few channels",
    "no_sharing_weight": "partner always believed",
    "no_other_channels": "fNIRS channels not predicted from others",
}


def changes(arm: str, start: str) -> dict[str, Any]:
    """What an arm's training does otherwise; its architecture is else that of the start."""
    from neurofuse.models.weights import load_facts

    change = dict(ARMS[arm])
    if "architecture" in change:
        change["architecture"] = load_facts(start)["architecture"] | change["architecture"]
    return change


def train_arm(arm: str, seed: int, steps: int, start: str, out: Path) -> Path:
    """The weights of one arm with one seed; trained unless they are there already."""
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
        results = train(plan | changes(arm, start), out / str(seed) / arm, resume=True)
        for file in (results.with_suffix(".json"), results):  # weights last: they say it is done
            shutil.copy(file, target.with_suffix(file.suffix))
    return target
