"""How much memory a piece of work takes beyond what was in use before it."""

import threading
from types import TracebackType

INTERVAL = 0.01  # s between measurements


class PeakMemory:
    """Peak of this process's memory [B] during a `with` block, beyond that at its start.

    Measured every 10 ms, so that a shorter peak may be missed, for the whole process: other threads
    count too.

    Attributes
    ----------
    peak : int
        [B].

    Examples
    --------
    >>> import numpy as np
    >>> with PeakMemory() as memory:
    ...     _ = np.ones(4_000_000).sum()
    >>> memory.peak >= 0
    True
    """

    def __init__(self) -> None:
        self.peak: int = 0
        self._done = threading.Event()

    def __enter__(self) -> "PeakMemory":
        import psutil

        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _measure(self) -> None:
        ended = False
        while not ended:
            # waits before it measures, so that memory in use at the end always counts
            ended = self._done.wait(INTERVAL)
            more = self._process.memory_info().rss - self._before
            self.peak = max(self.peak, more)
