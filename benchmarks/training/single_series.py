"""Train the single-channel baseline networks, all nets of a modality on the same batches.

    python -m benchmarks.training.single_series --streams eeg --minutes 30 --out runs/single_series
    python -m benchmarks.training.single_series --out runs/single_series --install
    python -m benchmarks.training.single_series --validate

Resumes where it stopped; with more `--minutes` (counted over all runs of a modality) it goes on;
with `--start` a run begins from the packaged weights. `--install` copies the best weights into
`models/single_series/pretrained/`. `--validate` prints the error of the packaged nets on the same
windows of validation participants that the joint model was chosen by.
"""

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path

from benchmarks.common.paths import ROOT

PRETRAINED = ROOT / "models/single_series/pretrained"


def install(names: list[str], streams: list[str], out: Path) -> None:
    """Copy the best weights of a run into the package."""
    for stream in streams:
        for name in names:
            for suffix in (".json", ".safetensors"):
                file = f"{name}_{stream}{suffix}"
                shutil.copy(out / stream / name / file, PRETRAINED / file)


def validate(names: list[str], streams: list[str]) -> None:
    """Print a table: energy of the error in motion over clean energy, change elsewhere [dB]."""
    import numpy as np
    import torch

    from neurofuse.models.single_series import apply
    from neurofuse.models.single_series.loss import in_decibel, residual_error
    from neurofuse.models.single_series.windows import SeriesWindows
    from neurofuse.models.training.corpus import load_corpus
    from neurofuse.models.training.windows import WindowSampling, checks_of

    torch.set_num_threads(1)
    cleaners = {"eeg": apply.clean_eeg, "nirs": apply.clean_nirs}
    print("| stream | net | error, mean [dB] | error, median [dB] | change elsewhere [dB] |")
    print("|---|---|---:|---:|---:|")
    for stream in streams:
        corpus = {stream: load_corpus("validation", stream, 2)}
        batches = checks_of(corpus, WindowSampling(), 8)
        for name in ("uncorrected", "zero", *names):
            ratios, changes = [], []
            for batch in batches:
                seen, target = batch[stream]
                signal = seen.signal.numpy().astype(np.float64)
                rows = signal if stream == "eeg" else signal.cumsum(-1)
                if name == "zero":
                    rows = 0 * rows
                elif name != "uncorrected":
                    rows = np.stack([cleaners[stream](one, seen.rate, name) for one in rows])
                cleaned = rows if stream == "eeg" else np.diff(rows, prepend=rows[..., :1])
                mask = target.mask if stream == "eeg" else target.mask[:, :, None]
                clean, mask = torch.broadcast_tensors(target.clean, mask)
                windows = SeriesWindows(seen.signal, clean, mask)
                ratio, change = residual_error(stream, torch.from_numpy(cleaned), windows)
                ratios.append(ratio.flatten())
                changes.append(change.flatten())
            scores = in_decibel(torch.cat(ratios), torch.cat(changes))
            cells = " | ".join(f"{score:.1f}" for score in scores.values())
            print(f"| {stream} | {name} | {cells} |", flush=True)


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from neurofuse.models.single_series import NAMES

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--streams", nargs="+", choices=("eeg", "nirs"), default=["eeg", "nirs"])
    parser.add_argument("--minutes", type=float, default=30.0, help="of each modality, all runs")
    parser.add_argument("--steps", type=int, help="of each net, all runs; no limit by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--simulated", type=int, default=6, help="simulated participants")
    parser.add_argument("--device", default="cpu", help="where torch computes: cpu, cuda")
    parser.add_argument("--workers", type=int, default=0, help="processes that sample ahead")
    parser.add_argument("--start", action="store_true", help="begin from the packaged weights")
    parser.add_argument("--out", type=Path, default=Path("runs/single_series"))
    parser.add_argument("--install", action="store_true", help="copy the best weights, then end")
    parser.add_argument("--validate", action="store_true", help="print the table, then end")
    options = parser.parse_args()
    if options.install:
        return install(options.names, options.streams, options.out)
    if options.validate:
        return validate(options.names, options.streams)
    from neurofuse.models.single_series.learner import Recipe
    from neurofuse.models.single_series.train import train

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for stream in options.streams:
        train(
            stream,
            options.out,
            names=options.names,
            minutes=options.minutes,
            steps=options.steps,
            recipe=Recipe(seed=options.seed, simulated=options.simulated),
            device=options.device,
            workers=options.workers,
            start=PRETRAINED if options.start else None,
            command="python -m benchmarks.training.single_series " + " ".join(sys.argv[1:]),
        )


if __name__ == "__main__":
    main()
