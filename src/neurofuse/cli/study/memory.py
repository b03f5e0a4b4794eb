"""How many recordings this machine can clean at once."""

import os
from contextlib import suppress
from pathlib import Path

GROUP = Path("/sys/fs/cgroup")  # where a container's limits stand
SPARE = 1.25  # recordings differ: of what one took, so much must be free for each


def cores() -> int:
    """Cores that this process may use.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available() -> int:
    """Memory to spare [B], in a container what it has left."""
    import psutil

    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # "max" is no number: no limit
        limit = int((GROUP / "memory.max").read_text())
        free = min(free, limit - int((GROUP / "memory.current").read_text()))
    return max(free, 0)


def fitting(peak: int) -> int:
    """How many recordings of which each takes `peak` bytes fit into cores and memory.

    Examples
    --------
    >>> fitting(10**15)
    0
    """
    return min(cores(), available() // max(1, int(SPARE * peak)))


def readable(size: int) -> str:
    """A number of bytes in words.

    Examples
    --------
    >>> readable(3_250_000_000), readable(540_000_000)
    ('3.2 GB', '540 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
