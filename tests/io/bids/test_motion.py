"""Runs of `motion/` become sensors of the recording that they belong to, on its clock."""

import json

import numpy as np
import pytest
import xarray as xr

from neurofuse.io import build, nirs_dataset
from neurofuse.io.bids.motion import motion_beside, with_motion
from neurofuse.io.bids.read import read_runs
from neurofuse.io.bids.write import save_bids
from neurofuse.io.imu import head_imu
from neurofuse.io.recording import eeg_dataset

NAME = "sub-01_task-rest"
BEGAN = {
    "eeg/x_eeg.vhdr": "2026-01-05T09:00:00.250",
    "nirs/x_nirs.snirf": "2026-01-05T09:00:01.250",
}


@pytest.fixture
def files(tmp_path):
    """Ten seconds of EEG and fNIRS in BIDS, with the dates of both in scans.tsv."""
    rng = np.random.default_rng(0)
    waves, names = (760, 850), (["S1", "S2"], ["D1", "D2"])
    recording = build(
        eeg_dataset(1e-5 * rng.standard_normal((2, 2500)), 250.0, ["C3", "C4"]),
        nirs_dataset(1 + 0.01 * rng.random((2, 2, 100)), 10.0, waves, *names),
    )
    made = save_bids(recording, tmp_path, {"sub": "01", "task": "rest"})
    (tmp_path / "dataset_description.json").write_text("{}")
    rows = [f"{name.replace('x_', NAME + '_')}\t{date}" for name, date in BEGAN.items()]
    scans = tmp_path / "sub-01" / "sub-01_scans.tsv"
    scans.write_text("\n".join(["filename\tacq_time", *rows, ""]))
    return {stream: tmp_path / name for stream, name in made.items()}


@pytest.fixture
def add(files):
    """A function that adds a motion run at 50 Hz, which began 2 s after the EEG; its samples."""

    def make(system="imu", *, rows=None, rate=50.0, dated=True, count=300):
        rows = rows or [
            (f"acc_{axis}", "ACCEL", "head", "g") for axis in "xyz"
        ] + [("gyro_x", "GYRO", "head", "deg/s"), ("pos_x", "POS", "head", "m")]  # fmt: skip
        folder = files["eeg"].parents[1] / "motion"
        folder.mkdir(exist_ok=True)
        stem = f"{NAME}_tracksys-{system}"
        samples = np.random.default_rng(1).normal(size=(count, len(rows))).round(6)
        cells = [["n/a" if (i, j) == (5, 0) else repr(float(x)) for j, x in enumerate(row)]
                 for i, row in enumerate(samples)]  # fmt: skip
        (folder / f"{stem}_motion.tsv").write_text(
            "\n".join("\t".join(row) for row in cells) + "\n"
        )
        head = "name\ttype\ttracked_point\tunits"
        lines = "\n".join([head, *("\t".join(row) for row in rows), ""])
        (folder / f"{stem}_channels.tsv").write_text(lines)
        (folder / f"{stem}_motion.json").write_text(json.dumps({"SamplingFrequency": rate}))
        if dated:
            with (folder.parent / "sub-01_scans.tsv").open("a") as table:
                table.write(f"motion/{stem}_motion.tsv\t2026-01-05T09:00:02.250\n")
        samples[5, 0] = np.nan
        return samples

    return make


@pytest.mark.parametrize("streams", [("eeg", "nirs"), ("eeg",), ("nirs",)])
def test_sensors_are_on_the_clock_of_the_recording(files, add, streams):
    samples = add()
    recording = read_runs({stream: files[stream] for stream in streams})
    acc = recording["aux/motion imu acc"].to_dataset()
    start = 2.0 if "eeg" in streams else 1.0  # after the EEG, else after fNIRS
    np.testing.assert_allclose(acc.time, start + np.arange(300) / 50)
    np.testing.assert_array_equal(acc["motion imu acc"], samples[:, :3].T)
    assert acc.channel.values.tolist() == ["acc_x", "acc_y", "acc_z"]
    assert recording["aux/motion imu gyro"].sizes["channel"] == 1
    assert len(recording["aux"].children) == 2  # positions are no sensor of ours


def test_they_count_as_an_imu_on_the_head(files, add):
    samples = add()
    imu = head_imu(read_runs(files))
    assert imu is not None
    (acc,), (gyro,) = imu.acceleration, imu.rotation
    assert (acc.attrs["units"], gyro.attrs["units"]) == ("m/s^2", "rad/s")
    np.testing.assert_allclose(gyro[0], samples[:, 3] * np.pi / 180)
    np.testing.assert_allclose(acc[1], samples[:, 1] * 9.80665)


def test_what_is_not_on_the_head_is_left_out(files, add, caplog):
    add(rows=[("a", "ACCEL", "LeftThigh", "g"), ("b", "GYRO", "right_foot", "deg/s")])
    add("camera", rows=[("p", "POS", "head", "m")])
    assert "aux" not in read_runs(files).children
    assert "motion" not in caplog.text  # nothing is wrong with them


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dated": False}, "scans.tsv does not say when it and sub-01_task-rest_eeg.vhdr began"),
        ({"rate": 0}, "its JSON says no SamplingFrequency"),
        ({"rate": "fast"}, "could not convert"),
    ],
)
def test_what_cannot_be_used_costs_nothing_but_itself(files, add, caplog, wrong, words):
    plain = read_runs(files)
    add(**wrong)
    recording = read_runs(files)
    assert words in caplog.text
    assert "aux" not in recording.children
    for node in ("eeg", "nirs"):
        xr.testing.assert_identical(recording[node].to_dataset(), plain[node].to_dataset())


def test_tables_that_do_not_fit_are_told(files, add, caplog):
    add()
    table = files["eeg"].parents[1] / "motion" / f"{NAME}_tracksys-imu_channels.tsv"
    table.write_text("name\ttype\nacc_x\tACCEL\n")
    assert "aux" not in read_runs(files).children
    assert f"it has 5 columns, {table.name} 1" in caplog.text
    table.write_bytes(b"\xff\xfe\x00")
    assert "aux" not in read_runs(files).children


def test_motion_of_another_time_is_not_used(files, add, caplog):
    add()
    scans = files["eeg"].parents[1] / "sub-01_scans.tsv"
    scans.write_text(scans.read_text().replace("09:00:02.250", "10:00:02.250"))
    assert "aux" not in read_runs(files).children
    assert "by scans.tsv it began 3602 s after" in caplog.text


def test_several_systems_are_all_read_and_runs_are_numbers(files, add, tmp_path):
    add("a")
    add("b")
    recording = read_runs(files)
    assert {name.split()[1] for name in recording["aux"].children} == {"a", "b"}
    assert len(motion_beside(files["nirs"])) == 2
    other = files["eeg"].with_name("sub-01_task-rest_run-1_eeg.vhdr")
    assert motion_beside(other) == []
    folder = files["eeg"].parents[1] / "motion"
    (folder / "sub-01_task-rest_tracksys-a_run-01_motion.tsv").touch()
    assert [path.name for path in motion_beside(other)] == [
        "sub-01_task-rest_tracksys-a_run-01_motion.tsv"
    ]


def test_without_motion_nothing_changes(files):
    recording = read_runs(files)
    assert with_motion(recording, files) is recording
