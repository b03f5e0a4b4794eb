"""Exports that several tests read."""

import shutil

import pytest

from neurofuse.fusion.settled import LATER
from neurofuse.models.export.write import (
    contents,
    given_model,
    offline_parts,
    spec_of,
    write_files,
)


def written(method, folder):
    """An export without the comparison that `neurofuse export` makes, which takes long."""
    given = given_model(method)
    parts = None if given.architecture.causal else offline_parts(given)
    files = contents(given, parts)
    write_files(folder, files, spec_of(given, files, 32, {}))
    return folder


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Exports by the names of their models."""
    root = tmp_path_factory.mktemp("exports")
    names = ("joint", "eeg", "nirs", "joint-live")
    made = {name: written(name, root / name) for name in names}
    shutil.copytree(made["joint"], made["joint-live"] / LATER)
    return made


@pytest.fixture
def folder(exports, tmp_path):
    """A copy of the export of "eeg", to be broken."""
    return shutil.copytree(exports["eeg"], tmp_path / "export")
