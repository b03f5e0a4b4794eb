import json

from neurofuse.cli import info


def test_json_tells_versions_and_every_packaged_model(run):
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
