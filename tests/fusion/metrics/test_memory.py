"""Memory of a piece of work: large arrays are seen, errors pass through."""

import numpy as np
import pytest

from neurofuse.fusion.metrics.memory import Watch


def test_a_large_array_is_seen():
    with Watch() as watch:
        # above 32 MB, what the C library takes for an array goes back to the system with it, and
        # no test before this one can have left as much behind
        held = np.ones(100_000_000 // 8)
    assert watch.peak > 0.8 * held.nbytes


def test_what_is_held_at_the_end_is_seen_though_no_look_came_between(monkeypatch):
    monkeypatch.setattr("neurofuse.fusion.metrics.memory.INTERVAL", 3600.0)
    with Watch() as watch:
        held = np.ones(100_000_000 // 8)
    assert watch.peak > 0.8 * held.nbytes


def test_an_error_passes_and_the_watch_ends():
    with pytest.raises(ZeroDivisionError), Watch() as watch:
        _ = 1 / 0
    assert not watch._thread.is_alive()
