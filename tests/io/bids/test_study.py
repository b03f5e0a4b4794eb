"""Walking a BIDS data set: every run, every fault, and what applies to a run."""

import json
import os
import re

import pytest

from neurofuse.io.bids import inheritance
from neurofuse.io.bids.study import BidsStudy
from neurofuse.io.detect.parts import parts_of
from tests.trees import bids_set, grow, pair, run_file

REST = "sub-01_task-rest"


def faults_of(root):
    return {fault.path.name: fault.reason for fault in BidsStudy(root).faults}


def names(paths):
    return [path.name for path in paths]


def test_runs_of_all_kinds_are_found_once(tmp_path):
    motion = run_file("motion", "sub-01_task-rest_tracksys-imu")
    root = bids_set(tmp_path, *pair(REST, "sub-02_ses-a_task-walk_acq-x_run-02"), motion)
    runs = [(run.kind, run.entities) for run in BidsStudy(root).runs]
    long = {"sub": "02", "ses": "a", "task": "walk", "acq": "x", "run": "02"}
    assert runs == [
        ("eeg", {"sub": "01", "task": "rest"}),
        ("nirs", {"sub": "01", "task": "rest"}),
        ("imu", {"sub": "01", "task": "rest", "tracksys": "imu"}),
        ("eeg", long),
        ("nirs", long),
    ]
    assert BidsStudy(root).faults == []


def test_other_folders_are_not_looked_into(tmp_path):
    root = bids_set(tmp_path, *pair(REST))
    for other in ("derivatives/x", "sourcedata", "code", ".git", "sub-01/anat", "sub-01/beh"):
        grow(root / other, *pair("sub-09_task-rest"))
    assert {run.entities["sub"] for run in BidsStudy(root).runs} == {"01"}


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("sub-01/eeg/sub-01_task-re st_eeg.edf", "labels are not made of letters and digits"),
        ("sub-01/eeg/sub-01_task-größe_eeg.edf", "labels are not made of letters and digits"),
        ("sub-01/eeg/sub-01_eeg.edf", "without task-"),
        ("sub-01/eeg/sub-02_task-rest_eeg.edf", "another subject or session"),
        ("sub-01/eeg/sub-01_ses-1_task-rest_eeg.edf", "another subject or session"),
        ("sub-01/ses-1/eeg/sub-01_task-rest_eeg.edf", "another subject or session"),
        ("sub-01/eeg/sub-01_task-rest_desc-clean_eeg.edf", "desc-…, which no raw run has"),
        ("sub-01/eeg/sub-01_task-rest_run-a_eeg.edf", "a run that is no number"),
        ("sub-01/eeg/sub-01_task-rest_eeg.cnt", r"wanted \.edf, \.bdf, \.vhdr, \.set"),
        ("sub-01/eeg/sub-01_task-rest_eeg.eeg", r"a \.vhdr file is missing"),
        ("sub-01/eeg/sub-01_task-rest_eeg.fdt", r"a \.set file is missing"),
        ("sub-01/eeg/recording.edf", r"not sub-…_task-…_eeg\.edf"),
        ("sub-01/nirs/sub-01_task-rest_eeg.snirf", r"not sub-…_task-…_nirs\.snirf"),
        ("sub-A&B/eeg/sub-A&B_task-rest_eeg.edf", "a label that is not made of letters"),
        ("sub-01/ses-a b/eeg/x_eeg.edf", "a label that is not made of letters"),
        ("sub-01/anat/sub-01_T1w.nii", "no EEG or fNIRS run in it"),
    ],
)
def test_what_is_no_run_has_a_reason(tmp_path, file, reason):
    study = BidsStudy(bids_set(tmp_path, file))
    assert study.runs == []
    (fault,) = study.faults
    assert re.search(reason, fault.reason)
    assert fault.entities["sub"] in file


def test_parts_and_sidecars_of_runs_are_no_faults(tmp_path):
    ends = ["eeg.vhdr", "eeg.vmrk", "eeg.eeg", "eeg.json", "channels.tsv", "electrodes.tsv"]
    root = bids_set(tmp_path, *(f"sub-01/eeg/{REST}_{end}" for end in ends))
    grow(root, "sub-01/eeg/.sub-01_task-rest_eeg.edf", "sub-01/eeg/notes.txt")
    assert names(run.path for run in BidsStudy(root).runs) == [f"{REST}_eeg.vhdr"]
    assert faults_of(root) == {}


def test_empty_participants_and_sessions_are_told(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_ses-1_task-rest"))
    (root / "sub-01" / "ses-2" / "eeg").mkdir(parents=True)
    (root / "sub-02").mkdir()
    assert faults_of(root) == dict.fromkeys(["ses-2", "sub-02"], "no EEG or fNIRS run in it")


def test_links_that_lead_in_circles_end(tmp_path):
    root = bids_set(tmp_path, *pair(REST))
    (root / "sub-01" / "ses-1").symlink_to(root / "sub-01")
    (root / "sub-02").symlink_to(root / "sub-02")
    (root / "sub-03").symlink_to(root)
    study = BidsStudy(root)
    assert [run.entities for run in study.runs] == [{"sub": "01", "task": "rest"}] * 2
    assert {fault.reason for fault in study.faults} >= {"no EEG or fNIRS run in it"}


def test_a_run_whose_content_is_not_there_is_a_run(tmp_path):
    """As in a data set of git-annex of which the content was not fetched."""
    root = bids_set(tmp_path, *pair(REST))
    file = root / run_file("eeg", REST)
    file.unlink()
    file.symlink_to(root / ".git" / "annex" / "objects" / "x.edf")
    assert file in [run.path for run in BidsStudy(root).runs]


def test_a_folder_that_cannot_be_opened_costs_itself(tmp_path, monkeypatch):
    root = bids_set(tmp_path, *pair(REST, "sub-02_task-rest"))
    scan = os.scandir

    def refuse(folder):
        if str(folder).endswith("sub-02"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(inheritance.os, "scandir", refuse)
    study = BidsStudy(root)
    assert len(study.runs) == 2
    assert [fault.reason for fault in study.faults] == ["cannot be opened (Permission denied)"]


def test_sidecars_are_those_that_apply(tmp_path):
    run = "sub-01_ses-1_task-rest_run-1"
    root = bids_set(tmp_path, *pair(run, "sub-01_ses-1_task-rest_run-2"))
    applying = [
        "task-rest_eeg.json",
        "sub-01/ses-1/sub-01_ses-1_scans.tsv",
        "sub-01/ses-1/eeg/sub-01_ses-1_coordsystem.json",
        f"sub-01/ses-1/eeg/{run}_channels.tsv",
        f"sub-01/ses-1/eeg/{run}_eeg.json",
    ]
    others = [
        "participants.tsv",
        "task-walk_eeg.json",
        "task-rest_nirs.json",
        "sub-01/ses-1/eeg/sub-01_ses-1_task-rest_run-2_channels.tsv",
        f"sub-01/ses-1/nirs/{run}_channels.tsv",
    ]
    grow(root, *applying, *others)
    study = BidsStudy(root)
    eeg = next(run for run in study.runs if run.kind == "eeg")
    assert [p.relative_to(root).as_posix() for p in study.sidecars(eeg)] == applying


def test_the_nearest_json_wins(tmp_path):
    root = bids_set(tmp_path, *pair(REST))
    for name, facts in {
        "eeg.json": {"A": 1, "B": 1, "C": 1},
        "task-rest_eeg.json": {"A": 2, "B": 2},
        f"sub-01/eeg/{REST}_eeg.json": {"A": 3},
    }.items():
        (root / name).write_text(json.dumps(facts), "utf-8-sig")
    study = BidsStudy(root)
    assert study.facts(study.runs[0]) == {"A": 3, "B": 2, "C": 1}
    assert study.facts(study.runs[1]) == {}


def test_each_json_is_read_once(tmp_path, monkeypatch):
    root = bids_set(tmp_path, *pair(*(f"sub-{i:02}_task-rest" for i in range(9))))
    (root / "task-rest_eeg.json").write_text('{"A": 1}')
    loads, read = json.loads, []
    monkeypatch.setattr(inheritance.json, "loads", lambda text: read.append(1) or loads(text))
    study = BidsStudy(root)
    assert [study.facts(run) for run in study.runs if run.kind == "eeg"] == [{"A": 1}] * 9
    assert len(read) == 1


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000])
def test_json_that_cannot_be_read_is_remembered(tmp_path, text):
    root = bids_set(tmp_path, *pair(REST))
    (root / "task-rest_eeg.json").write_text(text)
    study = BidsStudy(root)
    assert study.facts(study.runs[0]) == {}
    assert names(study.unreadable) == ["task-rest_eeg.json"]


def test_participants_may_be_in_any_encoding(tmp_path):
    root = bids_set(tmp_path, *pair(REST))
    assert BidsStudy(root).participants == {}
    text = "participant_id\tSite\r\nsub-01\tZürich\r\n"
    for encoding in ("utf-8-sig", "latin-1", "utf-16"):
        (root / "participants.tsv").write_bytes(text.encode(encoding))
        assert BidsStudy(root).participants["01"]["site"] == "Zürich"


def test_bidsignore_names_files_and_folders(tmp_path):
    root = bids_set(tmp_path, *pair(REST, "sub-02_task-rest", "sub-03_task-rest"))
    (root / ".bidsignore").write_text("# not yet\n\nsub-02/\n*_nirs.snirf\n!sub-03/**\n")
    study = BidsStudy(root)
    ignored = [(r.entities["sub"], r.kind) for r in study.runs if study.ignored(r.path)]
    assert ignored == [("01", "nirs"), ("02", "eeg"), ("02", "nirs")]


def test_parts_of_formats_of_several_files(tmp_path):
    grow(tmp_path, "b.eeg", "other.vmrk", "c.set", "c.fdt", "nirx/n.hdr", "nirx/n.wl1", "d.edf")
    (tmp_path / "b.vhdr").write_text(
        "[Common Infos]\r\nDataFile=b.eeg\r\nMarkerFile=other.vmrk\r\n"
    )
    assert names(parts_of(tmp_path / "b.vhdr")) == ["b.eeg", "other.vmrk"]
    assert names(parts_of(tmp_path / "c.set")) == ["c.fdt"]
    assert names(parts_of(tmp_path / "nirx" / "n.hdr")) == ["n.wl1"]
    assert parts_of(tmp_path / "d.edf") == parts_of(tmp_path / "none.vhdr") == ()


def test_parts_outside_the_folder_are_not_followed(tmp_path):
    (tmp_path / "b.vhdr").write_text("DataFile=../../etc/passwd\nMarkerFile=a\0b\n")
    assert parts_of(tmp_path / "b.vhdr") == ()
