"""What the commands take besides two files: one file or folder that holds both streams."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.io import streams


@pytest.fixture
def bids(tmp_path, recorded):
    """The simulated pair in a BIDS folder."""
    folder = tmp_path / "set" / "sub-07"
    for stream, suffix in (("eeg", ".edf"), ("nirs", ".snirf")):
        (folder / stream).mkdir(parents=True)
        target = folder / stream / f"sub-07_task-walk_{stream}{suffix}"
        target.write_bytes(recorded[stream].read_bytes())
    return tmp_path / "set"


def test_a_bids_folder_is_cleaned_and_named_after_its_entities(run, bids, tmp_path):
    out = tmp_path / "out"
    done = run("clean", bids, "--offset", "0", "--no-report", "--out", out)
    assert done.exit_code == 0, done.output
    names = {path.name.removeprefix("sub-07_task-walk_desc-clean_") for path in out.iterdir()}
    wanted = {"eeg.fif", "eeg.edf", "nirs.snirf", "recording.nc", "provenance.json"}
    assert {name for name in names if not name.endswith((".tsv", "s.json"))} == wanted
    assert "sub-07_task-walk_desc-motion_events.tsv" in names
    cleaned = nf.read(out / "sub-07_task-walk_desc-clean_recording.nc")
    assert streams(cleaned) == ("eeg", "nirs")


def test_a_bids_folder_with_too_much_is_refused_in_one_line(run, bids, tmp_path):
    (bids / "sub-08" / "nirs").mkdir(parents=True)
    (bids / "sub-08" / "eeg").mkdir()
    (bids / "sub-08" / "nirs" / "sub-08_task-walk_nirs.snirf").touch()
    (bids / "sub-08" / "eeg" / "sub-08_task-walk_eeg.edf").touch()
    done = run("clean", bids, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "2 sessions in" in done.stderr
    assert "sub-08_task-walk_eeg.edf" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_zarr_store_is_injected_with_movement(run, recorded, tmp_path):
    from neurofuse.io import write_zarr

    recording = nf.read(recorded["recording"])
    store = write_zarr(recording, tmp_path / "sub-09_recording.zarr")
    done = run("inject", store, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    moved = nf.read(tmp_path / "out" / "sub-09_motion_recording.nc")
    assert not np.array_equal(moved["eeg"].eeg, recording["eeg"].eeg)
