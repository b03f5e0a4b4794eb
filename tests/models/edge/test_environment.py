"""An environment made by `examples/edge/requirements.txt` alone, which has no torch."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import neurofuse as nf

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "examples" / "edge" / "requirements.txt"
UNREACHABLE = ("No matching distribution", "ConnectionError", "Could not find a version")

CLEANS = """
import sys
import neurofuse as nf

assert sys.argv[4] not in nf.__file__, nf.__file__
assert nf.__version__ == sys.argv[5]
recording = nf.read(sys.argv[1])
_, moved = nf.inject(recording, seed=1)
cleaned = nf.clean(moved, sys.argv[2])
assert {"gate", "verdict", "evidence"} <= set(cleaned["eeg"].data_vars)
nf.write(cleaned, sys.argv[3], stem="a")
try:
    import torch
except ModuleNotFoundError:
    print("no torch")
"""


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_requirements_are_enough_and_hold_no_torch(exports, tmp_path):
    assert not {"torch", "onnx"} & set(REQUIREMENTS.read_text().split())
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", check=True)
    python = next((tmp_path / "venv").glob("[bS]*/python*"))
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    # what is not imported is not compiled either
    pip += ("--no-deps", "--no-compile", "-c", ROOT / "constraints.txt")
    with ThreadPoolExecutor() as pool:  # one waits for the index, the other builds
        installed = list(pool.map(lambda given: run(*pip, *given), [("-r", REQUIREMENTS), (ROOT,)]))
    for done in installed:
        if any(word in done.stderr for word in UNREACHABLE):
            pytest.skip("no package index can be reached")
        assert done.returncode == 0, done.stderr
    source = tmp_path / "recording.nc"
    nf.io.write_netcdf(nf.simulate(20.0, seed=2)[0], source)
    folder = exports["joint"]
    # -I: neither this folder nor PYTHONPATH
    given = (source, folder, tmp_path, ROOT / "src", nf.__version__)
    done = run(python, "-I", "-c", CLEANS, *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("no torch")
    command = ("-I", "-m", "neurofuse", "clean", source, "--method", folder)
    done = run(python, *command, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
