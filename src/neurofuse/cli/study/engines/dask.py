"""Workers of a Dask cluster: one that runs somewhere, or one of processes of this machine."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurofuse.cli.study.crash import failed, lost
from neurofuse.cli.study.engines import Perform
from neurofuse.cli.study.engines.local import silent, size_of
from neurofuse.cli.study.errors import EngineError, UsageError
from neurofuse.cli.study.memory import cores
from neurofuse.cli.study.perform import perform
from neurofuse.cli.study.tasks import Outcome, Settings, Task

PATIENCE = 30.0  # s to reach a scheduler
RETURN = 120.0  # s for workers that died to be started again, on a machine that is busy
LOOK = 5.0  # s after which it is looked whether the cluster has grown
# A task whose worker died is not given to another one: it may have killed it. Workers' profiler
# keeps what is being written alive for a moment, which moves parts of netCDF files about.
ONCE = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.daemon": False,
    "distributed.worker.profile.enabled": False,
}


@dataclass
class Dask:
    """An engine on a Dask cluster; its workers must see the same files under the same paths.

    Parameters
    ----------
    address : str, optional
        HOST:PORT of a running scheduler, or the file that it wrote (`dask scheduler
        --scheduler-file`). Without it a cluster of processes is made here.
    jobs : int, optional
        How many processes are made here; by default one a core.
    tell : callable
        Told in a line where tasks run.
    perform : callable
        What the workers do.
    """

    address: str | None = None
    jobs: int | None = None
    tell: Callable[[str], None] = silent
    perform: Perform = perform

    def run(self, tasks: Sequence[Task], settings: Settings) -> Iterator[Outcome]:
        """The outcomes, as tasks end; a task whose worker dies is failed like any other."""
        if not tasks:
            return
        distributed = needed("distributed")
        with self._client(distributed) as client:
            yield from run_on(client, tasks, settings, self.perform, self.tell)

    @contextmanager
    def _client(self, distributed: Any) -> Iterator[Any]:
        if self.address is None:
            with here(self.jobs or cores()) as client:
                yield client
            return
        file = Path(self.address)
        where = {"scheduler_file": str(file)} if file.is_file() else {"address": self.address}
        try:
            client = distributed.Client(**where, timeout=PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise EngineError(
                f"no Dask scheduler at {self.address} ({type(error).__name__})",
                "HOST:PORT of one that runs, or the file that it wrote",
                "start one with `dask scheduler`, and workers with `dask worker`",
            ) from error
        with client:
            yield client


@contextmanager
def here(jobs: int) -> Iterator[Any]:
    """A client of a cluster of processes of this machine."""
    dask, distributed = needed("dask"), needed("distributed")
    with (
        dask.config.set(ONCE),
        distributed.LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def run_on(
    client: Any,
    tasks: Sequence[Task],
    settings: Settings,
    work: Perform,
    tell: Callable[[str], None],
) -> Iterator[Outcome]:
    """Perform tasks on the workers of a client, never more than these have threads.

    A task that waits at a worker would be suspected together with the one that kills it.
    """
    from distributed import wait

    waiting = deque(sorted(tasks, key=size_of, reverse=True))
    running: dict[Any, Task] = {}
    told = False
    try:
        while waiting or running:
            threads = sum(client.nthreads().values())
            if threads and not told:
                tell(f"{threads} recordings at once on the cluster at {client.scheduler.address}")
                told = True
            while waiting and len(running) < threads:
                task = waiting.popleft()
                key = f"{task.name}-{id(task):x}"
                future = client.submit(work, task, settings, key=key, pure=False, retries=0)
                running[future] = task
            if not running:
                client.wait_for_workers(1, timeout=RETURN)
                continue
            with client.as_current(), suppress(TimeoutError):  # look again
                wait(list(running), timeout=LOOK, return_when="FIRST_COMPLETED")
            _refuse_lost(client, running)
            for future in [future for future in running if future.done()]:
                yield _outcome(future, running.pop(future), settings)
    except (OSError, TimeoutError) as error:
        raise _gone(str(error)) from error
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.cancel(list(running))


def _refuse_lost(client: Any, running: dict[Any, Task]) -> None:
    if client.status != "running" or any(f.status in ("lost", "cancelled") for f in running):
        raise _gone(f"the connection is {client.status}")


def _gone(reason: str) -> EngineError:
    return EngineError(
        f"that the Dask scheduler or all its workers have gone ({reason})",
        "a cluster that lives until all recordings are cleaned",
        "start it and the study again: what is done is kept",
    )


def _outcome(future: Any, task: Task, settings: Settings) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if type(error).__name__ == "KilledWorker":
        return failed(task, settings, lost(None))
    return failed(task, settings, error)


def needed(package: str) -> Any:
    """A package of the extra "cluster".

    Raises
    ------
    UsageError
        If it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UsageError(
            f"no package {package}",
            "the extra for clusters",
            "pip install 'neurofuse[cluster]', or use --engine local",
        ) from error
