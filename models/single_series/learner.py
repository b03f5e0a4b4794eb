"""One net as a learner: its weights and their running mean, its moments, and its critic."""

import copy
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import load_file

from neurofuse.io.errors import ParameterError
from neurofuse.models.single_series import NETS
from neurofuse.models.single_series.kind import KINDS
from neurofuse.models.single_series.loss import in_decibel, reconstruction, residual_error
from neurofuse.models.single_series.net import Net, scale
from neurofuse.models.single_series.weights import save_net
from neurofuse.models.single_series.windows import SeriesWindows
from neurofuse.models.training.learner import Learner, descend

MEMORY = 100  # steps that the running mean of the weights reaches back


@dataclass(frozen=True)
class Recipe:
    """All that decides a run but its length."""

    windows: int = 32  # of one step
    learning_rate: float = 2e-3
    rise: int = 50  # steps to the full learning rate
    falling: int = 400  # steps after which it has fallen by the root of two
    weight_decay: float = 0.01
    severity: tuple[float, float] = (0.05, 3.0)
    batch: int = 4  # recordings that the windows of one step come from
    simulated: int = 6  # simulated participants beside the real ones
    validate_every: int = 50
    validation_batches: int = 12
    seed: int = 0
    sizes: dict[str, dict[str, Any]] = field(default_factory=dict)  # by net; its own by default


class NetLearner(Learner[SeriesWindows]):
    """One net in training: weights, their running mean, moments, and the critic if it has one.

    Parameters
    ----------
    name, stream : str
        The net, and the modality that it is trained on.
    recipe : Recipe
        Everything that decides the run but its length.
    folder : Path
        Gets weights, state, log and recipe.
    device : torch.device
        Where it is trained.
    """

    COUNTS: ClassVar[tuple[str, ...]] = ("step", "best", "seconds", "begun")

    def __init__(self, name: str, stream: str, recipe: Recipe, folder: Path, device: torch.device):
        kind, sizes = KINDS[stream], recipe.sizes.get(name, {})
        torch.manual_seed(recipe.seed)
        net = NETS[name](1, kind.rate, kind.length, level=kind.level, **sizes)
        self.name: str = name
        self.stream: str = stream
        self.recipe: Recipe = recipe
        self.net: Net = net.to(device)
        self.mean: Net = copy.deepcopy(self.net).eval()
        self.critic: torch.nn.Module | None = self.net.critic()
        networks = {"net": self.net, "mean": self.mean}
        trained = {"net": self.net}
        if self.critic is not None:
            self.critic = self.critic.to(device)
            networks |= {"critic": self.critic}
            trained |= {"critic": self.critic}
        optimizers = {
            f"moments.{which}": torch.optim.AdamW(
                network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
            )
            for which, network in trained.items()
        }
        super().__init__(f"{stream} {name}", folder, networks, optimizers)
        self.seconds: float = 0.0
        self.begun: int = 0  # step at which the moments were empty
        self.checks: Sequence[SeriesWindows] = ()
        self.participants: list[str] = []
        self.command = ""

    @property
    def weights(self) -> Path:
        """Where the best weights are."""
        return self.folder / f"{self.name}_{self.stream}.safetensors"

    def learning_rate(self) -> float:
        """Rises over some steps, then falls with the root of the step, without a planned end."""
        recipe = self.recipe
        rate = recipe.learning_rate * min(1.0, (self.step + 1 - self.begun) / recipe.rise)
        return rate / np.sqrt(1 + self.step / recipe.falling)

    def learn(self, batch: SeriesWindows) -> dict[str, float]:
        """One step of the net and, if there is one, of its critic."""
        began = time.perf_counter()
        # what nets sample does not depend on how often training was interrupted
        torch.manual_seed(1_000_003 * self.recipe.seed + self.step)
        size = scale(batch.seen)
        scaled = SeriesWindows(batch.seen / size, batch.clean / size, batch.mask)
        self.net.train()
        cleaned, extra = self.net.estimate(scaled.seen)
        losses = reconstruction(self.stream, cleaned, scaled)
        losses |= self.net.penalty(cleaned, scaled.clean, extra)
        if self.critic is not None:
            judged = (self.critic(scaled.seen, cleaned) - 1).square().mean()
            losses["adversarial"] = self.net.sizes["adversarial"] * judged
        total = torch.stack(list(losses.values())).sum()
        descend(self.optimizers["moments.net"], self.net, total)
        if self.critic is not None:
            real = self.critic(scaled.seen, scaled.clean) - 1
            false = self.critic(scaled.seen, cleaned.detach())
            losses["critic"] = 0.5 * (real.square().mean() + false.square().mean())
            descend(self.optimizers["moments.critic"], self.critic, losses["critic"])
        done = self.step + 1
        keep = min(1 - 1 / MEMORY, done / (done + 10))
        with torch.no_grad():
            for mean, now in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        self.seconds += time.perf_counter() - began
        return dict(zip(losses, torch.stack([*losses.values()]).tolist(), strict=True))

    @torch.no_grad()
    def validate(self) -> tuple[float, dict[str, float]]:
        """The error in motion [dB] of the mean weights, and all scores."""
        pairs = [
            residual_error(self.stream, self.mean(windows.seen[None])[0], windows)
            for windows in self.checks
        ]
        ratio, change = (torch.cat(part) for part in zip(*pairs, strict=True))
        scores = in_decibel(ratio, change)
        return scores["left_db"], scores

    def save_weights(self, scores: dict[str, float]) -> None:
        """Write the mean weights."""
        training = {
            **{k: v for k, v in asdict(self.recipe).items() if k != "sizes"},
            "steps": self.step,
            "minutes": round(self.seconds / 60, 1),
        }
        save_net(
            self.weights,
            self.mean,
            self.name,
            self.stream,
            training,
            self.participants,
            scores,
            self.command,
        )

    def begin(self, start: Path | None) -> None:
        """Go on with an earlier run of the same recipe; else begin, if asked from weights."""
        self.folder.mkdir(parents=True, exist_ok=True)
        recipe = json.dumps(asdict(self.recipe) | {"sizes": self.net.config}, indent=1) + "\n"
        file = self.folder / "recipe.json"
        if not self.state_file.exists():
            file.write_text(recipe)
            self.log_file.unlink(missing_ok=True)
            if start is not None:
                self._begin_from(start / self.weights.name)
        elif file.read_text() == recipe:
            self.restore()
        else:
            raise ParameterError(
                f"an earlier run in {self.folder} with another recipe",
                "the recipe it was begun with (recipe.json)",
                "choose another folder, or that recipe",
            )

    def _begin_from(self, weights: Path) -> None:
        """Take up a net's best weights, whose moments (and critic) are not kept."""
        facts = json.loads(weights.with_suffix(".json").read_text())
        for net in (self.net, self.mean):
            net.load_state_dict({k: v.float() for k, v in load_file(weights).items()})
        self.step = self.begun = int(facts["training"]["steps"])
        self.best: float = float(facts["validation"]["left_db"])
        self.seconds: float = 60 * float(facts["training"]["minutes"])
        for suffix in (".safetensors", ".json"):  # the best until a better one comes
            shutil.copy(weights.with_suffix(suffix), self.folder)
