"""Training by several processes: their mean gradient, resuming, and a process that dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neurofuse.io.errors import ParameterError
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.joint.autoencoder import CrossModalAutoencoder
from neurofuse.models.training import corpus_build
from neurofuse.models.training.corpus import Source
from neurofuse.models.training.corpus_build import build_corpus
from neurofuse.models.training.distributed import Team, team
from neurofuse.models.training.joint import JointSampling, Losses
from neurofuse.models.training.windows import WindowSampling, sample_batch

SHAPE = {"streams": ["eeg", "nirs"], "width": 8, "nirs_window": 6.0}
PLAN = {
    "name": "two",
    "architecture": SHAPE,
    "steps": 4,
    "warm_steps": 2,
    "batch": 2,
    "window": 20.0,
    "real": False,
    "partner_dropout": 0.5,
    "validate_every": 2,
    "validation_batches": 1,
}
# saves the gradients that two processes agree on, each of one half of the windows
HALVES = """
import sys
import torch
from tests.models.training.test_distributed import gradients, rows
from neurofuse.models.training.distributed import team

torch.set_default_dtype(torch.float64)
with team() as both:
    batch = torch.load(sys.argv[1], weights_only=False)
    half = len(batch["eeg"][0].signal) // both.count
    found = gradients(rows(batch, slice(both.rank * half, (both.rank + 1) * half)), both)
    if both.leads:
        torch.save(found, sys.argv[2])
"""


def rows(batch, chosen):
    """Some windows of a batch in double precision; without an IMU where none of them has one."""

    def part(item):
        given = {n: v for n, v in vars(item).items() if isinstance(v, torch.Tensor)}
        fields: dict[str, torch.Tensor | None] = {n: v[chosen].double() for n, v in given.items()}
        if "head" in given and not given["head"][chosen].any():
            fields["head"] = None
        return replace(item, **fields)

    return {s: (part(seen), part(target)) for s, (seen, target) in batch.items()}


def gradients(batch, processes):
    """Of all weights, for each modality withheld, in early steps and later ones."""
    torch.manual_seed(0)
    model = CrossModalAutoencoder(Architecture.model_validate(SHAPE)).double()
    losses, found = processes.wrapped(Losses(model)), {}
    for withheld in (None, "eeg", "nirs"):
        for wiener in (False, True):
            model.zero_grad()
            torch.stack(list(losses(batch, withheld, wiener).values())).sum().backward()
            for name, weight in model.named_parameters():
                if weight.grad is not None:
                    found[withheld, wiener, name] = weight.grad.clone()
    return found


def started(rank, port, *args):
    """One of two processes, as torchrun would start it."""
    own = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return subprocess.Popen(
        [sys.executable, *args],
        env=os.environ | own | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def both(*args):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return [started(rank, port, *args) for rank in range(2)]


@pytest.mark.slow
def test_the_mean_gradient_of_two_halves_is_that_of_the_whole_batch(clean_corpus, tmp_path):
    sampling = WindowSampling(window=20.0, batch=4, head=0.4, few=0.0)
    batch = sample_batch(clean_corpus, sampling, np.random.default_rng([5, 0]))
    heads = batch["eeg"][0].head
    assert heads is not None
    assert heads.any()
    torch.save(batch, tmp_path / "batch.pt")
    for process in both("-c", HALVES, str(tmp_path / "batch.pt"), str(tmp_path / "found.pt")):
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
    found = torch.load(tmp_path / "found.pt")
    torch.set_default_dtype(torch.float64)
    try:
        wanted = gradients(rows(batch, slice(None)), Team(torch.device("cpu")))
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.keys() == wanted.keys()
    for key, gradient in wanted.items():
        torch.testing.assert_close(found[key], gradient, rtol=1e-9, atol=1e-12, msg=str(key))


def test_processes_share_recordings_and_withhold_alike_but_draw_their_own_windows(clean_corpus):
    sampling = WindowSampling(window=20.0, batch=1)
    shares = [JointSampling(clean_corpus, sampling, 0, 0.5, rank=rank) for rank in (0, 1)]
    withheld = []
    for step in range(8):
        (one, none), (other, missing) = (share(step) for share in shares)
        assert none == missing
        withheld.append(none)
        for s in one:
            assert one[s][0].signal.shape == other[s][0].signal.shape
            assert not torch.equal(one[s][0].signal, other[s][0].signal)
        again, _ = shares[1](step)
        assert torch.equal(again["eeg"][0].signal, other["eeg"][0].signal)
    assert len(set(withheld)) > 1


@pytest.mark.slow
def test_a_process_that_dies_stops_the_other_and_resuming_ends_alike(
    clean_corpus, tmp_path, monkeypatch
):
    def sources(part, stream, *_):
        return [], [Source(c.name, lambda c=c: c) for c in clean_corpus[stream]]

    monkeypatch.setattr(corpus_build, "sources", sources)
    store = build_corpus(PLAN, tmp_path / "corpus.zarr")
    config = tmp_path / "plan.json"
    config.write_text(json.dumps(PLAN | {"corpus": str(store)}))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command = ("-m", "neurofuse", "train", "--config", str(config), "--out")
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = subprocess.run(
        [sys.executable, *torchrun, *command, str(whole)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained:") == 1  # by the first process alone
    facts = json.loads((whole / "two.json").read_text())
    assert facts["command"].startswith("torchrun --nproc-per-node 2")

    first, second = both(*command, str(parts))
    log, until = parts / "log.jsonl", time.monotonic() + 150
    while not log.exists() and time.monotonic() < until:
        time.sleep(0.02)
    second.send_signal(signal.SIGKILL)
    second.communicate()
    _, said = first.communicate(timeout=60)
    assert first.returncode == 2
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "process 0 without another of the 2" in errors[0]
    assert "--resume" in errors[0]

    for process in both(*command, str(parts), "--resume"):
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
    one, other = (load_file(folder / "state.safetensors") for folder in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (whole / "two.safetensors").read_bytes() == (parts / "two.safetensors").read_bytes()


def test_what_cannot_be_shared_is_refused(monkeypatch):
    with pytest.raises(ParameterError, match="a batch of 3 windows for 2 processes"):
        Team(torch.device("cpu"), 0, 2).share(3)
    monkeypatch.setenv("WORLD_SIZE", "many")
    with pytest.raises(ParameterError, match="WORLD_SIZE=many"), team():
        pass


def test_alone_nothing_is_connected(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    with team() as alone:
        assert alone == Team(torch.device("cpu"))
        assert not torch.distributed.is_initialized()
