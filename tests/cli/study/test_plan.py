"""A plan of whatever a study is kept in: shown, as JSON, and as a file that calls share."""

import json
import threading
from pathlib import Path

import pytest

from neurofuse.cli.study.bids import plan_bids
from neurofuse.cli.study.errors import NoInputError, NotBidsError
from neurofuse.cli.study.filters import make_filters
from neurofuse.cli.study.plan import plan_json, plan_study, write_plan
from neurofuse.cli.study.show import counted, missing, show
from neurofuse.cli.study.tasks import LeftOut, Plan, Task
from tests.trees import bids_set, grow, pair, run_file


@pytest.fixture
def study(tmp_path):
    """Three pairs and a lone EEG."""
    names = [f"sub-{sub}_task-rest" for sub in ("1", "2", "10")]
    return bids_set(tmp_path / "study", *pair(*names), run_file("eeg", "sub-3_task-rest"))


def listed(file, key="tasks"):
    return [one["name"] for one in json.loads(file.read_text("utf-8"))[key]]


def test_the_kind_of_source_is_found_out(tmp_path, study):
    assert plan_study(study).tasks == plan_bids(study).tasks
    assert len(plan_study(study, single=True).tasks) == 4
    assert [t.name for t in plan_study(grow(tmp_path / "plain", "S1.xdf")).tasks] == [
        "sub-S1_task-unnamed"
    ]
    flat = grow(tmp_path / "flat", "sub-01_task-rest_eeg.edf", "sub-01_task-rest_nirs.snirf")
    assert [(t.name, t.bids) for t in plan_study(flat).tasks] == [("sub-01_task-rest", False)]
    grow(tmp_path, "a.edf", "a.snirf")
    table = tmp_path / "pairs.tsv"
    table.write_text("eeg\tnirs\tparticipant\na.edf\ta.snirf\t01\n")
    assert [t.name for t in plan_study(table).tasks] == ["sub-01_task-unnamed"]
    with pytest.raises(NoInputError, match=r"nowhere, which cannot be opened \(No such file"):
        plan_study(tmp_path / "nowhere")
    with pytest.raises(NoInputError, match=r"a part of .*study with --participant-label 1$"):
        plan_study(study / "sub-1" / "eeg")
    with pytest.raises(NotBidsError, match=r"no dataset_description\.json"):
        plan_study(grow(tmp_path / "undescribed", *pair("sub-01_task-rest")))


def test_json_has_paths_relative_to_the_source(study):
    facts = plan_json(plan_study(study))
    assert json.loads(json.dumps(facts)) == facts
    assert facts["source"] == str(study)
    assert facts["tasks"][0] == {
        "name": "sub-1_task-rest",
        "entities": {"sub": "1", "task": "rest"},
        "inputs": {
            "eeg": "sub-1/eeg/sub-1_task-rest_eeg.edf",
            "nirs": "sub-1/nirs/sub-1_task-rest_nirs.snirf",
        },
        "site": "",
        "device": "",
        "offset": None,
    }
    assert facts["left_out"][0]["files"] == ["sub-3/eeg/sub-3_task-rest_eeg.edf"]


def test_plans_of_several_calls_are_merged_by_name(tmp_path, study):
    out = tmp_path / "out"
    first = plan_study(study, make_filters(participant=["10", "3"]))
    file = write_plan(first, out)
    assert file == out / "logs" / "plan.json"
    write_plan(plan_study(study, make_filters(participant=["2"])), out)
    write_plan(plan_study(study, make_filters(participant=["10"])), out)
    assert listed(file) == ["sub-2_task-rest", "sub-10_task-rest"]
    assert listed(file, "left_out") == ["sub-3_task-rest"]
    write_plan(plan_study(study, make_filters(participant=["3"]), single=True), out)
    assert listed(file) == [f"sub-{sub}_task-rest" for sub in ("2", "3", "10")]
    assert listed(file, "left_out") == []  # now a task
    assert sorted(path.name for path in (out / "logs").iterdir()) == ["plan.json"]


def test_a_whole_plan_replaces_what_was_planned_from_the_same_source(tmp_path, study):
    out = tmp_path / "out"
    write_plan(plan_study(study), out)
    for file in pair("sub-2_task-rest"):
        (study / file).unlink()
    file = write_plan(plan_study(study), out)
    assert listed(file) == ["sub-1_task-rest", "sub-10_task-rest"]
    other = bids_set(tmp_path / "other", *pair("sub-7_task-rest"))
    write_plan(plan_study(other), out)
    assert listed(file) == [f"sub-{sub}_task-rest" for sub in ("1", "7", "10")]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tasks": 3}', '{"tasks": [{}], "left_out": []}'])
def test_a_file_that_is_no_plan_is_replaced(tmp_path, study, text):
    (tmp_path / "out" / "logs").mkdir(parents=True)
    (tmp_path / "out" / "logs" / "plan.json").write_text(text)
    file = write_plan(plan_study(study, make_filters(participant=["1"])), tmp_path / "out")
    assert listed(file) == ["sub-1_task-rest"]


def test_the_same_plan_gives_the_same_bytes_in_any_order_of_calls(tmp_path, study):
    texts = set()
    for number, order in enumerate([("1", "2", "10"), ("10", "1", "2")]):
        for label in order:
            plan = plan_study(study, make_filters(participant=[label]))
            write_plan(plan, tmp_path / f"out{number}")
        texts.add((tmp_path / f"out{number}" / "logs" / "plan.json").read_bytes())
    assert len(texts) == 1


def test_calls_at_the_same_time_lose_nothing(tmp_path, study):
    out = tmp_path / "out"
    plans = [
        plan_study(study, make_filters(participant=[label])) for label in ("1", "2", "3", "10")
    ]
    threads = [threading.Thread(target=write_plan, args=(plan, out)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listed(out / "logs" / "plan.json")) == 3
    assert len(listed(out / "logs" / "plan.json", "left_out")) == 1


def test_the_file_tells_neither_where_files_lie_nor_who_a_participant_is(tmp_path):
    secret = tmp_path / "Eva Mueller" / "raw"
    grow(secret, "Mueller_eeg.edf", "Mueller_nirs.snirf", "Eva.edf")
    table = secret / "pairs.tsv"
    cells = [
        "eeg nirs participant",
        "Mueller_eeg.edf Mueller_nirs.snirf 01",
        f"{secret}/Eva.edf n/a 02",
    ]
    table.write_text("\n".join(cells).replace(" ", "\t").replace("Eva\tMueller", "Eva Mueller"))
    text = write_plan(plan_study(table), tmp_path / "Eva Mueller" / "out").read_text()
    assert "Mueller" not in text
    assert "Eva" not in text
    assert str(tmp_path) not in text
    assert json.loads(text)["tasks"][0]["inputs"] == {"eeg": "*.edf", "nirs": "*.snirf"}


def test_it_is_shown_whole_however_narrow_the_page_is(study, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    (study / "participants.tsv").write_text("participant_id\tsite\nsub-1\t[Ulm]\n")
    (study / "eeg.json").write_text('{"Manufacturer": "A very long name of a manufacturer"}')
    show(plan_study(study))
    text = capsys.readouterr().out
    for words in (
        "sub-10_task-rest",
        "A very long name of a manufacturer",
        "[Ulm]",
        "EEG without fNIRS: no …_nirs file (.snirf) of task rest in sub-3",
        "3 recordings to be cleaned: 3 of EEG and fNIRS, 0 of one file; 1 left out",
    ):
        assert words in text
    assert "IMU" not in text  # there is none


def test_files_that_are_not_there_are_shown(study, capsys):
    (study / run_file("eeg", "sub-2_task-rest")).unlink()
    (study / run_file("eeg", "sub-2_task-rest")).symlink_to("gone")
    plan = plan_study(study)
    assert [path.name for path in missing(plan.tasks)] == ["sub-2_task-rest_eeg.edf"]
    show(plan)
    text = capsys.readouterr().out
    assert "sub-2_task-rest_eeg.edf not there" in text
    assert text.rstrip().endswith("1 left out; not there: 1 file")


def test_a_plain_folder_shows_which_files_became_which_labels(tmp_path, capsys):
    show(plan_study(grow(tmp_path, "S 1/eeg.edf", "S 1/nirs.snirf", "b.xdf")))
    lines = capsys.readouterr().out.splitlines()
    first = next(line for line in lines if line.strip().startswith("sub-S1_task-unnamed"))
    assert "S 1/eeg.edf" in first
    assert "S 1/nirs.snirf" in first
    assert "in the same file" in next(line for line in lines if "sub-b_" in line)


def test_json_is_shown_alone(study, capsys):
    plan = plan_study(study)
    show(plan, json_output=True)
    assert json.loads(capsys.readouterr().out) == plan_json(plan)


def test_counts_are_in_words():
    task = Task({"sub": "1"}, {"eeg": Path(__file__), "nirs": Path(__file__)})
    assert counted(Plan(Path("x"), (task, task), (LeftOut("a", (), "b"),))) == (
        "2 recordings to be cleaned: 2 of EEG and fNIRS, 0 of one file; 1 left out"
    )
