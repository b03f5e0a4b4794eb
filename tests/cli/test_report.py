import re

import pytest

from neurofuse.cli import options
from neurofuse.cli.clean import clean_files
from neurofuse.cli.compare import compare_files


@pytest.fixture(scope="module")
def comparison(recorded, tmp_path_factory):
    _, files = compare_files(
        [recorded["recording"]], tmp_path_factory.mktemp("table"), truth=recorded["truth"],
        methods=["uncorrected", "tddr"],
    )  # fmt: skip
    return files["table"]


@pytest.mark.slow
def test_a_page_with_truth_and_comparison(run, recorded, comparison, tmp_path):
    page = tmp_path / "new" / "page.html"
    done = run(
        "report", recorded["recording"], recorded["truth"], "--truth", recorded["truth"],
        "--comparison", comparison, "--out", page,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    text = page.read_text()
    assert "tddr" in text
    assert not re.search(r"(src|href)=[\"']https?:", text)
    assert [p.name for p in page.parent.iterdir()] == ["page.html"]


def test_another_file_as_comparison_is_refused(run, recorded, comparison, tmp_path):
    broken = tmp_path / "cut.nc"
    broken.write_bytes(comparison.read_bytes()[:100])
    for given in (recorded["truth"], recorded["eeg"], broken, tmp_path / "none.nc"):
        done = run(
            "report", recorded["recording"], recorded["truth"], "--comparison", given,
            "--out", tmp_path / "page.html",
        )  # fmt: skip
        assert done.exit_code == 2, done.stderr
        assert str(given) in done.stderr
        assert not (tmp_path / "page.html").exists()


def test_an_existing_page_stays(run, recorded, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("mine")
    done = run("report", recorded["recording"], recorded["truth"], "--out", page)
    assert done.exit_code == 2
    assert "page.html" in done.stderr
    assert page.read_text() == "mine"


def test_another_recording_is_refused(run, recorded, tmp_path):
    done = run("report", recorded["eeg"], recorded["nirs"], "--out", tmp_path / "page.html")
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_each_stream_contributed_on_request(run, recorded, tmp_path):
    page = tmp_path / "page.html"
    done = run(
        "report",
        recorded["recording"],
        recorded["truth"],
        "--contribution",
        "--out",
        page,
    )
    assert done.exit_code == 0, done.stderr
    assert "What each modality contributed" in page.read_text()


@pytest.mark.slow
def test_what_was_cleaned_is_found_again(run, recorded, tmp_path):
    files = clean_files([recorded["eeg"], recorded["nirs"]], tmp_path / "out", report=False)
    page = tmp_path / "page.html"
    done = run("report", files["recording"], "--out", page)
    assert done.exit_code == 0, done.stderr
    assert "What each modality" not in page.read_text()
    for given in ([recorded["recording"]], [recorded["eeg"]] * 3):
        done = run("report", *given, "--out", tmp_path / "none.html")
        assert done.exit_code == 2
        assert "wanted" in done.stderr
    assert not (tmp_path / "none.html").exists()


def test_regions_are_named_or_refused(run, recorded, tmp_path):
    assert options.shown("C3, S1-D1", ["left motor = C3,CP3"]) == {
        "channels": ["C3", "S1-D1"],
        "regions": {"left motor": ["C3", "CP3"]},
    }
    for given in ("C3,CP3", "left=", "left=C3,nowhere"):
        done = run(
            "report", recorded["recording"], recorded["truth"], "--out", tmp_path / "page.html",
            "--region", given,
        )  # fmt: skip
        assert done.exit_code == 2, done.stderr
        assert (
            "nowhere" in done.stderr if "nowhere" in given else f"--region {given}" in done.stderr
        )
    assert list(tmp_path.iterdir()) == []
