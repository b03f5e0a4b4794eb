"""Are windows drawn from a store as fast as from memory, and do two processes train like one?

OMP_NUM_THREADS=1 python -m benchmarks.corpus STORE --page docs/measured/corpus.md
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT
from benchmarks.corpus.processes import KINDS, PLAN, scores_of
from benchmarks.corpus.rate import Spent, many, rates, tiny_people
from neurofuse.models.training.config import read_config
from neurofuse.models.training.corpus_build import build_corpus, check_corpus

PEOPLE = 2000
QUESTION = """Are windows drawn from a store as fast as from memory, and do two processes train
like one?

**Windows**: the training part of the real corpus with simulated participants ({recordings}),
batches of four windows of 60 s of both modalities as in training, one thread; the same windows are
drawn in turn from memory, from a store in the system's page cache, and from disk. Rates are
relative to memory with the same windows; medians of {batches} batches.

**Thousands of people**: a store of {people} simulated participants with 75 s each ({samples:.0f} MB
of samples) opens in {opened:.2f} s; after 100 and 200 batches the process has grown by {first:.0f}
and {last:.0f} MB; a batch takes {batch:.2f} s.

**Two processes**: {steps} steps of a small model (width {width}, windows of {window:g} s, batches
of {size}) on the same store, seed 0. Two processes with half of each batch; one process with the
very same windows; one with other windows, for how much a score depends on them. Validation error,
mean over modalities [dB], after {when} steps: {scores}."""
LIMITS = """One machine with two cores, busy with other work: CPU seconds say more than those of the
wall clock. One seed and a small model; that the mean gradient of two halves is the gradient of the
whole batch is tested to 1e-9 in double precision (tests/models/training/test_distributed.py). GPUs
were not at hand."""
COMMAND = "OMP_NUM_THREADS=1 python -m benchmarks.corpus STORE --page docs/measured/corpus.md"


def rate_table(spent: dict[str, Spent]) -> Table:
    """Seconds and rates by where windows come from."""
    rows, memory = [], spent["memory"]
    for name, one in spent.items():
        pairs = ((one.wall, memory.wall), (one.cpu, memory.cpu))
        seconds = [f"{np.median(own):.3f}" for own, _ in pairs]
        relative = [f"{np.median(np.divide(base, own)):.2f}" for own, base in pairs]
        rows.append([name, *seconds, *relative])
    columns = ["windows from", "s a batch", "CPU s a batch", "rate", "CPU rate"]
    return Table(columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path, help="STORE.zarr; built where it does not exist")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/processes")
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    if not options.store.exists():
        build_corpus({}, options.store)
    counts = check_corpus(options.store)
    spent = rates(options.store, options.batches)
    with tempfile.TemporaryDirectory() as folder:
        tiny_people(Path(folder) / "tiny.zarr", PEOPLE)
        people = many(Path(folder) / "tiny.zarr", 200)
    scores = {kind: scores_of(kind, str(options.store), options.runs, 0) for kind in KINDS}
    plan = read_config(PLAN)
    every = range(plan.validate_every, plan.steps + 1, plan.validate_every)
    listed = "; ".join(f"{k} {', '.join(f'{s:.3f}' for s in v)}" for k, v in scores.items())
    question = QUESTION.format(
        recordings=", ".join(
            f"{n} recordings of {s}" for (part, s), n in counts.items() if part == "train"
        )
        .replace("eeg", "EEG")
        .replace("nirs", "fNIRS"),
        batches=options.batches,
        people=PEOPLE,
        samples=people["samples [MB]"],
        opened=people["opening [s]"],
        first=people["half [MB]"],
        last=people["end [MB]"],
        batch=people["batch [s]"],
        steps=plan.steps,
        width=plan.architecture.width,
        window=plan.window,
        size=plan.batch,
        when=", ".join(map(str, every)),
        scores=listed,
    )
    page = Page(
        title="Corpora on disk and several processes",
        question=question,
        table=rate_table(spent),
        limits=LIMITS,
        command=COMMAND,
        data={
            "": rate_table(spent),
            "people": Table(list(people), [[f"{v:.3g}" for v in people.values()]]),
            "processes": Table(
                ["run", *(f"after {step} [dB]" for step in every)],
                [[kind, *(f"{s:.4f}" for s in found)] for kind, found in scores.items()],
            ),
        },
    )
    if options.page:
        page.write(options.page)
    print(page.markdown("corpus"))


if __name__ == "__main__":
    main()
