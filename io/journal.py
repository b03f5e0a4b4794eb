"""Moving files into a folder so that even a process that is killed leaves all of them or none.

A transaction is one temporary folder: the new files, and once they are whole a journal with the
list of their names, which is the point of no return. What a killed process leaves is completed by
the journal, or removed where there is none, by the next process that writes to the folder.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from neurofuse.io.errors import WriteError
from neurofuse.io.logs import LOG

try:
    import fcntl
except ImportError:  # Windows has no locks of folders: nothing is repaired there
    fcntl = None

PREFIX = ".neurofuse-"
COMPLETE, UNDO = ".complete.json", ".undo.json"  # names of the journal: what is to be done by it
HELD = ".held"  # file that is locked while a process works in a temporary folder
ASIDE = ".aside"  # folder of the files that are replaced, named by their rank in the journal

TRIES = 20  # to remove a temporary folder


@dataclass(frozen=True)
class Transaction:
    """A temporary folder, held by this process until it is closed."""

    folder: Path
    stage: Path
    lock: int | None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from moving files into `folder`, and repair what killed ones left."""
    lock = _lock(folder)
    try:
        repair(folder)
        yield
    finally:
        _unlock(lock)


def begin(folder: Path) -> Transaction:
    """A new temporary folder in `folder`; to be called while `folder` is locked."""
    stage = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    return Transaction(folder, stage, _lock(stage / HELD))


def close(transaction: Transaction) -> None:
    """Remove a temporary folder, unless its journal waits for the next process."""
    lock = _lock(transaction.folder)  # else another process takes it for that of a killed one
    for _ in range(TRIES if _journal(transaction.stage) is None else 0):
        shutil.rmtree(transaction.stage, ignore_errors=True)
        if not transaction.stage.exists():
            break
        time.sleep(0.05)  # threads of a writer that failed are still making files
    _unlock(transaction.lock)
    _unlock(lock)


def move(transaction: Transaction, names: Sequence[str]) -> None:
    """Move files of the temporary folder to the same names below its folder: all, or none.

    To be called while the folder is locked.

    Raises
    ------
    OSError
        If a file cannot be moved; then the folder is as it was.
    """
    folder, stage = transaction.folder, transaction.stage
    plan = {
        "names": list(names),
        "fresh": [not os.path.lexists(folder / name) for name in names],
        "made": _missing(folder, names),
    }
    _write(stage / COMPLETE, plan)
    try:
        _complete(folder, stage, plan)
    except BaseException:
        os.replace(stage / COMPLETE, stage / UNDO)
        _undo(folder, stage, plan)
        raise


def repair(folder: Path) -> None:
    """Complete or undo what killed processes have left in `folder`; a warning says what.

    Raises
    ------
    WriteError
        If that cannot be done.
    """
    for stage in sorted(folder.glob(f"{PREFIX}*")):
        lock = _lock(stage / HELD) if _is_own(stage) else None
        if lock is None:  # another process is using it
            continue
        try:
            _repair_one(folder, stage)
        except OSError as error:
            raise WriteError(
                f"{stage}, which an interrupted run left and which cannot be repaired ({error})",
                "a folder whose files may be moved and removed",
                "make it writable, or choose another folder (--out)",
            ) from error
        finally:
            _unlock(lock)


def unfinished(folder: Path) -> set[Path]:
    """Files in `folder` that belong to a set of which not all have been moved there yet."""
    plans = [_plan(journal) for journal in folder.glob(f"{PREFIX}*/.*.json")]
    return {folder / name for plan in plans if plan for name in plan["names"]}


def is_temporary(path: Path) -> bool:
    """Whether a path leads through a temporary folder, whose files are not results yet."""
    return any(part.startswith(PREFIX) for part in path.parts)


def _repair_one(folder: Path, stage: Path) -> None:
    journal = _journal(stage)
    plan = None if journal is None else _plan(journal)
    if journal is None or plan is None:
        words = "removed what an interrupted run left; its outputs are all in place, or none is"
    elif journal.name == UNDO:
        _undo(folder, stage, plan)
        words = f"undid an interrupted run; as before it: {', '.join(plan['names'])}"
    else:
        _complete(folder, stage, plan)
        words = f"completed an interrupted run; now in place: {', '.join(plan['names'])}"
    shutil.rmtree(stage)
    LOG.warning("%s: %s", folder, words)


def _is_own(stage: Path) -> bool:
    return stage.is_dir() and not stage.is_symlink()


def _complete(folder: Path, stage: Path, plan: dict) -> None:
    """Move what has not been moved yet; what a file replaces is kept until all are there."""
    aside = stage / ASIDE
    aside.mkdir(exist_ok=True)
    for rank, name in enumerate(plan["names"]):
        new, target = stage / name, folder / name
        if not os.path.lexists(new):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target) and not os.path.lexists(aside / str(rank)):
            _set_aside(target, aside / str(rank))
        os.replace(new, target)
    with suppress(FileNotFoundError):
        (stage / COMPLETE).unlink()


def _undo(folder: Path, stage: Path, plan: dict) -> None:
    for rank, name in enumerate(plan["names"]):
        new, target, old = stage / name, folder / name, stage / ASIDE / str(rank)
        moved = not os.path.lexists(new) and os.path.lexists(target)
        if moved and (plan["fresh"][rank] or os.path.lexists(old)):
            os.replace(target, new)
        if os.path.lexists(old):
            os.replace(old, target)
    for name in plan["made"]:
        with suppress(OSError):  # not made yet, or another process has put a file there
            (folder / name).rmdir()
    with suppress(FileNotFoundError):
        (stage / UNDO).unlink()


def _set_aside(target: Path, old: Path) -> None:
    try:
        os.link(target, old, follow_symlinks=False)  # the name is never without a file
    except (OSError, NotImplementedError):  # a folder, or a disk without links
        os.replace(target, old)


def _missing(folder: Path, names: Iterable[str]) -> list[str]:
    """Folders below `folder` that `names` need and that do not exist, deepest first."""
    needed = {parent for name in names for parent in Path(name).parents}
    missing = [path for path in needed if not (folder / path).exists()]
    return [path.as_posix() for path in sorted(missing, key=lambda path: -len(path.parts))]


def _journal(stage: Path) -> Path | None:
    return next((stage / name for name in (COMPLETE, UNDO) if (stage / name).is_file()), None)


def _plan(journal: Path) -> dict | None:
    """What a journal says; None where it is none, or leads out of its folder."""
    try:
        plan = json.loads(journal.read_text("utf-8"))
        paths = [Path(name) for name in (*plan["names"], *plan["made"])]
        whole = len(plan["fresh"]) == len(plan["names"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    inside = not any(path.is_absolute() or ".." in path.parts for path in paths)
    return plan if whole and inside else None


def _write(journal: Path, plan: dict) -> None:
    """Write a journal at once: it is whole or not there."""
    draft = journal.with_suffix(".part")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(plan, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, journal)


def _lock(path: Path) -> int | None:
    """Hold a folder, waiting for others, or a file; None where another process holds the file."""
    if fcntl is None:
        return None
    folder = path.is_dir()
    try:
        handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if folder else fcntl.LOCK_NB))
    except OSError:  # held, or a disk without locks
        os.close(handle)
        return None
    return handle


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
