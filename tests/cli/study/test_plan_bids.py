"""A BIDS data set as a plan: what pairs, what is left out and why, and what filters leave."""

import json
import pickle

import pytest

from neurofuse.cli.study.bids import plan_bids
from neurofuse.cli.study.errors import (
    NoInputError,
    NotBidsError,
    NothingMatchesError,
    StudyError,
    UsageError,
)
from neurofuse.cli.study.exit_codes import ExitCode
from neurofuse.cli.study.filters import make_filters
from tests.trees import bids_set, grow, pair, run_file


def task_names(plan):
    return [task.name for task in plan.tasks]


def reasons(plan):
    return {left.name: left.reason for left in plan.left_out}


def filter_file(folder, content):
    path = folder / "filter.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8-sig")
    return make_filters(file=path)


def test_pairs_are_tasks_and_runs_are_in_order_of_number(tmp_path):
    runs = [f"sub-{sub}_task-rest_run-{run}" for sub in ("10", "2") for run in ("10", "02", "1")]
    plan = plan_bids(bids_set(tmp_path, *pair(*runs)))
    found = [(task.entities["sub"], task.entities["run"]) for task in plan.tasks]
    assert found == [(sub, run) for sub in ("2", "10") for run in ("1", "02", "10")]
    assert plan.left_out == ()
    first = plan.tasks[0]
    assert first.bids
    assert {kind: path.name for kind, path in first.inputs.items()} == {
        "eeg": "sub-2_task-rest_run-1_eeg.edf",
        "nirs": "sub-2_task-rest_run-1_nirs.snirf",
    }
    assert all(path.is_absolute() for path in first.inputs.values())


def test_sessions_may_be_only_some_participants(tmp_path):
    names = ["sub-01_task-rest", "sub-02_ses-a_task-rest", "sub-02_ses-b_task-rest"]
    plan = plan_bids(bids_set(tmp_path, *pair(*names)))
    assert task_names(plan) == names
    assert [task.folder.as_posix() for task in plan.tasks] == [
        "sub-01",
        "sub-02/ses-a",
        "sub-02/ses-b",
    ]


def test_a_lone_modality_is_left_out_with_its_reason(tmp_path):
    eeg = run_file("eeg", "sub-03_ses-1_task-rest_run-2")
    nirs = run_file("nirs", "sub-04_task-rest")
    root = bids_set(tmp_path, *pair("sub-01_task-rest"), eeg, nirs)
    plan = plan_bids(root)
    assert task_names(plan) == ["sub-01_task-rest"]
    assert reasons(plan) == {
        "sub-03_ses-1_task-rest_run-2": "EEG without fNIRS: no …_nirs file (.snirf) of task rest, "
        "run 2 in sub-03, session 1",
        "sub-04_task-rest": "fNIRS without EEG: no …_eeg file (.edf .bdf .vhdr .set) of task rest "
        "in sub-04",
    }
    assert [left.files for left in plan.left_out] == [(root / eeg,), (root / nirs,)]
    alone = plan_bids(root, single=True)
    assert [list(task.inputs) for task in alone.tasks] == [["eeg", "nirs"], ["eeg"], ["nirs"]]
    assert alone.left_out == ()


@pytest.mark.parametrize(
    ("eeg", "nirs", "expected"),
    [
        (["acq-cap"], ["acq-optodes"], ["task-rest"]),
        (["acq-cap"], [""], ["task-rest_acq-cap"]),
        (["acq-a", "acq-b"], ["acq-b", "acq-a"], ["task-rest_acq-a", "task-rest_acq-b"]),
        (["run-1"], ["run-01"], ["task-rest_run-1"]),
        (["run-1"], [""], ["task-rest_run-1"]),
        ([""], ["run-3"], ["task-rest_run-3"]),
        (["run-1"], ["run-2"], []),
        (["run-1", "run-2"], [""], []),
        (["acq-a", "acq-b"], [""], []),
        (["run-1", "run-01"], ["run-1"], []),
    ],
)
def test_what_pairs(tmp_path, eeg, nirs, expected):
    """Same run number; `acq` tells several apart; a number on one side only is no obstacle."""
    files = [
        run_file(kind, "_".join(filter(None, ["sub-01", "task-rest", label])))
        for kind, labels in (("eeg", eeg), ("nirs", nirs))
        for label in labels
    ]
    plan = plan_bids(bids_set(tmp_path, *files))
    assert task_names(plan) == [f"sub-01_{name}" for name in expected]
    assert {len(task.inputs) for task in plan.tasks} <= {2}
    taken = [path for task in plan.tasks for path in task.inputs.values()]
    left = [path for one in plan.left_out for path in one.files]
    assert sorted(taken + left) == sorted(tmp_path / file for file in files)  # nothing gets lost


def test_several_of_one_kind_are_unclear_even_if_one_modality_would_do(tmp_path):
    eeg = "sub-01/eeg/sub-01_task-rest_eeg"
    root = bids_set(tmp_path, f"{eeg}.edf", f"{eeg}.vhdr", *pair("sub-01_task-rest"))
    for single in (False, True):
        plan = plan_bids(root, single=single)
        assert plan.tasks == ()
        assert "2 EEG files and 1 fNIRS file of task rest in sub-01" in plan.left_out[0].reason
    chosen = plan_bids(root, filter_file(tmp_path, {"eeg": {"extension": "vhdr"}}))
    assert [task.inputs["eeg"].suffix for task in chosen.tasks] == [".vhdr"]


def test_motion_goes_with_its_recording(tmp_path):
    rest = run_file("motion", "sub-01_task-rest_tracksys-imu")
    second = run_file("motion", "sub-01_task-rest_tracksys-other")
    walk = run_file("motion", "sub-01_task-walk_tracksys-imu")
    root = bids_set(tmp_path, *pair("sub-01_task-rest"), rest, second, walk)
    grow(root, rest.replace("_motion.tsv", "_channels.tsv"))
    plan = plan_bids(root)
    assert list(plan.tasks[0].inputs) == ["eeg", "nirs", "imu"]
    assert plan.tasks[0].inputs["imu"] == root / rest
    assert [path.name for path in plan.tasks[0].sidecars] == [
        "sub-01_task-rest_tracksys-other_motion.tsv",
        "sub-01_task-rest_tracksys-imu_channels.tsv",
    ]
    assert reasons(plan) == {
        "sub-01_task-walk": "motion without EEG or fNIRS of task walk in sub-01"
    }


def test_site_and_device_come_from_the_tables(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest", "sub-02_task-rest"))
    (root / "participants.tsv").write_text("participant_id\tCentre\nsub-01\tUlm\nsub-02\tn/a\n")
    (root / "eeg.json").write_text('{"Manufacturer": "EEG Inc", "ManufacturersModelName": "n/a"}')
    own = root / "sub-01" / "nirs" / "sub-01_task-rest_nirs.json"
    own.write_text('{"ManufacturersModelName": "Cap 8"}')
    found = [(task.site, task.device) for task in plan_bids(root).tasks]
    assert found == [("Ulm", "EEG Inc + Cap 8"), ("", "EEG Inc")]


def test_everything_that_decides_a_result_is_in_the_sidecars(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest"), "sub-01/sub-01_scans.tsv", "eeg.json")
    grow(root, "sub-01/nirs/sub-01_task-rest_events.tsv", "participants.tsv", "README")
    (root / "eeg.json").write_text("{}")
    (task,) = plan_bids(root).tasks
    names = sorted(path.name for path in task.sidecars)
    assert names == ["eeg.json", "sub-01_scans.tsv", "sub-01_task-rest_events.tsv"]
    assert pickle.loads(pickle.dumps(task)) == task  # goes to other processes


def test_no_valid_data_set_is_refused_and_can_be_taken_all_the_same(tmp_path):
    root = grow(tmp_path, *pair("sub-01_task-rest"))
    with pytest.raises(NotBidsError, match=r"no dataset_description.json .*--skip-bids-valid") as e:
        plan_bids(root)
    assert e.value.code == ExitCode.NOT_BIDS == 16
    for text in ("{", "[]", ""):
        (root / "dataset_description.json").write_text(text)
        with pytest.raises(NotBidsError, match=r"dataset_description.json, which"):
            plan_bids(root)
    assert task_names(plan_bids(root, validate=False)) == ["sub-01_task-rest"]


def test_json_that_cannot_be_read_is_refused_where_it_is_asked_for(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest", "sub-02_task-rest"))
    (root / "sub-02" / "eeg" / "sub-02_task-rest_eeg.json").write_text('{"A": ')
    with pytest.raises(NotBidsError, match=r"sub-02/eeg/sub-02_task-rest_eeg.json \(Expecting"):
        plan_bids(root)
    assert len(plan_bids(root, make_filters(participant=["01"])).tasks) == 1
    assert len(plan_bids(root, validate=False).tasks) == 2


def test_what_bidsignore_names_is_left_out_unless_validation_is_skipped(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest", "sub-02_task-rest"))
    (root / ".bidsignore").write_text("sub-02/nirs\n")
    plan = plan_bids(root)
    assert task_names(plan) == ["sub-01_task-rest"]
    assert [left.reason for left in plan.left_out] == [
        "EEG whose fNIRS .bidsignore names",
        "a run that .bidsignore names",
    ]
    assert len(plan_bids(root, validate=False).tasks) == 2


def test_missing_and_empty_sources_say_so(tmp_path):
    with pytest.raises(NoInputError, match=r"no folder .*nowhere") as e:
        plan_bids(tmp_path / "nowhere")
    assert e.value.code == ExitCode.NO_INPUT == 66
    with pytest.raises(NoInputError, match=r"no folder sub-… in"):
        plan_bids(bids_set(tmp_path / "set"))


COHORT = [
    f"sub-{sub}_ses-{ses}_task-{task}_run-{run}"
    for sub in ("01", "1", "02")
    for ses in ("a", "b")
    for task in ("rest", "walk")
    for run in ("1", "02")
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return bids_set(tmp_path_factory.mktemp("cohort"), *pair(*COHORT))


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({}, 24),
        ({"participant": ["01"]}, 8),
        ({"participant": ["sub-01", "1"]}, 16),
        ({"participant": ["01 sub-02"]}, 16),
        ({"session": ["ses-a"], "task": ["walk"]}, 6),
        ({"run": ["2"]}, 12),
        ({"run": ["run-002", "1"]}, 24),
        ({"participant": ["02"], "session": ["b"], "task": ["rest"], "run": ["01"]}, 1),
        ({"name": [COHORT[0], COHORT[5]]}, 2),
    ],
)
def test_labels_choose(cohort, given, count):
    plan = plan_bids(cohort, make_filters(**given))
    assert len(plan.tasks) == count
    assert plan.left_out == ()
    assert plan.filtered == bool(given)
    assert set(task_names(plan)) <= set(COHORT)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"participant": ["01", "9"]}, r"no participant 9; wanted .*: 01, 1, 02; .*1 is not 01"),
        ({"session": ["A"]}, r"no session A; wanted a session of this study: a, b"),
        ({"task": ["sleep"]}, r"no task sleep; .*: rest, walk"),
        ({"run": ["3"]}, r"no run 3; .*: 1, 02"),
        ({"name": [COHORT[0], "sub-01"]}, r"no recording sub-01; wanted one of the 24"),
    ],
)
def test_a_label_that_is_not_there_is_refused_with_those_that_are(cohort, given, words):
    with pytest.raises(NothingMatchesError, match=words) as e:
        plan_bids(cohort, make_filters(**given))
    assert e.value.code == ExitCode.NOTHING_MATCHES == 18


def test_a_filter_by_what_no_name_has_says_so(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest"))
    with pytest.raises(NothingMatchesError, match=r"no run 1; .* none of its names has run-"):
        plan_bids(root, make_filters(run=["1"]))


def test_labels_that_exclude_each_other_are_refused(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest", "sub-02_task-walk"))
    with pytest.raises(NothingMatchesError, match=r"participant 01, task walk.*sub-01_task-rest"):
        plan_bids(root, make_filters(participant=["01"], task=["walk"]))


def test_filters_leave_only_their_own_reasons(tmp_path):
    root = bids_set(tmp_path, *pair("sub-01_task-rest"), run_file("eeg", "sub-02_task-rest"))
    (root / "sub-03").mkdir()
    assert plan_bids(root, make_filters(participant=["01"])).left_out == ()
    assert list(reasons(plan_bids(root, make_filters(participant=["02"])))) == ["sub-02_task-rest"]
    assert reasons(plan_bids(root, make_filters(participant=["03"]))) == {
        "sub-03": "no EEG or fNIRS run in it"
    }


def test_many_labels_are_not_all_named(tmp_path):
    root = bids_set(tmp_path, *pair(*(f"sub-{i}_task-rest" for i in range(40))))
    with pytest.raises(NothingMatchesError, match=r": 0, 1, 2, .* 11 and 28 more;"):
        plan_bids(root, make_filters(participant=["x"]))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"eeg": {"task": "rest"}, "nirs": {"task": "rest"}}, 12),
        ({"eeg": {"run": [1, 2], "subject": "01"}, "nirs": {"subject": ["01"]}}, 8),
        ({"eeg": {"session": "ses-a"}, "nirs": {"ses": "a"}}, 12),
        ({"eeg": {"acquisition": None}}, 24),
        ({"eeg": {"run": "*"}}, 24),
        ({}, 24),
    ],
)
def test_a_filter_file_chooses_runs(cohort, tmp_path, content, expected):
    assert len(plan_bids(cohort, filter_file(tmp_path, content)).tasks) == expected


def test_a_partner_that_the_filter_file_leaves_out_is_told(tmp_path):
    root = bids_set(tmp_path / "set", *pair("sub-01_task-rest", "sub-02_task-rest"))
    plan = plan_bids(root, filter_file(tmp_path, {"nirs": {"subject": "01"}}))
    assert task_names(plan) == ["sub-01_task-rest"]
    assert reasons(plan) == {"sub-02_task-rest": "EEG whose fNIRS the filter file leaves out"}


def test_a_filter_file_that_leaves_nothing_is_refused(cohort, tmp_path):
    nothing = {"eeg": {"acq": "x"}, "nirs": {"session": None}}
    with pytest.raises(NothingMatchesError, match=r"the filter file.*one of the 24.*sub-01"):
        plan_bids(cohort, filter_file(tmp_path, nothing))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", r"which is no JSON"),
        ([], r"\[\] in .*an object"),
        ({"bold": {}}, r"'bold' in .*one of eeg, nirs"),
        ({"eeg": "rest"}, r"an object of JSON"),
        ({"eeg": {"suffix": "eeg"}}, r"'suffix' in .*one of subject, sub, session"),
        ({"eeg": {"run": 1.5}}, r"1.5 as run"),
        ({"eeg": {"run": True}}, r"true as run"),
        ({"eeg": {"run": []}}, r"\[\] as run"),
        ({"eeg": {"task": {"a": 1}}}, r"as task"),
    ],
)
def test_a_filter_file_that_is_none_is_refused(tmp_path, content, words):
    with pytest.raises(UsageError, match=words) as e:
        filter_file(tmp_path, content)
    assert e.value.code == ExitCode.USAGE == 64


def test_a_filter_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(NoInputError, match=r"none.json, which cannot be opened"):
        make_filters(file=tmp_path / "none.json")


def test_errors_come_back_from_other_processes_with_their_code():
    error = NotBidsError("this", "that", "do so")
    back = pickle.loads(pickle.dumps(error))
    assert isinstance(back, StudyError)
    assert (back.code, str(back)) == (16, str(error))
