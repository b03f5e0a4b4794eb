import json

import neurofuse as nf
from neurofuse.cli import info


def test_json_lists_versions_and_every_packaged_model(run):
    shown = json.loads(run("info", "--json").stdout)
    assert shown["versions"]["neurofuse"] == info.version("neurofuse")
    assert {"joint", "eeg", "nirs"} <= set(shown["models"])


def test_table_names_the_packages_and_models(run):
    shown = run("info").stdout
    for name in [*info.PACKAGES, "model joint"]:
        assert name in shown


def test_the_data_folder_is_the_environments(run, monkeypatch):
    monkeypatch.setenv("NEUROFUSE_DATA", "/somewhere/data")
    assert json.loads(run("info", "--json").stdout)["data"] == "/somewhere/data"
    monkeypatch.delenv("NEUROFUSE_DATA")
    assert "NEUROFUSE_DATA is not set" in run("info").stdout


def test_a_summary_of_a_recording(run, tmp_path, at_rest):
    files = nf.write(at_rest, tmp_path)
    shown = run("info", files["eeg"], files["nirs"], "--offset", 0).stdout
    assert "19" in shown
    assert "10 Hz" in shown
    printed = json.loads(run("info", files["recording"], "--json").stdout)
    assert printed["streams"]["eeg"]["rate_hz"] == 250.0
    assert printed["streams"]["nirs"]["wavelengths_nm"] == [760.0, 850.0]
    assert printed["streams"]["nirs"]["duration_s"] == 80.0
    assert run("info", tmp_path / "none.edf").exit_code == 2
