"""Jobs of a SLURM cluster: submitted by dask-jobqueue, or written as an array script."""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurofuse.cli.study.crash import only
from neurofuse.cli.study.engines import Perform
from neurofuse.cli.study.engines.dask import ONCE, needed, run_on
from neurofuse.cli.study.engines.local import THREADS, silent
from neurofuse.cli.study.errors import UsageError
from neurofuse.cli.study.memory import SPARE, readable
from neurofuse.cli.study.perform import perform
from neurofuse.cli.study.record import largest_memory
from neurofuse.cli.study.tasks import LOGS, Outcome, Settings, Task
from neurofuse.io.staging import staged

SCRIPT, LIST = "slurm.sh", "slurm_tasks.txt"
LONGEST_ARRAY = 1000  # SLURM's own limit (MaxArraySize 1001); more recordings share jobs
ANY = "1 GB"  # of memory: not said to SLURM, but wanted by dask-jobqueue
AT_ONCE = 100  # jobs, if --n-jobs does not say; few clusters allow a user more


@dataclass
class Slurm:
    """An engine of SLURM jobs with one Dask worker each.

    What a cluster asks for besides (account, partition, time) is taken from the configuration of
    dask-jobqueue, ~/.config/dask/jobqueue.yaml.

    Parameters
    ----------
    jobs : int, optional
        How many run at once.
    tell : callable
        Told in a line what was chosen.
    perform : callable
        What the workers do.
    """

    jobs: int | None = None
    tell: Callable[[str], None] = silent
    perform: Perform = perform

    def run(self, tasks: Sequence[Task], settings: Settings) -> Iterator[Outcome]:
        """The outcomes, as tasks end; a task whose job dies is failed like any other."""
        if not tasks:
            return
        if shutil.which("sbatch") is None:
            raise UsageError(
                "no sbatch on this machine",
                "one from which SLURM jobs are submitted",
                "start there, or write the script with --dry-run and submit it there",
            )
        dask, jobqueue = needed("dask"), needed("dask_jobqueue")
        distributed = needed("distributed")
        memory = largest_memory(settings.out)
        jobs = min(self.jobs or AT_ONCE, len(tasks))
        with (
            dask.config.set(ONCE),
            jobqueue.SLURMCluster(
                cores=1,
                processes=1,
                memory=f"{_megabytes(memory)} MB" if memory else ANY,
                job_directives_skip=[] if memory else ["--mem"],
                job_name="neurofuse",
                log_directory=str(settings.out / LOGS),
                job_script_prologue=[f"export {name}=1" for name in THREADS],
                worker_extra_args=["--memory-limit", "0"],
                scheduler_options={"dashboard_address": None},
                n_workers=jobs,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            self.tell(f"{jobs} SLURM jobs submitted{_words(memory)}")
            yield from run_on(client, tasks, settings, self.perform, silent)


def write_script(
    tasks: Sequence[Task], settings: Settings, jobs: int | None = None
) -> tuple[Path, Path]:
    """Write a script for `sbatch` that does tasks as an array of jobs, and the list of them.

    Parameters
    ----------
    tasks : sequence of Task
        Each is a line of the list, a command that does it alone; beyond `LONGEST_ARRAY` some
        share a line.
    settings : Settings
        Their `out` is where both files go, into its folder of logs.
    jobs : int, optional
        How many jobs run at once.

    Returns
    -------
    script, list : Path

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    count = min(len(tasks), LONGEST_ARRAY)
    shares = [tasks[number::count] for number in range(count)]
    lines = [shlex.join([*_program(settings), *only(*share), "--n-jobs", "1"]) for share in shares]
    logs, memory = settings.out.absolute() / LOGS, largest_memory(settings.out)
    script = "\n".join(
        [
            "#!/bin/bash",
            "#SBATCH --job-name=neurofuse",
            f"#SBATCH --array=1-{count}%{min(jobs or AT_ONCE, count)}",
            "#SBATCH --cpus-per-task=1",
            f"#SBATCH --mem={_megabytes(memory)}M"
            if memory
            else "# no memory measured yet: do one recording, write this script again, and it has "
            "a line --mem",
            f"#SBATCH --output={shlex.quote(str(logs / 'slurm-%A_%a.out'))}",
            "",
            "# Each job does one line of the list; what is done already is left alone.",
            "set -eu",
            *(f"export {name}=1" for name in THREADS),
            f'command=$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(logs / LIST))})',
            'eval "exec $command"',
            "",
        ]
    )
    with staged(logs, [SCRIPT, LIST], overwrite=True) as stage:
        (stage / SCRIPT).write_text(script, encoding="utf-8")
        (stage / LIST).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return logs / SCRIPT, logs / LIST


def _program(settings: Settings) -> list[str]:
    """The command of the study as a job finds it, whatever its PATH."""
    return [sys.executable, "-m", "neurofuse", *settings.command[1:]]


def _megabytes(memory: int) -> int:
    return int(SPARE * memory / 1e6) + 1


def _words(memory: int) -> str:
    return f", {readable(int(SPARE * memory))} of memory each" if memory else ""
