"""Train by two processes, and by one with the batch of both.

    OMP_NUM_THREADS=1 python -m benchmarks.corpus.processes STORE --out runs/processes --seed 0

Three runs of one configuration: two processes with half of each batch; one process with the very
windows of both, so that only rounding differs; one process with windows of its own, which shows how
much a score depends on the windows that were drawn.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from neurofuse.models.joint.tensors import Stream, Target
from neurofuse.models.training import train as training
from neurofuse.models.training.joint import JointSampling
from neurofuse.models.training.windows import Batch

PLAN: dict[str, Any] = {
    "name": "joint",
    "architecture": {"streams": ["eeg", "nirs"], "width": 8, "nirs_window": 6.0},
    "steps": 200,
    "warm_steps": 100,
    "batch": 4,
    "window": 30.0,
    "validate_every": 50,
    "validation_batches": 8,
}
KINDS = ("two processes", "one, the same windows", "one, other windows")


class BothShares(JointSampling):
    """The windows that two processes draw, in one batch."""

    def __call__(self, step: int) -> tuple[Batch, str | None]:
        half = replace(self.sampling, batch=self.sampling.batch // 2)
        shares = [
            JointSampling(self.corpus, half, self.seed, self.dropout, self.donors, rank)(step)
            for rank in range(2)
        ]
        (first, withheld), (second, _) = shares
        return {s: joined(first[s], second[s]) for s in first}, withheld


def joined(a: tuple[Stream, Target], b: tuple[Stream, Target]) -> tuple[Stream, Target]:
    """Windows of two shares one after the other."""
    (seen, true), (more, truth) = a, b
    head = None
    worn = [h for h in (seen.head, more.head) if h is not None]
    if worn:
        none = torch.zeros_like(worn[0])
        head = torch.cat([none if h is None else h for h in (seen.head, more.head)])
    signal = torch.cat([seen.signal, more.signal])
    position = torch.cat([seen.position, more.position])
    pairs = zip(vars(true).values(), vars(truth).values(), strict=True)
    return Stream(signal, position, seen.rate, head), Target(*(torch.cat(p) for p in pairs))


def scores_of(kind: str, store: str, out: Path, seed: int) -> list[float]:
    """Validation scores [dB], mean over modalities, of one kind of run."""
    folder = out / f"{kind.replace(' ', '-').replace(',', '')}-{seed}"
    if not (folder / "joint.safetensors").exists():
        folder.mkdir(parents=True, exist_ok=True)
        plan = PLAN | {"corpus": str(Path(store).resolve()), "seed": seed}
        config = folder / "config.json"
        config.write_text(json.dumps(plan))
        if kind == KINDS[0]:
            command = (
                f"-m torch.distributed.run --standalone --nproc-per-node 2 -m neurofuse train \
                --config {config} --out {folder} --resume"
            )
            subprocess.run([sys.executable, *command.split()], check=True)
        else:
            training.JointSampling = BothShares if kind == KINDS[1] else JointSampling
            training.train(plan, folder, resume=True)
    rows = [json.loads(row) for row in (folder / "log.jsonl").read_text().splitlines()]
    return [(row["eeg_db"] + row["nirs_db"]) / 2 for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", help="made by `neurofuse corpus build`")
    parser.add_argument("--out", type=Path, default=Path("runs/processes"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for kind in KINDS:
        scores = scores_of(kind, options.store, options.out, options.seed)
        print(f"{kind}: {', '.join(f'{s:.3f}' for s in scores)} dB after each 50 steps")


if __name__ == "__main__":
    main()
