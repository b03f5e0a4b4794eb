"""What one machine can tell about a study on a cluster: what a recording takes, and what it costs
to hand recordings out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.cohort.data_set import write_session, write_top
from benchmarks.cohort.real_study import make_real_study
from benchmarks.cohort.running import json_of
from benchmarks.cohort.simulated import make_study
from benchmarks.common.paths import write
from neurofuse.cli.study.engines.dask import here, run_on
from neurofuse.cli.study.perform import perform
from neurofuse.cli.study.plan import plan_study, write_plan
from neurofuse.cli.study.record import record_file
from neurofuse.cli.study.run import prepare
from neurofuse.cli.study.tasks import Outcome, Plan, Settings, Task
from neurofuse.io import journal
from neurofuse.synth import simulate

LENGTHS = (1.0, 5.0, 10.0)  # min, of simulated recordings: cap of 19, 24 pairs
EVERY = 8  # of the real recordings is timed
MESSAGES = 50  # tasks without work, by which a scheduler is timed
TRIES = 8  # of what a busy machine disturbs: the quickest counts


@dataclass(frozen=True)
class Took:
    """What a recording took: length [min], computing [s], peak of memory so far, bytes."""

    name: str
    minutes: float
    seconds: float
    memory: int
    read: int
    written: int


@dataclass(frozen=True)
class Machine:
    """What one machine tells."""

    simulated: list[Took]  # of several lengths
    real: list[Took]
    lock: float  # s for which a task holds the lock of its data set
    scheduler: float  # s of scheduler and client for each task
    planning: float  # s to plan a large study
    plan: int  # bytes of its plan

    @property
    def line(self) -> tuple[float, float]:
        """Computing of a recording [s]: whatever its length, and for each minute."""
        pairs = np.array([(one.minutes, one.seconds) for one in self.simulated])
        slope, fixed = np.polyfit(pairs[:, 0], pairs[:, 1], 1)
        return float(fixed), float(slope)

    @property
    def factors(self) -> np.ndarray:
        """Computing of real recordings over that line."""
        fixed, slope = self.line
        return np.array([one.seconds / (fixed + slope * one.minutes) for one in self.real])


def measure(recordings: Path, folder: Path, count: int, kept: Path) -> Machine:
    """Measure all of it; `count` is how many recordings the large study has.

    What recordings took is read from the file `kept` if it is there, else written to it.
    """
    quick = (_lock(folder), _scheduler(), *_planning(folder, count))
    if not kept.exists():
        took = {"simulated": list(_lengths(folder)), "real": list(_real(recordings, folder))}
        write(kept, {kind: [asdict(one) for one in all_] for kind, all_ in took.items()})
    simulated, real = ([Took(**one) for one in json_of(kept)[k]] for k in ("simulated", "real"))
    return Machine(simulated, real, *quick)


def _lengths(folder: Path) -> Iterator[Took]:
    study = folder / "lengths"
    names = [f"{k:02d}" for k in range(len(LENGTHS))]
    for name, minutes in zip(names, LENGTHS, strict=True):
        _, recording = simulate(60 * minutes, seed=int(name))
        models = {"eeg": "cap", "nirs": "cap"}
        write_session(study, {"sub": name, "task": "rest"}, recording, models)
    write_top(study, "Lengths", "Simulated.", [(name, "here") for name in names])
    return _took(plan_study(study), folder / "lengths-cleaned")


def _real(recordings: Path, folder: Path) -> Iterator[Took]:
    make_real_study(folder / "real", recordings)
    plan = plan_study(folder / "real")
    return _took(Plan(plan.source, plan.tasks[::EVERY]), folder / "real-cleaned")


def _took(plan: Plan, out: Path) -> Iterator[Took]:
    """Clean the recordings of a plan here, in turn; the first is cleaned twice, to start with."""
    settings = Settings(out)
    prepare(plan, settings)
    perform(plan.tasks[0], settings)
    settings = Settings(out, overwrite=True)
    for task in plan.tasks:
        begun = time.process_time()
        outcome = perform(task, settings)
        seconds = time.process_time() - begun
        assert outcome.state == "done", outcome
        record = json_of(record_file(out, task))
        length = json_of(next(out.rglob(f"{task.name}_desc-clean_summary.json")))["seconds"]
        read, written = (sum(f["size"] for f in record[k].values()) for k in ("inputs", "outputs"))
        yield Took(task.name, length / 60, seconds, outcome.memory, read, written)


def _lock(folder: Path) -> float:
    """How long a task holds the lock of its data set [s]: the least of some, undisturbed."""
    study = make_study(folder / "small", TRIES, seconds=10.0)
    settings = Settings(folder / "small-cleaned", clean={"report": False})
    plan = plan_study(study.root)
    prepare(plan, settings)
    spent = []
    for task in plan.tasks:
        with _timed_locks() as held:
            outcome = perform(task, settings)
        assert outcome.state == "done", outcome
        spent.append(sum(held))
    return min(spent)


@contextmanager
def _timed_locks() -> Iterator[list[float]]:
    """How long the locks of folders are held within the block [s]."""
    held: list[float] = []
    original = journal.locked

    @contextmanager
    def locked(folder: Path) -> Iterator[None]:
        with original(folder):
            begun = time.perf_counter()
            yield
            held.append(time.perf_counter() - begun)

    journal.locked = locked
    try:
        yield held
    finally:
        journal.locked = original


def _nothing(task: Task, settings: Settings) -> Outcome:
    """A task without work."""
    return Outcome(task.name, "done")


def _scheduler() -> float:
    """What Dask takes to hand out a task and to take its outcome back [s], undisturbed."""
    tasks = [Task({"sub": f"{k:04d}", "task": "rest"}, {}) for k in range(MESSAGES)]
    spent = []
    with here(2) as client:
        for _ in range(TRIES):
            begun = time.perf_counter()
            list(run_on(client, tasks, Settings(Path()), _nothing, lambda line: None))
            spent.append((time.perf_counter() - begun) / MESSAGES)
    return min(spent)


def _planning(folder: Path, count: int) -> tuple[float, int]:
    """Time [s] to plan a data set of so many recordings, and bytes of its plan."""
    root = folder / "many"
    names = [f"{k:04d}" for k in range(count)]
    for name in names:
        for modality, suffix in (("eeg", "edf"), ("nirs", "snirf")):
            place = root / f"sub-{name}" / modality
            place.mkdir(parents=True)
            stem = f"sub-{name}_task-rest"
            (place / f"{stem}_{modality}.{suffix}").touch()
            (place / f"{stem}_{modality}.json").write_text("{}")
            for table in ("channels", "events"):
                (place / f"{stem}_{table}.tsv").touch()
    write_top(root, "Many", "Empty files.", [(name, "here") for name in names])
    begun = time.process_time()
    plan = plan_study(root)
    seconds = time.process_time() - begun
    assert len(plan.tasks) == count
    return seconds, write_plan(plan, folder / "planned").stat().st_size
