"""Engines with work that takes no time: who dies, who goes on, and what is told."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from neurofuse.cli.study.engines.dask import Dask
from neurofuse.cli.study.engines.local import Local, size_of
from neurofuse.cli.study.engines.slurm import LONGEST_ARRAY, Slurm, write_script
from neurofuse.cli.study.errors import EngineError, UsageError
from neurofuse.cli.study.record import Record, record_file, write_record
from neurofuse.cli.study.tasks import Outcome, Settings, Task
from tests.cli.study.fake_slurm import SINGLE, install

MEMORY = 10**8


def work(task: Task, settings: Settings) -> Outcome:
    """What a worker does in these tests, by the name of the task."""
    if task.entities["task"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.entities["task"] == "slow":
        (settings.out / f"pid-{os.getpid()}").touch()
        time.sleep(60)
    return Outcome(task.name, "done", memory=MEMORY, message=os.environ.get("OMP_NUM_THREADS", ""))


def tasks(*names: str) -> list[Task]:
    return [Task({"sub": f"{n:02d}", "task": name}, {}) for n, name in enumerate(names, 1)]


@pytest.mark.parametrize("engine", [Local(jobs=2, perform=work), Dask(jobs=2, perform=work)])
def test_a_killed_worker_costs_its_own_task_only(engine, tmp_path):
    if isinstance(engine, Dask):
        pytest.importorskip("distributed")
    asked = tasks("rest", "killed", "rest", "rest", "killed", "rest")
    outcomes = {one.name: one for one in engine.run(asked, Settings(tmp_path))}
    assert set(outcomes) == {task.name for task in asked}
    for task in asked:
        killed = task.entities["task"] == "killed"
        outcome = outcomes[task.name]
        assert (outcome.state, outcome.code) == (("failed", 75) if killed else ("done", 0))
        if killed:
            assert outcome.crash is not None
            assert "was killed" in outcome.message or "without a word" in outcome.message
        else:
            assert outcome.message == "1"  # threads


def test_a_local_worker_says_which_signal_killed_it(tmp_path):
    [outcome] = Local(jobs=1, perform=work).run(tasks("killed"), Settings(tmp_path))
    assert "SIGKILL" in outcome.message
    assert "--n-jobs" in outcome.message


def test_memory_of_the_first_task_decides_how_many_run(tmp_path, monkeypatch):
    import neurofuse.cli.study.engines.local as local

    told: list[str] = []
    monkeypatch.setattr(local, "fitting", lambda peak: 10**9 // peak)  # would be ten
    engine = Local(tell=told.append, perform=work)
    running = engine.run(tasks(*["rest"] * 3), Settings(tmp_path))
    next(running)
    assert len(engine.workers) == 1
    assert len(list(running)) == 2
    assert told[0].startswith("a recording takes 100 MB: 3 at once")


def test_memory_that_an_earlier_run_measured_counts_from_the_start(tmp_path, monkeypatch):
    import neurofuse.cli.study.engines.local as local

    [done] = tasks("done")
    write_record(Record(done.name, "", 1.0, MEMORY, {}, {}, {}), record_file(tmp_path, done))
    monkeypatch.setattr(local, "fitting", lambda peak: 2 * (peak == MEMORY))
    engine = Local(perform=work)
    running = engine.run(tasks("rest", "rest", "rest"), Settings(tmp_path))
    next(running)
    assert len(engine.workers) == 2
    running.close()


def test_a_stopped_study_leaves_no_process(tmp_path):
    engine = Local(jobs=2, perform=work)
    running = engine.run(tasks("slow", "rest"), Settings(tmp_path))
    next(running)
    deadline = time.monotonic() + 30
    while not (found := list(tmp_path.glob("pid-*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.close()
    assert found
    assert not psutil.pid_exists(int(found[0].name.removeprefix("pid-")))


def test_large_recordings_come_first(tmp_path):
    made = []
    for number, size in enumerate((10, 1000, 100)):
        path = tmp_path / f"{number}.edf"
        path.write_bytes(bytes(size))
        made.append(Task({"sub": str(number), "task": "rest"}, {"eeg": path}))
    assert [size_of(task) for task in made] == [10, 1000, 100]
    names = [one.name[:5] for one in Local(jobs=1, perform=work).run(made, Settings(tmp_path))]
    assert names == ["sub-1", "sub-2", "sub-0"]


def test_no_scheduler_is_one_clear_error(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("neurofuse.cli.study.engines.dask.PATIENCE", 0.5)
    with pytest.raises(EngineError, match=r"no Dask scheduler at 127\.0\.0\.1:1"):
        list(Dask("127.0.0.1:1", perform=work).run(tasks("rest"), Settings(tmp_path)))


def test_a_scheduler_that_goes_is_one_clear_error(tmp_path):
    pytest.importorskip("distributed")
    written = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(written), "--no-dashboard"]
    commands = (
        ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common],
        ["dask_worker", "--no-nanny", "--nthreads", "1", *common],
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *arguments],
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},  # for `work`
        )
        for name, *arguments in commands
    ]
    try:
        until = time.monotonic() + 60
        while not written.exists() and time.monotonic() < until:
            time.sleep(0.05)
        engine = Dask(str(written), perform=work)
        running = engine.run(tasks("rest", "slow"), Settings(tmp_path))
        assert next(running).state == "done"
        processes[0].kill()
        with pytest.raises(EngineError, match="have gone"):
            list(running)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_running_cluster_is_found_by_address_or_file(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        file = tmp_path / "scheduler.json"
        file.write_text(json.dumps(cluster.scheduler.identity()))
        for address in (cluster.scheduler_address, str(file)):
            outcomes = list(Dask(address, perform=work).run(tasks("rest"), Settings(tmp_path)))
            assert [one.state for one in outcomes] == ["done"]


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"neurofuse\[cluster\]"):
        list(Dask(perform=work).run(tasks("rest"), Settings(tmp_path)))


def test_slurm_needs_sbatch(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="--dry-run"):
        list(Slurm(perform=work).run(tasks("rest"), Settings(tmp_path)))


def test_slurm_jobs_do_tasks(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setenv("PATH", install(tmp_path / "bin", SINGLE))
    told: list[str] = []
    engine = Slurm(jobs=1, tell=told.append, perform=work)
    outcomes = list(engine.run(tasks("rest", "rest"), Settings(tmp_path / "out")))
    assert [(one.state, one.message) for one in outcomes] == [("done", "1")] * 2
    assert told == ["1 SLURM jobs submitted"]


def test_the_script_has_a_job_for_each_task_and_the_measured_memory(tmp_path):
    settings = Settings(tmp_path / "o u t", command=("neurofuse", "app", "in's", "participant"))
    asked = tasks("rest", "move")
    script, listed = write_script(asked, settings, jobs=1)
    assert "#SBATCH --array=1-2%1\n" in script.read_text()
    assert "--mem=" not in script.read_text()
    write_record(
        Record(asked[0].name, "", 1.0, MEMORY, {}, {}, {}), record_file(settings.out, asked[0])
    )
    write_script(asked, settings, jobs=1)
    assert "#SBATCH --mem=126M\n" in script.read_text()  # a quarter more
    subprocess.run(["bash", "-n", script], check=True)
    lines = [shlex.split(line) for line in listed.read_text().splitlines()]
    assert [line[1:6] for line in lines] == [["-m", "neurofuse", "app", "in's", "participant"]] * 2
    assert lines[1][6:] == [
        "--participant-label", "02", "--recording", "sub-02_task-move", "--n-jobs", "1"
    ]  # fmt: skip


def test_a_job_runs_its_line_of_the_list(tmp_path):
    program = tmp_path / "fake python"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\necho $OMP_NUM_THREADS\n')
    program.chmod(0o755)
    settings = Settings(tmp_path / "out put", command=("neurofuse", "app", "it's", "participant"))
    script, listed = write_script(tasks("rest", "move"), settings)
    listed.write_text(listed.read_text().replace(sys.executable, shlex.quote(str(program))))
    done = subprocess.run(
        ["bash", script],
        env=os.environ | {"SLURM_ARRAY_TASK_ID": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("-m|neurofuse|app|it's|participant|--participant-label|02|")
    assert done.stdout.endswith("|1\n")


def test_more_tasks_than_an_array_takes_share_jobs(tmp_path):
    asked = tasks(*["rest"] * (LONGEST_ARRAY + 5))
    script, listed = write_script(asked, Settings(tmp_path, command=("neurofuse", "app")), 50)
    assert f"--array=1-{LONGEST_ARRAY}%50\n" in script.read_text()
    lines = listed.read_text().splitlines()
    assert len(lines) == LONGEST_ARRAY
    assert sum(line.count("--recording") for line in lines) == len(asked)


def test_the_list_of_the_script_is_where_the_script_says(tmp_path):
    script, listed = write_script(tasks("rest"), Settings(tmp_path, command=("neurofuse", "app")))
    assert str(listed) in script.read_text()
    assert listed.parent == Path(tmp_path, "logs")
