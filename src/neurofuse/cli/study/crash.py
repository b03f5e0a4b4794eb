"""What a failed task leaves: its exit code, and a crash file from which it can be understood."""

import errno
import json
import platform
import shlex
import signal
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from neurofuse.cli.study.exit_codes import ExitCode
from neurofuse.cli.study.record import logs_of
from neurofuse.cli.study.tasks import Outcome, Settings, Task
from neurofuse.io.disk import is_full
from neurofuse.io.errors import NeurofuseError, WriteError

PACKAGES = ("neurofuse", "torch", "mne", "mne-nirs", "mne-bids", "numpy", "scipy", "xarray", "h5py")


class WorkerLostError(NeurofuseError):
    """The process that performed a task has died."""


def crash_file(out: Path, task: Task) -> Path:
    """Where the crash file of a task lies.

    Examples
    --------
    >>> crash_file(Path("out"), Task({"sub": "01", "task": "rest"}, {})).name
    'crash-sub-01_task-rest.json'
    """
    return logs_of(out, task) / f"crash-{task.name}.json"


def code_of(error: BaseException, out: Path) -> ExitCode:
    """The exit code that an error of a task asks for.

    Examples
    --------
    >>> from neurofuse.io.errors import ReadError
    >>> int(code_of(ReadError("half a file", "a whole one", "copy it again"), Path()))
    65
    >>> int(code_of(FileNotFoundError(), Path())), int(code_of(KeyError("bug"), Path()))
    (66, 1)
    """
    causes = [error]
    while (cause := causes[-1].__cause__) is not None and cause not in causes:
        causes.append(cause)
    if isinstance(error, WorkerLostError) or any(isinstance(e, MemoryError) for e in causes):
        return ExitCode.TRY_AGAIN
    if is_full(error, out):
        return ExitCode.IO_ERROR
    if isinstance(error, WriteError):
        return ExitCode.CANNOT_CREATE
    if any(isinstance(e, OSError) and e.errno == errno.EIO for e in causes):
        return ExitCode.IO_ERROR
    if isinstance(error, NeurofuseError):
        missing = any(isinstance(e, FileNotFoundError | PermissionError) for e in causes)
        return ExitCode.NO_INPUT if missing else ExitCode.BAD_DATA
    if isinstance(error, FileNotFoundError | PermissionError):
        return ExitCode.NO_INPUT
    return ExitCode.IO_ERROR if isinstance(error, OSError) else ExitCode.FAILURE


def failed(
    task: Task,
    settings: Settings,
    error: BaseException,
    *,
    seconds: float = 0.0,
    memory: int = 0,
) -> Outcome:
    """The outcome of a task that an error ended; its crash file is written if that is possible."""
    code = code_of(error, settings.out)
    message = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, NeurofuseError):
        message = f"{type(error).__name__}: {message}"
    facts: dict[str, Any] = {
        "name": task.name,
        "entities": task.entities,
        "kind": type(error).__name__,
        "message": message,
        "exit_code": int(code),
        "inputs": {kind: path.name for kind, path in task.inputs.items()},
        "command": repeat(task, settings),
        "seconds": seconds,
        "memory": memory,
        "versions": versions(),
        "traceback": traceback.format_exception(error),
    }
    path: Path | None = crash_file(settings.out, task)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    except OSError:  # nothing can be written there: the outcome tells it too
        path = None
    return Outcome(task.name, "failed", seconds, memory, int(code), message, path)


def lost(exit_status: int | None) -> WorkerLostError:
    """The error of a task whose process ended with this status, below 0 a signal's."""
    how = "ended without a word"
    if exit_status is not None and exit_status < 0:
        name = signal.Signals(-exit_status).name
        how = f"was killed ({name})" + (", maybe for want of memory" if name == "SIGKILL" else "")
    return WorkerLostError(
        f"that the process of this recording {how}",
        "a process that lives until its recording is cleaned",
        "start again, with fewer recordings at once (--n-jobs) if memory is short",
    )


def repeat(task: Task, settings: Settings) -> str:
    """The command that does this task alone."""
    return shlex.join([*settings.command, *only(task)])


def only(*tasks: Task) -> list[str]:
    """The options that leave these tasks of a study."""
    people = dict.fromkeys(task.entities["sub"] for task in tasks)
    words = [part for label in people for part in ("--participant-label", label)]
    return words + [part for task in tasks for part in ("--recording", task.name)]


def versions() -> dict[str, str]:
    """Versions of Python, of the system, and of the packages that results depend on."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
