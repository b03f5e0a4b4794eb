"""Train a model: resumable, seeded, with a log; the best weights on validation are kept."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training.batches import to_device
from neurofuse.models.training.causal import causal_from
from neurofuse.models.training.config import Training, read_config, simulated_in
from neurofuse.models.training.corpus import SIMULATED, CleanSignal, load_corpus
from neurofuse.models.training.corpus_store import open_corpus
from neurofuse.models.training.distil import Teacher, take_filters
from neurofuse.models.training.distributed import team
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.joint import JointLearner, JointSampling
from neurofuse.models.training.own import own_movements
from neurofuse.models.training.pretrain import UnlabelledWindows, moving_recordings, pretrain
from neurofuse.models.training.run import run
from neurofuse.models.training.split import data_folder, left_out
from neurofuse.models.training.transplants import load_movements
from neurofuse.models.training.windows import Batch, Donors, WindowSampling, checks_of
from neurofuse.models.weights import load_facts, load_model

PLAN = "plan.json"  # in the folder of a run: what it was begun with

logger: logging.Logger = logging.getLogger("neurofuse")


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

    Torch's number of threads and its random state are afterwards as they were before. Processes
    that torchrun started train together: each takes an equal share of every batch, and with the
    same number of processes a resumed run ends at the same weights.

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
        Where torch computes: "cpu", "cuda", "cuda:1"; with "cuda" each of several processes takes a
        GPU of its own.
    workers : int
        Processes that sample windows ahead; with 0 they are sampled between the steps. The windows
        are the same with any number.

    Returns
    -------
    Path
        The weights; beside them lies their JSON.

    Raises
    ------
    ParameterError
        For a configuration, a device or a folder that cannot be used, for another configuration
        than the one that a resumed run was begun with, and for recordings on which the model
        cannot be trained or validated.
    NeurofuseError
        If another process of several ends before this one.

    Examples
    --------
    >>> from neurofuse.models import train
    >>> plan = {"name": "mine", "start": "joint", "steps": 200, "learning_rate": 3e-4}
    >>> weights = train(plan, "runs/mine")  # doctest: +SKIP
    """
    plan, folder = read_config(config), Path(out)
    with isolated(), team(device) as processes:
        target = processes.device
        sampling = sampling_of(plan)
        share = processes.share(plan.batch)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "state.safetensors").exists() and not resume:
            raise ParameterError(
                f"an earlier run in {folder}", "an empty folder", "pass --resume or another folder"
            )
        torch.manual_seed(plan.seed)
        if plan.real and data_folder() is None and processes.leads:
            logger.warning(
                "no data folder (NEUROFUSE_DATA): training on simulated participants alone"
            )
        corpus = {s: recordings_of(plan, "train", s) for s in plan.architecture.streams}
        unlabelled = {s: _unlabelled(plan, s) for s in corpus} if plan.pretrain else {}
        checks: list[Batch] = []
        if processes.leads:
            watched = {s: recordings_of(plan, "validation", s) for s in corpus}
            checks = checks_of(watched, sampling, plan.validation_batches)
        sampling = learned_from(plan, sampling, share)
        donors = donors_of(plan, sampling, corpus)
        seen = {s: [*recordings, *unlabelled.get(s, ())] for s, recordings in corpus.items()}
        learner = JointLearner(
            plan,
            folder,
            first_model(plan).to(target),
            [to_device(batch, target) for batch in checks],
            _facts(plan, seen, donors, _command(config, processes.count)),
            processes,
            Teacher(load_model(plan.teacher).to(target)) if plan.teacher else None,
        )
        resumed = learner.state_file.exists()
        if resumed:
            _same_plan(folder, plan, processes.count)
            learner.restore()
        elif plan.pretrain:
            windows = UnlabelledWindows(unlabelled, sampling, plan.seed)
            pretrain(learner.model, windows, plan.pretrain, plan.learning_rate)
        known = {"plan": plan.model_dump(mode="json"), "step": learner.step}
        processes.agree({**known, "participants": learner.facts["participants"]})
        if processes.leads and not resumed:
            learner.log_file.unlink(missing_ok=True)
            begun = {"plan": known["plan"], "start_score": None, "processes": processes.count}
            if plan.start:
                begun["start_score"], begun["start_scores"] = learner.validate()
            (folder / PLAN).write_text(json.dumps(begun, indent=1) + "\n")
        learner.facts["start_score"] = _start_score(folder) if processes.leads else None
        rank = processes.rank if processes.count > 1 else None
        run(
            [learner],
            JointSampling(corpus, sampling, plan.seed, plan.partner_dropout, donors, rank),
            steps=plan.steps,
            validate_every=plan.validate_every,
            device=target,
            workers=workers,
            progress=None if progress is None else lambda step: progress(step / plan.steps),
        )
        if plan.steps == 0:  # what it begins from is what is written
            learner.judge()
        processes.agree({"step": learner.step})  # the weights are there in all of them
    return learner.weights


def _command(config: Path | str | dict[str, Any], count: int) -> str:
    """What trains these weights again, for the JSON beside them."""
    if isinstance(config, dict):
        return f"{__name__}.train(CONFIG, DIR) with CONFIG as under `training`"
    start = f"torchrun --nproc-per-node {count} -m " if count > 1 else ""
    return f"{start}neurofuse train --config {config} --out DIR"


def _same_plan(folder: Path, plan: Training, count: int) -> None:
    """Raise ParameterError if the run in a folder was begun with another configuration."""
    begun = folder / PLAN
    if not begun.exists():
        logger.warning("%s has no %s: taken for a run of this configuration", folder, PLAN)
        return
    facts = json.loads(begun.read_text())
    # what a version before this one did not know was as it is by default
    before = Training().model_dump(mode="json") | facts["plan"]
    processes = facts.get("processes", 1)
    if processes != count:
        logger.warning(
            "begun by %d processes and going on by %d: other windows from here on", processes, count
        )
    now = plan.model_dump(mode="json")
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        raise ParameterError(
            f"a run in {folder} that was begun with another {', '.join(changed)}",
            f"the configuration it was begun with ({PLAN})",
            "pass that one, or another folder",
        )


def _start_score(folder: Path) -> float | None:
    """The score of the weights that the run in a folder began from."""
    begun = folder / PLAN
    return json.loads(begun.read_text())["start_score"] if begun.exists() else None


def steps_in_all(facts: dict[str, Any]) -> int:
    """Steps that weights were trained for, with those of the weights that they began from."""
    own = facts.get("training", {}).get("steps", 0)
    return own + facts.get("validation", {}).get("steps_before", 0)


def sampling_of(plan: Training) -> WindowSampling:
    """How windows are sampled, before augmentation is left out where it is not wanted."""
    sampling = WindowSampling(plan.window, plan.batch, severity=plan.severity, share=plan.share)
    sampling = sampling.with_probabilities(plan.windows)
    return replace(sampling, causal=plan.architecture.causal)


def learned_from(plan: Training, sampling: WindowSampling, batch: int) -> WindowSampling:
    """How the windows to learn from are sampled, `batch` at once, beside those to validate on."""
    matched = plan.adversary > 0 or plan.coral > 0
    sampling = sampling if plan.augment else sampling.unaugmented()
    return replace(sampling, batch=batch, matched=matched, randomised=plan.randomised)


def donors_of(plan: Training, sampling: WindowSampling, streams: Iterable[str]) -> Donors:
    """The people whose real movements are transplanted, by modality; nobody where none are."""
    if sampling.transplanted == 0:
        return {s: {} for s in streams}
    without = _without(plan, "train")
    donors: Donors = {}
    for stream in streams:
        donors[stream] = {
            name: own
            for name, own in (load_movements("train", stream) if plan.real else {}).items()
            if name not in without and not name.startswith(plan.leave_out)
        }
        if plan.own_moves:
            people = {n: f for n, f in plan.own.get("train", {}).items() if n not in without}
            donors[stream] |= own_movements(people, stream)
    return donors


def first_model(plan: Training) -> CrossModalAutoencoder:
    """The model that training begins from."""
    before = load_model(plan.start) if plan.start else None
    if before is not None and plan.architecture.causal and not before.architecture.causal:
        return causal_from(before, plan.architecture)
    if before is not None and not plan.single:
        before.architecture = plan.architecture
        before.single.requires_grad_(False)
        return before
    model = CrossModalAutoencoder(plan.architecture)
    if before is not None:
        model.load_state_dict(
            {k: v for k, v in before.state_dict().items() if not k.startswith("single.")},
            strict=False,  # without the models that become part of it
        )
    elif plan.teacher:
        take_filters(model, load_model(plan.teacher))
    for stream, name in plan.single.items():
        model.single[stream].load_state_dict(load_model(name).state_dict())
    model.single.requires_grad_(False)
    return model


def _facts(
    plan: Training, corpus: Mapping[str, Sequence[CleanSignal]], donors: Donors, command: str
) -> dict[str, Any]:
    """Where the weights come from, for the JSON beside them."""
    before = load_facts(plan.start) if plan.start else {"training_data": {}}
    others = [*plan.single.values(), *([plan.teacher] if plan.teacher else ())]
    parts = [before, *(load_facts(name) for name in others)]
    known = {s: {n for facts in parts for n in facts["training_data"].get(s, ())} for s in corpus}
    participants = {
        s: sorted({clean.name for clean in recordings} | set(donors[s]) | known[s])
        for s, recordings in corpus.items()
    }
    return {
        "participants": participants,
        "command": command,
        "steps_before": steps_in_all(before),
    }


def _without(plan: Training, part: str) -> frozenset[str]:
    """The participants of a part that the plan's share leaves out: training ones alone."""
    if part != "train":
        return frozenset()
    own = set(plan.own.get("train", ()))
    if plan.corpus is not None:  # of both modalities, so that a participant is in both or in none
        for stream in plan.architecture.streams:
            own |= {clean.name for clean in open_corpus(plan.corpus, "train", stream)}
    own = {name for name in own if not name.startswith(SIMULATED)}
    return left_out(plan.share_of_participants, plan.seed, own)


def _unlabelled(plan: Training, stream: str) -> list[CleanSignal]:
    """All training recordings, those in motion and of participants left out included."""
    everybody = plan.model_copy(update={"share_of_participants": 1.0})
    long = [
        moving
        for moving in (moving_recordings(stream) if plan.real else ())
        if moving.shape[-1] > plan.window * moving.rate
        and not moving.name.startswith(plan.leave_out)
    ]
    return [*recordings_of(everybody, "train", stream), *long]


def recordings_of(
    plan: Training, part: Literal["train", "validation"], stream: str
) -> list[CleanSignal]:
    """Clean recordings of a part that are longer than a window, without those that stay out."""
    without = _without(plan, part)
    found: Sequence[CleanSignal]
    if plan.corpus is not None:
        found = open_corpus(plan.corpus, part, stream)
        found = [clean for clean in found if clean.name not in without]
    else:
        simulated = simulated_in(plan, part)
        own = plan.own.get(part)
        moves = plan.own_moves
        found = load_corpus(part, stream, simulated, plan.real, own, without, moves)
    enough: list[CleanSignal] = []
    for clean in found:
        if clean.name.startswith(plan.leave_out):
            continue
        if clean.shape[-1] > plan.window * clean.rate:
            enough.append(clean)
        else:
            logger.warning(
                "%s: less than %g s of usable %s, left out",
                clean.name,
                plan.window,
                MODALITIES[stream].display,
            )
    if not enough:
        raise ParameterError(
            f"no recording for {part} that holds {plan.window:g} s of usable {stream}",
            "at least one participant" + (" after `share_of_participants`" if without else ""),
            "add files to `own`, participants to `simulated`, or take a shorter `window`"
            if plan.corpus is None
            else "build the store of `corpus` from more recordings, or take a shorter `window`",
        )
    return enough
