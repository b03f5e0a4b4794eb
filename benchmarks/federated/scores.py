"""The error of a model on each validation person, on windows that are the same for all models."""

import json
from functools import cache
from pathlib import Path

from benchmarks.common.paths import write
from benchmarks.federated.arms import ALL, LABS, STREAM, TRAINING, store_of
from neurofuse.models.training.config import read_config
from neurofuse.models.training.corpus_store import open_corpus
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.joint import validate
from neurofuse.models.training.train import sampling_of
from neurofuse.models.training.windows import Batch, checks_of
from neurofuse.models.weights import digest, load_model

BATCHES = 8  # for each person
WINDOW = 45.0  # s, which recordings hold that are too short to train on


@cache
def windows(runs: Path) -> dict[str, list[Batch]]:
    """Windows of validation people, by person."""
    found: dict[str, list] = {}
    for clean in open_corpus(store_of(ALL, runs), "validation", STREAM):
        if clean.shape[-1] > WINDOW * clean.rate:
            found.setdefault(clean.name, []).append(clean)
    sampling = sampling_of(read_config(TRAINING | {"window": WINDOW}))
    return {name: checks_of({STREAM: own}, sampling, BATCHES) for name, own in found.items()}


def scores_of(weights: Path, runs: Path) -> dict[str, float]:
    """Energy of the error in motion over clean energy there [dB], mean of each person's windows."""
    kept = weights.parent / "scores.json"
    key = f"{digest(weights)} {BATCHES} {WINDOW}"
    if kept.exists():
        known = json.loads(kept.read_text())
        if known["key"] == key:
            return known["scores"]
    with isolated():
        model = load_model(weights)
        found = {p: validate(model, own)[f"{STREAM}_db"] for p, own in windows(runs).items()}
    write(kept, {"key": key, "scores": found})
    return found


def of_centre(person: str, centre: str) -> bool:
    """Whether a person is of a lab of a centre."""
    return any(f"/{lab}/" in f"/{person}/" for lab in LABS[centre])
