"""The Boutiques descriptor: valid, true to the program, and its command lines are understood."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import neurofuse
from neurofuse.cli.app import app
from neurofuse.cli.study.command import STOPPED
from neurofuse.cli.study.exit_codes import ExitCode

ROOT = Path(__file__).parents[1]
FILE = ROOT / "examples/boutiques/neurofuse.json"
DESCRIPTOR = json.loads(FILE.read_text("utf-8"))
BOSH = Path(sys.executable).with_name("bosh")
PLACES = ("bids_dir", "out_dir", "level")
FEW = {"bids_dir": "study", "out_dir": "cleaned", "level": "group"}
MANY = FEW | {
    "level": "participant",
    "participant_label": ["01", "02"],
    "session_label": ["before"],
    "run": ["1", "2"],
    "bids_filter_file": "filters.json",
    "n_jobs": 2,
    "method": "joint",
    "self_test": True,
    "overwrite": True,
}

pytestmark = pytest.mark.skipif(not BOSH.exists(), reason="boutiques is not installed")


def bosh(tmp_path: Path, *arguments: object) -> str:
    env = os.environ | {"HOME": str(tmp_path)}
    command = [str(BOSH), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command_line(tmp_path: Path, inputs: dict[str, Any]) -> list[str]:
    """What a platform would call."""
    file = tmp_path / "invocation.json"
    file.write_text(json.dumps(inputs), "utf-8")
    (line,) = [
        line
        for line in bosh(tmp_path, "exec", "simulate", "-i", file, FILE).splitlines()
        if line.startswith("neurofuse-bids")
    ]
    return shlex.split(line)


def test_it_is_valid_by_its_schema(tmp_path):
    assert bosh(tmp_path, "validate", FILE).strip() == "OK"


def test_one_that_lacks_its_error_codes_numbers_is_not(tmp_path):
    wrong = DESCRIPTOR | {"error-codes": [{"description": "no code"}]}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong), "utf-8")
    with pytest.raises(AssertionError, match="code"):
        bosh(tmp_path, "validate", tmp_path / "wrong.json")


def test_every_input_stands_once_in_the_command_line():
    program, *keys = DESCRIPTOR["command-line"].split()
    assert program == "neurofuse-bids"
    assert keys == [entry["value-key"] for entry in DESCRIPTOR["inputs"]]


def test_versions_and_image_are_those_of_the_package():
    assert DESCRIPTOR["tool-version"] == neurofuse.__version__
    image = DESCRIPTOR["container-image"]["image"]
    assert f"ENV NEUROFUSE_CONTAINER={image}\n" in (ROOT / "Containerfile").read_text("utf-8")


def test_exit_codes_are_those_of_the_program():
    told = {entry["code"] for entry in DESCRIPTOR["error-codes"]}
    assert told == {int(code) for code in ExitCode} - {0}


def test_every_flag_is_an_option_of_the_program():
    group: Any = typer.main.get_command(app)
    options = {name for p in group.commands["app"].params for name in p.opts}
    flags = {entry["command-line-flag"] for entry in DESCRIPTOR["inputs"][3:]}
    assert flags
    assert flags <= options


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (FEW, "study cleaned group"),
        (
            MANY,
            "study cleaned participant --participant-label 01 02 --session-label before --run 1 2 "
            "--bids-filter-file filters.json --n-jobs 2 --method joint --self-test --overwrite",
        ),
    ],
)
def test_command_lines_made_of_it_are_understood(tmp_path, inputs, expected):
    words = command_line(tmp_path, inputs)[1:]
    assert words == expected.split()
    group: Any = typer.main.get_command(app)
    understood = group.commands["app"].make_context("app", words).params
    *places, level = (inputs[name] for name in PLACES)
    assert understood["words"] == [*places, level]
    for name in set(inputs) - set(PLACES):
        value = understood[name]
        assert (str(value) if isinstance(value, Path) else value) == inputs[name]


def test_the_page_about_studies_lists_every_exit_code():
    page = (ROOT / "docs/study.md").read_text("utf-8")
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert told == {int(code) for code in ExitCode} | {STOPPED}
