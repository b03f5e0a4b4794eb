"""Where tasks run: processes of this machine, a Dask cluster, or a SLURM cluster."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from neurofuse.cli.study.tasks import Outcome, Settings, Task

Perform = Callable[[Task, Settings], Outcome]


class Engine(Protocol):
    """Performs tasks, each isolated from the others."""

    def run(self, tasks: Sequence[Task], settings: Settings) -> Iterator[Outcome]:
        """The outcomes, as tasks end; a task whose process dies is "failed" like any other."""
        ...
