import json
import shutil
from pathlib import Path

import pytest

from neurofuse.cli.study.crash import code_of, crash_file, lost
from neurofuse.cli.study.perform import perform
from neurofuse.cli.study.record import read_record, record_file
from neurofuse.cli.study.tasks import Settings, Task
from neurofuse.io.errors import ReadError, WriteError

PLAIN = {"report": False}


@pytest.fixture
def task(recorded, tmp_path) -> Task:
    """A task on files of its own."""
    files = {}
    for kind in ("eeg", "nirs"):
        files[kind] = Path(shutil.copy(recorded[kind], tmp_path / f"raw{recorded[kind].suffix}"))
    return Task({"sub": "01", "ses": "a", "task": "rest"}, files, offset=0.0)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(tmp_path / "out", method="uncorrected", clean=PLAIN)


def contents(out: Path) -> dict[str, bytes]:
    """All results by path."""
    files = (path for path in out.rglob("*") if path.is_file())
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in files
        if path.relative_to(out).parts[0] != "logs"
    }


def times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("sub-*") if path.is_file()}


def test_what_is_done_is_kept_whatever_the_inputs_dates_are(task, settings):
    first = perform(task, settings)
    assert (first.state, first.code, first.message) == ("done", 0, "")
    assert first.memory > 10**7
    made = contents(settings.out)
    record = read_record(record_file(settings.out, task))
    assert record is not None
    shared = {"dataset_description.json", "participants.tsv", "README", ".bidsignore"}
    assert {*record.outputs, *record.shared} | shared == set(made)
    assert "sub-01/ses-a/sub-01_ses-a_task-rest_desc-clean_summary.json" in made
    before = times(settings.out)
    task.inputs["eeg"].touch()
    assert perform(task, settings).state == "kept"
    results = {path for path in before if path.parts[-2] != "sub-01" or "logs" not in path.parts}
    assert {path: before[path] for path in results} == {
        path: time for path, time in times(settings.out).items() if path in results
    }
    assert contents(settings.out) == made


def test_other_inputs_options_or_lost_outputs_make_it_again(task, settings):
    perform(task, settings)
    made = contents(settings.out)
    other = Settings(settings.out, method="tddr", clean=PLAIN)
    assert perform(task, other).state == "done"
    assert contents(settings.out) != made
    assert perform(task, settings).state == "done"
    name = next(name for name in made if name.endswith(".snirf"))
    shared = next(name for name in made if name.endswith("_optodes.tsv"))
    for gone in (name, shared):
        (settings.out / gone).unlink()
        assert perform(task, settings).state == "done"
        assert contents(settings.out)[gone] == made[gone]
    data = bytearray(task.inputs["eeg"].read_bytes())
    data[-1] ^= 1  # a byte of the last sample
    task.inputs["eeg"].write_bytes(bytes(data))
    assert perform(task, settings).state == "done"
    now = contents(settings.out)
    assert set(now) == set(made)
    assert now != made


def test_outputs_that_are_no_longer_made_go(task, settings):
    reported = Settings(settings.out, method="uncorrected")
    assert perform(task, reported).state == "done"
    figures = settings.out / "sub-01" / "figures"
    assert {path.name for path in figures.iterdir()} == {
        "sub-01_ses-a_task-rest_desc-clean_report.html",
        "sub-01_ses-a_task-rest_desc-clean_traces.png",
    }
    perform(task, settings)
    assert not list(figures.iterdir())


def test_the_same_bytes_come_out_anywhere(task, settings, tmp_path):
    other = Settings(tmp_path / "deeper" / "down" / "out", method="uncorrected")
    for one in (Settings(settings.out, method="uncorrected"), other):
        assert perform(task, one).state == "done"
    assert contents(settings.out) == contents(other.out)
    assert not any(str(tmp_path).encode() in data for data in contents(other.out).values())


def test_what_somebody_else_put_there_stays(task, settings):
    name = "sub-01/ses-a/nirs/sub-01_ses-a_task-rest_desc-clean_nirs.snirf"
    mine = settings.out / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    outcome = perform(task, settings)
    assert (outcome.state, outcome.code) == ("failed", 73)
    assert name in outcome.message
    assert list(contents(settings.out)) == [name]
    assert mine.read_text() == "mine"


def test_a_broken_recording_leaves_a_crash_file_until_it_is_repaired(task, settings):
    whole = task.inputs["nirs"].read_bytes()
    task.inputs["nirs"].write_bytes(whole[: len(whole) // 2])
    told = Settings(settings.out, method="uncorrected", clean=PLAIN, command=("neurofuse", "app"))
    outcome = perform(task, told)
    assert (outcome.state, outcome.code) == ("failed", 65)
    assert outcome.crash is not None
    assert outcome.crash == crash_file(settings.out, task)
    facts = json.loads(outcome.crash.read_text())
    assert facts["kind"] == "ReadError"
    assert facts["message"] == outcome.message
    assert facts["exit_code"] == 65
    assert facts["inputs"] == {"eeg": "raw.edf", "nirs": "raw.snirf"}
    assert facts["command"] == (
        "neurofuse app --participant-label 01 --recording sub-01_ses-a_task-rest"
    )
    assert "ReadError" in facts["traceback"][-1]
    assert facts["versions"]["neurofuse"]
    assert contents(settings.out) == {}
    assert "ReadError" in (outcome.crash.parent / f"{task.name}.log").read_text()
    task.inputs["nirs"].write_bytes(whole)
    assert perform(task, told).state == "done"
    assert not outcome.crash.exists()


def test_a_file_that_is_gone_is_no_input(task, settings):
    task.inputs["eeg"].unlink()
    outcome = perform(task, settings)
    assert outcome.code == 66
    assert "raw.edf" in outcome.message


def test_an_unwritable_place_is_an_outcome_too(task, tmp_path):
    (tmp_path / "out").write_text("no folder")
    outcome = perform(task, Settings(tmp_path / "out", clean=PLAIN))
    assert (outcome.state, outcome.code, outcome.crash) == ("failed", 73, None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("bug"), 1),
        (ReadError("a", "b", "c"), 65),
        (PermissionError(13, "no"), 66),
        (WriteError("a", "b", "c"), 73),
        (OSError(28, "No space left on device"), 74),
        (OSError(5, "Input/output error"), 74),
        (MemoryError(), 75),
        (lost(-9), 75),
    ],
)
def test_each_kind_of_failure_has_its_code(error, code, tmp_path):
    assert code_of(error, tmp_path) == code


def test_a_cause_counts_where_the_error_is_only_its_messenger(tmp_path):
    told = ReadError("a", "b", "c")
    for cause, code in ((MemoryError(), 75), (OSError(5, "I/O"), 74), (FileNotFoundError(), 66)):
        told.__cause__ = cause
        assert code_of(told, tmp_path) == code


def test_temporary_files_go_where_they_are_wanted(task, settings, tmp_path, monkeypatch):
    import tempfile

    import neurofuse.cli.clean

    places = []
    monkeypatch.setattr(
        neurofuse.cli.clean, "clean_files", lambda *_, **__: places.append(tempfile.gettempdir())
    )
    perform(task, Settings(settings.out, work=tmp_path / "work"))
    assert places == [str(tmp_path / "work")]
    assert tempfile.gettempdir() != places[0]
