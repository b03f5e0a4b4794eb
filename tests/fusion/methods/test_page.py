"""The page on comparing names every method as the registry does."""

import re
from pathlib import Path

from neurofuse.fusion.methods.registry import BASELINES

PAGE = Path(__file__).parents[3] / "docs/comparison.md"


def test_every_method_is_on_the_page_with_its_source():
    rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    assert rows == {name: method.citation for name, method in BASELINES.items()}
