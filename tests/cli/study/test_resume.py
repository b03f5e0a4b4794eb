"""A study that is killed, stopped, or done on another engine: the same results, nothing twice.

All runs write side by side, as a derivative names its source relative to itself.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neurofuse.cli.simulate import simulate_files
from tests.cli.study.fake_slurm import ARRAY, install

pytestmark = pytest.mark.slow
APP = [sys.executable, "-m", "neurofuse", "app"]
QUICK = ["--method", "uncorrected", "--no-report"]
SESSIONS = 5


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Five short recordings as a BIDS data set."""
    root = tmp_path_factory.mktemp("study")
    files = simulate_files(
        root / "made", duration=12.0, seed=3, eeg_montage=4, nirs_montage="prefrontal"
    )
    for number in range(SESSIONS):
        for kind in ("eeg", "nirs"):
            place = root / "raw" / f"sub-{number}" / kind
            place.mkdir(parents=True)
            shutil.copy(files[kind], place / f"sub-{number}_task-rest_{kind}{files[kind].suffix}")
    description = '{"Name": "x", "BIDSVersion": "1.10.0"}'
    (root / "raw" / "dataset_description.json").write_text(description)
    return root / "raw"


@pytest.fixture(scope="module")
def whole(study) -> dict[str, bytes]:
    """The results of a run that nothing disturbs."""
    out = study.parent / "whole"
    done = subprocess.run([*APP, study, out, "participant", "--n-jobs", "1", *QUICK], check=False)
    assert done.returncode == 0
    return contents(out)


def contents(out: Path) -> dict[str, bytes]:
    files = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    return {name: p.read_bytes() for name, p in files.items() if not name.startswith("logs/")}


def records(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("logs/sub-*/sub-*.json")}


def started(study: Path, out: Path, until: Callable[[], object]) -> subprocess.Popen:
    """A run in a process group of its own that has come as far as `until` says."""
    process = subprocess.Popen(
        [*APP, study, out, "participant", "--n-jobs", "2", *QUICK],
        start_new_session=True,
        # ignored where tests run in the background
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not until() and process.poll() is None:
        time.sleep(0.01)
    return process


def test_killed_and_started_again_nothing_is_done_twice(study, whole):
    out = study.parent / "killed"
    process = started(study, out, lambda: records(out))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = records(out)
    assert 0 < len(before) < SESSIONS
    done = subprocess.run(
        [*APP, study, out, "participant", "--n-jobs", "2", *QUICK, "--json"],
        capture_output=True,
        check=True,
    )
    states = {one["name"]: one["state"] for one in json.loads(done.stdout)["tasks"]}
    assert {f"{name}.json" for name, state in states.items() if state == "kept"} >= set(before)
    assert {name: records(out)[name] for name in before} == before  # not written again
    assert contents(out) == whole
    assert not list(out.glob(".neurofuse-*"))


def test_ctrl_c_stops_all_and_says_how_to_go_on(study, whole):
    out = study.parent / "stopped"
    process = started(study, out, lambda: (out / "logs/plan.json").exists())
    time.sleep(1.0)  # workers import for longer; recordings this short might end before the signal
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from there" in told
    assert "Traceback" not in told
    assert not list(out.glob(".neurofuse-*"))
    subprocess.run([*APP, study, out, "participant", *QUICK], check=True)
    assert contents(out) == whole


def test_dask_and_a_slurm_array_give_the_same_bytes(study, whole, tmp_path):
    pytest.importorskip("distributed")
    out = study.parent / "dask"
    command = [*APP, study, out, "participant", *QUICK]
    subprocess.run([*command, "--engine", "dask", "--n-jobs", "2"], check=True)
    assert contents(out) == whole
    out = study.parent / "slurm"
    command = [*APP, study, out, "participant", *QUICK, "--engine", "slurm"]
    subprocess.run([*command, "--dry-run"], check=True)
    script = out / "logs" / "slurm.sh"
    env = os.environ | {"PATH": install(tmp_path / "bin", ARRAY)}
    subprocess.run(["sbatch", script], check=True, env=env)
    assert contents(out) == whole
    assert len(json.loads((out / "logs" / "plan.json").read_text())["tasks"]) == SESSIONS
