"""A small federation, whose recordings are 80 simulated seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurofuse.models.federated import local, server
from neurofuse.models.federated.centre import Centre
from neurofuse.models.federated.server import Server
from neurofuse.models.training import train
from neurofuse.models.training.corpus import clean_stream

TRAINING: dict[str, Any] = {
    "name": "ours",
    "architecture": {"streams": ["eeg", "nirs"], "width": 8, "nirs_window": 6.0},
    "warm_steps": 1,
    "batch": 1,
    "window": 20.0,
    "real": False,
    "validate_every": 100,
    "validation_batches": 1,
}


@pytest.fixture(scope="package")
def known(at_rest):
    """The recordings of everyone."""
    return {s: clean_stream(at_rest, s, "simulated") for s in ("eeg", "nirs")}


@pytest.fixture
def _recordings(known, monkeypatch):
    """Everyone has the same recordings; only a centre whose seed is 77 has no fNIRS."""

    def recordings_of(plan, part, stream):
        return [known[stream]]

    whole = local.corpus_of

    def corpus_of(plan, centre):
        found = whole(plan, centre)
        return {"eeg": found["eeg"]} if plan.seed == 77 else found

    for module in (local, server, train):
        monkeypatch.setattr(module, "recordings_of", recordings_of)
    monkeypatch.setattr("neurofuse.models.federated.centre.corpus_of", corpus_of)


@pytest.fixture
def make_server(tmp_path, _recordings) -> Callable[..., Server]:
    """A server of two rounds of one step, with some settings changed."""

    def make(*, folder: str = "server", resume: bool = False, **changed: Any) -> Server:
        plan = {"training": TRAINING, "rounds": 2, "local_steps": 1, "patience": 60.0} | changed
        return Server(plan, tmp_path / folder, resume=resume)

    return make


@pytest.fixture
def make_centre(tmp_path: Path) -> Callable[..., Centre]:
    """A centre by name and seed."""

    def make(name: str, seed: int = 0, folder: str = "") -> Centre:
        return Centre(name, {"real": False, "seed": seed}, tmp_path / (folder or name))

    return make
