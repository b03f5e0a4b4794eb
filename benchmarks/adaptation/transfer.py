"""What does training weights further on a lab's own participants bring?

    NEUROFUSE_DATA=… python -m benchmarks.adaptation.transfer --page docs/measured/transfer.md

A lab with 3, 6 or 12 participants runs `neurofuse train --from WEIGHTS --own TABLE`: a quarter of
them judges, the others are trained on. Before and after are compared on other participants of the
lab (validation part), with real movements of yet others (`benchmarks.transplant`). Weights begin
from those that have never met the lab (`benchmarks.generality`), and from the packaged ones, which
have met these participants. What is in
`runs/adaptation/transfer_rows.json` is not done again.
"""

import argparse
import json
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adaptation.rows import COLUMNS, row
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import cell
from benchmarks.transplant.cases import cases
from benchmarks.transplant.evaluation import cleaned_by, figures
from neurofuse.cli.train import train_own
from neurofuse.fusion.methods.learned import Learned
from neurofuse.io.errors import ParameterError
from neurofuse.models.training.own import LEARNING_RATE, STEPS, fine_tuning, settle, split
from neurofuse.models.training.split import subject_files
from neurofuse.models.training.train import train
from neurofuse.models.weights import find_weights

FOLDER = ROOT / "runs/adaptation"
ROWS = FOLDER / "transfer_rows.json"
VERSION = 1  # of what is measured here
LABS = {  # folder, list of the split, modality, numbers of participants
    "Muse": ("eeg_wearable/muse_cueing", "few_electrodes", "eeg", (3, 6, 12)),
    "FineMI": ("fnirs_clean/finemi", "nirs", "nirs", (3, 6)),
}
OWN, CLEAN, OTHERS = "with their movements", "generated movements", "simulated people alone"
KINDS = ("Muse", "optodes")  # of movements by which weights are judged


def start_of(lab: str, met: bool) -> Path:
    """The weights to begin from: packaged ones, or those that have never met the lab."""
    stream = LABS[lab][2]
    if met:
        return find_weights(stream)
    return ROOT / f"runs/generality/{stream}-without-{lab.lower()}/{stream}.safetensors"


def plans() -> Iterator[tuple[str, bool, int, str]]:
    """Lab, whether the weights have met it, participants, and what is trained on."""
    for met in (False, True):
        for lab, (*_, counts) in LABS.items():
            for count in reversed(counts):
                yield lab, met, count, OWN
            if not met:
                yield lab, met, counts[-1], CLEAN
                yield lab, met, 0, OTHERS


def table_of(lab: str, count: int) -> Path:
    """The table of the lab's first participants of the training part."""
    folder, kind, _, _ = LABS[lab]
    people = [(w, f) for w, f in subject_files("train", kind).items() if w.startswith(folder)]
    rows = [f"{Path(who).name}\t{file}" for who, files in people[:count] for file in files]
    target = FOLDER / f"{lab}-{count}.tsv"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(["participant\tfile", *rows]) + "\n")
    return target


def errors(weights: Path, lab: str) -> dict[str, dict[str, float]]:
    """Error in motion and change at rest [dB] of the lab's validation participants."""
    folder, _, stream, _ = LABS[lab]
    found: dict[str, dict[str, list[float]]] = {}
    model = Learned(weights)
    for case in cases("validation"):
        if case.modality == stream and case.receiver.startswith(folder) and case.kind in KINDS:
            for name, value in figures(case, cleaned_by(model, case)).items():
                found.setdefault(case.receiver, {}).setdefault(name, []).append(value)
    return {
        who: {name: float(np.mean(values)) for name, values in own.items()}
        for who, own in found.items()
    }


def row_of(lab: str, met: bool, count: int, arm: str) -> dict[str, Any]:
    """Train, and judge before and after."""
    start, key = start_of(lab, met), key_of(lab, met, count, arm)
    out, began = FOLDER / "transfer" / key.replace(" ", "_").replace(",", ""), time.perf_counter()
    if arm == OWN:
        weights, outcome = train_own(start, table_of(lab, count), out, resume=True)
    else:
        people = split({"nobody": [], "else": []})
        if arm == CLEAN:
            folder, kind, _, _ = LABS[lab]
            files = subject_files("train", kind).items()
            people = split(dict([(w, f) for w, f in files if w.startswith(folder)][:count]))
        plan: dict[str, Any] = fine_tuning(start, people)
        if arm == OTHERS:
            plan |= {"own": {}, "simulated": 6}
        plan |= {"windows": {"transplanted": 0.0}}
        weights = train(plan, out, resume=True)
        outcome = settle(out, weights, start)
    assert outcome is not None
    return {
        "lab": lab,
        "met": met,
        "participants": count,
        "arm": arm,
        "version": VERSION,
        "own_before": outcome.before,
        "own_after": outcome.after,
        "gained": outcome.gained,
        "seconds": time.perf_counter() - began,
        "before": errors(start, lab),
        "after": errors(weights, lab),
    }


def key_of(lab: str, met: bool, count: int, arm: str) -> str:
    """The name of a row."""
    return f"{lab} {'met' if met else 'new'} {count} {arm}"


def rows() -> dict[str, dict[str, Any]]:
    """Those that are known, by name; of a training that was refused, why."""
    known = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    return {key: one for key, one in known.items() if one["version"] == VERSION}


def gains(one: dict[str, Any], figure: str = "error") -> list[float]:
    """By how much each participant's figure fell [dB]."""
    return [own[figure] - one["after"][who][figure] for who, own in one["before"].items()]


def table(known: dict[str, dict[str, Any]]) -> Table:
    """One row a training."""
    columns = ["lab", "begun from", "participants (trained on)", "trained on", "error before [dB]"]
    columns += ["after", "gain", "change at rest before", "after training", "kept"]
    cells = []
    for lab, met, count, arm in plans():
        one = known.get(key_of(lab, met, count, arm))
        if one is None or "refused" in one:
            continue
        stages = [[own[f] for own in one[w].values()] for f in ("error", "change") for w in STAGES]
        means = [f"{np.mean(values):.2f}" for values in stages]
        start = "packaged weights, which met them" if met else "weights without this lab"
        people = f"{count} ({count - max(1, round(count / 4))})" if count else "0"
        line = [lab, start, people, arm, means[0], means[1], cell(gains(one), digits=2)]
        cells.append([*line, *means[2:], "yes" if one["gained"] else "no"])
    return Table(columns, cells)


STAGES = ("before", "after")
TITLE = "Training weights on a lab's own participants"
QUESTION = f"""What does `neurofuse train` with `--from` and `--own` bring a lab ({STEPS} steps,
learning rate {LEARNING_RATE:g})? It has its first participants of the training part, a quarter of
whom judges; where nothing was gained there, the weights stay as they were (start kept). Error [dB]:
energy of (cleaned - true) over that of the true signal in motion, by participant of the lab's
validation part, with real movements of others; below, the ratio of both (geometric mean, 95 %
bootstrap interval from three participants on; below 1 is better) and the worst participant's.
Weights without a lab are those of 250 steps of the page on [generality](generality.md); the rows
without participants say what as many steps bring on simulated people alone. The packaged weights
have met these participants, so that only what they gain beyond that could show."""
LIMITS = "One seed. Two people judge FineMI."


def page(known: dict[str, dict[str, Any]]) -> Page:
    """The page of all trainings that ran, and the names of those that were refused."""
    cells = []
    for lab, met, count, arm in plans():
        one = known.get(key_of(lab, met, count, arm))
        if one is None or "refused" in one:
            continue
        before, after = ({who: own["error"] for who, own in one[w].items()} for w in STAGES)
        start = "packaged" if met else f"without {lab}"
        kept = "" if one["gained"] else "; start kept"
        what = f"{count} of the lab ({arm})" if count else arm
        cells.append(row(f"{start}, trained on {what}{kept}", lab, before, after))
    limits, refused = LIMITS, [key for key, one in known.items() if "refused" in one]
    if refused:
        limits += f" Refused, as nobody who judges has a minute of calm EEG: {'; '.join(refused)}."
    rows_of_page = Table(COLUMNS, cells)
    return Page(
        title=TITLE,
        question=QUESTION,
        table=rows_of_page,
        limits=limits,
        command="python -m benchmarks.adaptation.transfer --page docs/measured/transfer.md",
        data={"": rows_of_page, "trainings": table(known)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--labs", nargs="+", default=list(LABS), choices=list(LABS))
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    for lab, met, count, arm in plans():
        key = key_of(lab, met, count, arm)
        if lab not in options.labs or key in rows():
            continue
        if not start_of(lab, met).exists():
            print(f"{key}: no {start_of(lab, met)}; run benchmarks.generality.train", flush=True)
            continue
        try:
            one = row_of(lab, met, count, arm)
        except ParameterError as error:
            if "no recording for validation" not in error.found:
                raise
            one = {"version": VERSION, "refused": str(error)}
        write(ROWS, rows() | {key: one})
        print(key, one, flush=True)
    made = page(rows())
    print(made.markdown("transfer"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
