"""`neurofuse train` on own recordings: no configuration, errors before and after."""

import json

import pytest

from neurofuse.io import without_stream, write
from neurofuse.models.training.train import train
from neurofuse.models.weights import digest, load_facts

NARROW = {"name": "narrow", "steps": 0, "simulated": 1, "real": False, "validation_batches": 1}
EEG_ONLY = {"architecture": {"streams": ["eeg"], "width": 8}}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Weights of a small model that was not trained."""
    return train(NARROW | EEG_ONLY, tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def own(tmp_path_factory, at_rest):
    """80 s of two electrodes of two people."""
    folder = tmp_path_factory.mktemp("own")
    eeg = without_stream(at_rest, "nirs")
    for name, first in (("sub-01", 0), ("sub-02", 4)):
        few = eeg["eeg"].to_dataset().isel(channel=slice(first, first + 2))
        lean = eeg.copy()
        lean["eeg"] = few
        write(lean, folder / name, stem=f"{name}_rest")
    return folder


@pytest.mark.slow
def test_weights_are_trained_further_and_the_errors_are_told(run, start, own, tmp_path):
    done = run("train", "--from", start, "--own", own, "--out", tmp_path, "--steps", 1)
    assert done.exit_code == 0, done.stderr
    assert "to train on: sub-01 (1 of your participants)" in done.stdout
    assert "to judge by: sub-02 (1 of your participants)" in done.stdout
    weights = tmp_path / "narrow-own.safetensors"
    assert load_facts(weights)["sha256"] == digest(weights)
    begun = json.loads((tmp_path / "plan.json").read_text())
    assert not begun["plan"]["real"]
    assert begun["plan"]["simulated"] == 0
    before, after = done.stdout.splitlines()[-1].split()[-2:]
    assert float(before) == pytest.approx(begun["start_scores"]["eeg_db"], abs=0.01)
    gained = "trained:" in done.stdout
    assert gained == (float(after) < float(before))
    assert (digest(weights) == digest(start)) != gained


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "neither --config nor --from and --own"),
        (["--own", "."], "found --own"),
        (["--from", "eeg"], "found --from"),
        (["--from", "eeg", "--own", ".", "--config", "x.json"], "--config and --from and --own"),
        (["--config", "x.json", "--steps", "3"], "own recordings only"),
        (["--from", "ours", "--own", "."], "one of eeg, joint-live, joint"),
        (["--from", "eeg", "--own", "nowhere"], "nowhere, which is not there"),
    ],
)
def test_what_cannot_be_trained(run, tmp_path, options, message):
    done = run("train", *options, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_one_participant_and_files_without_fnirs(run, own, tmp_path):
    one = tmp_path / "one.csv"
    file = next(own.rglob("sub-01*.nc"))
    one.write_text(f"participant,file\nanna,{file}\n")
    done = run("train", "--from", "eeg", "--own", one, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "one participant, anna" in done.stderr
    done = run("train", "--from", "joint", "--own", own, "--out", tmp_path / "out")
    assert "no fNIRS of sub-01 (train)" in done.stderr
    one.write_text(f"participant,file\nanna,{file}\nben,{file}\n")
    done = run("train", "--from", "eeg", "--own", one, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "in training and in validation" in done.stderr
    assert not (tmp_path / "out").exists()
