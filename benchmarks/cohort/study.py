"""Is nothing of a study lost or done twice, whatever is killed and wherever it runs, and what does
a recording cost as studies grow?

    python -m benchmarks.cohort.study --page docs/measured/cohort.md

Simulated studies (`benchmarks.cohort.simulated`) are cleaned by `neurofuse app`, as users call it.
"""

import argparse
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cohort.running import (
    Ran,
    command,
    crashes,
    environment,
    group,
    json_of,
    participant,
    records,
    results,
)
from benchmarks.cohort.simulated import Study, make_study
from benchmarks.common.page import Page, Table
from neurofuse.cli.study.memory import cores

SESSIONS, BROKEN, UNPAIRED = 50, 3, 1
SECONDS = 20.0  # s, of a recording
TINY = 10.0  # s, where the cost of a recording is asked for
SIZES = (10, 200)  # recordings of a small study and of a large one
PAGE = "index.html"
QUICK = ("--no-report",)  # drawing takes two thirds of the time of so short a recording
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """A question with what was wanted and what was found."""

    question: str
    target: str
    measured: str


def outcomes(study: Study, out: Path, ran: Ran) -> Row:
    """What came of whole, broken and unpaired recordings."""
    cleaned = len(list(out.rglob("*_desc-clean_nirs.snirf")))
    left = {one["name"] for one in ran.facts["left_out"]} == set(study.unpaired)
    failed = {json_of(file)["name"] for file in crashes(out)} == set(study.broken)
    group(out)
    text = (out / PAGE).read_text("utf-8").replace("<wbr>", "")  # where a name may be broken
    missing = [name for name in study.names if name not in text]
    wrong = [] if left and failed else ["other recordings than the broken and unpaired ones"]
    return Row(
        f"{len(study.names)} sessions, {BROKEN} broken, {UNPAIRED} unpaired",
        f"{len(study.whole)} derivatives, {BROKEN} crash files, {UNPAIRED} reason; exit 65; page "
        "complete",
        "; ".join(
            [
                f"{cleaned} derivatives, {len(crashes(out))} crash files, "
                f"{len(ran.facts['left_out'])} reason",
                f"exit {ran.code}",
                f"page lacks {len(missing)}",
                *wrong,
            ]
        ),
    )


def killed(study: Study, out: Path, reference: dict[str, str]) -> Row:
    """Kill all processes when half of the recordings are done, and start again."""
    call = command(study.root, out, "--n-jobs", "2", *QUICK)
    process = subprocess.Popen(
        call,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while len(records(out)) < len(study.whole) // 2 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = set(records(out))
    ran = participant(study.root, out, "--n-jobs", "2", *QUICK)
    group(out)
    twice = before & set(ran.names("done"))
    return Row(
        f"killed (SIGKILL) after {len(before)} of {len(study.whole)}, and started again",
        "none done twice, equal bytes",
        f"{len(twice)} done twice, {len(ran.names('done'))} done after it; {same(out, reference)}",
    )


def same(out: Path, reference: dict[str, str]) -> str:
    """Whether a data set has the bytes of another one."""
    found = results(out)
    differing = [name for name in {*found, *reference} if found.get(name) != reference.get(name)]
    count = f"{len(reference)} files"
    if not differing:
        return f"all {count} equal"
    return f"{len(differing)} of {count} differ, such as {min(differing)}"


def by_slurm(study: Study, out: Path, folder: Path) -> None:
    """Write the script of the array, and let a stand-in for sbatch run it."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    shutil.copy2(HERE / "sbatch", bin_folder)
    call = command(study.root, out, "--engine", "slurm", "--dry-run", *QUICK)
    subprocess.run(call, env=environment(), check=True, capture_output=True)
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    script = ["sbatch", str(out / "logs/slurm.sh")]
    subprocess.run(script, env=environment({"PATH": path}), check=True, capture_output=True)
    group(out)


def engines(study: Study, folder: Path, reference: dict[str, str]) -> Row:
    """The same study on a Dask cluster of this machine, and as an array of SLURM jobs."""
    dask, slurm = folder / "dask", folder / "slurm"
    participant(study.root, dask, "--engine", "dask", "--n-jobs", "2", *QUICK)
    group(dask)
    by_slurm(study, slurm, folder)
    return Row(
        "the same on Dask (LocalCluster) and as a SLURM array (stand-in for sbatch)",
        "results as on processes of this machine",
        f"Dask: {same(dask, reference)}; SLURM: {same(slurm, reference)}",
    )


def cost(folder: Path, sizes: Sequence[int]) -> tuple[Row, Table]:
    """What a recording costs in a small study and in a large one, one at a time."""
    rows, each = [], {}
    for size in sizes:
        study = make_study(folder / f"study-{size}", size, seconds=TINY)
        out = folder / f"cost-{size}"
        ran = participant(study.root, out, "--n-jobs", "1", *QUICK)
        page = group(out)
        spent = [task["seconds"] for task in ran.tasks]
        each[size] = (ran.wall + page) / size
        tenth = max(1, size // 10)
        rows.append(
            [
                str(size),
                f"{ran.wall:.1f}",
                f"{page:.2f}",
                f"{each[size]:.3f}",
                f"{sum(spent[:tenth]) / tenth:.3f}",
                f"{sum(spent[-tenth:]) / tenth:.3f}",
                f"{(out / 'logs/plan.json').stat().st_size / 1e3:.0f}",
            ]
        )
    columns = ["recordings", "participant [s]", "group [s]", "a recording [s]"]
    columns += ["first tenth [s]", "last tenth [s]", "plan [kB]"]
    small, large = sizes
    row = Row(
        f"cost of a recording, {large} against {small} recordings of {TINY:.0f} s",
        "≤ 1.1 ×",
        f"{each[large] / each[small]:.2f} × ({each[small]:.2f} → {each[large]:.2f} s)",
    )
    return row, Table(columns, rows)


def measure(
    sessions: int, sizes: Sequence[int], folder: Path, tell: Callable[[str], Any]
) -> tuple[list[Row], Table]:
    """All questions, in turn."""
    study = make_study(folder / "study", sessions, BROKEN, UNPAIRED, SECONDS)
    two = participant(study.root, folder / "two", "--n-jobs", "2", *QUICK)
    rows = [outcomes(study, folder / "two", two)]
    tell(str(rows[-1]))
    reference = results(folder / "two")
    one = participant(study.root, folder / "one", "--n-jobs", "1", *QUICK)
    group(folder / "one")
    equal = same(folder / "one", reference)
    ratio = one.wall / two.wall
    spent = f"{ratio:.2f} × ({one.wall:.0f} → {two.wall:.0f} s); {equal}"
    rows.append(Row("two workers against one", "≥ 1.7 ×", spent))
    tell(str(rows[-1]))
    rows.append(killed(study, folder / "killed", reference))
    tell(str(rows[-1]))
    rows.append(engines(study, folder, reference))
    tell(str(rows[-1]))
    row, table = cost(folder, sizes)
    tell(str(row))
    return [*rows, row], table


QUESTION = f"""Is nothing of a study lost or done twice, whatever is killed and wherever it runs?
What does a recording cost as studies grow?

BIDS data sets of simulated recordings of {SECONDS:.0f} s (8 or 19 electrodes, 9 or 24 pairs of
optodes, two sites); broken are a SNIRF file cut in the middle, an empty EEG file and a header that
is none. Cleaned by `neurofuse app` without reports, each process on one thread. Results are
all files but `logs/`, the page among them, compared by SHA-256."""
LIMITS = """Processes of one machine with two cores: nothing here says how a network disk behaves,
or a cluster ([simulated](cluster.md)). The stand-in for sbatch runs what SLURM would, without its
queues and limits. Times mean little where others use the machine:"""


def page(rows: list[Row], table: Table, options: str = "") -> Page:
    """The page of all answers; `options` are those of the command."""
    return Page(
        title="Cohorts",
        question=QUESTION,
        table=Table(
            ["what", "target", "measured"], [[r.question, r.target, r.measured] for r in rows]
        ),
        limits=f"{LIMITS} {os.getloadavg()[2]:.0f} processes wanted its {cores()} cores.",
        command=f"python -m benchmarks.cohort.study{options} --page docs/measured/cohort.md",
        data={"cost": table},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=SIZES, help="of studies, for the cost"
    )
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.sessions, options.sizes, Path(folder), print)
    told = "" if options.sessions == SESSIONS else f" --sessions {options.sessions}"
    if tuple(options.sizes) != SIZES:
        told += " --sizes {} {}".format(*options.sizes)
    made = page(*found, told)
    print(made.markdown("cohort"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
