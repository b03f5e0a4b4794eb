"""All or nothing: outputs appear under their final names together, or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from neurofuse.io.errors import NeurofuseError, WriteError

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
STORE = ".zarr"  # a folder of this suffix is one output
Merge = Callable[[str, str], str]


@contextmanager
def staged(
    folder: Path,
    names: Iterable[str],
    *,
    overwrite: bool,
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
    overwrite : bool
        Replace existing files.
    merge : dict of name to function, optional
        Text files that several runs share: never refused; where one exists, the function makes
        the new text from (the existing text, the text made by the block).

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
    folder, merge = Path(folder), merge or {}
    _refuse_existing(folder, set(names) - set(merge), overwrite)
    made = make_folder(folder)
    stage = None
    try:
        stage = Path(tempfile.mkdtemp(prefix=".neurofuse-", dir=folder))
        yield stage
        results = _outputs(stage)
        _refuse_existing(folder, set(results) - set(merge), overwrite)
        _move(stage, folder, results, merge, made)
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
        if path.is_dir() and path.suffix != STORE:
            found += [f"{path.name}/{below}" for below in _outputs(path)]
        else:
            found.append(path.name)
    return found


def _move(
    stage: Path, folder: Path, results: list[str], merge: Mapping[str, Merge], made: list[Path]
) -> None:
    """Move each of `results` into `folder`, or, if one of them fails, none."""
    replaced: list[tuple[Path, Path]] = []
    added: list[Path] = []
    aside = Path(tempfile.mkdtemp(prefix=".neurofuse-old-", dir=folder))
    try:
        for rank, name in enumerate(results):
            new, target = stage / name, folder / name
            made[:0] = make_folder(target.parent)
            if os.path.lexists(target):
                if name in merge:
                    text = merge[name](target.read_text("utf-8"), new.read_text("utf-8"))
                    new.write_text(text, "utf-8")
                replaced.append((target, aside / str(rank)))
                _set_aside(*replaced[-1])
            os.replace(new, target)
            added.append(target)
    except BaseException:
        for target in added:
            _remove(target)
        for target, old in replaced:
            if os.path.lexists(old):
                os.replace(old, target)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _set_aside(target: Path, old: Path) -> None:
    try:
        os.link(target, old, follow_symlinks=False)  # the name is never without a file
    except (OSError, NotImplementedError):  # a folder, or a disk without links
        os.replace(target, old)


def _remove(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
    else:
        with suppress(OSError):
            target.unlink()


def _refuse_existing(folder: Path, names: Iterable[str], overwrite: bool) -> None:
    taken = sorted(name for name in names if os.path.lexists(folder / name))
    folders = [name for name in taken if (folder / name).is_dir() and not _is_store(folder / name)]
    if folders:
        raise WriteError(
            f"a folder named {', '.join(folders)} in {folder}",
            "a name that no folder has",
            "move it away or choose another folder (--out)",
        )
    if taken and not overwrite:
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


def _clear(stage: Path | None, made: list[Path]) -> None:
    if stage is not None:
        shutil.rmtree(stage, ignore_errors=True)
    for path in made:
        try:
            path.rmdir()
        except OSError:  # not made yet, or another process has put a file there
            continue


def _write_error(folder: Path, error: OSError) -> WriteError:
    return WriteError(
        f"{error.strerror or error} at {error.filename or folder}",
        f"a folder that can be written at {folder}",
        _REFUSED.get(error.errno or 0, "choose another folder (--out)"),
    )
