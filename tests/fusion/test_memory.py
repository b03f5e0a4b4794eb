"""Memory of a piece of work: large arrays are seen, errors pass through."""

import numpy as np
import pytest

from neurofuse.fusion.memory import PeakMemory


def test_a_large_array_is_seen():
    with PeakMemory() as memory:
        # above 32 MB, what the C library takes for an array goes back to the system with it, and
        # no test before this one can have left as much behind
        held = np.ones(100_000_000 // 8)
    assert memory.peak > 0.8 * held.nbytes


def test_what_is_held_at_the_end_is_seen_without_a_measurement_in_between(monkeypatch):
    monkeypatch.setattr("neurofuse.fusion.memory.INTERVAL", 3600.0)
    with PeakMemory() as memory:
        held = np.ones(100_000_000 // 8)
    assert memory.peak > 0.8 * held.nbytes


def test_an_error_passes_and_measuring_ends():
    with pytest.raises(ZeroDivisionError), PeakMemory() as memory:
        _ = 1 / 0
    assert not memory._thread.is_alive()
