"""What limits a hundred workers that clean three thousand recordings?

    python -m benchmarks.cohort.cluster --page docs/measured/cluster.md

What can be measured on one machine is measured on this one (`benchmarks.cohort.machine`); the rest
is simulated as discrete events (`benchmarks.cohort.events`).
"""

import argparse
import logging
import tempfile
from dataclasses import astuple, fields, replace
from pathlib import Path

import numpy as np

from benchmarks.cohort.events import Cluster, Job, run
from benchmarks.cohort.machine import Machine, Took, measure
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, recordings_folder

RECORDINGS, WORKERS = 3000, 100
SHORTEST, LONGEST = 10.0, 30.0  # min, of recordings
BROKEN = 0.02  # of recordings: they are read, and that is all
SLOW, TIMES = 0.01, 10.0  # share of stragglers, and by what they are slower
KILLED = 0.05  # share of recordings whose process dies
KEPT = ROOT / "runs/cohort/recordings.json"  # what recordings took: remove it to measure again
NETWORK_LOCK = 20.0  # times as long as here: every step asks a server


def jobs(
    machine: Machine,
    *,
    slow: float = 0.0,
    killed: float = 0.0,
    largest_first: bool = True,
    seed: int = 0,
) -> list[Job]:
    """Recordings with the spread of real ones; shares of them are slow, or their process dies."""
    rng = np.random.default_rng(seed)
    fixed, slope = machine.line
    minutes = rng.uniform(SHORTEST, LONGEST, RECORDINGS)
    seconds = (fixed + slope * minutes) * rng.choice(machine.factors, RECORDINGS)
    seconds[rng.random(RECORDINGS) < slow] *= TIMES
    works = rng.random(RECORDINGS) >= BROKEN
    dies = np.where(rng.random(RECORDINGS) < killed, rng.random(RECORDINGS), np.nan)
    like = rng.integers(len(machine.real), size=RECORDINGS)
    per_minute = np.array([(one.read, one.written) for one in machine.real])
    per_minute = per_minute / np.array([[one.minutes] for one in machine.real])
    read, written = (per_minute[like] * minutes[:, None]).T
    columns = zip(seconds * works, read, written * works, dies, strict=True)
    made = [Job(s, r, w, None if np.isnan(at) else at) for s, r, w, at in columns]
    return sorted(made, key=lambda job: -job.bytes_in) if largest_first else made


def study(given: list[Job], cluster: Cluster) -> list[str]:
    """How a study goes, in cells of the table; what dies is done by a second call."""
    first = run(given, cluster)
    again = run([replace(job, dies_at=None) for job in first.lost], cluster)
    wall = first.wall + again.wall
    computing = first.computing + again.computing
    return [
        f"{wall / 3600:.2f}",
        f"{100 * computing / (cluster.workers * wall):.0f}",
        f"{100 * (first.moving + again.moving) / wall:.0f}",
        f"{(first.waiting + again.waiting) / len(given):.2f}",
        f"{len(given) / wall:.2f}",
        str(len(first.lost)),
    ]


def situations(machine: Machine) -> Table:
    """The study on clusters that differ from the usual one in one thing."""
    usual, cluster = jobs(machine), Cluster(workers=WORKERS, lock=machine.lock)
    stragglers = jobs(machine, slow=SLOW)
    any_order = jobs(machine, slow=SLOW, largest_first=False)
    told = f"{100 * SLOW:.0f} % of recordings {TIMES:.0f} × slower"
    cases: dict[str, tuple[list[Job], Cluster]] = {
        f"{WORKERS} workers": (usual, cluster),
        "1 worker": (usual, replace(cluster, workers=1)),
        "10 workers": (usual, replace(cluster, workers=10)),
        "1000 workers": (usual, replace(cluster, workers=1000)),
        "disk of 100 MB/s": (usual, replace(cluster, disk=1e8)),
        "disk of 10 MB/s": (usual, replace(cluster, disk=1e7)),
        f"lock held {NETWORK_LOCK:.0f} × as long": (
            usual,
            replace(cluster, lock=NETWORK_LOCK * machine.lock),
        ),
        told: (stragglers, cluster),
        "the same, largest not first": (any_order, cluster),
        f"{100 * KILLED:.0f} % of processes killed": (jobs(machine, killed=KILLED), cluster),
        "a minute to start a worker": (usual, replace(cluster, start=60.0)),
    }
    columns = ["cluster", "wall time [h]", "computing [%]", "disk in use [%]"]
    columns += ["wait for lock [s]", "recordings a second", "second call"]
    return Table(columns, [[name, *study(*case)] for name, case in cases.items()])


def page(machine: Machine) -> Page:
    """What was measured, what was assumed, and what follows."""
    table, (fixed, slope) = situations(machine), machine.line
    usual = dict(zip(table.columns, table.rows[0], strict=True))
    load = 100 * machine.scheduler * float(usual["recordings a second"])
    memory = ", ".join(f"{t.memory / 1e6:.0f} MB ({t.minutes:.0f} min)" for t in machine.simulated)
    minutes = sum(one.minutes for one in machine.real)
    read, written = (sum(getattr(t, k) for t in machine.real) for k in ("read", "written"))
    whole = RECORDINGS * (SHORTEST + LONGEST) / 2 / minutes / 1e9
    question = f"""What limits {WORKERS} workers that clean {RECORDINGS} recordings?

    **Measured** on one core: a recording of a cap of 19 and 24 pairs takes {fixed:.1f} s and
    {slope:.2f} s a minute of it, report included, and at most {memory}; real recordings of five
    sets of devices {machine.factors.min():.1f} to {machine.factors.max():.1f} times that, with
    {read / minutes / 1e6:.2f} MB read and {written / minutes / 1e6:.2f} MB written a minute.
    A recording holds the lock of the data set for {1e3 * machine.lock:.0f} ms in all. Dask takes
    {1e3 * machine.scheduler:.1f} ms to hand one out and take its outcome back. Planning
    {RECORDINGS} takes {machine.planning:.1f} s, the plan has {machine.plan / 1e6:.1f} MB.

    **Assumed**: recordings of {SHORTEST:.0f} to {LONGEST:.0f} min, {100 * BROKEN:.0f} % of them
    broken; a shared disk of {Cluster.disk / 1e9:.0f} GB/s, evenly shared,
    {Cluster.network / 1e6:.0f} MB/s a worker; {Cluster.start:.0f} s to start one; largest first.

    **Found**: the scheduler is in use for {load:.1f} % of the time; the lock lets at most
    {1 / machine.lock:.1f} recordings a second through; data sets of
    {read * whole:.0f} GB become {written * whole:.0f} GB. Each row changes one thing; computing is
    the share of all workers' time; the wait is of a recording; the second call does what was
    killed."""
    rows = [*machine.simulated, *machine.real]
    took = Table(
        [field.name for field in fields(Took)],
        [[v if isinstance(v, str) else f"{v:.6g}" for v in astuple(one)] for one in rows],
    )
    return Page(
        title="A study on a cluster",
        question=question,
        table=table,
        limits="""A simulation: it knows no queues, no other users, and no disk that fails or
        slows down with many small files. Computing is time of the processor on one machine; others
        are faster or slower. Real recordings were cut to 2.5 minutes.""",
        command="OMP_NUM_THREADS=1 python -m benchmarks.cohort.cluster "
        "--page docs/measured/cluster.md",
        data={"": table, "recordings": took},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        made = page(measure(recordings_folder(), Path(folder), RECORDINGS, KEPT))
    print(made.markdown("cluster"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
