"""`neurofuse clean --overwrite`, killed a few times: all outputs are old, or all are new."""

import hashlib
import subprocess
import sys

import pytest

from benchmarks.common.paths import ROOT
from benchmarks.kills.__main__ import Command, kill

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL, no locks of folders"),
]


def test_killed_clean_leaves_all_outputs_or_none():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kills", "--kills", "8", "--seed", "7"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert len(rows) == 4
    assert all(row[2] == "2" for row in rows if "moves" in row[1])  # every forced kill struck
    assert all(row[6] == "0" for row in rows)


@pytest.mark.parametrize("mixed", [True, False])
def test_a_mixture_is_noticed(tmp_path, mixed):
    """A command that leaves one file old and one new, without a journal, and one that does not."""
    old, script = tmp_path / "old", tmp_path / "clean.py"
    old.mkdir()
    for name in "ab":
        (old / name).write_text("old")
    new = dict.fromkeys("ab", hashlib.sha256(b"new").hexdigest())
    names = "a" if mixed else "ab"
    script.write_text(
        f"import sys\nfor n in {names!r}: open(sys.argv[-1] + '/' + n, 'w').write('new')"
    )
    command = Command("fake", [], old, new, 1.0, 1)

    def start(step, steps, arguments):
        return subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    found = kill(command, tmp_path / "work", -1, 30.0, start)
    assert ("a mixture" in found.wrong) == mixed
    assert found.after == ("mixture" if mixed else "new")
