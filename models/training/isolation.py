"""Training sets torch's number of threads and its random state: both are given back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from neurofuse.models.threads import torch_threads


@contextmanager
def isolated(threads: int = 1) -> Iterator[None]:
    """Compute with a number of threads, and restore the state of torch and numpy afterwards.

    Restored are torch's number of threads and the global random state of torch (also that of GPUs
    in use) and numpy, however the block ends.

    Parameters
    ----------
    threads : int
        As of `torch_threads`.

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
    numpy_state = np.random.get_state()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch_threads(threads), torch.random.fork_rng(devices=list(gpus)):
            yield
    finally:
        np.random.set_state(numpy_state)
