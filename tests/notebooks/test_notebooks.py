"""Every notebook runs from top to bottom, and its results are what its text says."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"


def run(name: str) -> dict:
    """Execute a notebook's code cells in one namespace, and return that."""
    cells = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]
    space: dict = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
    return space


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.name)
def test_outputs_are_stripped(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")


def test_quick_start():
    space = run("01_quick_start.ipynb")
    error = space["error"]
    assert error.loc["joint", "eeg"] < 0 < error.loc["untouched", "eeg"]
    assert error.loc["joint", "nirs"] < error.loc["tddr", "nirs"]
    assert space["raw_nirs"].info["sfreq"] == pytest.approx(10)
