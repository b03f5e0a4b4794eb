import re
from pathlib import Path

import pytest

import neurofuse as nf
from neurofuse.cli import clean, compare, demo, report, simulate


@pytest.mark.slow
def test_the_demo_does_all_steps_on_files(run, tmp_path, monkeypatch):
    quick = ("joint", "eeg", "nirs", "tddr", "uncorrected")
    monkeypatch.setattr(demo, "METHODS", quick)
    done = run("demo", "--duration", 90, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"simulated_eeg.edf", "simulated_nirs.snirf", "simulated_desc-clean_eeg.edf",
            "simulated_desc-clean_nirs.snirf", "simulated_comparison.csv"} <= made  # fmt: skip
    assert not any(name.startswith(".") for name in made)
    for word in ("joint", "tddr", "EEG", "fNIRS"):
        assert word in done.stdout
    assert "did not run" not in done.stdout
    shown = re.search(r"report +(.+\.html)$", done.stdout, re.MULTILINE)
    assert shown is not None
    page = Path(shown[1]).read_text()
    unchanged = re.search(r"([\d.]+) % of the samples are bit-identical", page)
    assert unchanged is not None
    assert float(unchanged[1]) > 50  # what was cleaned is what is shown as "before"
    again = run("demo", "--duration", 90, "--out", tmp_path / "out")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_the_demo_goes_through_the_functions_of_the_commands():
    assert demo.simulate_files is simulate.simulate_files
    assert demo.clean_files is clean.clean_files
    assert demo.compare_files is compare.compare_files
    assert demo.report_files is report.report_files


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_both_streams_move_in_the_demos_recording(stream):
    _, contaminated = nf.simulate(duration=120, seed=demo.SEED)
    assert 0.02 < float(contaminated[stream].motion.mean()) < 0.2
