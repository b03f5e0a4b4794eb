"""A full disk: checked before HDF5 writes, and recognised in the errors of other libraries."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from neurofuse.io.errors import NeurofuseError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# of HDF5, which raises a RuntimeError, and of C libraries whose number got lost
WORDS = ("no space left", "errno = 28", "quota exceeded", "errno = 122", "file too large")
HEADERS = 2**20  # bytes that a file takes beside its samples
LEAST_BYTES = 2**16  # with less to spare, any failure to write is one of space


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether `error` was caused by a disk or quota without space left.

    Parameters
    ----------
    error : exception
        As it was raised by a writer, or made of such an exception.
    folder : Path
        Where it wrote to.

    Examples
    --------
    >>> is_full(RuntimeError("unable to extend file (errno = 28)"), Path())
    True
    >>> is_full(RuntimeError("an unknown dtype"), Path())
    False
    """
    causes = list(_causes(error))
    if any(isinstance(e, OSError) and e.errno in FULL for e in causes):
        return True
    plain = [e for e in causes if isinstance(e, Exception) and not isinstance(e, NeurofuseError)]
    if any(word in str(e).lower() for e in plain for word in WORDS):
        return True
    lost = (OSError, RuntimeError, ValueError)  # e.g. of NumPy: "8000 requested and 4096 written"
    return any(isinstance(e, lost) for e in plain) and _free(folder) < LEAST_BYTES


def reserve(path: Path, size: int) -> None:
    """Make sure that a file of `size` bytes, and what goes with them, fits where `path` will be.

    The HDF5 library crashes the process when a disk is full at the wrong moment.

    Raises
    ------
    OSError
        If it does not fit.

    Examples
    --------
    >>> reserve(Path("a.nc"), 10**18)
    Traceback (most recent call last):
        ...
    OSError: [Errno 28] No space left on device: 'a.nc'
    """
    if size + HEADERS > _free(path.parent):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if not hasattr(os, "posix_fallocate"):
        return
    trial = path.with_name(f"{path.name}.room")  # quotas and limits are not part of what is free
    try:
        with trial.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, size + HEADERS)
    except OSError as error:
        if error.errno in FULL:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        trial.unlink(missing_ok=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(20):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _free(folder: Path) -> float:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("inf")
