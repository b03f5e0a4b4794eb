"""Train nets of the zoo side by side: one stream, the same windows for all, one step each.

Every batch is drawn from (seed, step) alone, so a net trained later or by itself sees what the
others saw. The learning rate falls with the root of the step and not towards an end, so that a run
can be made longer at any time; what is judged and kept is a running mean of the weights.
"""

import copy
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from neurofuse.io.errors import ParameterError
from neurofuse.models.corpus import Clean, data_folder, load_corpus
from neurofuse.models.draw import Draw, draw_batch, unaugmented
from neurofuse.models.train import usable_device
from neurofuse.models.zoo import NAMES, ZOO
from neurofuse.models.zoo.kind import KINDS
from neurofuse.models.zoo.loss import left, reconstruction
from neurofuse.models.zoo.net import Net, scale
from neurofuse.models.zoo.weights import save_net
from neurofuse.models.zoo.windows import Windows, cut

logger = logging.getLogger("neurofuse")
MEMORY = 100  # steps that the running mean of the weights reaches back
SAVED = 90.0  # s after which the state of all nets is written, whatever the step
ENDLESS = 2**40  # steps
CHECKED = 7  # first number of the seeds of validation windows, as in `models.train`


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


def train(
    stream: str,
    out: Path | str,
    *,
    names: Sequence[str] = NAMES,
    minutes: float = float("inf"),
    steps: int | None = None,
    recipe: Recipe | None = None,
    command: str = "",
    progress: Callable[[int], None] | None = None,
    device: str = "cpu",
    workers: int = 0,
    start: Path | None = None,
) -> dict[str, Path]:
    """Train nets on one stream until minutes or steps are used up; go on where a run stopped.

    Parameters
    ----------
    stream : {"eeg", "nirs"}
        What to train on.
    out : path
        Gets a folder `STREAM/NAME` for each net: weights with their JSON, `state.safetensors`,
        `log.jsonl`.
    names : names of nets
        All share the batches. A net that is behind catches up first.
    minutes : float
        Minutes of this and earlier runs that the nets may take together, without loading data.
    steps : int, optional
        Steps of this and earlier runs at most.
    recipe : Recipe, optional
        Everything else. A run goes on only with the recipe that it was begun with.
    command : str
        Kept beside the weights.
    progress : callable, optional
        Called with each step done.
    device, workers
        As of `neurofuse.models.train.train`.
    start : Path, optional
        Folder of weights from which a run without a state begins, such as the packaged ones.

    Returns
    -------
    dict of path
        The best weights by net.
    """
    recipe = recipe or Recipe()
    target = usable_device(device)
    torch.set_num_threads(1)
    folders = {name: Path(out) / stream / name for name in names}
    learners = {name: Learner(name, stream, recipe, device) for name in names}
    for name, folder in folders.items():
        _take_up(learners[name], folder, recipe, start)
    if data_folder() is None:
        logger.warning("no data folder (NEUROFUSE_DATA): training on simulated people alone")
    corpus = load_corpus("train", stream, recipe.simulated)
    watched = load_corpus("validation", stream, max(1, recipe.simulated // 3))
    people = sorted({clean.name for clean in corpus})
    draw = Draw(KINDS[stream].drawn, recipe.batch, severity=recipe.severity)
    checks = [w.on(target) for w in _checks(stream, watched, recipe, draw)]
    file = Path(out) / stream / "clock.json"
    used = json.loads(file.read_text())["seconds"] if file.exists() else 0.0
    began = time.perf_counter()

    def spent() -> float:
        return used + time.perf_counter() - began

    def tell() -> float:
        file.write_text(json.dumps({"seconds": round(spent(), 1)}) + "\n")
        return spent()

    saved = spent()
    first = min(learner.step for learner in learners.values())
    ahead = DataLoader(
        Steps(stream, corpus, recipe, draw),
        batch_size=None,
        sampler=range(first, ENDLESS if steps is None else steps),
        num_workers=workers,
        collate_fn=_as_it_is,
        multiprocessing_context="fork" if workers else None,
    )
    for step, drawn in enumerate(ahead, first):
        if spent() >= 60 * minutes:
            break
        windows = drawn.on(target)
        for name, learner in learners.items():
            if learner.step > step:
                continue
            losses = learner.learn(windows)
            if learner.step % recipe.validate_every == 0:
                _judge(learner, checks, losses, folders[name], people, command)
                saved = tell()
        if spent() - saved > SAVED:
            for name, learner in learners.items():
                learner.save(folders[name] / "state.safetensors")
            saved = tell()
        if progress is not None:
            progress(step + 1)
    for name, learner in learners.items():
        if learner.step % recipe.validate_every:
            _judge(learner, checks, {}, folders[name], people, command)
    tell()
    return {name: folder / f"{name}_{stream}.safetensors" for name, folder in folders.items()}


def _take_up(learner: Learner, folder: Path, recipe: Recipe, start: Path | None) -> None:
    """Restore an earlier run of the same recipe, or begin one."""
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(asdict(recipe) | {"sizes": learner.net.config}, indent=1) + "\n"
    begun = folder / "recipe.json"
    if not (folder / "state.safetensors").exists():
        begun.write_text(told)
        (folder / "log.jsonl").unlink(missing_ok=True)
        if start is not None:
            weights = start / f"{learner.name}_{learner.stream}.safetensors"
            learner.begin_from(weights)
            for suffix in (".safetensors", ".json"):  # the best until a better one comes
                shutil.copy(weights.with_suffix(suffix), folder)
        return
    if begun.read_text() != told:
        raise ParameterError(
            f"an earlier run in {folder} with another recipe",
            "the recipe it was begun with (recipe.json)",
            "choose another folder, or that recipe",
        )
    learner.restore(folder / "state.safetensors")


class Steps(Dataset):
    """The windows of each step, of (seed, step) alone."""

    def __init__(self, stream: str, corpus: list[Clean], recipe: Recipe, draw: Draw):
        self.stream, self.corpus, self.recipe, self.draw = stream, corpus, recipe, draw

    def __getitem__(self, step: int) -> Windows:
        seed = [self.recipe.seed, step]
        return _draw(self.stream, self.corpus, self.recipe, self.draw, seed)


def _as_it_is(item):
    return item


def _draw(stream: str, corpus: list[Clean], recipe: Recipe, draw: Draw, seed: list[int]) -> Windows:
    rng = np.random.default_rng(seed)
    seen, target = draw_batch({stream: corpus}, draw, rng)[stream]
    return cut(stream, seen, target, recipe.windows, rng)


def _checks(stream: str, corpus: list[Clean], recipe: Recipe, draw: Draw):
    """The same windows of validation people every time."""
    for number in range(recipe.validation_batches):
        yield _draw(stream, corpus, recipe, unaugmented(draw), [CHECKED, number])


@torch.no_grad()
def validate(stream: str, clean: Callable[[Tensor], Tensor], checks: list[Windows]) -> dict:
    """How a cleaner of (series, time) does on windows [dB]: mean, median, change elsewhere."""
    pairs = [left(stream, clean(windows.seen), windows) for windows in checks]
    ratio, change = (torch.cat(part) for part in zip(*pairs, strict=True))
    return {
        "left_db": float((10 * torch.log10(ratio + 1e-3)).mean()),
        "left_median": float(10 * torch.log10(ratio.median() + 1e-6)),
        "change": float(10 * torch.log10(change.mean() + 1e-9)),
    }


def _judge(learner: Learner, checks, losses, folder: Path, people, command: str) -> None:
    """Validate the mean weights, keep them if they are the best, write state and log."""
    name, stream = learner.name, learner.stream
    scores = validate(stream, lambda seen: learner.mean(seen[None])[0], checks)
    if scores["left_db"] < learner.best:
        learner.best = scores["left_db"]
        training = {
            **{k: v for k, v in asdict(learner.recipe).items() if k != "sizes"},
            "steps": learner.step,
            "minutes": round(learner.seconds / 60, 1),
        }
        path = folder / f"{name}_{stream}.safetensors"
        save_net(path, learner.mean, name, stream, training, people, scores, command)
    learner.save(folder / "state.safetensors")
    row = {"step": learner.step, "seconds": round(learner.seconds, 1)}
    row |= {k: round(v, 4) for k, v in (losses | scores).items()}
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    logger.info("%s %s: %s", stream, name, row)
