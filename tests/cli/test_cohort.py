"""`neurofuse cohort`: finds what was cleaned and what it was before, and says what is missing."""

import json
import shutil
from pathlib import Path

import pytest

from neurofuse.cli import cohort
from neurofuse.cli.clean import clean_files
from neurofuse.cli.simulate import simulate_files
from neurofuse.fusion.report import CohortRow


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """raw/ with three recordings, cleaned/ with a folder for each; one was aligned by hand."""
    root = tmp_path_factory.mktemp("study")
    (root / "raw").mkdir()
    for number in range(3):
        made = simulate_files(root / "made", duration=20.0, seed=number, overwrite=True)
        paths = [
            made[kind].rename(root / "raw" / f"sub-{number}_{made[kind].name.split('_')[1]}")
            for kind in (("eeg", "nirs") if number else ("eeg",))
        ]
        offset = 0.5 if number == 2 else None
        out = root / "cleaned" / f"sub-{number}"
        clean_files(paths, out, offset=offset, report=number == 1)
    return root


@pytest.fixture
def copy(study, tmp_path):
    shutil.copytree(study, tmp_path / "study")
    return tmp_path / "study"


def test_one_row_per_recording_with_links_to_reports(run, study, tmp_path):
    page = tmp_path / "index.html"
    done = run("cohort", study / "cleaned", "--out", page, "--title", "A & B", "--json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["name"].split("_")[0] for row in rows] == ["sub-0", "sub-1", "sub-2"]
    assert [list(row["streams"]) for row in rows] == [["eeg"], ["eeg", "nirs"], ["eeg", "nirs"]]
    assert not any(row["failure"] for row in rows)
    assert 0 < rows[1]["streams"]["eeg"]["unchanged"] <= 1
    text = page.read_text("utf-8")
    assert "A &amp; B" in text
    assert text.count("<tr") == 4
    assert text.count("<a href=") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.slow
def test_a_moved_study_is_found_and_what_is_lost_is_a_gap(run, copy):
    (copy / "raw" / "sub-0_eeg.edf").unlink()
    page = copy / "index.html"
    done = run("cohort", copy / "cleaned", "--out", page, "--json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert "no sub-0_eeg.edf" in rows[0]["failure"]
    assert rows[0]["streams"] == {}
    assert not any(row["failure"] for row in rows[1:])
    assert done.stderr.count("warning:") == 1
    assert "1 of 3 could not be measured" in page.read_text("utf-8")


@pytest.mark.slow
def test_recordings_that_lie_elsewhere(run, copy, tmp_path):
    elsewhere = tmp_path / "archive"
    shutil.move(copy / "raw", elsewhere / "deep" / "raw")
    cleaned = copy / "cleaned"
    page = tmp_path / "index.html"
    refused = run("cohort", cleaned, "--out", page)
    assert refused.exit_code == 2
    assert "--before" in refused.stderr
    assert not page.exists()
    done = run("cohort", cleaned, "--out", page, "--before", elsewhere)
    assert done.exit_code == 0, done.stderr
    assert "warning" not in done.stderr


def test_another_file_of_the_same_name_is_not_taken(run, copy, tmp_path):
    first, second = copy / "raw" / "sub-1_eeg.edf", copy / "raw" / "sub-2_eeg.edf"
    right = tmp_path / "other" / first.name
    right.parent.mkdir()
    first.rename(right)
    shutil.copy(second, first)
    one = copy / "cleaned" / "sub-1"
    done = run("cohort", one, "--out", tmp_path / "a.html")
    assert done.exit_code == 2
    assert "has changed since it was cleaned" in done.stderr
    both = tmp_path / "both"
    shutil.move(copy / "raw", both / "raw")
    shutil.move(right.parent, both / "zzz")
    done = run("cohort", one, "--out", tmp_path / "a.html", "--before", both)
    assert done.exit_code == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["provenance", "recording"])
def test_damaged_outputs_are_gaps(run, copy, tmp_path, damage):
    (victim,) = (copy / "cleaned" / "sub-2").glob(f"*_{damage}.*")
    victim.write_bytes(victim.read_bytes()[:50])
    done = run("cohort", copy / "cleaned", "--out", tmp_path / "a.html", "--json")
    assert done.exit_code == 0, done.stderr
    failures = [row["failure"] for row in json.loads(done.stdout)]
    assert failures[:2] == [None, None]
    assert victim.name in failures[2]


def test_same_names_are_distinguished_and_counted_once(run, study, tmp_path):
    for folder in ("a", "b"):
        shutil.copytree(study / "cleaned" / "sub-1", tmp_path / folder)
    a = tmp_path / "a"
    done = run(
        "cohort", a, a, tmp_path / "b", "--out", tmp_path / "x.html", "--json",
        "--before", study / "raw",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    names = [row["name"] for row in json.loads(done.stdout)]
    assert [name.split("/")[-2:] for name in names] == [["a", "sub-1"], ["b", "sub-1"]]


def test_mistakes_are_reported(run, study, tmp_path):
    page = tmp_path / "a.html"
    for given in (study / "raw", tmp_path / "none"):
        done = run("cohort", given, "--out", page)
        assert done.exit_code == 2
        assert "neurofuse clean" in done.stderr
    done = run("cohort", study / "cleaned", "--out", page, "--before", tmp_path / "none")
    assert done.exit_code == 2
    page.write_text("mine")
    done = run("cohort", study / "cleaned", "--out", page)
    assert done.exit_code == 2
    assert page.read_text() == "mine"


def test_names_that_occur_twice_are_distinguished_by_their_folders():
    files = [Path(f"/home/me/study/{p}_desc-clean_recording.nc") for p in ("a/x", "b/c/x", "a/y")]
    assert list(cohort.names_of(files)) == ["a/x", "b/c/x", "y"]


def test_json_takes_a_dummy_date_for_none():
    row = CohortRow("a", measured_at="1985-01-01T00:00:00+00:00", failure="gone")
    assert cohort.facts(row)["measured_at"] is None
