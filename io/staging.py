"""All or nothing: outputs appear under their final names together, or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neurofuse.io.errors import WriteError

_REFUSED = {
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some space or choose another disk",
    errno.ENOTDIR: "choose a path that is not below a file",
    errno.EEXIST: "choose a path that is not a file",
    errno.ENAMETOOLONG: "choose a shorter path",
}


@contextmanager
def staged(folder: Path, names: Iterable[str], *, overwrite: bool) -> Iterator[Path]:
    """Lend a temporary folder whose files move into `folder` when the block ends well.

    If the block raises, whatever was made for it is removed again, `folder` included if it did
    not exist before.

    Parameters
    ----------
    folder : Path
        Where the outputs shall stand; made if missing.
    names : file names
        The outputs expected; an existing one is refused before the block starts.
    overwrite : bool
        Replace existing files.

    Raises
    ------
    WriteError
        If an output exists and `overwrite` is false, or the folder cannot be written.

    Examples
    --------
    >>> home = Path(tempfile.mkdtemp())
    >>> with staged(home / "out", ["a.txt"], overwrite=False) as stage:
    ...     _ = (stage / "a.txt").write_text("done")
    >>> (home / "out" / "a.txt").read_text()
    'done'
    """
    folder = Path(folder)
    _refuse_existing(folder, names, overwrite)
    made = make_folder(folder)
    stage = None
    try:
        stage = Path(tempfile.mkdtemp(prefix=".neurofuse-", dir=folder))
        yield stage
        results = sorted(stage.iterdir())
        _refuse_existing(folder, [result.name for result in results], overwrite)
        for result in results:
            os.replace(result, folder / result.name)
    except BaseException as error:
        _clear(stage, made)
        if isinstance(error, OSError) and error.errno in _REFUSED:
            raise _write_error(folder, error) from error
        raise
    _clear(stage, [])


@contextmanager
def holding(target: Path) -> Iterator[None]:
    """Turn what a writer raises for samples that its format cannot hold into a WriteError."""
    try:
        yield
    except (ValueError, RuntimeError, AssertionError, TypeError) as error:
        raise WriteError(
            f"a recording that {target.suffix} cannot hold ({error})",
            "samples, names and rates within the format's limits",
            "write .fif, .snirf or .nc instead",
        ) from error


def _refuse_existing(folder: Path, names: Iterable[str], overwrite: bool) -> None:
    taken = [name for name in names if os.path.lexists(folder / name)]
    folders = [name for name in taken if (folder / name).is_dir()]
    if folders:
        raise WriteError(
            f"a folder named {', '.join(folders)} in {folder}",
            "a name that is free for a file",
            "move it away or choose another --out",
        )
    if taken and not overwrite:
        raise WriteError(
            f"{', '.join(taken)} in {folder} already",
            "outputs that do not exist yet",
            "add --overwrite (overwrite=True) to replace them or choose another --out",
        )


def make_folder(folder: Path) -> list[Path]:
    """Make `folder` and what it stands in; returns the folders that are new, deepest first.

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


def _clear(stage: Path | None, made: list[Path]) -> None:
    if stage is not None:
        shutil.rmtree(stage, ignore_errors=True)
    for path in made:
        try:
            path.rmdir()
        except OSError:  # not made yet, or someone else has put a file there
            continue


def _write_error(folder: Path, error: OSError) -> WriteError:
    return WriteError(
        f"{error.strerror or error} at {error.filename or folder}",
        f"a folder that can be written at {folder}",
        _REFUSED.get(error.errno or 0, "choose another --out"),
    )
