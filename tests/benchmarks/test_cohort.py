"""Simulated studies are valid BIDS, and broken where they say so."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import neurofuse as nf
from benchmarks.cohort.simulated import make_study
from neurofuse.io.errors import NeurofuseError

VALIDATOR = shutil.which("bids-validator-deno", path=Path(sys.executable).parent) or ""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study"), 5, broken=3, unpaired=1)


def test_whole_sessions_can_be_read_and_others_cannot(study):
    assert len(study.names) == 5
    assert len(study.broken) == 3
    assert not set(study.broken) & set(study.unpaired)
    for name in study.names:
        where = study.root / name.split("_")[0]
        if name in study.broken:
            with pytest.raises(NeurofuseError):
                nf.read(where)
        else:
            streams = {"eeg"} if name in study.unpaired else {"eeg", "nirs"}
            assert set(nf.io.streams(nf.read(where))) == streams


def test_recordings_differ_and_studies_do_not(study, tmp_path):
    again = make_study(tmp_path, 5, broken=3, unpaired=1)
    files = [p for p in study.root.rglob("*") if p.is_file()]
    for file in files:
        assert file.read_bytes() == (again.root / file.relative_to(study.root)).read_bytes()
    samples = [p.read_bytes() for p in study.root.rglob("*.eeg")]
    assert len(set(samples)) == 5


@pytest.mark.slow
@pytest.mark.skipif(not VALIDATOR, reason="bids-validator-deno is not installed")
def test_a_study_is_valid_bids(tmp_path):
    make_study(tmp_path, 3, unpaired=1)
    command = [VALIDATOR, str(tmp_path), "--format", "json"]
    said = subprocess.run(command, capture_output=True, text=True)
    issues = json.loads(said.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
