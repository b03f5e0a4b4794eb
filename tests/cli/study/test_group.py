"""`neurofuse app … group`: no recording is missing, and what is damaged costs its own row only."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neurofuse.cli.study.citation import paragraph, write_citation
from neurofuse.cli.study.errors import NoInputError
from neurofuse.cli.study.group import PAGE, SIDECAR, TABLE, group
from neurofuse.cli.study.rows import rows_of
from neurofuse.cli.study.tasks import Settings
from neurofuse.io.bids.dataset import CONTAINER, generated_by, write_shared
from tests.cli.study import made_study as made

DAMAGED = {
    "half-written": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no object": lambda text: "[1]",
    "of another version": lambda text: text.replace('"format": 1', '"format": 2'),
    "of another recording": lambda text: text.replace('"name": "sub', '"name": "bus'),
    "with NaN": lambda text: text.replace('"rate": 250.0', '"rate": NaN'),
    "with infinity": lambda text: text.replace('"rate": 250.0', '"rate": 1e999'),
    "with a text for a number": lambda text: text.replace('"rate": 250.0', '"rate": "250"'),
    "with a huge number": lambda text: text.replace('"rate": 250.0', f'"rate": {"9" * 400}'),
    "with true for a number": lambda text: text.replace('"usable"', '"usable": true, "x"'),
    "with more usable than all": lambda text: text.replace('"usable": ', '"usable": 9'),
    "with a fraction above 1": lambda text: text.replace('"moving": 0', '"moving": 7'),
    "without a figure": lambda text: text.replace('"lost"', '"gone"'),
    "without modalities": lambda text: text.replace('"streams"', '"brooks"'),
    "with a number for a text": lambda text: text.replace('"site": ', '"site": 3, "x": '),
    "nested": lambda text: "[" * 100_000,
    "too large": lambda text: text + " " * 2**21,
    "no text": None,
}


def states(out):
    rows, _ = rows_of(out)
    return {row.name: row.state for row in rows}


def lines_of(out):
    head, *lines = (out / TABLE).read_text("utf-8").splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_no_recording_is_missing(tmp_path):
    made.make_study(tmp_path, 12, failed=(3,), waiting=(5,), left_out=2)
    page = group(tmp_path)
    assert page == tmp_path / PAGE
    text = page.read_text("utf-8")
    assert "10 of 14 recordings are cleaned" in text
    assert text.count('<tr id="r') == 14
    found = lines_of(tmp_path)
    assert {line["recording"] for line in found} == set(states(tmp_path))
    count = [line["state"] for line in found]
    # both modalities of what was planned, one line of what was left out
    assert [count.count(s) for s in ("done", "failed", "not done", "left out")] == [20, 2, 2, 2]
    bad = next(line for line in found if line["state"] == "failed")
    assert bad["reason"] == "found half a file; wanted a whole one"
    assert (bad["participant_id"], bad["channels"], bad["modality"]) == ("sub-002", "n/a", "eeg")
    assert found[-1]["reason"] == "EEG without fNIRS"
    crash = made.crash_path(Path(), 3).as_posix()
    assert f'href="{crash}"' in text
    assert (tmp_path / crash).is_file()


def test_figures_in_the_table_are_those_of_the_summaries_and_described(tmp_path):
    made.make_study(tmp_path, 10, failed=(), left_out=0)
    group(tmp_path)
    first = lines_of(tmp_path)[1]
    facts = made.summary(0)["streams"]["nirs"]
    assert (first["recording"], first["modality"]) == (made.name(0), "nirs")
    for key in ("channels", "usable", "lost", "attenuation_db", "quality"):
        assert float(first[key]) == pytest.approx(facts[key], rel=1e-5)
    assert lines_of(tmp_path)[0]["self_test_best"] == made.summary(0)["self_test"]["best"]["eeg"]
    described = json.loads((tmp_path / SIDECAR).read_text("utf-8"))
    assert list(described) == (tmp_path / TABLE).read_text("utf-8").splitlines()[0].split("\t")
    assert described["seconds"]["Units"] == "s"
    assert all(column["Description"] for column in described.values())


def test_the_same_study_makes_the_same_bytes_wherever_it_lies(tmp_path):
    for folder in ("a", "b/c"):
        group(made.make_study(tmp_path / folder, 9))
    for name in (PAGE, TABLE, SIDECAR):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b/c" / name).read_bytes()
        assert str(tmp_path) not in (tmp_path / "a" / name).read_text("utf-8")


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_summary_costs_its_row_only(tmp_path, damage):
    made.make_study(tmp_path, 4, failed=(), left_out=0)
    victim = made.summary_path(tmp_path, 2)
    change = DAMAGED[damage]
    if change is None:
        victim.write_bytes(b"\xff\xfe\x00")
    else:
        whole = victim.read_text("utf-8")
        victim.write_text(change(whole), encoding="utf-8")
        assert victim.read_text("utf-8") != whole
    text = group(tmp_path).read_text("utf-8")
    assert states(tmp_path).pop(made.name(2)) == "unreadable"
    assert "3 of 4 recordings are cleaned; 1 unreadable" in text
    row = next(row for row in rows_of(tmp_path)[0] if row.state == "unreadable")
    assert row.reason.startswith("the summary does not count: ")
    assert len(row.reason) < 600


def test_a_damaged_crash_file_is_a_failure_still(tmp_path):
    made.make_study(tmp_path, 4, failed=(1,))
    made.crash_path(tmp_path, 1).write_text('{"mess')
    assert states(tmp_path)[made.name(1)] == "failed"
    assert "its crash file cannot be read" in group(tmp_path).read_text("utf-8")


def test_a_failure_counts_more_than_what_was_done_before(tmp_path):
    made.make_study(tmp_path, 2, failed=(), left_out=0)
    made.write_json(made.crash(1, "found /home/Eva Doe/b.edf cut"), made.crash_path(tmp_path, 1))
    text = group(tmp_path).read_text("utf-8")
    assert states(tmp_path)[made.name(1)] == "failed"
    assert "Eva Doe" not in text + (tmp_path / TABLE).read_text("utf-8")
    assert "found b.edf cut" in text


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("found /d/Doe, Eva/Eva_eeg.vhdr, no file", "found *.vhdr, no file"),
        ("/d/Eva (1)/Eva_eeg.vhdr: no '/d/Eva (1)/Eva_eeg.eeg' there", "*.vhdr: no '*.eeg' there"),
        (
            "EEG/fNIRS of C:\\Eva\\sub-1_nirs.snirf; wanted all",
            "EEG/fNIRS of sub-1_nirs.snirf; wanted",
        ),
        ("/other/place/x.edf and a word", "x.edf and a word"),
    ],
)
def test_a_reason_tells_nobodys_name(tmp_path, message, shown):
    made.make_study(tmp_path, 1, failed=(), left_out=0)
    crash = made.crash(0, message) | {"inputs": {"eeg": "Eva_eeg.vhdr", "nirs": "sub-1_nirs.snirf"}}
    made.write_json(crash, made.crash_path(tmp_path, 0))
    text = group(tmp_path).read_text("utf-8") + (tmp_path / TABLE).read_text("utf-8")
    assert "Eva" not in text
    assert rows_of(tmp_path)[0][0].reason.startswith(shown)


def test_what_was_done_once_and_is_left_out_now_is_one_row(tmp_path):
    made.make_study(tmp_path, 2, failed=(), left_out=0)
    plan = json.loads((tmp_path / "logs" / "plan.json").read_text())
    gone = plan["tasks"].pop(0)
    plan["left_out"] = [{"name": gone["name"], "files": [], "reason": "EEG without fNIRS"}]
    made.write_json(plan, tmp_path / "logs" / "plan.json")
    rows, _ = rows_of(tmp_path)
    assert [row.state for row in rows] == ["left out", "done"]
    assert rows[0].reason == "EEG without fNIRS; outputs of an earlier plan are still there"


@pytest.mark.parametrize("plan", [None, "{", "[]", '{"tasks": [{"name": 3}], "left_out": []}'])
def test_without_a_plan_outputs_are_shown_and_the_lack_is_told(tmp_path, plan):
    made.make_study(tmp_path, 4, failed=(1,))
    path = tmp_path / "logs" / "plan.json"
    path.unlink() if plan is None else path.write_text(plan)
    assert list(states(tmp_path).values()) == ["done", "failed", "done", "done"]
    assert "logs/plan.json) cannot be read" in group(tmp_path).read_text("utf-8")


def test_outputs_that_no_plan_names_are_shown(tmp_path):
    made.make_study(tmp_path, 2, failed=(), left_out=0)
    made.write_json(made.summary(6), made.summary_path(tmp_path, 6))
    rows = {row.name: row for row in rows_of(tmp_path)[0]}
    assert rows[made.name(6)].state == "done"
    assert rows[made.name(6)].reason == "not in the plan of today"


def test_recordings_stand_in_order_and_lead_to_their_reports(tmp_path):
    made.make_study(tmp_path, 6, failed=(), left_out=0)
    report = tmp_path / "sub-001" / "figures" / "sub-001_task-rest_desc-clean_report.html"
    report.parent.mkdir()
    report.touch()
    text = group(tmp_path).read_text("utf-8")
    assert f'href="{report.relative_to(tmp_path).as_posix()}"' in text
    assert text.count('_report.html"') == 1
    assert list(states(tmp_path)) == [made.name(n) for n in range(6)]


@pytest.mark.parametrize("there", [True, False])
def test_nothing_to_show_is_one_error(tmp_path, there):
    with pytest.raises(NoInputError, match="participant"):
        group(tmp_path if there else tmp_path / "none")
    assert not (tmp_path / PAGE).exists()
    assert not (tmp_path / "none").exists()


def test_bids_lets_the_page_and_the_table_pass(tmp_path):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("bids-validator-deno is not installed")
    out = made.make_study(tmp_path / "out", 4)
    write_shared(out, out, None, None)
    for folder in ("sub-001", "sub-002"):
        (out / folder / "figures").mkdir()
        (out / folder / "figures" / "a_report.html").touch()
    group(out)
    done = subprocess.run(
        [validator, out, "--format", "json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    errors = [one for one in issues if one["severity"] == "error"]
    assert not [one for one in errors if one["code"] != "NO_SUBJECTS"], errors


def test_the_citation_says_how_recordings_are_cleaned(tmp_path):
    settings = Settings(tmp_path, method="asr", self_test=True, clean={"uncertainty": True})
    text, entries = write_citation(tmp_path, settings)
    first = text.read_bytes(), entries.read_bytes()
    words = text.read_text("utf-8")
    assert "cleaned with “asr”" in words
    assert "own quiet stretches" in words
    assert "standard deviation of each cleaned sample" in words
    assert "@article{mullen2015," in entries.read_text("utf-8")
    shutil.rmtree(text.parent)
    write_citation(tmp_path, settings)
    assert (text.read_bytes(), entries.read_bytes()) == first


def test_the_default_cites_what_the_joint_model_rests_on(tmp_path):
    _, entries = write_citation(tmp_path, Settings(tmp_path))
    keys = [line for line in entries.read_text("utf-8").splitlines() if line.startswith("@")]
    assert any("somers2018" in key for key in keys)
    assert any("uhlenbeck1930" in key for key in keys)
    # weights of one's own are named without their folder
    assert "/home" not in paragraph(Settings(tmp_path, method="/home/me/w.safetensors"))


def test_a_container_is_named_only_where_there_is_one(monkeypatch):
    monkeypatch.delenv(CONTAINER, raising=False)
    assert "Container" not in generated_by()
    monkeypatch.setenv(CONTAINER, "neurofuse:0.1.0")
    assert generated_by()["Container"] == {"Type": "oci", "Tag": "neurofuse:0.1.0"}
