"""Train a model: resumable, seeded, with a log; the best checkpoint on validation is kept."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from neurofuse.io.errors import ParameterError
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training.batches import Batch, drawn, on
from neurofuse.models.training.calibration import calibrate
from neurofuse.models.training.config import Training, read_config
from neurofuse.models.training.corpus import Clean, data_folder, load_corpus
from neurofuse.models.training.loss import (
    cross_entropy,
    motion_target,
    residual_loss,
    returning_sum,
    statistics_loss,
    truth,
    widened,
)
from neurofuse.models.training.windows import Draw, draw_batch, unaugmented
from neurofuse.models.weights import load_facts, load_model, load_state, save_model, save_state

logger = logging.getLogger("neurofuse")


def train(
    config: Path | str | dict[str, Any],
    out: Path | str,
    *,
    resume: bool = False,
    progress: Callable[[float], None] | None = None,
    device: str = "cpu",
    workers: int = 0,
) -> Path:
    """Train as configured and return the path of the best weights, `out`/NAME.safetensors.

    Parameters
    ----------
    config : path or dict
        A `Training` as JSON file or dict.
    out : path
        Folder for the weights, `log.jsonl` and `state.safetensors` (to resume from).
    resume : bool
        Go on from `state.safetensors`; the result is the one of an uninterrupted run.
    progress : callable, optional
        Called with the fraction done.
    device : str
        Where torch computes: "cpu", "cuda", "cuda:1".
    workers : int
        Processes that draw windows ahead; with 0 they are drawn between the steps. The windows are
        the same with any number.

    Raises
    ------
    ParameterError
        For a configuration, a device or a folder that cannot be used.
    """
    target = usable_device(device)
    plan, folder = read_config(config), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{plan.name}.safetensors"
    if isinstance(config, dict):
        command = (
            "neurofuse.models.training.train.train(CONFIG, DIR) with CONFIG as under `training`"
        )
    else:
        command = f"neurofuse train --config {config} --out DIR"
    state_file, log_file = folder / "state.safetensors", folder / "log.jsonl"
    if state_file.exists() and not resume:
        raise ParameterError(
            f"an earlier run in {folder}", "an empty folder", "pass --resume or another folder"
        )
    torch.set_num_threads(1)  # more gain nothing at this size, and see wiener.solve
    torch.manual_seed(plan.seed)
    streams = plan.architecture.streams
    if plan.real and data_folder() is None:
        logger.warning("no data folder (NEUROFUSE_DATA): training on simulated people alone")
    corpus, watched = (
        {s: _people(plan, part, s) for s in streams} for part in ("train", "validation")
    )
    model = load_model(plan.start) if plan.start else CrossModalAutoencoder(plan.architecture)
    before = load_facts(plan.start) if plan.start else {"training_data": {}}
    model = model.to(target)
    known = before["training_data"]
    people = {s: sorted({c.name for c in corpus[s]} | set(known.get(s, ()))) for s in streams}
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate, weight_decay=0.01)
    step, best = 0, float("inf")
    if resume and state_file.exists():
        step, best = load_state(state_file, model, optimizer)
    else:
        log_file.unlink(missing_ok=True)
    draw = Draw(window=plan.window, batch=plan.batch, severity=plan.severity, share=plan.share)
    draw = draw if plan.augment else unaugmented(draw)
    schedule = _schedule(plan)
    started = time.perf_counter()
    ahead = drawn(corpus, draw, range(step, plan.steps), plan.seed, plan.partner_dropout, workers)
    for batch, withheld in ahead:
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * schedule(step)
        full = step >= plan.warm_steps
        losses = _step(model, optimizer, on(target, batch), withheld, full=full)
        step += 1
        if progress is not None:
            progress(step / plan.steps)
        if step % plan.validate_every == 0 or step == plan.steps:
            scores = validate(model, watched, draw, plan.validation_batches)
            score = float(np.mean([v for k, v in scores.items() if k.endswith("_db")]))
            if score < best:
                best = score
                model.doubt = calibrate(
                    model, _checks(watched, draw, plan.validation_batches, target)
                )
                scored = scores | {"step": step, "steps_before": steps_in_all(before)}
                told = plan.model_dump(mode="json", exclude={"architecture"})
                save_model(weights, model, plan.name, told, scored, people, command)
            save_state(state_file, model, optimizer, step, best)
            row = {"step": step, "seconds": round(time.perf_counter() - started, 1)}
            row |= {k: round(v, 4) for k, v in (losses | scores).items()}
            with log_file.open("a") as log:
                log.write(json.dumps(row) + "\n")
            logger.info("step %d: %s", step, row)
    return weights


def steps_in_all(facts: dict[str, Any]) -> int:
    """Steps that weights were trained for, with those of the weights that they began from."""
    own = facts.get("training", {}).get("steps", 0)
    return own + facts.get("validation", {}).get("steps_before", 0)


def _people(plan: Training, part: Literal["train", "validation"], stream: str) -> list[Clean]:
    """Clean recordings of a part that are longer than a window."""
    simulated, own = plan.simulated, plan.own.get(part)
    if part == "validation":
        simulated = max(1, simulated // 3) if simulated or not own else 0
    enough = []
    for clean in load_corpus(part, stream, simulated, plan.real, own):
        if clean.signal.shape[-1] > plan.window * clean.rate:
            enough.append(clean)
        else:
            logger.warning("%s: less than %g s of %s, left out", clean.name, plan.window, stream)
    if not enough:
        raise ParameterError(
            f"no recording for {part} that holds {plan.window:g} s of usable {stream}",
            "at least one person",
            "add files to `own`, people to `simulated`, or take a shorter `window`",
        )
    return enough


def _schedule(plan: Training) -> Callable[[int], float]:
    rise = max(1, min(50, plan.steps // 10))
    return lambda step: (
        min(1.0, (step + 1) / rise) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / plan.steps)))
    )


def usable_device(name: str) -> torch.device:
    """The device of that name; ParameterError where torch cannot compute on it."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ParameterError(
            f"device={name!r}, which torch cannot use here ({str(error).splitlines()[0]})",
            "a device of this machine",
            'use "cpu", or install a torch for the device',
        ) from error
    return device


def _step(model, optimizer, batch: Batch, withheld: str | None, *, full: bool) -> dict[str, float]:
    given = {s: b for s, b in batch.items() if s != withheld}
    model.train()
    estimates, motion = model({s: b[0] for s, b in given.items()}, wiener=full)
    losses: dict[str, torch.Tensor] = {}
    for s, (seen, target) in batch.items():
        true = truth(s, seen, target)
        wanted = motion_target(true)
        frames = min(wanted.shape[-1], motion[s].shape[-1])
        losses[f"{s}_motion"] = 0.3 * cross_entropy(motion[s][:, :frames], wanted[:, :frames])
        if s in given:
            parts = statistics_loss(true, estimates[s])
            if full:
                parts |= residual_loss(s, target, estimates[s], seen.rate)
            losses |= {f"{s}_{k}": v for k, v in parts.items()}
    total = torch.stack(list(losses.values())).sum()
    optimizer.zero_grad()
    total.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 3.0)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"a gradient that is not finite: {losses}")
    optimizer.step()
    return dict(zip(losses, torch.stack([*losses.values()]).tolist(), strict=True))


def _checks(corpus, draw: Draw, batches: int, device: torch.device) -> Iterator[Batch]:
    """The same windows of validation people every time."""
    for number in range(batches):
        yield on(device, draw_batch(corpus, unaugmented(draw), np.random.default_rng([7, number])))


@torch.no_grad()
def validate(model, corpus: dict[str, list[Clean]], draw: Draw, batches: int) -> dict[str, float]:
    """Energy left in motion over clean energy there, in dB: median over channels and windows."""
    model.eval()
    device = next(model.parameters()).device
    left: dict[str, list[np.ndarray]] = {s: [] for s in corpus}
    changed: dict[str, list[np.ndarray]] = {s: [] for s in corpus}
    for batch in _checks(corpus, draw, batches, device):
        estimates, _ = model({s: b[0] for s, b in batch.items()})
        for s, (seen, target) in batch.items():
            error, clean = estimates[s].artifact - target.artifact, target.clean
            mask = target.mask if s == "eeg" else target.mask[:, :, None]
            change = (estimates[s].artifact ** 2 * (1 - mask)).sum(-1) / (clean**2).sum(-1)
            changed[s].append(change.flatten().cpu().numpy())
            if s == "nirs":
                error, clean = (returning_sum(x, seen.rate) for x in (error, clean))
                mask = widened(target.mask, seen.rate)[:, :, None]
            ratio = (error**2 * mask).sum(-1) / ((clean**2 * mask).sum(-1) + 1e-30)
            left[s].append(ratio[mask.any(-1).expand_as(ratio)].flatten().cpu().numpy())
    scores = {}
    for s in corpus:
        ratio = np.concatenate(left[s])
        scores[f"{s}_db"] = float(np.mean(10 * np.log10(ratio + 1e-3)))
        scores[f"{s}_median"] = float(np.median(10 * np.log10(ratio + 1e-6)))
        scores[f"{s}_change"] = float(10 * np.log10(np.mean(np.concatenate(changed[s])) + 1e-9))
    return scores
