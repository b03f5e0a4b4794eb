"""The whole of fNIRS is in memory, but few copies of it, and nothing that has been freed."""

import platform
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from neurofuse.io import build, nirs_dataset
from neurofuse.models.inference import passage
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_was_freed_is_given_back_to_the_system():
    pieces = [bytes(60_000) for _ in range(2000)]
    last = pieces.pop()  # above the freed ones: glibc gives back by itself what lies on top
    pieces.clear()
    held = _resident()
    passage.give_back_memory()
    assert held - _resident() > 0.7 * 2000 * len(last)


def _resident() -> int:
    """Memory of this process [bytes]."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
