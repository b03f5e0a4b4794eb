import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from neurofuse.cli import app, info
from neurofuse.io.errors import ParameterError

COMMANDS = [
    "check",
    "clean",
    "compare",
    "simulate",
    "inject",
    "stream",
    "train",
    "report",
    "cohort",
    "demo",
    "info",
    "methods",
    "app",
    "export",
]
GROUPS = ["corpus", "federate"]  # commands with commands of their own


def failing(error: BaseException):
    def facts():
        raise error

    return facts


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(run, command):
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert f"Example: neurofuse {command}" in shown.stdout


def test_there_are_no_other_commands():
    assert sorted(c.name for c in app.registered_commands if c.name) == sorted(COMMANDS)
    assert [group.name for group in app.registered_groups] == GROUPS


def test_version(run):
    assert run("--version").stdout == f"{info.version('neurofuse')}\n"


@pytest.mark.parametrize(
    "args", [["clean"], ["cleen"], ["demo", "--seed", "-1"], ["simulate", "--out"], ["--nonsense"]]
)
def test_wrong_usage_is_status_2(run, args):
    done = run(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr


def test_a_users_error_is_one_line_and_status_2(run, monkeypatch):
    error = ParameterError("3 [legs]", "4\nlegs", "add one")
    monkeypatch.setattr(info, "installation", failing(error))
    done = run("info")
    assert done.exit_code == 2
    assert done.stderr == "error: found 3 [legs]; wanted 4 legs; add one\n"


def test_another_failure_is_status_1_with_a_hint(run, monkeypatch):
    monkeypatch.setattr(info, "installation", failing(ZeroDivisionError("oh")))
    done = run("info")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ZeroDivisionError: oh\n")
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("args", [["--debug", "info"], ["info", "--debug"]])
def test_debug_shows_where(run, monkeypatch, args):
    monkeypatch.setattr(info, "installation", failing(ZeroDivisionError("oh")))
    done = run(*args)
    assert done.exit_code == 1
    assert "Traceback" in done.stderr
    assert "in facts" in done.stderr


def test_our_warnings_are_shown_and_those_of_libraries_are_not(run, monkeypatch):
    import warnings

    def facts():
        warnings.warn("deprecated in 12.3", FutureWarning, stacklevel=1)
        logging.getLogger("neurofuse").warning("C3 is flat")
        return {}

    monkeypatch.setattr(info, "installation", facts)
    done = run("info", "--json")
    assert done.exit_code == 0
    assert done.stderr == "warning: C3 is flat\n"
    assert done.stdout == "{}\n"


def test_an_interrupt_is_status_130(run, monkeypatch):
    monkeypatch.setattr(info, "installation", failing(KeyboardInterrupt()))
    assert run("info").exit_code == 130


def test_a_signal_that_a_library_swallows_is_still_the_status(run, monkeypatch):
    monkeypatch.setattr(sys.modules["neurofuse.cli.app"], "_stopped", [143])
    monkeypatch.setattr(info, "installation", failing(ImportError("broken while it was loaded")))
    assert run("info").exit_code == 143


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGTERM")
def test_a_terminated_run_cleans_up(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "neurofuse", "simulate", "--duration", "20000", "--out", out]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not out.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert not out.exists()
