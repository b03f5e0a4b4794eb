"""The page on comparing names every method as the registry does, and its code runs."""

import re
from pathlib import Path

from neurofuse.fusion.peers import PEERS

PAGE = Path(__file__).parents[2] / "docs/comparison.md"


def test_every_method_is_on_the_page_with_its_source():
    rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    assert rows == {name: peer.citation for name, peer in PEERS.items()}


def test_the_code_on_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 3
    found: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), found)
    assert float(found["table"].value.loc["sub-0", "joint", "eeg", "residual"]) < 1
    assert found["summary"].sizes["method"] == 7
