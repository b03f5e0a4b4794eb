"""One net on its way: its weights and their running mean, its moments, its critic."""

import copy
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from neurofuse.models.single_series import ZOO
from neurofuse.models.single_series.kind import KINDS
from neurofuse.models.single_series.loss import reconstruction
from neurofuse.models.single_series.net import Net, scale
from neurofuse.models.single_series.windows import Windows

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
    batch: int = 4  # recordings of one draw
    simulated: int = 6
    validate_every: int = 50
    validation_batches: int = 12
    seed: int = 0
    sizes: dict[str, dict[str, Any]] = field(default_factory=dict)  # by net; its own by default


class Learner:
    """One net on its way: weights, their running mean, moments, and the critic if it has one."""

    def __init__(self, name: str, stream: str, recipe: Recipe, device: str = "cpu"):
        kind = KINDS[stream]
        torch.manual_seed(recipe.seed)
        self.name, self.stream, self.recipe = name, stream, recipe
        self.net: Net = ZOO[name](
            1, kind.rate, kind.length, level=kind.level, **recipe.sizes.get(name, {})
        ).to(device)
        self.mean = copy.deepcopy(self.net).eval()
        self.critic = self.net.critic()
        if self.critic is not None:
            self.critic = self.critic.to(device)
        self.optimizers = {"net": self._optimizer(self.net)}
        if self.critic is not None:
            self.optimizers["critic"] = self._optimizer(self.critic)
        self.step, self.best, self.seconds = 0, float("inf"), 0.0
        self.begun = 0  # step at which the moments were empty

    def _optimizer(self, net: torch.nn.Module) -> torch.optim.Optimizer:
        recipe = self.recipe
        return torch.optim.AdamW(
            net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )

    def learn(self, windows: Windows) -> dict[str, float]:
        """One step; the losses it was taken on."""
        began = time.perf_counter()
        recipe = self.recipe
        torch.manual_seed(1_000_003 * recipe.seed + self.step)  # what nets draw does not pile up
        rate = recipe.learning_rate * min(1.0, (self.step + 1 - self.begun) / recipe.rise)
        rate /= np.sqrt(1 + self.step / recipe.falling)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate
        size = scale(windows.seen)
        scaled = Windows(windows.seen / size, windows.clean / size, windows.mask)
        self.net.train()
        found, extra = self.net.estimate(scaled.seen)
        losses = reconstruction(self.stream, found, scaled)
        losses |= self.net.penalty(found, scaled.clean, extra)
        if self.critic is not None:
            judged = (self.critic(scaled.seen, found) - 1).square().mean()
            losses["adversarial"] = self.net.sizes["adversarial"] * judged
        self._follow("net", self.net, torch.stack(list(losses.values())).sum())
        if self.critic is not None:
            real = self.critic(scaled.seen, scaled.clean) - 1
            false = self.critic(scaled.seen, found.detach())
            losses["critic"] = 0.5 * (real.square().mean() + false.square().mean())
            self._follow("critic", self.critic, losses["critic"])
        self.step += 1
        keep = min(1 - 1 / MEMORY, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        self.seconds += time.perf_counter() - began
        return dict(zip(losses, torch.stack([*losses.values()]).tolist(), strict=True))

    def _follow(self, which: str, net: torch.nn.Module, loss: Tensor) -> None:
        self.optimizers[which].zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"a gradient of {self.name} that is not finite: {loss}")
        self.optimizers[which].step()

    def begin_from(self, weights: Path) -> None:
        """Go on from a net's best weights, whose moments (and critic) are not kept."""
        facts = json.loads(weights.with_suffix(".json").read_text())
        for net in (self.net, self.mean):
            net.load_state_dict({k: v.float() for k, v in load_file(weights).items()})
        self.step = self.begun = facts["training"]["steps"]
        self.best, self.seconds = facts["validation"]["left_db"], 60 * facts["training"]["minutes"]

    def save(self, path: Path) -> None:
        """Write all that resuming needs, to a temporary name first."""
        tensors = {}
        for part, net in self._nets().items():
            tensors |= {f"{part}.{k}": v.contiguous() for k, v in net.state_dict().items()}
        for which, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                for k, v in moments.items():
                    tensors[f"moments.{which}.{index}.{k}"] = torch.as_tensor(v)
        progress = [float(self.step), self.best, self.seconds, float(self.begun)]
        tensors["progress"] = torch.tensor(progress, dtype=torch.float64)
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(save(tensors))
        os.replace(temporary, path)

    def restore(self, path: Path) -> None:
        """Take up what `save` wrote."""
        tensors = load_file(path)
        for part, net in self._nets().items():
            begin = f"{part}."
            given = {k[len(begin) :]: v for k, v in tensors.items() if k.startswith(begin)}
            net.load_state_dict(given)
        for which, optimizer in self.optimizers.items():
            whole, state = optimizer.state_dict(), {}
            for key, value in tensors.items():
                if key.startswith(f"moments.{which}."):
                    _, _, index, name = key.split(".")
                    state.setdefault(int(index), {})[name] = value
            whole["state"] = state
            optimizer.load_state_dict(whole)
        step, self.best, self.seconds, begun = tensors["progress"].tolist()
        self.step, self.begun = int(step), int(begun)

    def _nets(self) -> dict[str, torch.nn.Module]:
        nets: dict[str, torch.nn.Module] = {"net": self.net, "mean": self.mean}
        return nets if self.critic is None else {**nets, "critic": self.critic}
