"""Does cleaning lower what can be decoded?

    python -m benchmarks.decoding --page docs/measured/decoding.md

Participants not used in training; motion injected into whole recordings, whatever the class;
decoders are trained and tested within each participant, on the same cleaned recording, in folds of
neighbouring trials. Resumable: one JSON a participant, task and method.

1. EEG: rest against mental arithmetic (two files a participant: classes also differ in when they
   were recorded, so accuracies are high; only their differences between methods count).
2. fNIRS: motor imagery (FineMI) and finger tapping (Homer3) against the rest before.
3. Both: simulated participants who tap, tapping against rest by EEG, by fNIRS and by both.
"""

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from rich.progress import track

from benchmarks.common.keys import method_key, result_key, weights_key
from benchmarks.common.methods import JOINT, UNCORRECTED, ZERO, baselines, packaged, row_name
from benchmarks.common.page import NO_RUN, Page, Table, no_run, stacked
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import interval
from benchmarks.decoding import decoders
from neurofuse.fusion.clean import clean
from neurofuse.io import mark_bad, read
from neurofuse.io.errors import NeurofuseError
from neurofuse.models.training.split import subject_files
from neurofuse.synth import inject, simulate

SEVERITY = 0.5
SIMULATED = 6  # participants
HOMER = "homer3"
TRUTH = "truth"
SHOWN = 2  # best baseline methods of a task on the page


@dataclass(frozen=True)
class Task:
    """A participant's recordings (truth, contaminated) and how to get accuracies from them."""

    name: str
    participant: str
    streams: tuple[str, ...]
    recordings: tuple[tuple[xr.DataTree, xr.DataTree], ...]
    decode: Callable[[list[xr.DataTree]], dict[str, float]]  # decoder: accuracy


def eeg_tasks() -> Iterator[Task]:
    for number, (subject, files) in enumerate(subject_files("test", "eeg").items()):
        pairs = []
        for task in ("rest", "arithmetic"):
            path = next(p for p in files if task in p.name)
            pairs.append(inject(mark_bad(read(path)), seed=300 + number, severity=SEVERITY))
        yield Task("rest or arithmetic", Path(subject).name, ("eeg",), tuple(pairs), two_files)


def two_files(recordings: list[xr.DataTree]) -> dict[str, float]:
    return decoders.eeg_accuracy(*[decoders.windows_of(r) for r in recordings])


def nirs_tasks() -> Iterator[Task]:
    for number, (subject, files) in enumerate(subject_files("test", "nirs").items()):
        recordings = tuple(
            inject(mark_bad(read(f)), seed=400 + 10 * number + k, severity=SEVERITY)
            for k, f in enumerate(files)
        )
        tapping = HOMER in subject
        name = "tapping or rest" if tapping else "imagery or rest"
        participant = f"{Path(subject).parent.name} {Path(subject).name}"
        decode = decoders.tapping if tapping else decoders.imagery
        yield Task(name, participant, ("nirs",), recordings, decode)


def both_tasks() -> Iterator[Task]:
    for seed in range(SIMULATED):
        pair = simulate(600.0, seed=60_000 + seed, severity=SEVERITY)
        yield Task(
            "simulated tapping or rest",
            f"simulated {seed}",
            ("eeg", "nirs"),
            (pair,),
            decoders.both,
        )


def methods(task: Task) -> Iterator[tuple[str, str, Callable[[xr.DataTree], xr.DataTree]]]:
    """Name, key and function of everything that may clean the task's modalities."""
    for name, treated, path in packaged():
        if set(treated) & set(task.streams) and (name == JOINT) == (len(task.streams) > 1):
            yield row_name(name), weights_key(path), lambda r, n=name: clean(r, n)
    for name, one in baselines().items():
        if name != ZERO and set(one.streams) & set(task.streams):
            yield name, method_key(name), lambda r, n=name: clean(r, n)


def facts(task: Task, how: Callable[[xr.DataTree], xr.DataTree]) -> dict:
    try:
        return {"accuracy": task.decode([how(c) for _, c in task.recordings])}
    except NeurofuseError as error:
        return {"failure": str(error)}


def run(folder: Path) -> dict[str, dict[str, dict[str, dict]]]:
    """task: method: participant: facts."""
    facts_of: dict = {}
    tasks = [*eeg_tasks(), *nirs_tasks(), *both_tasks()]
    own = result_key("decoding")
    for task in track(tasks, description="participants"):
        jobs = [(TRUTH, "", None), *methods(task)]
        for name, key, how in jobs:
            file = f"{task.participant}_{task.name}_{name}_{key}.json".replace(" ", "-")
            target = folder / own / file
            if not target.exists():
                clear = [truth for truth, _ in task.recordings]
                write(target, facts(task, how) if how else {"accuracy": task.decode(clear)})
            result = json.loads(target.read_text())
            facts_of.setdefault(task.name, {}).setdefault(name, {})[task.participant] = result
    return facts_of


def tables(facts_of: dict) -> dict[str, Table]:
    """Accuracies [%] and changes against the uncorrected recording, by task."""
    made = {}
    for task, by_method in facts_of.items():
        participants = list(by_method[TRUTH])
        decoders_of_task = list(by_method[TRUTH][participants[0]]["accuracy"])
        columns = ["cleaned by"]
        for kind in decoders_of_task:
            columns += [kind, f"{kind}, change"]
        rows = []
        for name, results in by_method.items():
            reasons = [f["failure"] for f in results.values() if "failure" in f]
            if reasons:
                rows.append(no_run(name, reasons[0], len(columns)))
                continue
            cells = []
            for kind in decoders_of_task:
                own, before = (
                    [100 * side[p]["accuracy"][kind] for p in participants]
                    for side in (results, by_method[UNCORRECTED])
                )
                cells.append("{:.1f} [{:.1f}, {:.1f}]".format(*interval(own)))
                change = [a - b for a, b in zip(own, before, strict=True)]
                cells.append("{:+.1f} [{:+.1f}, {:+.1f}]".format(*interval(change)))
            rows.append([name, *cells])
        made[f"{task} ({len(participants)})"] = Table(columns, rows)
    return made


def shown(made: dict[str, Table]) -> Table:
    """Of each task truth, uncorrected, the learned model and the best baselines, one decoder."""
    rows = []
    for task, table in made.items():
        kind = table.columns[-2]
        at = table.columns.index(kind)
        ran = [row for row in table.rows if not row[1].startswith(NO_RUN)]
        learned = {JOINT, *(row_name(name) for name, *_ in packaged())}
        first = [row for row in ran if row[0] in {TRUTH, UNCORRECTED, *learned}]
        others = [row for row in ran if row not in first]
        others.sort(key=lambda row: -float(row[at].split()[0]))
        rows += [[task, kind, row[0], *row[at : at + 2]] for row in first + others[:SHOWN]]
    columns = ["task (participants)", "decoder", "cleaned by", "accuracy [%]", "change"]
    return Table(columns, rows)


QUESTION = """Does cleaning lower what can be decoded? Test participants only; motion of severity
{severity:g} injected into whole recordings, alike in both classes. Accuracy [%] within each
participant, in folds of neighbouring trials, decoder trained and tested on the same cleaned
recording; mean over participants with its 95 % bootstrap interval, and the change against the
uncorrected recording. Chance is 50 %. EEG: CSP (4 components) or log band powers, shrinkage LDA.
fNIRS: mean and slope of HbO and HbR, shrinkage LDA. Shown: truth, uncorrected, the model, and the
{best} baseline methods with the highest accuracy."""
LIMITS = """Rest and arithmetic are two files, which differ in more than the task: compare rows, not
with the literature. A method that is fitted to each file (ICA, ICLabel) can make files
distinguishable, so an accuracy above that of the truth is not due to brain signals."""


def page(made: dict[str, Table]) -> Page:
    return Page(
        title="Decoding after cleaning",
        question=QUESTION.format(severity=SEVERITY, best=SHOWN),
        table=shown(made),
        limits=LIMITS,
        command="python -m benchmarks.decoding --page docs/measured/decoding.md",
        data={"": stacked(made, "task (participants)")},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/decoding")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    made = page(tables(run(options.out)))
    print(made.markdown("decoding"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
