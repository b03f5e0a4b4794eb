"""Every figure of the page of claims stands on a page that the same row links to."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (DOCS / "claims.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and "](measured/" in line
]
FIGURE = re.compile(r"(?<![\w.-])[+-]?\d+\.\d+")


@pytest.mark.parametrize(("claim", "measured"), [(row[0], row[2]) for row in ROWS])
def test_figures_stand_on_the_pages_that_are_linked(claim, measured):
    pages = [DOCS / page for page in re.findall(r"\]\((measured/\w+\.md)\)", measured)]
    text = " ".join(page.read_text("utf-8") for page in pages)
    figures = FIGURE.findall(measured)
    assert figures
    known = set(FIGURE.findall(text))
    assert not [one for one in figures if one not in known]


def test_no_row_is_passed_over():
    assert len(ROWS) == 7
