"""What users get wrong: one clear line, status 2, and no file left behind."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import neurofuse as nf
from neurofuse.io import stream_dataset, with_stream, write_eeg, write_netcdf, write_nirs


@pytest.fixture
def refused(run, tmp_path):
    """Run `clean` on files and return the line it refuses them with."""

    def clean(*args: object) -> str:
        out = tmp_path / "new" / "out"
        done = run("clean", *args, "--out", out)
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        (line,) = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
        assert done.stderr.splitlines()[-1] == line
        assert "Traceback" not in done.stderr
        assert "; wanted " in line
        assert not out.parent.exists()
        return line

    return clean


@pytest.fixture
def eeg_file(recorded, tmp_path):
    """Write the simulated EEG with other samples, as FIF (which holds NaN)."""

    def write(change) -> Path:
        recording = nf.read(recorded["eeg"])
        node = stream_dataset(recording, "eeg")
        samples = node.eeg.transpose("channel", "time")
        changed = node.assign(eeg=samples.copy(data=change(samples.values.copy())))
        return write_eeg(with_stream(recording, "eeg", changed), tmp_path / "changed_eeg.fif")

    return write


@pytest.fixture
def nirs_file(recorded, tmp_path):
    """Write the simulated SNIRF with other samples."""

    def write(change) -> Path:
        path = tmp_path / "changed_nirs.snirf"
        path.write_bytes(recorded["nirs"].read_bytes())
        with h5py.File(path, "r+") as file:
            samples = file["nirs/data1/dataTimeSeries"]
            assert isinstance(samples, h5py.Dataset)
            samples[...] = change(samples[...])
        return path

    return write


def cut(source: Path, target: Path, share: float = 0.5) -> Path:
    target.write_bytes(source.read_bytes()[: int(source.stat().st_size * share)])
    return target


@pytest.mark.parametrize("position", [0, 1])
def test_missing_file(refused, recorded, position):
    pair = [recorded["eeg"], recorded["nirs"]]
    pair[position] = Path("nowhere") / f"absent{pair[position].suffix}"
    assert f"found no file {pair[position]}" in refused(*pair)


@pytest.mark.parametrize("name", ["notes.txt", "notes.edf", "notes.snirf", "notes.nc", "notes"])
def test_wrong_format(refused, recorded, tmp_path, name):
    notes = tmp_path / name
    notes.write_text("time,Fp1\n0,1\n" * 200)
    assert str(notes) in refused(notes, recorded["nirs"])


def test_empty_file(refused, tmp_path):
    (tmp_path / "a.edf").touch()
    assert "an empty file" in refused(tmp_path / "a.edf")


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.999])
def test_truncated_edf(refused, recorded, tmp_path, share):
    assert "cut.edf" in refused(cut(recorded["eeg"], tmp_path / "cut.edf", share), recorded["nirs"])


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated_snirf(refused, recorded, tmp_path, share):
    broken = cut(recorded["nirs"], tmp_path / "cut.snirf", share)
    assert "cut.snirf" in refused(recorded["eeg"], broken)


def test_truncated_recording(refused, recorded, tmp_path):
    assert "cut.nc" in refused(cut(recorded["recording"], tmp_path / "cut.nc"))


@pytest.mark.parametrize(("stream", "what"), [("eeg", "two EEG"), ("nirs", "two fNIRS")])
def test_the_same_modality_twice(refused, recorded, stream, what):
    line = refused(recorded[stream], recorded[stream])
    assert what in line
    assert "one EEG and one fNIRS file" in line


def test_files_in_the_other_order_are_no_mistake(run, recorded, tmp_path):
    done = run(
        "clean",
        recorded["nirs"],
        recorded["eeg"],
        "--offset",
        0,
        "--out",
        tmp_path,
        "--no-report",
    )
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("offset", [1000, -1000])
def test_streams_that_do_not_overlap(refused, recorded, offset):
    line = refused(recorded["eeg"], recorded["nirs"], f"--offset={offset}")
    assert "wanted streams that overlap in time" in line


def test_streams_with_nothing_to_align_by(refused, recorded, tmp_path):
    recording = nf.read(recorded["recording"])
    recording.attrs["measured_at"] = ""
    eeg = write_eeg(recording, tmp_path / "undated_eeg.edf")
    nirs = write_nirs(recording, tmp_path / "undated_nirs.snirf")
    line = refused(eeg, nirs)
    assert "no real measurement date" in line
    assert "--offset SECONDS" in line


@pytest.mark.parametrize("offset", ["nan", "inf"])
def test_an_offset_that_is_no_time(refused, recorded, offset):
    assert offset in refused(recorded["eeg"], recorded["nirs"], "--offset", offset)


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "all samples missing"), (1e-5, "flat")])
def test_no_eeg_channel_with_a_signal(refused, recorded, eeg_file, value, reason):
    line = refused(eeg_file(lambda x: np.full_like(x, value)), recorded["nirs"], "--offset", 0)
    assert "no usable EEG channel" in line
    assert reason in line


@pytest.mark.parametrize(
    ("value", "reason"),
    [(np.nan, "missing"), (0.5, "flat"), (0.0, "zero or negative"), (-1.0, "zero or negative")],
)
def test_no_nirs_channel_with_a_signal(refused, recorded, nirs_file, value, reason):
    broken = nirs_file(lambda x: np.full_like(x, value))
    line = refused(recorded["eeg"], broken, "--offset", 0)
    assert "no usable fNIRS channel" in line
    assert reason in line


def test_negative_intensity_that_still_varies(refused, recorded, nirs_file):
    line = refused(recorded["eeg"], nirs_file(lambda x: -x), "--offset", 0)
    assert "zero or negative" in line


def test_some_broken_channels_are_named_and_passed_through(run, recorded, eeg_file, tmp_path):
    def break_some(x):
        x[2], x[5, 100:200] = 0.0, np.nan
        return x

    source = eeg_file(break_some)
    done = run("clean", source, "--out", tmp_path / "out", "--no-report")
    assert done.exit_code == 0, done.stderr
    before = nf.read(source)
    name = str(before["eeg"].channel[2].item())
    assert f"{name} (flat)" in done.stderr
    after = nf.read(tmp_path / "out" / "changed_desc-clean_recording.nc")
    np.testing.assert_array_equal(after["eeg"].eeg[2], before["eeg"].eeg[2])
    np.testing.assert_array_equal(np.isnan(after["eeg"].eeg), np.isnan(before["eeg"].eeg))


def test_one_eeg_channel_works(run, recorded, tmp_path):
    recording = nf.read(recorded["eeg"])
    one = with_stream(recording, "eeg", stream_dataset(recording, "eeg").isel(channel=[3]))
    source = write_eeg(one, tmp_path / "one_eeg.edf")
    done = run("clean", source, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert nf.read(tmp_path / "out" / "one_desc-clean_eeg.edf")["eeg"].sizes["channel"] == 1


@pytest.mark.slow
def test_one_nirs_channel_with_one_eeg_channel_works(run, recorded, tmp_path):
    recording = nf.read(recorded["recording"])
    for stream in ("eeg", "nirs"):
        node = stream_dataset(recording, stream).isel(channel=[1])
        recording = with_stream(recording, stream, node)
    source = write_netcdf(recording, tmp_path / "one_recording.nc")
    done = run("clean", source, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, 0.5])
def test_a_recording_shorter_than_a_window_works_or_is_refused(run, recorded, tmp_path, seconds):
    whole = nf.read(recorded["recording"])
    short = whole.sel(time=slice(10, 10 + seconds))
    source = write_netcdf(short, tmp_path / "short_recording.nc")
    out = tmp_path / "out"
    done = run("clean", source, "--out", out)
    if done.exit_code == 0:
        after = nf.read(out / "short_desc-clean_recording.nc")
        assert after["eeg"].eeg.sizes == short["eeg"].eeg.sizes
        assert np.isfinite(after["eeg"].eeg.values).all()
    else:
        assert done.exit_code == 2, done.output
        assert not out.exists()


def test_an_output_folder_below_a_file(run, recorded, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = run("clean", recorded["eeg"], "--out", tmp_path / "file" / "out")
    assert done.exit_code == 2
    assert f"a folder that can be written at {tmp_path / 'file' / 'out'}" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("command", ["simulate", "demo", "train"])
def test_other_commands_refuse_such_a_folder_too(run, tmp_path, command):
    (tmp_path / "file").write_text("{}")
    config = ["--config", tmp_path / "file"] if command == "train" else []
    done = run(command, *config, "--out", tmp_path / "file" / "out")
    assert done.exit_code == 2
    assert "a folder that can be written" in done.stderr


def test_an_unknown_model(refused, recorded):
    line = refused(recorded["eeg"], "--model", "jiont")
    assert "jiont" in line


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_a_model_of_the_other_stream(run, recorded, tmp_path, stream):
    other = {"eeg": "nirs", "nirs": "eeg"}[stream]
    done = run("clean", recorded[stream], "--model", other, "--out", tmp_path / "out")
    assert done.exit_code in (0, 2), done.output  # leaves the stream as it was, or says so
    if done.exit_code == 2:
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "{", '{"steps": "many"}', '{"stepz": 3}'])
def test_a_training_configuration_that_cannot_be_used(run, tmp_path, text):
    config = tmp_path / "config.json"
    config.write_text(text)
    done = run("train", "--config", config, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "a training configuration that cannot be used" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_training_configuration(run, tmp_path):
    done = run("train", "--config", tmp_path / "none.json", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "none.json" in done.stderr


@pytest.mark.slow
def test_a_process_of_its_own_says_the_same(recorded, tmp_path):
    broken = cut(recorded["nirs"], tmp_path / "cut.snirf")
    command = [sys.executable, "-m", "neurofuse", "clean", recorded["eeg"], broken]
    done = subprocess.run(
        [*command, "--out", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: found {broken}")
    assert not (tmp_path / "out").exists()
