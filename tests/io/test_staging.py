import errno
import os
from pathlib import Path

import pytest

from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.staging import staged


def everything(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def work(folder: Path, files: dict[str, str], *, overwrite=False, error=None, meanwhile=None):
    """Stage `files`; then fail with `error`, or let another process write the file `meanwhile`."""
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


def test_a_full_disk_is_an_error_for_users(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(WriteError, match=r"No space left.*free some space"):
        work(tmp_path / "out", {"one": "1"}, error=full)
    assert everything(tmp_path) == []


def test_errors_of_the_work_itself_pass_through(tmp_path):
    with pytest.raises(ParameterError):
        work(tmp_path / "out", {}, error=ParameterError("a", "b", "c"))


def nest(folder: Path, files: dict[str, str], *, overwrite=False, merge=None):
    with staged(folder, list(files), overwrite=overwrite, merge=merge) as stage:
        for name, text in files.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text)


def test_files_in_folders_join_those_that_stand_there(tmp_path):
    nest(tmp_path, {"sub-01/eeg/a": "1"})
    nest(tmp_path, {"sub-01/eeg/b": "2", "sub-02/eeg/a": "3"})
    assert [n for n in everything(tmp_path) if (tmp_path / n).is_file()] == [
        "sub-01/eeg/a",
        "sub-01/eeg/b",
        "sub-02/eeg/a",
    ]
    with pytest.raises(WriteError, match=r"sub-01/eeg/a in .* already"):
        nest(tmp_path, {"sub-01/eeg/a": "new", "sub-03/eeg/a": "new"})
    assert (tmp_path / "sub-01/eeg/a").read_text() == "1"
    assert not (tmp_path / "sub-03").exists()
    nest(tmp_path, {"sub-01/eeg/a": "new"}, overwrite=True)
    assert (tmp_path / "sub-01/eeg/a").read_text() == "new"


def test_a_store_is_one_output(tmp_path):
    nest(tmp_path, {"a.zarr/zarr.json": "{}", "a.zarr/old/c0": "1"})
    with pytest.raises(WriteError, match=r"a\.zarr.* already"):
        nest(tmp_path, {"a.zarr/zarr.json": "{}"})
    with staged(tmp_path, ["a.zarr"], overwrite=True) as stage:
        (stage / "a.zarr").mkdir()
        (stage / "a.zarr" / "zarr.json").write_text("{}")
    assert everything(tmp_path) == ["a.zarr", "a.zarr/zarr.json"]  # nothing old is left in it
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "thesis.txt").write_text("precious")
    with pytest.raises(WriteError, match=r"folder named b\.zarr"):
        nest(tmp_path, {"b.zarr/zarr.json": "{}"}, overwrite=True)


def test_a_shared_file_is_merged(tmp_path):
    both = {"list": lambda there, new: there + new}
    nest(tmp_path, {"list": "a,", "one": "1"}, merge=both)
    nest(tmp_path, {"list": "b,", "two": "2"}, merge=both)
    assert (tmp_path / "list").read_text() == "a,b,"


def test_when_an_output_cannot_be_moved_all_is_as_before(tmp_path, monkeypatch):
    both = {"list": lambda there, new: there + new}
    nest(tmp_path, {"a": "old", "b.zarr/zarr.json": "old", "list": "a,"}, merge=both)
    before = everything(tmp_path)
    move = os.replace

    def failing(source, target):
        if Path(target).name == "z":
            raise OSError(errno.ENOSPC, "No space left on device")
        move(source, target)

    monkeypatch.setattr("neurofuse.io.staging.os.replace", failing)
    fresh = {"a": "new", "b.zarr/zarr.json": "new", "d/e": "new", "list": "b,", "y/z": "new"}
    with pytest.raises(WriteError, match="No space left"):
        nest(tmp_path, fresh, overwrite=True, merge=both)
    assert everything(tmp_path) == before
    texts = [(tmp_path / n).read_text() for n in ("a", "b.zarr/zarr.json", "list")]
    assert texts == ["old", "old", "a,"]


def test_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "one").symlink_to(tmp_path / "precious")
    work(tmp_path, {"one": "new"}, overwrite=True)
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "one").read_text() == "new"
