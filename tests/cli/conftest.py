"""A simulated pair of files, and a way to run commands in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from neurofuse.cli import app
from neurofuse.cli.simulate import simulate_files

Run = Callable[..., Any]


@pytest.fixture
def run() -> Run:
    """Run a command line; paths may be given as they are."""

    def invoke(*args: object) -> Any:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return invoke


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> dict[str, Path]:
    """Half a minute of EDF and SNIRF with movement, its Recording and its truth."""
    return simulate_files(tmp_path_factory.mktemp("simulated"), duration=30.0, seed=1)


@pytest.fixture(autouse=True)
def stub_clean(monkeypatch):
    import importlib.util
    import sys
    import types

    if importlib.util.find_spec("neurofuse.fusion.clean"):
        return
    from neurofuse.io.recording import note, streams

    def clean(recording, model="joint", progress=None):
        for stream in streams(recording):
            node = recording[stream].to_dataset()
            gate = 0 * node["eeg" if stream == "eeg" else "intensity"].astype("float32")
            if stream == "nirs":
                gate = gate.max("wavelength")
            recording = recording.assign({stream: recording[stream].assign(gate=gate)})
        return note(recording, "clean", model=model)

    module = types.ModuleType("neurofuse.fusion.clean")
    module.clean = clean
    monkeypatch.setitem(sys.modules, "neurofuse.fusion.clean", module)
