import numpy as np
import pytest

import neurofuse as nf
from neurofuse.cli import options
from neurofuse.cli.simulate import inject_files, simulate_files
from neurofuse.io import streams, write_eeg
from neurofuse.synth import SHARE, TYPES

BRISK = ("--bouts-per-minute", 8)


def test_files_hold_the_recording_with_movement(recorded):
    whole = nf.read(recorded["recording"])
    pair = nf.read(recorded["eeg"], recorded["nirs"], offset=0)
    step = float(np.ptp(whole["eeg"].eeg.values) / 2**15)
    np.testing.assert_allclose(pair["eeg"].eeg, whole["eeg"].eeg, atol=step)
    np.testing.assert_allclose(pair["nirs"].intensity, whole["nirs"].intensity, rtol=1e-9)
    assert pair["eeg"].channel.values.tolist() == whole["eeg"].channel.values.tolist()


def test_truth_lacks_the_movement_and_marks_where_it_was(recorded):
    whole, truth = nf.read(recorded["recording"]), nf.read(recorded["truth"])
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


@pytest.mark.slow
def test_seeds(recorded, tmp_path):
    same = simulate_files(tmp_path / "same", duration=30, seed=7, bouts_per_minute=8.0)
    other = simulate_files(tmp_path / "other", duration=30, seed=2)
    first = nf.read(recorded["recording"])
    np.testing.assert_array_equal(nf.read(same["recording"])["eeg"].eeg, first["eeg"].eeg)
    assert not np.array_equal(nf.read(other["recording"])["eeg"].eeg, first["eeg"].eeg)


def test_choices_are_those_of_synth():
    assert [share.value for share in options.Share] == list(SHARE)


def test_montages_kinds_and_sensors(run, tmp_path):
    sizes = ("--duration", 30, "--eeg-montage", "biosemi32", "--nirs-montage", "prefrontal+short")
    motion = ("--types", "nod, jaw", *BRISK, "--lag", 0.1, "--sensors", "--seed", 3)
    body = ("--rest", "--blinks", "--pulse-artifact", "--line", 50, "--wavelengths", "690,830")
    done = run("simulate", *sizes, *motion, *body, "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    recording = nf.read(tmp_path / "simulated_recording.nc")
    assert recording["eeg"].sizes["channel"] == 32
    assert recording["nirs"].wavelength.values.tolist() == [690, 830]
    assert bool(recording["nirs"].short.any())
    assert set(recording["aux"].children) == {"ACC", "GYRO"}
    kinds = {str(d) for d in recording["events"].description.values}
    assert kinds <= {"motion/nod", "motion/jaw"}
    table = (tmp_path / "simulated_events.tsv").read_text().splitlines()
    assert table[0].split("\t") == ["onset", "duration", "trial_type", "channel", "stream"]
    assert len(table) == 1 + recording["events"].sizes["event"]


def test_one_stream_alone(run, tmp_path):
    done = run("simulate", "--duration", 20, "--nirs-montage", "none", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert streams(nf.read(tmp_path / "simulated_recording.nc")) == ("eeg",)
    assert not (tmp_path / "simulated_nirs.snirf").exists()


def test_help_names_every_kind(run):
    text = run("inject", "--help").stdout
    assert all(kind in text for kind in TYPES)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--types", "dance", "names out of nod"),
        ("--wavelengths", "a,b", "numbers between commas"),
        ("--eeg-montage", "biosemi33", "biosemi32"),
        ("--nirs-montage", "ears", "motor"),
        ("--bouts-per-minute", -1, "0 to 60"),
        ("--lag", 99, "-10 to 10 s"),
        ("--nirs-rate", -3, "nirs_rate=-3"),
    ],
)
def test_impossible_choices_are_refused(run, tmp_path, option, value, message):
    done = run("simulate", "--duration", 20, option, value, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_too_short_a_simulation_is_refused(run, tmp_path):
    done = run("simulate", "--duration", 1, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "found duration=1.0; wanted at least 10" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".edf", ".vhdr"])
def test_injection_keeps_the_input_as_truth(recorded, run, tmp_path, suffix):
    clean = nf.read(recorded["truth"])
    eeg = write_eeg(clean, tmp_path / f"rest_eeg{suffix}")
    out = tmp_path / "out"
    done = run("inject", eeg, recorded["nirs"], "--offset", 0, "--seed", 5, *BRISK, "--out", out)
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in out.iterdir()}
    expected = {f"rest_motion_eeg{suffix}", "rest_motion_nirs.snirf", "rest_motion_recording.nc",
                "rest_motion_truth.nc", "rest_motion_events.tsv"}  # fmt: skip
    assert names - expected == (
        {"rest_motion_eeg.eeg", "rest_motion_eeg.vmrk"} if suffix == ".vhdr" else set()
    )
    before, truth = nf.read(eeg), nf.read(out / "rest_motion_truth.nc")
    np.testing.assert_array_equal(truth["eeg"].eeg, before["eeg"].eeg)
    moved = nf.read(out / f"rest_motion_eeg{suffix}")["eeg"].eeg
    exact = nf.read(out / "rest_motion_recording.nc")["eeg"].eeg
    assert np.abs(moved.values - exact.values).max() < 1e-6
    assert np.abs(exact.values - before["eeg"].eeg.values).max() > 1e-5


def test_injection_into_one_stream(recorded, tmp_path):
    files = inject_files([recorded["nirs"]], tmp_path, seed=3)
    assert set(files) == {"nirs", "recording", "truth", "events"}
    assert streams(nf.read(files["recording"])) == ("nirs",)
    assert files["nirs"].name == "simulated_motion_nirs.snirf"
