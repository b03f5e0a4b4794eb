"""`neurofuse federate`: what it refuses before anything is sent."""

import json

import pytest

PLAN = {"training": {"name": "ours", "real": False, "simulated": 1}, "patience": 0.1}


@pytest.mark.parametrize("command", ["server", "centre"])
def test_each_command_explains_itself_with_an_example(run, command):
    shown = " ".join(run("federate", command, "--help").stdout.split())
    assert f"Example: neurofuse federate {command}" in shown


def test_a_wrong_configuration_is_refused_before_a_folder_is_made(run, tmp_path):
    config = tmp_path / "federation.json"
    config.write_text(json.dumps(PLAN | {"noise": 1.0}))
    done = run("federate", "server", "--config", str(config), "--out", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "need `clip`" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("server", ["nowhere", "host:port", ":8600", "host:99999"])
def test_an_address_that_is_none_is_refused(run, tmp_path, server):
    config = tmp_path / "anna.json"
    config.write_text("{}")
    own = ("--name", "anna", "--config", str(config), "--out", str(tmp_path / "out"))
    done = run("federate", "centre", *own, "--server", server)
    assert done.exit_code == 2
    assert "HOST:PORT" in done.stderr


def test_a_server_without_centres_says_how_many_it_waits_for(run, tmp_path, monkeypatch):
    monkeypatch.setattr("neurofuse.models.federated.server._learner", lambda plan, folder: None)
    config = tmp_path / "federation.json"
    config.write_text(json.dumps(PLAN))
    own = ("--config", str(config), "--out", str(tmp_path / "out"), "--centres", "3")
    done = run("federate", "server", *own)
    assert done.exit_code == 2
    assert "listening on 127.0.0.1:" in done.stdout
    assert "found 0 centres after 0.1 s (none); wanted 3" in done.stderr
