import numpy as np
import pytest

import neurofuse as nf
from neurofuse.cli import options
from neurofuse.cli.simulate import inject_files, simulate_files
from neurofuse.io import streams, write_eeg
from neurofuse.synth import SHARE


def test_files_hold_the_recording_with_movement(simulated):
    whole = nf.read(simulated["recording"])
    pair = nf.read(simulated["eeg"], simulated["nirs"], offset=0)
    step = float(np.ptp(whole["eeg"].eeg.values) / 2**15)
    np.testing.assert_allclose(pair["eeg"].eeg, whole["eeg"].eeg, atol=step)
    np.testing.assert_allclose(pair["nirs"].intensity, whole["nirs"].intensity, rtol=1e-9)
    assert pair["eeg"].channel.values.tolist() == whole["eeg"].channel.values.tolist()


def test_truth_lacks_the_movement_and_tells_where_it_was(simulated):
    whole, truth = nf.read(simulated["recording"]), nf.read(simulated["truth"])
    np.testing.assert_array_equal(truth["eeg"].motion, whole["eeg"].motion)
    assert bool(whole["eeg"].motion.any())
    same = (truth["eeg"].eeg == whole["eeg"].eeg).transpose("channel", "time").values
    assert same[~whole["eeg"].motion.transpose("channel", "time").values].all()
    assert not same.all()


def test_a_longer_pair_aligns_by_itself(run, tmp_path):
    done = run("simulate", "--duration", 120, "--severity", 0.5, "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    clock = nf.read(tmp_path / "simulated_eeg.edf", tmp_path / "simulated_nirs.snirf")["clock"]
    assert float(clock.offset.sel(stream="nirs")) == pytest.approx(0, abs=0.01)


def test_seeds(simulated, tmp_path):
    same = simulate_files(tmp_path / "same", duration=30, seed=7)
    other = simulate_files(tmp_path / "other", duration=30, seed=2)
    first = nf.read(simulated["recording"])
    np.testing.assert_array_equal(nf.read(same["recording"])["eeg"].eeg, first["eeg"].eeg)
    assert not np.array_equal(nf.read(other["recording"])["eeg"].eeg, first["eeg"].eeg)


def test_choices_are_those_of_synth():
    assert [share.value for share in options.Share] == list(SHARE)


def test_too_short_a_simulation_is_refused(run, tmp_path):
    done = run("simulate", "--duration", 1, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "found duration=1.0; wanted at least 10" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".edf", ".vhdr"])
def test_injection_keeps_the_input_as_truth(simulated, run, tmp_path, suffix):
    clean = nf.read(simulated["truth"])
    eeg = write_eeg(clean, tmp_path / f"rest_eeg{suffix}")
    out = tmp_path / "out"
    done = run("inject", eeg, simulated["nirs"], "--offset", 0, "--seed", 5, "--out", out)
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in out.iterdir()}
    expected = {f"rest_motion_eeg{suffix}", "rest_motion_nirs.snirf", "rest_motion_recording.nc",
                "rest_motion_truth.nc"}  # fmt: skip
    assert names - expected == (
        {"rest_motion_eeg.eeg", "rest_motion_eeg.vmrk"} if suffix == ".vhdr" else set()
    )
    before, truth = nf.read(eeg), nf.read(out / "rest_motion_truth.nc")
    np.testing.assert_array_equal(truth["eeg"].eeg, before["eeg"].eeg)
    moved = nf.read(out / f"rest_motion_eeg{suffix}")["eeg"].eeg
    exact = nf.read(out / "rest_motion_recording.nc")["eeg"].eeg
    assert np.abs(moved.values - exact.values).max() < 1e-6
    assert np.abs(exact.values - before["eeg"].eeg.values).max() > 1e-5


def test_injection_into_one_stream(simulated, tmp_path):
    files = inject_files([simulated["nirs"]], tmp_path, seed=3)
    assert set(files) == {"nirs", "recording", "truth"}
    assert streams(nf.read(files["recording"])) == ("nirs",)
    assert files["nirs"].name == "simulated_motion_nirs.snirf"
