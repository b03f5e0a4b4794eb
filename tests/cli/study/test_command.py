"""`neurofuse app` as a shell sees it: arguments, exit codes, what is printed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from neurofuse.cli.study.arguments import from_file, plain
from neurofuse.cli.study.command import _method
from neurofuse.cli.study.errors import NoInputError, UsageError
from neurofuse.cli.study.record import _weights, task_hash
from neurofuse.cli.study.result import exit_code, facts, lines
from neurofuse.cli.study.run import prepare
from neurofuse.cli.study.tasks import LeftOut, Outcome, Plan, Settings, Task
from neurofuse.io.bids.dataset import generated_by

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")


@pytest.fixture(scope="module")
def study(recorded, tmp_path_factory) -> Path:
    """A BIDS data set of three sessions: one whole, one broken, one without fNIRS."""
    root = tmp_path_factory.mktemp("study") / "raw"
    description = {"Name": "x", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    for number in ("01", "02", "03"):
        for kind in ("eeg", "nirs"):
            folder = root / f"sub-{number}" / kind
            folder.mkdir(parents=True)
            name = f"sub-{number}_task-rest_{kind}{recorded[kind].suffix}"
            shutil.copy(recorded[kind], folder / name)
    (root / "dataset_description.json").write_text(json.dumps(description))
    (broken,) = (root / "sub-02" / "nirs").glob("*.snirf")
    broken.write_bytes(broken.read_bytes()[:5000])
    shutil.rmtree(root / "sub-03" / "nirs")
    return root


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("in out participant --run 1 2", "in out participant --run 1 --run 2"),
        ("--session_label a b -w tmp", "--session-label a --session-label b -w tmp"),
        ("--task a b in out group --json", "--task a --task b in out group --json"),
        ("--task a --pairs p.tsv --run 1 out group", "--task a --pairs p.tsv --run 1 out group"),
        ("in out group --task", "in out group --task"),
        ("--task=a in out group", "--task=a in out group"),
    ],
)  # fmt: skip
def test_several_labels_may_follow_one_option(words, made):
    assert plain(words.split()) == made.split()


class Param:
    """An option as typer knows it."""

    def __init__(self, *opts: str, off: tuple[str, ...] = (), flag: bool = False) -> None:
        self.opts, self.secondary_opts, self.is_flag = list(opts), list(off), flag


KNOWN = {
    "--method": Param("--method"),
    "--task": Param("--task"),
    "--overwrite": Param("--overwrite", off=("--resume",), flag=True),
    "--explain": Param("--explain", flag=True),
    "--config": Param("--config"),
}
OFF = {"--resume": KNOWN["--overwrite"]}


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_options_come_from_a_file_and_the_command_line_wins(tmp_path, suffix):
    content = {
        ".json": '{"method": "asr", "task": ["rest", 2], "resume": true, "explain": false}',
        ".toml": 'method = "asr"\ntask = ["rest", 2]\nresume = true\nexplain = false\n',
    }
    file = tmp_path / f"options{suffix}"
    file.write_text(content[suffix])
    words = ["--config", str(file)]
    whole = ["--method", "asr", "--task", "rest", "--task", "2", "--resume"]
    assert from_file(words, KNOWN, OFF) == whole
    assert from_file([*words, "--task", "move"], KNOWN, OFF) == ["--method", "asr", "--resume"]
    assert from_file([f"--config={file}", "--method=x"], KNOWN, OFF) == whole[2:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"metod": "asr"}', "'metod'"),
        ('{"config": "other.json"}', "'config'"),
        ('{"method": ["asr", "tddr"]}', "one text"),
        ('{"explain": "yes"}', "true or false"),
        ("[1]", "a list"),
        ("{", "neither JSON nor TOML"),
    ],
)
def test_a_file_of_other_options_is_refused(tmp_path, content, message):
    file = tmp_path / "options.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=message):
        from_file(["--config", str(file)], KNOWN, OFF)
    with pytest.raises(NoInputError, match="no-such"):
        from_file(["--config", "no-such.json"], KNOWN, OFF)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("", 64, "BIDS_DIR OUT_DIR participant|group"),
        ("in out", 64, "BIDS_DIR OUT_DIR participant|group"),
        ("in out everybody", 17, "everybody"),
        ("no-such-folder out participant", 66, "no-such-folder"),
        ("--pairs no.tsv out participant", 66, "no.tsv"),
        ("STUDY out participant --participant-label 09", 18, "09"),
        ("STUDY out participant --bogus", 64, "--bogus"),
        ("STUDY out participant --n-jobs 0", 64, "--n-jobs"),
        ("STUDY out participant --engine cloud", 64, "--engine"),
        ("STUDY out participant --method nonsense", 64, "nonsense"),
        ("STUDY out participant --address 1.2.3.4:5", 64, "--engine dask"),
        ("STUDY out participant --self-test --no-report", 64, "--self-test"),
        ("STUDY out participant --config no.json", 66, "no.json"),
        ("STUDY STUDY participant --skip-bids-validation", 73, "among the recordings"),
        ("STUDY STUDY/sub-01/out participant", 73, "among the recordings"),
        ("STUDY OTHER participant", 73, "another BIDS data set"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(study, run, words, code, message):
    other = study.parent / "other"
    other.mkdir(exist_ok=True)
    shutil.copy(study / "dataset_description.json", other)
    words = words.replace("STUDY", str(study)).replace("OTHER", str(other))
    done = run("app", *words.split())
    assert done.exit_code == code
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert not Path("out").exists()


def test_the_script_of_bids_apps_is_the_same(tmp_path):
    code = "import sys; from neurofuse.cli import study_main; sys.argv[0] = 'neurofuse-bids'; "
    done = subprocess.run(
        [sys.executable, "-c", code + "study_main()", "in", "out", "nobody"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 17
    told = subprocess.run(
        [sys.executable, "-c", code + "study_main()", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("neurofuse ")


def test_a_dry_run_does_nothing(study, run, tmp_path):
    done = run("app", study, tmp_path / "out", "participant", "--dry-run", "--json")
    assert done.exit_code == 0, done.stderr
    plan = json.loads(done.stdout)
    assert [task["name"] for task in plan["tasks"]] == ["sub-01_task-rest", "sub-02_task-rest"]
    assert [left["name"] for left in plan["left_out"]] == ["sub-03_task-rest"]
    assert not (tmp_path / "out").exists()


def test_a_dry_run_refuses_the_folder_of_another_data_set(study, run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/dataset_description.json").write_text('{"GeneratedBy": [{"Name": "other"}]}')
    done = run("app", study, tmp_path / "out", "participant", "--dry-run")
    assert done.exit_code == 73
    assert "another BIDS data set" in " ".join(done.stderr.replace("│", " ").split())


def test_an_export_counts_by_its_content_and_is_found_from_any_folder(tmp_path, monkeypatch):
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "spec.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neurofuse.fusion.methods.registry.get_method", lambda name: name)
    assert _method("small", explain=False) == str(folder)
    task, settings = Task({"sub": "01", "task": "rest"}, {}), Settings(tmp_path, method=str(folder))
    before = task_hash(task, settings, {})
    assert task_hash(task, settings, {}) == before
    (folder / "spec.json").write_text('{"format": 2}')
    _weights.cache_clear()  # within a process it is read once
    assert task_hash(task, settings, {}) != before


def test_the_worst_task_decides():
    plan = Plan(Path("in"), (Task({"sub": "1", "task": "a"}, {}),), (LeftOut("b", (), "alone"),))
    done, broken = Outcome("a", "done"), Outcome("c", "failed", code=65, message="[cut] off")
    killed = Outcome("d", "failed", code=75, crash=Path("out/logs/sub-1/crash-d.json"))
    assert exit_code(plan, [done, broken, killed]) == 75
    assert exit_code(plan, [done, broken]) == 65
    assert exit_code(plan, [done]) == 0
    assert exit_code(Plan(Path("in"), (), plan.left_out), []) == 66
    told = "\n".join(lines(plan, [done, broken, killed]))
    assert "1 cleaned, 0 done before, 2 failed, 1 left out" in told
    assert "c (65): \\[cut] off" in told
    assert "b: alone" in told
    made = facts(plan, [done, broken, killed])
    assert made["exit_code"] == 75
    assert [one["state"] for one in made["tasks"]] == ["done", "failed", "failed"]
    assert made["left_out"][0]["reason"] == "alone"


def test_what_a_data_set_has_once_follows_when_it_moves_and_comes_back_when_lost(study, tmp_path):
    tasks = (Task({"sub": "01", "task": "rest"}, {}, bids=True),)
    plan, near, far = Plan(study, tasks), tmp_path / "out", tmp_path / "deeper" / "out"
    prepare(plan, Settings(near))
    described = json.loads((near / "dataset_description.json").read_text())
    described |= {"Name": "mine", "GeneratedBy": [{"Name": "neurofuse", "Version": "0.0"}]}
    (near / "dataset_description.json").write_text(json.dumps(described))
    (near / "sub-01").mkdir()  # of a done task
    far.parent.mkdir()
    near.rename(far)
    prepare(replace(plan, filtered=True), Settings(far))
    assert json.loads((far / "dataset_description.json").read_text()) == described
    prepare(plan, Settings(far))
    now = json.loads((far / "dataset_description.json").read_text())
    place = Path(os.path.relpath(study, far)).as_posix()
    assert now["DatasetLinks"] == {"source": place}
    assert now["SourceDatasets"] == [{"URL": place}]
    assert now["Name"] == "mine"
    assert now["GeneratedBy"] == [generated_by()]
    assert (far / "participants.tsv").read_text() == "participant_id\nsub-01\n"


@pytest.mark.slow
def test_a_whole_study(study, run, tmp_path):
    out = tmp_path / "derivatives"
    command = ("app", study, out, "participant", "--n-jobs", "1")
    done = run(*command, "--json")
    assert done.exit_code == 65, done.stderr
    told = json.loads(done.stdout)
    assert {one["name"]: one["state"] for one in told["tasks"]} == {
        "sub-01_task-rest": "done",
        "sub-02_task-rest": "failed",
    }
    assert [left["name"] for left in told["left_out"]] == ["sub-03_task-rest"]
    assert [path.name for path in out.glob("sub-*/nirs/*.snirf")] == [
        "sub-01_task-rest_desc-clean_nirs.snirf"
    ]
    (crash,) = out.glob("logs/sub-*/crash-*.json")
    repeat = json.loads(crash.read_text())["command"].split()
    assert repeat[:2] == ["neurofuse", "app"]
    assert run(*repeat[1:]).exit_code == 65
    assert (out / "participants.tsv").read_text().split() == ["participant_id", "sub-01"]
    assert json.loads((out / "logs" / "plan.json").read_text())["left_out"]
    again = run(*command)
    assert again.exit_code == 65
    assert "0 cleaned, 1 done before, 1 failed, 1 left out" in again.stdout
    page = run("app", study, out, "group")
    assert page.exit_code == 0, page.stderr
    pages = {
        path.relative_to(out).as_posix() for path in (*out.glob("*.html"), *out.glob("*/*.html"))
    }
    assert pages == {"index.html"}
    if VALIDATOR.exists():
        checked = subprocess.run(
            [VALIDATOR, out, "--format", "json"], capture_output=True, text=True, check=False
        )
        issues = json.loads(checked.stdout)["issues"]["issues"]
        assert [one for one in issues if one["severity"] == "error"] == []
