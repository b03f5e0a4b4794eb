"""All or nothing: outputs appear under their final names together, or not at all."""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from neurofuse.io import journal
from neurofuse.io.disk import is_full
from neurofuse.io.errors import NeurofuseError, WriteError

_REFUSED = {
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENOTDIR: "choose a path that is not below a file",
    errno.EEXIST: "choose a path that is not a file",
    errno.ENAMETOOLONG: "choose a shorter path",
}
STORE = ".zarr"  # a folder of this suffix is one output
Merge = Callable[[str, str], str]


@contextmanager
def staged(
    folder: Path,
    names: Iterable[str],
    *,
    overwrite: bool | Collection[str],
    merge: Mapping[str, Merge] | None = None,
) -> Iterator[Path]:
    """Provide a temporary folder whose files move into `folder` when the block succeeds.

    Files in folders of the temporary folder move to the same place below `folder`; a zarr store
    moves as a whole. If the block raises, or an output cannot be moved, whatever was made for it
    is removed again, `folder` included if it did not exist before, and what was replaced is put
    back.

    Parameters
    ----------
    folder : Path
        Folder of the outputs; made if missing.
    names : file names, or paths below `folder`
        The outputs expected; an existing one is refused before the block starts.
    overwrite : bool, or names
        Replace existing files: all of them, or those of these names.
    merge : dict of name to function, optional
        Text files that several runs share: never refused; where one exists, the function makes
        the new text from (the existing text, the text made by the block).

    Raises
    ------
    WriteError
        If an output exists and may not be replaced, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> with staged(home / "out", ["a.txt"], overwrite=False) as stage:
    ...     _ = (stage / "a.txt").write_text("done")
    >>> (home / "out" / "a.txt").read_text()
    'done'
    """
    folder, merge = Path(folder), merge or {}
    own, made = set(names) - set(merge), make_folder(folder)
    transaction = None
    try:
        with journal.locked(folder):
            _refuse_existing(folder, own, overwrite)
            transaction = journal.begin(folder)
        yield transaction.stage
        results = _outputs(transaction.stage)
        with journal.locked(folder):
            _refuse_existing(folder, set(results) - set(merge), overwrite)
            _merge(transaction.stage, folder, merge)
            journal.move(transaction, results)
    except BaseException as error:
        full = is_full(error, folder)
        _clear(transaction, made)
        if full:
            raise _full_disk(folder, error) from error
        if isinstance(error, OSError) and error.errno in _REFUSED:
            raise _write_error(folder, error) from error
        raise
    _clear(transaction, [])


@contextmanager
def holding(target: Path) -> Iterator[None]:
    """Turn what a writer raises for samples that its format cannot hold into a WriteError."""
    try:
        yield
    except (NeurofuseError, OSError, MemoryError):
        raise
    except Exception as error:  # writers raise anything from KeyError to struct.error
        others = [suffix for suffix in (".fif", ".nc", ".zarr") if suffix != target.suffix.lower()]
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WriteError(
            f"a recording that {target.suffix} cannot hold ({reason})",
            "samples, names and rates within the format's limits",
            f"write {' or '.join(others)} instead",
        ) from error


def _outputs(stage: Path) -> list[str]:
    """Files and stores below `stage`, by their paths in it."""
    found = []
    for path in sorted(stage.iterdir()):
        if path.name == journal.HELD:
            continue
        if path.is_dir() and path.suffix != STORE:
            found += [f"{path.name}/{below}" for below in _outputs(path)]
        else:
            found.append(path.name)
    return found


def _merge(stage: Path, folder: Path, merge: Mapping[str, Merge]) -> None:
    """Make the new text of each shared file from the one in `folder` and the one in `stage`."""
    for name, merged in merge.items():
        new, target = stage / name, folder / name
        if new.exists() and os.path.lexists(target):
            new.write_text(merged(target.read_text("utf-8"), new.read_text("utf-8")), "utf-8")


def _refuse_existing(folder: Path, names: Iterable[str], overwrite: bool | Collection[str]) -> None:
    taken = sorted(name for name in names if os.path.lexists(folder / name))
    folders = [name for name in taken if (folder / name).is_dir() and not _is_store(folder / name)]
    if folders:
        raise WriteError(
            f"a folder named {', '.join(folders)} in {folder}",
            "a name that no folder has",
            "move it away or choose another folder (--out)",
        )
    if not isinstance(overwrite, bool):
        taken = [name for name in taken if name not in overwrite]
    if taken and overwrite is not True:
        raise WriteError(
            f"{', '.join(taken)} in {folder} already",
            "outputs that do not exist yet",
            "add --overwrite (overwrite=True) to replace them or choose another folder (--out)",
        )


def _is_store(path: Path) -> bool:
    return path.suffix == STORE and any((path / n).is_file() for n in ("zarr.json", ".zgroup"))


def make_folder(folder: Path) -> list[Path]:
    """Make `folder` and its missing parents; returns the new folders, deepest first.

    Raises
    ------
    WriteError
        If it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _clear(None, missing)
        raise _write_error(folder, error) from error
    return missing


def _clear(transaction: journal.Transaction | None, made: list[Path]) -> None:
    if transaction is not None:
        journal.close(transaction)
    for path in made:
        with suppress(OSError):  # not made yet, or another process has put a file there
            path.rmdir()


def _full_disk(folder: Path, error: BaseException) -> WriteError:
    while isinstance(error, WriteError) and error.__cause__ is not None:  # of a folder in this one
        error = error.__cause__
    reason = " ".join(str(error).split())
    return WriteError(
        f"disk full at {folder} ({reason[:300] or type(error).__name__})",
        "room for all outputs",
        "free some space or choose another disk (--out)",
    )


def _write_error(folder: Path, error: OSError) -> WriteError:
    return WriteError(
        f"{error.strerror or error} at {error.filename or folder}",
        f"a folder that can be written at {folder}",
        _REFUSED.get(error.errno or 0, "choose another folder (--out)"),
    )
