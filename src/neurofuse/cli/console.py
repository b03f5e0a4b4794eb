"""What the commands say: results on stdout, everything else on stderr."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape


class Progress(Protocol):
    """Takes the fraction done (0..1) and, where it changes, what is being done."""

    def __call__(self, fraction: float, label: str | None = None) -> None: ...


def silent(fraction: float, label: str | None = None) -> None:
    """A Progress that shows nothing."""


def stdout() -> Console:
    """The console for results; made when needed, so that redirection is seen."""
    return Console(soft_wrap=True)


def stderr() -> Console:
    """The console for errors, warnings and progress."""
    return Console(stderr=True, soft_wrap=True)


def complain(message: str) -> None:
    """One line on stderr that starts with `error:`."""
    line = " ".join(str(message).split())
    stderr().print(f"[bold red]error:[/] {escape(line)}", highlight=False)


def show_warnings() -> None:
    """Show warnings of the logger "neurofuse" on stderr, one line each."""
    logger = logging.getLogger("neurofuse")
    for handler in [h for h in logger.handlers if isinstance(h, _Lines)]:
        logger.removeHandler(handler)
    logger.addHandler(_Lines())
    logger.setLevel(logging.WARNING)  # whatever MNE's verbosity is


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        line = escape(" ".join(record.getMessage().split()))
        stderr().print(f"[yellow]{record.levelname.lower()}:[/] {line}", highlight=False)


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """Give a Progress that moves a bar on stderr; nothing is shown where that is no terminal."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = stderr()
    spent, left = TimeElapsedColumn(), TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), spent, TextColumn("left"), left)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(label, total=None)  # pulses until a fraction is known

        def step(fraction: float, label: str | None = None) -> None:
            bars.update(task, total=1.0, completed=fraction, description=label)

        yield step


def show_files(heading: str, files: Mapping[str, object]) -> None:
    """Print the outputs, one path a line."""
    console = stdout()
    console.print(escape(heading), highlight=False)
    for path in files.values():
        console.print(f"  {escape(str(path))}", highlight=False)
