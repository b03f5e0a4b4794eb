"""Which parameters of a test are left out by `make test-fast`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

# one network stands for all of them in the fast part: it is the same code around each
NETWORKS = ("unet", "lstm", "cnn_lstm", "dae", "vae", "gan", "transformer")


def slow(values: Iterable[Any], which: Collection[Any] = NETWORKS) -> list[Any]:
    """The parameters, of which some are marked slow."""
    return [pytest.param(v, marks=pytest.mark.slow) if v in which else v for v in values]
