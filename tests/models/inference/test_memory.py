"""The whole of fNIRS is in memory, but few copies of it."""

import tracemalloc

import numpy as np
import pytest

from neurofuse.io import build, nirs_dataset
from neurofuse.models.inference.windows import NirsSource
from neurofuse.models.joint.architecture import Architecture

CHANNELS, LENGTH, RATE = 16, 20_000, 10.0


@pytest.mark.parametrize("slow_rate", [10.0, 2.5])
def test_results_of_fnirs_need_few_copies(slow_rate):
    rng = np.random.default_rng(0)
    light = np.exp(0.01 * rng.normal(size=(CHANNELS, 2, LENGTH)))
    pairs = [f"S{i}" for i in range(CHANNELS)], [f"D{i}" for i in range(CHANNELS)]
    recording = build(nirs=nirs_dataset(light, RATE, [760, 850], *pairs))
    source = NirsSource(recording, Architecture(nirs_rate=slow_rate), 1.0)
    source.weight[:] = 1
    source.gate[:, 5000 // source.slow.factor : 6000 // source.slow.factor] = 1
    source.artifact[:], source.variance[:] = 1e-3, 1e-6
    tracemalloc.start()
    result = source.result()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.artifact.shape == result.deviation.shape == light.shape
    # deviation and masks are 1.5 copies, the artifact at the original rate one more
    assert peak < 2.9 * light.nbytes
