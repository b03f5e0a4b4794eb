"""Examples in docstrings and in the README are code that runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import neurofuse
from neurofuse.cli.simulate import simulate_files
from neurofuse.fusion.methods import registry

NAMES = [
    module.name
    for module in pkgutil.walk_packages(neurofuse.__path__, "neurofuse.")
    if not module.name.endswith("__main__")
]


@pytest.fixture
def methods_as_before(monkeypatch):
    """What an example registers is gone after it."""
    monkeypatch.setattr(registry, "_known", dict(registry._known))


@pytest.mark.usefixtures("methods_as_before")
@pytest.mark.parametrize("name", NAMES)
def test_examples_of_docstrings(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not found.failed


@pytest.mark.slow
def test_python_example_of_the_readme(tmp_path, monkeypatch):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.+?)```", readme, re.DOTALL)
    assert blocks
    made = simulate_files(tmp_path, duration=60.0, seed=1, overwrite=False)
    made["eeg"].rename(tmp_path / "sub-01_eeg.edf")
    made["nirs"].rename(tmp_path / "sub-01_nirs.snirf")
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(block, {})
    assert (tmp_path / "report.html").is_file()
