"""The Flower app of `examples/federated`: over TLS on this machine, where there is a Flower.

NEUROFUSE_FLOWER names the Python of an environment with neurofuse and examples/federated's
requirements.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from neurofuse.models.federated.plan import read_federation
from neurofuse.models.federated.record import ROUNDS
from neurofuse.models.training.config import read_config
from neurofuse.models.weights import load_model

EXAMPLE = Path(__file__).parents[1] / "examples/federated"


def test_the_configurations_of_the_example_are_right():
    plan = read_federation(EXAMPLE / "federation.json")
    assert plan.training.steps == plan.rounds * plan.local_steps
    assert not read_config(EXAMPLE / "centre.json").real


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_certificates_are_those_of_the_authority(tmp_path):
    made = subprocess.run([EXAMPLE / "certificates.sh", tmp_path, "10.0.0.5"], capture_output=True)
    assert made.returncode == 0, made.stderr
    verify = ["openssl", "verify", "-CAfile", "ca.pem", "-verify_ip", "10.0.0.5", "server.pem"]
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode == 0
    assert oct((tmp_path / "server.key").stat().st_mode)[-3:] == "600"
    verify[verify.index("10.0.0.5")] = "10.0.0.6"
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode != 0


@pytest.mark.slow
@pytest.mark.timeout(1100)
def test_two_centres_train_through_flower_over_tls(tmp_path):
    python = os.environ.get("NEUROFUSE_FLOWER")
    if not python:
        pytest.skip("no Flower: NEUROFUSE_FLOWER names the Python of its environment")
    command = [python, str(EXAMPLE / "loopback.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1000)
    assert "training with anna, ben" in done.stdout, done.stdout + done.stderr
    rows = [json.loads(row) for row in (tmp_path / "server" / ROUNDS).read_text().splitlines()]
    assert [row["centres"] for row in rows] == [["anna", "ben"]] * 2
    facts = json.loads((tmp_path / "server/ours.json").read_text())
    assert facts["training_data"]["eeg"] == ["1 people of anna", "1 people of ben"]
    assert load_model(tmp_path / "server/ours.safetensors").architecture.width == 8
