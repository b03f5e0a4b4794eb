"""The one form of pages of results, and the pages that stand in the documentation."""

import csv
import re

import pytest

from benchmarks.common.page import Page, Table, no_run, stacked
from benchmarks.common.paths import MEASURED

ONE_SCREEN = 50  # lines


@pytest.fixture
def page():
    rows = Table(
        ["method", "error [dB]"],
        [["joint", "-7.6 [-8.6, -6.6]"], no_run("asr", "found 1 | wanted 2", 2)],
    )
    return Page("Title", "A question.", rows, "A limit.", "python -m x", {"": rows, "more": rows})


def test_a_page_is_written_with_its_rows(page, tmp_path):
    page.write(tmp_path / "gain.md")
    text = (tmp_path / "gain.md").read_text()
    assert text.startswith("# Title\n\nA question.\n\n| method | error [dB] |\n|---|---|\n")
    assert "| asr | did not run: found 1 \\| wanted 2 |" in text
    assert "**Limits.** A limit." in text
    assert "[gain.csv](data/gain.csv), [gain_more.csv](data/gain_more.csv)" in text
    assert text.endswith("```shell\npython -m x\n```\n")
    with open(tmp_path / "data/gain.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "method": "joint",
        "error [dB]": "-7.6",
        "error [dB] low": "-8.6",
        "error [dB] high": "-6.6",
    }
    assert second["error [dB]"] == "did not run: found 1 | wanted 2"


def test_tables_are_stacked_by_their_headings():
    one, two = Table(["a", "b"], [["1", "2"]]), Table(["b", "c"], [["3", "4"]])
    whole = stacked({"x": one, "y": two}, "part")
    assert whole.columns == ["part", "a", "b", "c"]
    assert whole.rows == [["x", "1", "2", ""], ["y", "", "3", "4"]]
    assert whole.only("part", ["y"]).without("a", "part").rows == [["3", "4"]]


def test_headings_and_cells_must_fit():
    with pytest.raises(ValueError, match="not unique"):
        Table(["p", "p"], [])
    with pytest.raises(ValueError, match="1 cells"):
        Table(["a", "b"], [["1"]])


@pytest.mark.parametrize("path", sorted(MEASURED.glob("*.md")), ids=lambda path: path.stem)
def test_every_measured_page_fits_a_screen_and_its_links_lead_somewhere(path):
    text = path.read_text()
    assert len(text.splitlines()) <= ONE_SCREEN
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    assert not [target for target in targets if not (path.parent / target).exists()]
