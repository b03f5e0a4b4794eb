"""A notebook shows a Recording by its summary, and leaves other trees alone."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
from neurofuse.fusion.views.notebook import recording_html
from neurofuse.io.recording import build, eeg_dataset

CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import neurofuse as nf, numpy as np, sys
assert "xarray" not in sys.modules
recording = nf.io.build(nf.io.eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
shown, _ = shell.display_formatter.format(recording)
print(shown["text/html"][:400])
"""


@pytest.fixture(autouse=True)
def _tree(monkeypatch):
    monkeypatch.setattr(xr.DataTree, "_repr_html_", lambda self: "TREE")  # its ids are random


@pytest.fixture
def recording():
    return build(eeg_dataset(np.zeros((2, 500)), 250.0, ["<b>C3", "C4"], bad=[True, False]))


def test_the_summary_stands_above_the_tree(recording):
    text = recording_html(recording)
    assert text.index("<td>250 Hz</td>") < text.index("<details>")
    assert text.endswith("TREE</details>")
    assert "&lt;b&gt;C3" in text.partition("<details>")[0]


def test_another_tree_looks_as_ever():
    tree = xr.DataTree(xr.Dataset({"a": 1}))
    assert recording_html(tree) == "TREE"


def test_importing_neurofuse_registers_the_view_of_notebooks(monkeypatch, recording):
    registered = {}
    formatter = SimpleNamespace(
        for_type_by_name=lambda module, name, f: registered.update({module: f})
    )
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    nf._show_in_notebooks()
    assert registered[xr.DataTree.__module__](recording) == recording_html(recording)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    nf._show_in_notebooks()  # IPython is there, but no notebook runs


def test_a_real_shell_shows_it():
    pytest.importorskip("IPython", reason="IPython is not installed")
    done = subprocess.run([sys.executable, "-c", CELLS], capture_output=True, text=True, check=True)
    assert "<td>250 Hz</td>" in done.stdout
