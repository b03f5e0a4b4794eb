"""A simulated pair of files, and a way to run commands in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from neurofuse.cli import app
from neurofuse.cli.simulate import simulate_files

Run = Callable[..., Any]
BRISK: dict[str, Any] = {"bouts_per_minute": 8.0}  # half a minute often sees no movement otherwise


@pytest.fixture
def run() -> Run:
    """Run a command line; paths may be given as they are."""

    def invoke(*args: object) -> Any:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return invoke


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> dict[str, Path]:
    """Half a minute of EDF and SNIRF with movement, its Recording and its truth."""
    return simulate_files(tmp_path_factory.mktemp("simulated"), duration=30.0, seed=7, **BRISK)
