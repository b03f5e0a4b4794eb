"""The examples for clusters: complete, and their commands are understood."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from benchmarks.cohort.simulated import make_study
from neurofuse.cli.app import app

ROOT = Path(__file__).parents[1]
SUBMIT = ROOT / "examples/slurm/submit.sh"
SNAKEFILE = ROOT / "examples/snakemake/Snakefile"
SBATCH = ROOT / "benchmarks/cohort/sbatch"  # stands in for SLURM's


def understood(line: str) -> dict[str, Any]:
    """What the program takes a command line for."""
    program, name, *rest = shlex.split(line)
    assert program == "neurofuse"
    group: Any = typer.main.get_command(app)
    return group.commands[name].make_context(name, rest).params


def as_python(text: str) -> str:
    """A Snakefile whose rules are functions and whose sections are calls, as Snakemake reads it."""
    lines = []
    for line in text.splitlines():
        rule = re.fullmatch(r"rule (\w+):", line)
        section = re.fullmatch(r"    (\w+):", line)
        if rule or section or not line.startswith("        "):
            lines += ["    )"] if lines and lines[-1].startswith("        ") else []
        lines.append(f"def {rule[1]}():" if rule else f"    {section[1]}(" if section else line)
    return "\n".join([*lines, "    )" if lines[-1].startswith("        ") else ""])


def test_the_snakefile_is_sound():
    tree = ast.parse(as_python(SNAKEFILE.read_text("utf-8")))
    rules = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    assert list(rules) == ["group", "participant"]  # the first is what Snakemake makes
    for rule in rules.values():
        sections = [one.value.func.id for one in rule.body]  # type: ignore[attr-defined]
        assert {"input", "output", "shell"} <= set(sections)


@pytest.mark.parametrize(
    "broken", [("output:", "output"), ("expand(", "expand"), ("rule group", "rulegroup")]
)
def test_a_snakefile_with_a_mistake_is_not(broken):
    with pytest.raises((SyntaxError, TypeError)):
        ast.parse(as_python(SNAKEFILE.read_text("utf-8").replace(*broken)))


def test_the_commands_of_the_snakefile_are_understood():
    lines = re.findall(r'"(neurofuse app [^"]*)"(?:\s+"([^"]*)")?', SNAKEFILE.read_text("utf-8"))
    assert len(lines) == 2
    levels = [understood(re.split(r"\|\||;", head + tail)[0])["words"][-1] for head, tail in lines]
    assert levels == ["group", "participant"]


def test_the_submitting_script_is_sound():
    done = subprocess.run(["sh", "-n", str(SUBMIT)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_submitting_cleans_a_study_and_makes_its_page(tmp_path):
    study = make_study(tmp_path / "study", 3, broken=1)
    programs = tmp_path / "bin"
    programs.mkdir()
    shutil.copy2(SBATCH, programs)
    (programs / "neurofuse").symlink_to(Path(sys.executable).with_name("neurofuse"))
    env = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    out = tmp_path / "cleaned"
    call = ["sh", str(SUBMIT), str(study.root), str(out), "--no-report"]
    done = subprocess.run(call, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cleaned = {path.name.split("_desc-")[0] for path in out.rglob("*_desc-clean_nirs.snirf")}
    assert cleaned == set(study.whole)
    assert len(list(out.glob("logs/*/crash-*.json"))) == 1
    page = (out / "index.html").read_text("utf-8").replace("<wbr>", "")
    assert all(name in page for name in study.names)
