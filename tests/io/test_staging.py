import errno
import os
from pathlib import Path

import pytest

from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.staging import staged


def everything(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def work(folder: Path, files: dict[str, str], *, overwrite=False, error=None, meanwhile=None):
    """Stage `files`; then fail with `error`, or let somebody else write the file `meanwhile`."""
    with staged(folder, list(files)[:1], overwrite=overwrite) as stage:
        for name, text in files.items():
            (stage / name).write_text(text)
        assert stage.parent == folder
        if meanwhile:
            (folder / meanwhile).write_text("somebody else's")
        if error:
            raise error


def test_files_appear_under_their_names_when_all_are_there(tmp_path):
    work(tmp_path / "a" / "b", {"one": "1", "two": "2"})
    assert everything(tmp_path) == ["a", "a/b", "a/b/one", "a/b/two"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_a_failure_not_even_new_folders(tmp_path, error):
    with pytest.raises(error):
        work(tmp_path / "a" / "b", {"one": "1"}, error=error)
    assert everything(tmp_path) == []


def test_a_failure_leaves_what_stood_there_before(tmp_path):
    (tmp_path / "one").write_text("old")
    with pytest.raises(RuntimeError):
        work(tmp_path, {"one": "new"}, overwrite=True, error=RuntimeError)
    assert everything(tmp_path) == ["one"]
    assert (tmp_path / "one").read_text() == "old"


def test_existing_outputs_are_named_before_any_work(tmp_path):
    (tmp_path / "one").touch()
    with pytest.raises(WriteError, match=r"one in .* already.*--overwrite"):
        work(tmp_path, {"one": "1"}, error=AssertionError("the work was started"))


def test_an_output_that_appears_meanwhile_is_not_overwritten(tmp_path):
    with pytest.raises(WriteError, match="two"):
        work(tmp_path, {"one": "1", "two": "2"}, meanwhile="two")
    assert everything(tmp_path) == ["two"]
    assert (tmp_path / "two").read_text() == "somebody else's"


def test_overwrite_replaces_files_but_never_a_folder(tmp_path):
    (tmp_path / "one").write_text("old")
    work(tmp_path, {"one": "new"}, overwrite=True)
    assert (tmp_path / "one").read_text() == "new"
    (tmp_path / "two").mkdir()
    with pytest.raises(WriteError, match="folder named two"):
        work(tmp_path, {"two": "2"}, overwrite=True)


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="below a file"):
        work(tmp_path / "file" / "out", {"one": "1"})
    assert everything(tmp_path) == ["file"]


def test_a_full_disk_is_the_users_to_mend(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(WriteError, match=r"No space left.*free some space"):
        work(tmp_path / "out", {"one": "1"}, error=full)
    assert everything(tmp_path) == []


def test_errors_of_the_work_itself_pass_through(tmp_path):
    with pytest.raises(ParameterError):
        work(tmp_path / "out", {}, error=ParameterError("a", "b", "c"))
