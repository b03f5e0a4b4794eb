"""A table of pairs as a plan: whatever editor wrote it, and every mistake with its line."""

import logging

import pytest

from neurofuse.cli.study.errors import NoInputError, NothingMatchesError, UsageError
from neurofuse.cli.study.exit_codes import ExitCode
from neurofuse.cli.study.filters import make_filters
from neurofuse.cli.study.pairs import plan_pairs
from tests.trees import grow

HEAD = "eeg nirs offset participant"


@pytest.fixture
def table(tmp_path):
    """A function that writes a table, blanks for tabs, beside files a.edf … d.snirf."""
    grow(tmp_path, *(f"{name}.{end}" for name in "abcd" for end in ("edf", "snirf")))

    def write(*lines, end="\n", encoding="utf-8"):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(end.join(line.replace(" ", "\t") for line in lines).encode(encoding))
        return path

    return write


def test_a_line_is_a_task(table, tmp_path):
    plan = plan_pairs(table(HEAD, "a.edf a.snirf 0.25 01", f"{tmp_path}/b.edf b.snirf -3 1"))
    assert [task.name for task in plan.tasks] == ["sub-01_task-unnamed", "sub-1_task-unnamed"]
    assert [task.offset for task in plan.tasks] == [0.25, -3.0]
    assert plan.tasks[1].inputs == {"eeg": tmp_path / "b.edf", "nirs": tmp_path / "b.snirf"}
    assert not plan.tasks[0].bids
    assert not plan.filtered


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_it_may_come_from_any_editor(table, encoding, end):
    lines = [
        f"{HEAD} site",
        "",
        "a.edf a.snirf 0 sub-01 Köln",
        "   ",
        "b.edf b.snirf n/a 02   ",
        "",
    ]
    plan = plan_pairs(table(*lines, encoding=encoding, end=end))
    found = [(task.entities["sub"], task.offset, task.site) for task in plan.tasks]
    assert found == [("01", 0.0, "Köln"), ("02", None, "")]


def test_columns_may_stand_in_any_order_and_case(table):
    head = "Participant NIRS Task EEG Session Run Site Device"
    (task,) = plan_pairs(table(head, "07 a.snirf rest a.edf ses-x 03 Ulm Cap8")).tasks
    assert task.name == "sub-07_ses-x_task-rest_run-03"
    assert (task.site, task.device, task.offset) == ("Ulm", "Cap8", None)


@pytest.mark.parametrize(
    ("line", "kind"), [("a.edf n/a", "eeg"), ("n/a a.snirf", "nirs"), (" a.snirf", "nirs")]
)
def test_one_modality_may_be_empty(table, line, kind):
    (task,) = plan_pairs(table(HEAD, f"{line} 0.5 01")).tasks
    assert list(task.inputs) == [kind]
    assert task.offset is None


def test_lines_of_one_participant_get_numbers_in_their_order(table):
    lines = ["a.edf a.snirf n/a 01", "b.edf b.snirf n/a 02", "c.edf c.snirf n/a 01"]
    plan = plan_pairs(table(HEAD, *lines))
    found = {task.name: task.inputs["eeg"].name for task in plan.tasks}
    assert found == {
        "sub-01_task-unnamed_run-1": "a.edf",
        "sub-01_task-unnamed_run-2": "c.edf",
        "sub-02_task-unnamed": "b.edf",
    }


def test_numbers_that_are_given_are_not_given_again(table):
    lines = ["a.edf a.snirf 01 n/a", "b.edf b.snirf 01 01", "c.edf c.snirf 01 n/a"]
    plan = plan_pairs(table("eeg nirs participant run", *lines))
    found = {task.entities["run"]: task.inputs["eeg"].name for task in plan.tasks}
    assert found == {"01": "b.edf", "2": "a.edf", "3": "c.edf"}


def test_numbers_do_not_depend_on_filters(table):
    lines = ["a.edf a.snirf n/a 01", "c.edf c.snirf n/a 01", "b.edf b.snirf n/a 02"]
    plan = plan_pairs(table(HEAD, *lines), make_filters(participant=["01"], run=["2"]))
    assert [task.inputs["eeg"].name for task in plan.tasks] == ["c.edf"]
    assert plan.filtered
    with pytest.raises(NothingMatchesError, match=r"no participant 1; .*: 01, 02"):
        plan_pairs(table(HEAD, *lines), make_filters(participant=["1"]))


def test_a_file_that_is_not_there_costs_its_line_only(table):
    plan = plan_pairs(table(HEAD, "a.edf a.snirf n/a 01", "gone.edf b.snirf n/a 02"))
    assert [path.exists() for task in plan.tasks for path in task.inputs.values()] == [
        True, True, False, True,
    ]  # fmt: skip


def test_paths_of_windows_are_understood(table, tmp_path):
    grow(tmp_path, "raw/x.edf")
    (task,) = plan_pairs(table(HEAD, "raw\\x.edf a.snirf 0 01")).tasks
    assert task.inputs["eeg"] == tmp_path / "raw" / "x.edf"


def test_files_of_a_format_of_several_come_along(table, tmp_path):
    grow(tmp_path, "x.eeg", "x.vmrk")
    (tmp_path / "x.vhdr").write_text("DataFile=x.eeg\nMarkerFile=x.vmrk\n")
    (task,) = plan_pairs(table(HEAD, "x.vhdr a.snirf 0 01")).tasks
    assert [path.name for path in task.sidecars] == ["x.eeg", "x.vmrk"]


def test_further_columns_are_named_in_a_warning(table, caplog):
    with caplog.at_level(logging.WARNING, "neurofuse"):
        plan = plan_pairs(table("eeg nirs ofset participant age", "a.edf a.snirf 3 01 25"))
    assert plan.tasks[0].offset is None
    assert "columns ofset, age are not looked at" in caplog.text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["eeg nirs offset"], r"no column participant in .*wanted columns eeg, nirs, participant"),
        (["eeg,nirs,offset,participant"], r"no column eeg and no column nirs .*with tabs between"),
        ([], r"no column eeg"),
        (["eeg nirs eeg participant"], r"two columns eeg"),
        ([HEAD, "", "a.edf a.snirf soon 01"], r"offset 'soon' in line 3 .*align by events"),
        ([HEAD, "a.edf a.snirf 0,5 01"], r"offset '0,5' in line 2 .*a point for decimals"),
        ([HEAD, "a.edf a.snirf nan 01"], r"offset 'nan' in line 2"),
        ([HEAD, "a.edf a.snirf inf 01"], r"offset 'inf' in line 2"),
        ([HEAD, "a.edf a.snirf 0 n/a"], r"no participant in line 2"),
        ([HEAD, "a.edf a.snirf 0 P-1"], r"participant 'P-1' in line 2 .*letters and digits only"),
        ([HEAD, "a.edf a.snirf 0 Zoë"], r"participant 'Zoë' in line 2"),
        (["eeg nirs participant run", "a.edf a.snirf 01 a"], r"run 'a' in line 2 .*digits only"),
        ([HEAD, "n/a n/a 0 01"], r"neither eeg nor nirs in line 2"),
        ([HEAD, "a.edf a.snirf 0 01 x"], r"5 cells in line 2 .*wanted 4"),
        ([HEAD, "a.edf a.snirf 0 01", "./a.edf a.snirf 0 02"], r"the same files in lines 2 and 3"),
        (
            ["eeg nirs participant run", "a.edf a.snirf 01 1", "b.edf b.snirf 01 1"],
            r"the same recording in lines 2 and 3 .*different runs",
        ),
    ],
)
def test_a_mistake_is_one_error_with_its_line(table, lines, words):
    with pytest.raises(UsageError, match=words) as e:
        plan_pairs(table(*lines))
    assert e.value.code == ExitCode.USAGE


def test_a_table_without_anything_to_read_says_so(table, tmp_path):
    with pytest.raises(NoInputError, match=r"none.tsv, which cannot be opened"):
        plan_pairs(tmp_path / "none.tsv")
    with pytest.raises(NoInputError, match=r"no line below the head"):
        plan_pairs(table(HEAD, "", "  "))
    with pytest.raises(
        NoInputError, match=r"none of the 2 files of .*x.edf; .*give absolute paths"
    ):
        plan_pairs(table(HEAD, "raw/x.edf y.snirf 0 01"))


def test_a_filter_file_is_for_bids(table, tmp_path):
    (tmp_path / "filter.json").write_text('{"eeg": {"run": 1}}')
    with pytest.raises(UsageError, match=r"a filter file for what is no BIDS"):
        plan_pairs(table(HEAD, "a.edf a.snirf 0 01"), make_filters(file=tmp_path / "filter.json"))
