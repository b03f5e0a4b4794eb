"""Check that a path leads to files that can be read at all, before any of them is opened.

Opening a pipe waits forever for somebody to write to it, a device has no end, and a file of which
most was never written fills the memory with zeros.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from neurofuse.io.errors import ReadError

MOST_FILES = 20_000  # of a folder that are looked at
DEPTH = 4  # of folders below a folder
UNCHECKED_BYTES = 2**26
NAMED = re.compile(rb"(?mi)^(?:DataFile|MarkerFile)=(.*?)\r?$")  # in a BrainVision header
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_kind(path: Path) -> None:
    """Raise ReadError if a path, or a file that is read with it, is neither file nor folder.

    Also if a link leads to itself, or if more than half of a large file was never written.

    Examples
    --------
    >>> check_kind(Path(os.devnull))
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ReadError: found /dev/null, which is a device; wanted a file or folder; \
save the recording as a file first
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ReadError(
                f"{path}, a link that leads to itself",
                "a link that leads to a recording",
                "give the recording's own path",
            ) from None
        return  # the reader reports that it is missing
    _check_one(path, mode)
    files = _inside(path, DEPTH) if stat.S_ISDIR(mode) else _beside(path)
    for file in islice(files, MOST_FILES):
        try:
            mode = os.stat(file).st_mode
        except OSError:  # a link to a file that has not been fetched
            continue
        _check_one(file, mode)


def _check_one(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        return
    if not stat.S_ISREG(mode):
        raise ReadError(
            f"{path}, which is {KINDS.get(stat.S_IFMT(mode), 'no file')}",
            "a file or folder",
            "save the recording as a file first",
        )
    size = path.stat().st_size
    written = _written(path, size) if size > UNCHECKED_BYTES else size
    if 2 * written < size:
        raise ReadError(
            f"{path}, of whose {size} bytes only {written} were ever written",
            "a whole file",
            "copy or download the recording again",
        )


def _written(path: Path, size: int) -> int:
    """Bytes of a file that are not holes, as far as its disk tells."""
    if not hasattr(os, "SEEK_DATA"):
        return size
    written = end = 0
    try:
        with path.open("rb") as file:
            for _ in range(MOST_FILES):
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                written += end - start
                if 2 * written >= size:
                    break
    except OSError as error:
        if error.errno != errno.ENXIO:  # that there are no more data
            return size
    return written


def _inside(folder: Path, depth: int) -> Iterator[Path]:
    """Files of a folder, from the outside in."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    yield from (Path(entry.path) for entry in entries)
    if depth:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _inside(Path(entry.path), depth - 1)


def _beside(path: Path) -> Iterator[Path]:
    """Files that may be read together with a file: of the same stem, or named in it."""
    suffix = path.suffix.lower()
    for other in _inside(path.parent, 0):
        same = other.name.startswith(path.stem) or suffix == ".hdr"
        if other != path and (same or (suffix == ".xdf" and other.name.endswith("_nirs.json"))):
            yield other
    if suffix == ".vhdr":
        with path.open("rb") as file:
            names = NAMED.findall(file.read(2**16))
        named = (os.fsdecode(name.strip()) for name in names if b"\0" not in name)
        yield from (path.parent / name for name in named)
