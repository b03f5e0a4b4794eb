"""Single-modality models trained from nothing on a share of the training participants."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.paths import ROOT

CONFIGS = ROOT / "benchmarks/training/configs"
STREAMS = ("eeg", "nirs")
SHARES = (1.0, 0.1)  # of the training participants
SIMULATED = (6, 0)  # participants beside them: as packaged, and so that people are what is scarce
SCARCE = ("nirs", 0)  # modality and simulated participants where people were found to be scarce


@dataclass(frozen=True)
class Arm:
    """One training: its modality, share of the participants, simulated ones beside them, seed."""

    stream: str
    share: float
    simulated: int
    seed: int
    steps: int
    pretrained: int = 0  # steps

    @property
    def name(self) -> str:
        """That of its folder."""
        return (
            f"{self.stream}-{round(100 * self.share)}-simulated-{self.simulated}"
            f"-seed-{self.seed}-steps-{self.steps}"
            + (f"-pretrained-{self.pretrained}" if self.pretrained else "")
        )

    @property
    def plan(self) -> dict[str, Any]:
        """The first stage of the packaged weights in fewer steps, of which the last weights count.

        Motion masks alone are learned in the same part of the steps.
        """
        first = json.loads((CONFIGS / f"{self.stream}.json").read_text())
        return first | {
            "steps": self.steps,
            "warm_steps": round(self.steps * first["warm_steps"] / first["steps"]),
            "share_of_participants": self.share,
            "simulated": self.simulated,
            "pretrain": self.pretrained,
            "seed": self.seed,
            "validate_every": self.steps,
            "validation_batches": 1,
        }


def train_arm(arm: Arm, out: Path) -> Path:
    """The weights of one arm; trained unless they are there, and gone on with where it was cut."""
    from neurofuse.models.training.train import train

    weights = out / arm.name / f"{arm.stream}.safetensors"
    return weights if weights.exists() else train(arm.plan, weights.parent, resume=True)
