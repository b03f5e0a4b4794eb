"""Does cleaning lower what can be decoded? python -m benchmarks.decoding --page docs/decoding.md

People not used in training; motion injected into whole recordings, whatever the class; decoders are
trained and tested within each person, on the same cleaned recording, in folds of neighbouring
trials. Resumable: one JSON a person, task and method.

1. EEG: rest against mental arithmetic (two files a person: classes also differ in when they were
   recorded, so accuracies are high; only their differences between methods count).
2. fNIRS: motor imagery (FineMI) and finger tapping (Homer3) against the rest before.
3. Both: simulated people who tap, tapping against rest by EEG, by fNIRS and by both.
"""

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from rich.progress import track

import benchmarks.decoding.decoders as decoders
from benchmarks.common.keys import method_key, result_key, weights_key
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import interval
from neurofuse.fusion.clean import clean
from neurofuse.fusion.methods.registry import PEERS
from neurofuse.io import mark_bad, read
from neurofuse.io.errors import NeurofuseError
from neurofuse.models.training.corpus import subject_files
from neurofuse.synth import inject, simulate

SEVERITY = 0.5
LEARNED = {"joint": ("eeg", "nirs"), "eeg": ("eeg",), "nirs": ("nirs",)}
PEOPLE = 6  # simulated
HOMER = "homer3"


@dataclass(frozen=True)
class Task:
    """One person's recordings (truth, disturbed) and how to read accuracies from a clean one."""

    name: str
    person: str
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
        person = f"{Path(subject).parent.name} {Path(subject).name}"
        yield Task(
            name, person, ("nirs",), recordings, decoders.tapping if tapping else decoders.imagery
        )


def both_tasks() -> Iterator[Task]:
    for seed in range(PEOPLE):
        pair = simulate(600.0, seed=60_000 + seed, severity=SEVERITY)
        yield Task(
            "simulated tapping or rest",
            f"simulated {seed}",
            ("eeg", "nirs"),
            (pair,),
            decoders.both,
        )


def methods(task: Task) -> Iterator[tuple[str, str, Callable[[xr.DataTree], xr.DataTree]]]:
    """Name, digest and function of everything that may clean the task's streams."""
    for name, treated in LEARNED.items():
        if set(treated) & set(task.streams) and (name == "joint") == (len(task.streams) > 1):
            path = ROOT / "models/pretrained" / f"{name}.safetensors"
            yield name, weights_key(path), lambda r, n=name: clean(r, n)
    for name, peer in PEERS.items():
        if name != "zero" and set(peer.streams) & set(task.streams):
            yield name, method_key(name), lambda r, n=name: clean(r, n)


def facts(task: Task, how: Callable[[xr.DataTree], xr.DataTree]) -> dict:
    try:
        return {"accuracy": task.decode([how(c) for _, c in task.recordings])}
    except NeurofuseError as error:
        return {"failure": str(error)}


def run(folder: Path) -> dict[str, dict[str, dict[str, dict]]]:
    """task: method: person: facts."""
    found: dict = {}
    tasks = [*eeg_tasks(), *nirs_tasks(), *both_tasks()]
    own = result_key("decoding")
    for task in track(tasks, description="people"):
        jobs = [("truth", "", None), *methods(task)]
        for name, digest, how in jobs:
            target = (
                folder / own / f"{task.person}_{task.name}_{name}_{digest}.json".replace(" ", "-")
            )
            if not target.exists():
                clear = [truth for truth, _ in task.recordings]
                write(target, facts(task, how) if how else {"accuracy": task.decode(clear)})
            result = json.loads(target.read_text())
            found.setdefault(task.name, {}).setdefault(name, {})[task.person] = result
    return found


def tables(found: dict) -> Iterator[str]:
    for task, by_method in found.items():
        people = list(by_method["truth"])
        kinds = list(by_method["truth"][people[0]]["accuracy"])
        many = f"{len(people)} people" if len(people) > 1 else "1 person"
        yield f"\n## {task[0].upper()}{task[1:]}: {many}\n"
        yield "| cleaned by | " + " | ".join(f"{k} | change" for k in kinds) + " |"
        yield "|---|" + "---|" * (2 * len(kinds))
        for name, by_person in by_method.items():
            if any("failure" in f for f in by_person.values()):
                reason = next(f["failure"] for f in by_person.values() if "failure" in f)
                yield f"| {name} | did not run: {reason} |" + " |" * (2 * len(kinds) - 1)
                continue
            cells = []
            for kind in kinds:
                own = [100 * by_person[p]["accuracy"][kind] for p in people]
                before = [100 * by_method["untouched"][p]["accuracy"][kind] for p in people]
                cells.append("{:.1f} [{:.1f}, {:.1f}]".format(*interval(own)))
                change = [a - b for a, b in zip(own, before, strict=True)]
                cells.append("{:+.1f} [{:+.1f}, {:+.1f}]".format(*interval(change)))
            yield f"| {name} | " + " | ".join(cells) + " |"


PAGE = """# Decoding after cleaning

Made by `python -m benchmarks.decoding`. Test people only; motion of severity {severity:g} injected
into whole recordings, alike in both classes. Accuracy [%] within each person, in folds of
neighbouring trials, decoder trained and tested on the same cleaned recording; mean over people with
a 95 % bootstrap interval by person, and the change against the disturbed recording (`untouched`).
Chance is 50 %. Rest and arithmetic are two files, which differ in more than the task: compare rows,
not with the literature; a method that is fitted to each file (ICA, ICLabel) can leave a mark of the
file, so a lead over the truth is no brain signal. EEG: CSP (4 components) or log band powers,
shrinkage LDA. fNIRS: mean and slope of HbO and HbR, shrinkage LDA.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/decoding")
    parser.add_argument("--page", type=Path, help="write the tables to this Markdown file")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    text = PAGE.format(severity=SEVERITY) + "\n".join(tables(run(options.out))) + "\n"
    print(text)
    if options.page:
        options.page.write_text(text)


if __name__ == "__main__":
    main()
