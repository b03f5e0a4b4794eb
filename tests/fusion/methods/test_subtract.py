"""What a learned model estimates is taken off; the rest stays as it was, without a copy more."""

import tracemalloc

import numpy as np
import pytest

from neurofuse.fusion.methods.learned import SUBTRACT
from neurofuse.io import eeg_dataset
from neurofuse.io.lazy import blocks_of

RATE = 100.0


@pytest.mark.parametrize("in_memory", [True, False])
def test_eeg_without_an_artifact_is_the_same_bit_for_bit(in_memory):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((2, 9000))
    data[0, 5] = np.nan
    artifact = rng.standard_normal(data.shape).astype(np.float32)
    artifact[:, :6000] = 0
    node = eeg_dataset(data, RATE, ["C3", "C4"])
    if not in_memory:
        node = node.assign(eeg=node.eeg.copy(data=blocks_of(data, RATE)))
        after = SUBTRACT["eeg"](node, blocks_of(artifact, RATE)).eeg.values
    else:
        after = SUBTRACT["eeg"](node, artifact).eeg.values
    assert after[:, :6000].tobytes() == data[:, :6000].tobytes()
    np.testing.assert_array_equal(after[:, 6000:], (data - artifact)[:, 6000:])


def test_eeg_in_memory_is_held_once_more():
    data = np.ones((8, 50_000))
    node, artifact = eeg_dataset(data, RATE, list("abcdefgh")), np.zeros(data.shape, np.float32)
    tracemalloc.start()
    SUBTRACT["eeg"](node, artifact)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * data.nbytes
