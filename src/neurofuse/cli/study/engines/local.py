"""Processes of this machine, one task each at a time, so that a killed one costs its task only."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from neurofuse.cli.study.crash import failed, lost
from neurofuse.cli.study.engines import Perform
from neurofuse.cli.study.memory import available, cores, fitting, readable
from neurofuse.cli.study.perform import perform
from neurofuse.cli.study.record import largest_memory
from neurofuse.cli.study.tasks import Outcome, Settings, Task

# Linear algebra in one thread: with more its sums, and so the last bits of results, would depend
# on how many processes share the machine. Recordings in parallel gain more than threads do.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PATIENCE = 10.0  # s that a process has to remove its temporary files when the study is stopped


def silent(line: str) -> None:
    """Tells nobody."""


@dataclass
class Worker:
    """A process that performs tasks, and the one that it has now."""

    process: BaseProcess
    line: Connection
    task: Task | None = None


@dataclass
class Local:
    """An engine of worker processes.

    Parameters
    ----------
    jobs : int, optional
        How many there are. By default as many as there are cores, and as fit into the memory by
        what the first recording took; the largest recording is the first.
    tell : callable
        Told in a line what was measured and chosen.
    perform : callable
        What they do.

    Examples
    --------
    >>> from pathlib import Path
    >>> list(Local(jobs=1).run([], Settings(Path("out"))))
    []
    """

    jobs: int | None = None
    tell: Callable[[str], None] = silent
    perform: Perform = perform
    workers: list[Worker] = field(default_factory=list)

    def run(self, tasks: Sequence[Task], settings: Settings) -> Generator[Outcome, None, None]:
        """The outcomes, as tasks end; a task whose process dies is failed like any other.

        Closing it ends all processes.
        """
        waiting = deque(sorted(tasks, key=size_of, reverse=True))
        peak = 0 if self.jobs else largest_memory(settings.out)
        wanted = self._count(peak, len(tasks)) if self.jobs or peak else 1
        try:
            while waiting or any(worker.task for worker in self.workers):
                self._start(min(wanted, self._busy() + len(waiting)))
                self._hand_out(waiting, settings)
                for outcome in self._next(settings):
                    yield outcome
                    if not (self.jobs or peak) and outcome.state == "done":
                        peak = outcome.memory
                        wanted = self._count(peak, len(tasks))
        finally:
            self._stop()

    def _count(self, peak: int, tasks: int) -> int:
        if self.jobs:
            return self.jobs
        number = max(1, min(fitting(peak), tasks))
        self.tell(
            f"a recording takes {readable(peak)}: {number} at once, on {cores()} cores with "
            f"{readable(available())} to spare"
        )
        return number

    def _busy(self) -> int:
        return sum(worker.task is not None for worker in self.workers)

    def _start(self, wanted: int) -> None:
        context = get_context("spawn")  # a forked copy of threads and locks may hang
        while len(self.workers) < wanted:
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there, self.perform), daemon=True)
            with _one_thread(), _interrupts_ignored():
                process.start()
            there.close()
            self.workers.append(Worker(process, here))

    def _hand_out(self, waiting: deque[Task], settings: Settings) -> None:
        for worker in self.workers:
            if worker.task is None and waiting:
                worker.task = waiting.popleft()
                with suppress(OSError):  # it has died: `_next` finds out
                    worker.line.send((worker.task, settings))

    def _next(self, settings: Settings) -> Iterator[Outcome]:
        """Wait for workers, and give what became of their tasks."""
        ready: list[Any] = connection.wait([worker.line for worker in self.workers])
        for worker in [worker for worker in self.workers if worker.line in ready]:
            try:
                outcome: Outcome = worker.line.recv()
            except (EOFError, OSError):
                self.workers.remove(worker)
                worker.process.join()
                if worker.task is None:
                    continue
                outcome = failed(worker.task, settings, lost(worker.process.exitcode))
            worker.task = None
            yield outcome

    def _stop(self) -> None:
        """End all workers; those at work remove what they have begun."""
        try:
            for worker in self.workers:
                worker.line.close()
                if worker.task is not None:
                    worker.process.terminate()
            for worker in self.workers:
                worker.process.join(PATIENCE)
        finally:  # also when interrupted once more
            for worker in self.workers:
                worker.process.kill()
            self.workers.clear()


def serve(line: Connection, perform: Perform) -> None:
    """Perform tasks that come on a line until it closes; what a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to handle
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            task, settings = line.recv()
            line.send(perform(task, settings))


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """A worker whose study was killed goes too, or its task would be done twice at a restart."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def size_of(task: Task) -> int:
    """How much a task reads [B], as far as that is known.

    Examples
    --------
    >>> from pathlib import Path
    >>> size_of(Task({"sub": "01", "task": "rest"}, {"eeg": Path("no.edf")}))
    0
    """
    total = 0
    for path in (*task.inputs.values(), *task.sidecars):
        with suppress(OSError):
            files = path.rglob("*") if path.is_dir() else [path]
            total += sum(file.stat().st_size for file in files)
    return total


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that start now compute in one thread; it must be said before torch is there."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let a process that starts now not be stopped by Ctrl-C before it has said so itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
