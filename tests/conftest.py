"""What all tests share: real data when it is there, quiet libraries, no window, steady draws."""

import logging
import os
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib or MNE
os.environ["MNE_LOGGING_LEVEL"] = "ERROR"
os.environ["MNE_DONTWRITE_HOME"] = "true"

import pytest
from hypothesis import settings

logging.getLogger("neurofuse").setLevel(logging.WARNING)  # whatever MNE's level is
# two shared cores make a time limit per example fail at random
settings.register_profile("neurofuse", deadline=None, derandomize=True)
settings.load_profile("neurofuse")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real recordings: NEUROFUSE_DATA, else `../shared/data` beside the repository."""
    named = os.environ.get("NEUROFUSE_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}; set NEUROFUSE_DATA to their folder")
    return folder
