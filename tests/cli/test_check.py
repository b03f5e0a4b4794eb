"""`neurofuse check`: the self-test from the command line."""

import json

import pytest

from neurofuse.cli.simulate import simulate_files


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    made = simulate_files(
        tmp_path_factory.mktemp("check"), duration=60.0, seed=4, bouts_per_minute=4
    )
    return [made["eeg"], made["nirs"]]


def test_words_table_and_json(run, pair):
    shown = run("check", *pair, "--offset", 0, "--methods", "joint,tddr")
    assert shown.exit_code == 0
    assert "Recommended: " in shown.stdout
    assert "joint leaves" in shown.stdout
    assert "error in motion [dB]" in shown.stdout
    facts = json.loads(
        run("check", *pair, "--offset", 0, "--methods", "joint,tddr", "--json").stdout
    )
    rows = {(row["method"], row["modality"]): row for row in facts["rows"]}
    assert f"joint leaves {rows['joint', 'eeg']['error_db']:+.1f} dB" in shown.stdout


def test_a_short_recording_and_bad_usage(run, tmp_path):
    short = simulate_files(tmp_path, duration=12.0, seed=1)
    shown = run("check", short["eeg"])
    assert shown.exit_code == 0
    assert "too short to test" in shown.stdout
    refused = run("check", short["eeg"], "--methods", "jiont")
    assert refused.exit_code == 2
    assert "jiont" in refused.stderr


def test_methods_that_treat_nothing_of_it_are_refused(run, pair):
    refused = run("check", pair[1], "--methods", "asr")
    assert refused.exit_code == 2
    assert "fNIRS only, which asr cannot treat" in refused.stderr


def test_the_report_of_clean_holds_it(run, tmp_path):
    made = simulate_files(tmp_path / "in", duration=12.0, seed=1)
    done = run("clean", made["eeg"], "--out", tmp_path / "out", "--self-test")
    assert done.exit_code == 0
    [page] = (tmp_path / "out").glob("*_report.html")
    assert "too short to test" in page.read_text("utf-8")
