"""A process that is killed at any point leaves all outputs or none to the next one."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from neurofuse.cli.cohort import find_cleaned
from neurofuse.io import journal
from neurofuse.io.errors import ReadError, WriteError
from neurofuse.io.staging import holding, staged

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL, no locks of folders")
OLD = {"a": "old", "b.zarr/zarr.json": "old", "list": "old,"}
NEW = {"a": "new", "b.zarr/zarr.json": "new", "d/e": "new", "list": "new,", "z": "new"}
DONE = NEW | {"list": "old,new,"}

# Replaces the outputs and kills itself before the n-th call that changes a folder's entries.
KILLED = """
import json, os, signal, sys
from pathlib import Path
from neurofuse.io.staging import staged

folder, left, files, failing, early = json.loads(sys.argv[1])
folder = Path(folder)

def counted(work):
    def run(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return work(*args, **kwargs)
    return run

def count():
    for module, name in [(os, "replace"), (os, "link"), (os, "unlink"), (os, "mkdir")]:
        setattr(module, name, counted(getattr(module, name)))

if early:
    count()
merge = {"list": lambda there, new: there + new}
with staged(folder, files, overwrite=True, merge=merge) as stage:
    for name, text in files.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text)
    if not early:
        count()
    if failing:  # a move that fails, so that all are undone
        replace = os.replace
        def broken(source, target):
            if Path(target) == folder / failing:
                raise OSError("a broken disk")
            replace(source, target)
        os.replace = broken
"""


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def killed(
    folder: Path, step: int, files: dict[str, str], failing: str = "", early: bool = False
) -> bool:
    """Let a process replace the outputs of `folder`; whether it was killed at `step`.

    With `early` the steps of its repairs are counted too.
    """
    plan = json.dumps([str(folder), step, files, failing, early])
    command = [sys.executable, "-c", KILLED, plan]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != -signal.SIGKILL:
        assert done.returncode == 0 or "a broken disk" in done.stderr, done.stderr
    return done.returncode == -signal.SIGKILL


def next_run(folder: Path) -> None:
    with staged(folder, ["other"], overwrite=False) as stage:
        (stage / "other").write_text("next")


@pytest.mark.parametrize("failing", ["", "z"], ids=["completed", "undone"])
def test_killed_between_any_two_moves(tmp_path, caplog, failing):
    counts = {"old": 0, "done": 0}
    for step in range(60):
        folder = tmp_path / str(step)
        put(folder, OLD)
        if not killed(folder, step, NEW, failing):
            assert step > 8, "nothing was killed"
            assert texts(folder) == (OLD if failing else DONE)
            break
        with caplog.at_level(logging.WARNING, "neurofuse"):
            caplog.clear()
            next_run(folder)
        after = texts(folder)
        assert after.pop("other") == "next"
        assert after in (OLD, DONE), f"a mixture after step {step}"
        assert list(folder.glob(".neurofuse-*")) == []
        assert not (folder / "d").exists() or after == DONE
        assert str(folder) in caplog.text
        assert "interrupted run" in caplog.text
        counts["old" if after == OLD else "done"] += 1
    else:
        raise AssertionError("the process never finished")
    assert counts["old"]
    assert counts["done"]


def test_killed_again_while_it_is_repaired(tmp_path):
    """The next process is killed at each of its own steps, and the one after it repairs both."""
    for first in (4, 7):
        for second in range(12):
            folder = tmp_path / f"{first}-{second}"
            put(folder, OLD)
            assert killed(folder, first, NEW)
            killed(folder, second, {}, early=True)
            next_run(folder)
            after = texts(folder)
            assert after.pop("other") == "next"
            assert after in (OLD, DONE)
            assert list(folder.glob(".neurofuse-*")) == []


def test_killed_while_it_works(tmp_path, caplog):
    put(tmp_path, OLD)
    with staged(tmp_path, ["x"], overwrite=False) as stage:
        (stage / "x").write_text("living")
        dead = tmp_path / ".neurofuse-dead"
        put(dead, {"x": "half"})
        with caplog.at_level(logging.WARNING, "neurofuse"):
            next_run(tmp_path)
        assert stage.is_dir()  # of a process that is still at work
        assert not dead.exists()
        assert "interrupted run" in caplog.text
    assert texts(tmp_path) == OLD | {"other": "next", "x": "living"}


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_journal_leads_nowhere_else(tmp_path, name):
    folder = tmp_path / "in"
    put(folder / ".neurofuse-x", {"outside": "1"})
    plan = {"names": [name], "fresh": [True], "made": []}
    (folder / ".neurofuse-x" / journal.COMPLETE).write_text(json.dumps(plan))
    next_run(folder)
    assert texts(tmp_path) == {"in/other": "next"}


def test_of_two_writers_of_one_name_one_wins(tmp_path):
    for number in range(40):
        folder, start = tmp_path / str(number), threading.Barrier(4)
        failures: list[Exception] = []

        def write(text, folder=folder, start=start, failures=failures):
            try:
                with staged(folder, ["a", "b"], overwrite=False) as stage:
                    start.wait(10)
                    put(stage, {"a": text, "b": text})
            except WriteError as refused:
                failures.append(refused)

        threads = [threading.Thread(target=write, args=(str(i),)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = texts(folder)
        assert sorted(after) == ["a", "b"]
        assert after["a"] == after["b"]
        assert len(failures) == 3
        assert all("already" in str(error) for error in failures)


def test_half_made_outputs_are_no_recordings_of_a_cohort(tmp_path, caplog):
    one, two = "one_desc-clean_recording.nc", "two_desc-clean_recording.nc"
    put(tmp_path, {two: "whole", f".neurofuse-at-work/{one}": "not yet"})
    assert find_cleaned([tmp_path]) == [tmp_path / two]
    put(tmp_path, {one: "moved"})
    plan = {"names": [one, "one_desc-clean_eeg.fif"], "fresh": [True, True], "made": []}
    (tmp_path / ".neurofuse-at-work" / journal.COMPLETE).write_text(json.dumps(plan))
    with caplog.at_level(logging.WARNING, "neurofuse"):
        assert find_cleaned([tmp_path]) == [tmp_path / two]
    assert one in caplog.text
    with pytest.raises(ReadError, match="no cleaned recording"):
        find_cleaned([tmp_path / one])


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        OSError(
            "Can't write data (file write failed: errno = 28, error message = 'No space left')"
        ),
        RuntimeError("Unable to flush file's cached data (errno = 28)"),  # HDF5
        ValueError("[Errno 28] No space left on device"),
    ],
)
def test_a_full_disk_is_one_whatever_library_noticed_it(tmp_path, error):
    with (
        pytest.raises(WriteError, match=r"disk full.*free some space"),
        staged(tmp_path / "out", ["a.nc"], overwrite=False),
        holding(tmp_path / "a.nc"),
    ):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_once_though_folders_are_written_in_folders(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(WriteError) as told,
        staged(tmp_path / "out", [], overwrite=False) as stage,
        staged(stage / "sub-01", [], overwrite=False),
    ):
        raise full
    assert str(told.value).count("disk full") == 1
    assert told.value.found.startswith(f"disk full at {tmp_path / 'out'} (")


def test_a_library_that_does_not_say_that_the_disk_is_full(tmp_path, monkeypatch):
    """NumPy's errors have no number: then the room that is left says it."""
    wrong = OSError("4000 requested and 1024 written")
    with pytest.raises(OSError, match="requested"), staged(tmp_path, [], overwrite=False):
        raise wrong
    monkeypatch.setattr("neurofuse.io.disk._free", lambda _: 0.0)
    with pytest.raises(WriteError, match="disk full"), staged(tmp_path, [], overwrite=False):
        raise wrong
    with pytest.raises(ReadError), staged(tmp_path, [], overwrite=False):
        raise ReadError("a", "b", "c")


SMALL_DISK = """
import numpy as np
import neurofuse as nf
from neurofuse.io import build, eeg_dataset, nirs_dataset

rng = np.random.default_rng(0)
eeg = eeg_dataset(1e-5 * rng.standard_normal((8, 20_000)), 250.0, [f"E{i}" for i in range(8)])
nirs = nirs_dataset(1 + rng.random((9, 2, 20_000)), 250.0, [760, 850], ["S1"] * 9,
                    [f"D{i}" for i in range(9)])
whole = build(eeg, nirs)
for write, suffix in [(nf.write, ""), (nf.io.write_netcdf, "a.nc"), (nf.io.write_zarr, "a.zarr"),
                      (nf.io.write_nirs, "a.snirf"), (nf.io.write_eeg, "a.fif"),
                      (nf.io.write_eeg, "a.edf"), (nf.io.write_eeg, "a.set"),
                      (nf.io.write_eeg, "a.vhdr")]:
    try:
        write(whole, f"DISK/{suffix}")
    except nf.NeurofuseError as error:
        assert "disk full" in str(error), (write, suffix, error)
    else:
        raise AssertionError((write, suffix))
"""


def test_a_disk_that_is_really_full(tmp_path):
    """Every writer says so, and leaves nothing."""
    code = SMALL_DISK.replace("DISK", str(tmp_path))
    script = 'mount -t tmpfs -o size=200k none "$1" && echo mounted && "$2" -c "$3" && ls -A "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    try:
        done = subprocess.run(
            [*command, "sh", str(tmp_path), sys.executable, code],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no `unshare` to make a small disk with")
    if not done.stdout.startswith("mounted"):
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "mounted\n"
