"""Code on the pages of the documentation runs, and commands on them exist with their options."""

import re
import shlex
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import typer

import neurofuse as nf
from neurofuse.cli.app import app
from neurofuse.io.recording import without_stream

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.+?)^```", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    return [code for kind, code in BLOCK.findall(path.read_text("utf-8")) if kind == language]


def commands(path: Path) -> list[str]:
    """Lines of a page that call neurofuse, in blocks and between backticks."""
    text = path.read_text("utf-8")
    found = [line for code in blocks(path, "") for line in code.splitlines()]
    found += re.findall(r"`(neurofuse [^`]+)`", text)
    found = [line.partition("#")[0].strip() for line in found]
    return [line for line in found if line.startswith("neurofuse ")]


RUN = [path for path in PAGES if blocks(path, "python") and path.name != "README.md"]
CALLS = [(path.name, line) for path in PAGES for line in commands(path)]


@pytest.fixture(scope="module")
def session():
    return nf.simulate(duration=120, seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("path", RUN, ids=lambda p: p.name)
def test_python_blocks_of_a_page_run_in_order(path, session, tmp_path, monkeypatch):
    truth, recording = session
    nf.io.write_eeg(recording, tmp_path / "sub-01_eeg.edf")
    late = without_stream(recording, "eeg").sel(time=slice(2.5, None))
    nf.io.write_nirs(late, tmp_path / "sub-01_nirs.snirf")
    raw_eeg, raw_nirs = nf.to_mne(recording)
    space = {"recording": recording, "truth": truth, "raw_eeg": raw_eeg, "raw_nirs": raw_nirs}
    monkeypatch.chdir(tmp_path)
    try:
        for number, code in enumerate(blocks(path, "python")):
            exec(compile(code, f"{path.name}, block {number}", "exec"), space)
    finally:
        plt.close("all")


@pytest.mark.parametrize(("page", "line"), CALLS)
def test_commands_on_pages_are_understood(page, line):
    group: Any = typer.main.get_command(app)
    name, *rest = shlex.split(line)[1:]
    if name.startswith("-"):
        assert name in {option for p in group.params for option in p.opts} | {"--help"}
        return
    assert name in group.commands
    command = group.commands[name]
    while rest and hasattr(command, "commands"):  # a group of commands
        name, *rest = rest
        command = command.commands[name]
    if rest:  # else the command is only mentioned
        assert command.make_context(name, rest).params


HOMES = re.findall(
    r"`([\w/]+\.(?:py|json|toml))(?::(\w+))?`", (ROOT / "docs/architecture.md").read_text()
)


@pytest.mark.parametrize(("file", "name"), HOMES, ids=lambda part: part)
def test_homes_of_decisions_exist(file, name):
    source = (ROOT / file).read_text("utf-8")
    assert not name or re.search(rf"^(?:def |class )?{name}\b", source, re.MULTILINE)


def test_there_is_something_to_test():
    assert len(RUN) > 5
    assert len(CALLS) > 8
    assert len(HOMES) > 25
