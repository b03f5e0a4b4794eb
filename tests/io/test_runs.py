"""Runs of True in a mask."""

import numpy as np

from neurofuse.io.runs import runs


def test_none_all_and_nothing():
    assert runs(np.zeros(10, bool)) == []
    assert runs(np.ones(10, bool)) == [(0, 10)]
    assert runs(np.zeros(0, bool)) == []
