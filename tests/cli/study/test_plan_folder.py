"""A plain folder as a plan: which files pair by name, and what labels they get."""

import os
from pathlib import Path

import pytest

from neurofuse.cli.study.errors import NoInputError, NothingMatchesError, UsageError
from neurofuse.cli.study.filters import make_filters
from neurofuse.cli.study.folder import plan_folder
from neurofuse.io.detect import search
from tests.trees import bids_set, grow, pair


def inputs(plan):
    """Files of all tasks by name of the task."""
    return {
        task.name: {kind: path.name for kind, path in task.inputs.items()} for task in plan.tasks
    }


@pytest.mark.parametrize(
    ("eeg", "nirs", "label"),
    [
        ("S01_eeg.edf", "S01_nirs.snirf", "S01"),
        ("S01 EEG.BDF", "s01-fNIRS.SNIRF", "S01"),
        ("S01_rest.vhdr", "s01.rest.optics.nirs", "S01rest"),
        ("EEG_S01.set", "NIRS_S01.snirf", "S01"),
        ("S01EEG.edf", "S01NIRS.snirf", "S01"),
        ("S01_eeg_raw.fif", "S01_nirs_raw.fif", "S01"),
        ("Jörg & Co_eeg.fif.gz", "jörg_co_nirs.snirf", "JorgCo"),
        ("张三_eeg.edf", "张三_nirs.snirf", "x1"),
    ],
)
def test_names_pair_whatever_stands_between_their_words(tmp_path, eeg, nirs, label):
    plan = plan_folder(grow(tmp_path, eeg, nirs))
    assert inputs(plan) == {f"sub-{label}_task-unnamed": {"eeg": eeg, "nirs": nirs}}
    assert not plan.tasks[0].bids
    assert plan.left_out == ()


def test_folders_are_part_of_the_label_and_keep_recordings_apart(tmp_path):
    files = [
        f"{sub}/{run}/{f}"
        for sub in ("P1", "P2")
        for run in "ab"
        for f in ("eeg.edf", "nirs.snirf")
    ]
    plan = plan_folder(grow(tmp_path, *files, "P3/P3_rest_eeg.edf", "P3/P3_rest_nirs.snirf"))
    labels = [task.entities["sub"] for task in plan.tasks]
    assert labels == ["P1a", "P1b", "P2a", "P2b", "P3rest"]
    assert all(len({path.parent for path in task.inputs.values()}) == 1 for task in plan.tasks)


def test_files_directly_in_the_folder_are_called_as_it(tmp_path):
    plan = plan_folder(grow(tmp_path / "My study", "eeg.edf", "nirs.snirf"))
    assert [task.entities["sub"] for task in plan.tasks] == ["Mystudy"]


def test_labels_that_would_be_the_same_are_told_apart(tmp_path):
    plan = plan_folder(
        grow(tmp_path, "a-1.xdf", "A1.xdf", "a_1x2.xdf", "ä1.xdf", "张.xdf", "李.xdf")
    )
    labels = [task.entities["sub"] for task in plan.tasks]
    assert len({label.lower() for label in labels}) == 6
    assert all(label.isascii() and label.isalnum() for label in labels)
    by_file = {task.inputs["eeg"].name: task.entities["sub"] for task in plan.tasks}
    assert by_file["a_1x2.xdf"] == "a1x2"  # its own label is not given to another


def test_labels_in_the_names_are_kept(tmp_path):
    names = ["sub-01_ses-a_task-rest_run-02", "sub-02"]
    files = [f"{name}_{end}" for name in names for end in ("eeg.edf", "nirs.snirf")]
    plan = plan_folder(grow(tmp_path, *files))
    found = [task.name for task in plan.tasks]
    assert found == ["sub-01_ses-a_task-rest_run-02", "sub-02_task-unnamed"]


def test_the_same_name_in_two_folders_is_two_recordings(tmp_path):
    files = [f"{site}/sub-01_task-rest_{end}" for site in "AB" for end in ("eeg.edf", "nirs.snirf")]
    plan = plan_folder(grow(tmp_path, *files))
    assert [task.name for task in plan.tasks] == ["sub-A01_task-rest", "sub-B01_task-rest"]


def test_what_does_not_pair_is_told(tmp_path):
    plan = plan_folder(
        grow(tmp_path, "S1_eeg.edf", "S2_nirs.snirf", "S3.edf", "S3.bdf", "S3.snirf", "eeg/S4.edf",
             "nirs/S4.snirf")
    )  # fmt: skip
    assert plan.tasks == ()
    assert {left.name.split("_")[0]: left.reason for left in plan.left_out} == {
        "sub-S1": "EEG without fNIRS: no fNIRS file of this name in its folder",
        "sub-S2": "fNIRS without EEG: no EEG file of this name in its folder",
        "sub-S3": "2 files of one kind and name: move or rename those not wanted",
        "sub-eegS4": "EEG without fNIRS: no fNIRS file of this name in its folder",
        "sub-nirsS4": "fNIRS without EEG: no EEG file of this name in its folder",
    }
    alone = plan_folder(tmp_path, single=True)
    assert [list(task.inputs) for task in alone.tasks] == [["eeg"], ["nirs"], ["eeg"], ["nirs"]]


def test_one_recording_in_several_forms_is_cleaned_once(tmp_path):
    grow(tmp_path, "S1_eeg.edf", "S1_nirs.snirf", "S1_recording.nc", "S2.xdf")
    grow(tmp_path, "S3_eeg.edf", "S3_nirs.snirf")
    (tmp_path / "S3_nirs.hdr").write_text("[GeneralInfo]\n")
    plan = plan_folder(tmp_path)
    assert [list(task.inputs) for task in plan.tasks] == [["eeg", "nirs"], ["eeg"], ["eeg", "nirs"]]
    assert plan.tasks[2].inputs["nirs"].suffix == ".snirf"
    assert [(left.files[0].name, left.reason) for left in plan.left_out] == [
        ("S1_recording.nc", "the same recording once more, in another form"),
        ("S3_nirs.hdr", "the same recording once more, in another form"),
    ]


def test_files_of_other_programs_and_outputs_are_no_recordings(tmp_path):
    grow(tmp_path, "S1.xdf", "notes.txt", "table.csv", "S1_events.tsv", ".hidden.edf")
    grow(tmp_path, "S1_desc-clean_recording.nc", "S1_desc-clean_eeg.edf", "S1_truth.nc")
    grow(tmp_path, ".neurofuse-x1/S9.edf", ".git/S9.edf")
    (tmp_path / "image.hdr").write_text("an image of something")
    (tmp_path / "S2.set").write_text("settings of an fNIRS device")
    bids_set(tmp_path / "out", *pair("sub-S1_task-unnamed"))
    plan = plan_folder(tmp_path, single=True)
    assert inputs(plan) == {"sub-S1_task-unnamed": {"eeg": "S1.xdf"}}
    assert plan.left_out == ()


def test_a_recording_of_many_files_brings_them_along(tmp_path):
    grow(tmp_path, "S1.snirf", "S1.eeg", "S1.vmrk", "S2.set", "S2.fdt", "S2.snirf")
    (tmp_path / "S1.vhdr").write_text("DataFile=S1.eeg\nMarkerFile=S1.vmrk\n")
    plan = plan_folder(tmp_path)
    assert [[path.name for path in task.sidecars] for task in plan.tasks] == [
        ["S1.eeg", "S1.vmrk"],
        ["S2.fdt"],
    ]


def test_links_in_circles_end_and_closed_folders_cost_themselves(tmp_path, monkeypatch):
    grow(tmp_path, "S1.xdf", "closed/S2.xdf")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "S3.xdf").symlink_to(tmp_path / "S3.xdf")
    (tmp_path / "S4.xdf").symlink_to(tmp_path / "gone")
    scan = os.scandir

    def refuse(folder):
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(search.os, "scandir", refuse)
    plan = plan_folder(tmp_path)
    assert [task.entities["sub"] for task in plan.tasks] == ["S1", "S3", "S4"]
    assert [left.reason for left in plan.left_out] == [
        "a folder that cannot be opened (Permission denied)"
    ]


def test_filters_choose_by_the_labels_of_the_plan(tmp_path):
    grow(tmp_path, "S1.xdf", "S2.xdf", "S3.edf")
    plan = plan_folder(tmp_path, make_filters(participant=["S2"]))
    assert [task.entities["sub"] for task in plan.tasks] == ["S2"]
    assert plan.left_out == ()
    assert plan.filtered
    with pytest.raises(NothingMatchesError, match=r"no participant s2; .*: S1, S2, S3"):
        plan_folder(tmp_path, make_filters(participant=["s2"]))
    (tmp_path / "filter.json").write_text('{"eeg": {}, "nirs": {"run": 1}}')
    with pytest.raises(UsageError, match=r"a filter file for what is no BIDS data set"):
        plan_folder(tmp_path, make_filters(file=tmp_path / "filter.json"))


def test_missing_and_empty_folders_say_so(tmp_path):
    with pytest.raises(NoInputError, match=r"no folder .*nowhere"):
        plan_folder(tmp_path / "nowhere")
    with pytest.raises(NoInputError, match=r"no recording in .*wanted files of \.edf"):
        plan_folder(grow(tmp_path, "README.md"))
