"""How much memory a piece of work takes beyond what was there before it."""

import threading
from types import TracebackType

INTERVAL = 0.01  # s between looks


class Watch:
    """Peak of this process's memory [B] during a `with` block, beyond that at its start.

    It looks every 10 ms, so that a shorter peak may be missed, and sees the whole process: other
    threads count too.

    Examples
    --------
    >>> import numpy as np
    >>> with Watch() as watch:
    ...     _ = np.ones(4_000_000).sum()
    >>> watch.peak >= 0
    True
    """

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()

    def __enter__(self) -> "Watch":
        import psutil

        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look, daemon=True)
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

    def _look(self) -> None:
        ended = False
        while not ended:
            # asked before the look: what is held at the end is seen however late this thread wakes
            ended = self._done.wait(INTERVAL)
            more = self._process.memory_info().rss - self._before
            self.peak = max(self.peak, more)
