"""Train nets of the zoo side by side: one stream, the same windows for all, one step each.

Every batch is drawn from (seed, step) alone, so a net trained later or by itself sees what the
others saw. The learning rate falls with the root of the step and not towards an end, so that a run
can be made longer at any time; what is judged and kept is a running mean of the weights.
"""

import json
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from neurofuse.io.errors import ParameterError
from neurofuse.models.single_series import NAMES
from neurofuse.models.single_series.kind import KINDS
from neurofuse.models.single_series.learner import Learner, Recipe
from neurofuse.models.single_series.loss import left
from neurofuse.models.single_series.weights import save_net
from neurofuse.models.single_series.windows import Windows, cut
from neurofuse.models.training.corpus import Clean, data_folder, load_corpus
from neurofuse.models.training.train import usable_device
from neurofuse.models.training.windows import Draw, draw_batch, unaugmented

logger = logging.getLogger("neurofuse")
SAVED = 90.0  # s after which the state of all nets is written, whatever the step
ENDLESS = 2**40  # steps
CHECKED = 7  # first number of the seeds of validation windows, as in `models.train`


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
        As of `neurofuse.models.training.train.train`.
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
