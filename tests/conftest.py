"""What all tests share: real data when it is there, quiet libraries, no window, steady draws."""

import logging
import os
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib or MNE
os.environ["MNE_LOGGING_LEVEL"] = "ERROR"
os.environ["MNE_DONTWRITE_HOME"] = "true"
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread each: the workers share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import xarray as xr
from hypothesis import settings

from neurofuse.synth import simulate

logging.getLogger("neurofuse").setLevel(logging.WARNING)  # whatever MNE's level is
# two shared cores make a time limit per example fail at random
settings.register_profile("neurofuse", deadline=None, derandomize=True)
settings.load_profile("neurofuse")


Pair = tuple[xr.DataTree, xr.DataTree]  # truth and contaminated; tests must not change them


@pytest.fixture(scope="session")
def simulated() -> Pair:
    """A minute of 19 EEG and 24 fNIRS channels with motion."""
    return simulate(60.0, seed=4, bouts_per_minute=4)


@pytest.fixture(scope="session")
def simulated_long() -> Pair:
    """Two minutes and a half with a task, motion, and an accelerometer and gyroscope."""
    return simulate(150.0, seed=2, sensors=True)


@pytest.fixture(scope="session")
def at_rest() -> xr.DataTree:
    """80 s without task and motion."""
    return simulate(80.0, seed=1, task=None, severity=0.0)[0]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real recordings: NEUROFUSE_DATA, else `../shared/data` beside the repository."""
    named = os.environ.get("NEUROFUSE_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}; set NEUROFUSE_DATA to their folder")
    return folder
