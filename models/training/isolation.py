"""Training sets torch's number of threads and its random state: both are given back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def isolated(threads: int = 1) -> Iterator[None]:
    """Compute with a number of threads, and restore the state of torch and numpy afterwards.

    Restored are torch's number of threads and the global random state of torch (also that of GPUs
    in use) and numpy, however the block ends.

    Parameters
    ----------
    threads : int
        More than one gain nothing at the size of these networks; see also `wiener.solve`.

    Examples
    --------
    >>> torch.manual_seed(0).initial_seed(), torch.get_num_threads() > 0
    (0, True)
    >>> before = torch.get_rng_state()
    >>> with isolated():
    ...     _ = torch.manual_seed(5), torch.rand(3), torch.get_num_threads()
    >>> torch.equal(torch.get_rng_state(), before)
    True
    """
    threads_before, numpy_state = torch.get_num_threads(), np.random.get_state()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=list(gpus)):
            yield
    finally:
        torch.set_num_threads(threads_before)
        np.random.set_state(numpy_state)
