"""The example of a plug-in: installed into a folder of its own, then found by neurofuse."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # pip builds and installs it

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"
PROGRAM = """
import sys
import numpy as np
import neurofuse as nf

recording = nf.read(sys.argv[1])
cleaned = nf.clean(recording, nf.get_method("median"))
spike = recording["eeg"].eeg.values[0].argmax()
print(recording["eeg"].eeg.sizes["channel"], recording["eeg"].eeg.values[0, spike],
      cleaned["eeg"].eeg.values[0, spike])
print(*nf.compare(recording, ["median"]).method.values)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """The example, installed where PYTHONPATH finds it."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(EXAMPLE, folder / "source")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    command = [*install, "--target", folder / "installed", folder / "source"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return os.environ | {"PYTHONPATH": str(folder / "installed")}


def run(environment, *command) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_method_is_listed_by_the_command_line(environment):
    rows = json.loads(run(environment, sys.executable, "-m", "neurofuse", "methods", "--json"))
    (median,) = [row for row in rows if row["name"] == "median"]
    assert median["streams"] == "eeg"
    assert median["delay"] == 0.025


def test_its_reader_and_its_method_work_together(environment, tmp_path):
    rows = [f"{k % 7} {k % 5}" for k in range(2000)]
    rows[1000] = "500 1"  # a spike of one sample
    table = tmp_path / "sub-01.eegtxt"
    table.write_text("\n".join(["250 C3 C4", *rows]) + "\n")
    first, second = run(environment, sys.executable, "-c", PROGRAM, table).splitlines()
    count, before, after = first.split()
    assert int(count) == 2
    assert float(before) == pytest.approx(500e-6)
    assert float(after) < 10e-6
    assert second.split() == ["median", "uncorrected", "zero"]
