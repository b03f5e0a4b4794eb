"""The same seed gives the same figures in another process: a little of each benchmark, twice."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.common.paths import ROOT

PROGRAM = """
import json, sys
from pathlib import Path

import numpy as np

import benchmarks.decoding.__main__ as decoding
import benchmarks.joint_gain.__main__ as joint_gain
from benchmarks.protocols import gao
from neurofuse.fusion.clean import clean
from neurofuse.synth import simulate

METHODS = ("joint", "nirs", "wiener", "ica", "wavelet")
chosen = [
    one for one in joint_gain.producers([joint_gain.ROOT / "models/pretrained"])
    if any(one.key.startswith((name + "-", f"baseline-{name}-")) for name in METHODS)
]
small = {"eeg_montage": ["Fp1", "C3", "C4", "O1"]}
calm = [(f"participant-{k}", simulate(20, seed=k, severity=0.0, **small)[0]) for k in (1, 2)]
folder = Path(sys.argv[1])
joint_gain.run(calm, 1, chosen, folder, ("timing",), (0.5,))
found = {"gain": {}}
for path in sorted(folder.rglob("*.json")):
    facts = json.loads(path.read_text())
    facts.pop("seconds", None)  # the only figure that may differ
    found["gain"]["/".join(path.parts[-2:])] = facts

rest = np.tile([0.9, 0.05, 0, 0, 0], (2, 1)), np.array([3.0, 1.0]), np.array([50.0, 20.0])
made = gao.Source([rest], np.array([50.0, 200.0]), np.array([0.004]))
gao.source = lambda: made
recording, response, count = gao.record(1)
found["gao"] = {
    name: gao.facts(clean(recording, name), recording, response)
    for name in ("uncorrected", "nirs", "tddr", "wavelet", "spline_sg")
}

pairs = tuple(simulate(60, seed=k, nirs_montage=None, **small) for k in (3, 4))
task = decoding.Task("one or other", "participant", ("eeg",), pairs, decoding.two_files)
how = {name: lambda r, name=name: clean(r, name) for name in ("wiener", "uncorrected")}
found["decoding"] = {name: decoding.facts(task, one) for name, one in how.items()}
Path(sys.argv[2]).write_text(json.dumps(found))
"""


@pytest.mark.slow
def test_benchmarks_give_the_same_figures_in_another_process(tmp_path):
    started = []
    for number in (1, 2):
        out = tmp_path / f"{number}.json"
        command = [sys.executable, "-c", PROGRAM, tmp_path / f"run-{number}", out]
        # Another order of sets, as in any two processes.
        environment = os.environ | {"PYTHONHASHSEED": str(number), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        started.append((process, out))
    figures = []
    for process, out in started:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        figures.append(json.loads(out.read_text()))
    one, other = (dict(leaves(found)) for found in figures)
    assert one.keys() == other.keys()
    assert {key[1] for key in one} == {"gain", "gao", "decoding"}
    for key, value in one.items():
        if isinstance(value, float):
            value = pytest.approx(value, rel=1e-6, abs=1e-12, nan_ok=True)
        assert other[key] == value, key


def leaves(found, key=("",)):
    """Every value of nested dicts and lists by its place."""
    if isinstance(found, dict | list):
        items = found.items() if isinstance(found, dict) else enumerate(found)
        for name, value in items:
            yield from leaves(value, (*key, name))
    else:
        yield key, found
