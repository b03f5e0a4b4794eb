"""Whole sessions in files: read in any order, write all or nothing."""

import os
import subprocess
import sys

import h5py
import mne
import numpy as np
import pytest
import xarray as xr

import neurofuse.io as io


@pytest.fixture
def pair(tmp_path, eeg_raw, nirs_raw):
    recording = io.from_mne(
        eeg_raw(marks=[(1.0, "go")]), nirs_raw(marks=[(1.0, "tap")]), offset=0.5
    )
    eeg = io.write_eeg(recording, tmp_path / "sub-01_task-rest_eeg.edf")
    nirs = io.write_nirs(recording, tmp_path / "sub-01_task-rest_nirs.snirf")
    return eeg, nirs


def test_order_does_not_matter(pair):
    one, other = io.read(*pair, offset=0.5), io.read(*reversed(pair), offset=0.5)
    xr.testing.assert_identical(one["eeg"].to_dataset(), other["eeg"].to_dataset())
    xr.testing.assert_identical(one["nirs"].to_dataset(), other["nirs"].to_dataset())


def test_two_of_a_kind_are_refused(pair, tmp_path):
    for path in pair:
        twin = tmp_path / f"twin{path.suffix}"
        twin.write_bytes(path.read_bytes())
        with pytest.raises(io.ReadError, match=r"two (EEG|fNIRS) recordings: .*twin"):
            io.read(path, twin)
    with pytest.raises(io.ParameterError, match="3 paths"):
        io.read(*pair, pair[0])


def test_streams_without_common_time_are_refused(pair):
    with pytest.raises(io.AlignmentError, match="streams that overlap in time"):
        io.read(*pair, offset=100.0)


def test_write_gives_back_what_was_read(pair, tmp_path):
    recording = io.read(*pair, offset=0.5)
    paths = io.write(recording, tmp_path / "new" / "out", suffix="_desc-clean", keep_identity=True)
    assert {k: p.name for k, p in paths.items()} == {
        "eeg": "sub-01_task-rest_desc-clean_eeg.fif",
        "nirs": "sub-01_task-rest_desc-clean_nirs.snirf",
        "recording": "sub-01_task-rest_desc-clean_recording.nc",
    }
    assert sorted(p.name for p in (tmp_path / "new" / "out").iterdir()) == sorted(
        p.name for p in paths.values()
    )
    xr.testing.assert_identical(io.read(paths["recording"]), recording)
    again = io.read(paths["nirs"], paths["eeg"])  # aligned by the dates that were written
    np.testing.assert_array_equal(again["eeg"].eeg, recording["eeg"].eeg)
    np.testing.assert_array_equal(again["nirs"].intensity, recording["nirs"].intensity)
    np.testing.assert_allclose(again["nirs"].time, recording["nirs"].time, atol=1e-6)
    assert io.read(paths["eeg"])["eeg"].eeg.dtype == np.float64
    fif = mne.io.read_raw_fif(paths["eeg"], verbose="error")
    assert fif.info["meas_date"].isoformat() == recording["eeg"].attrs["measured_at"]


def test_written_fif_keeps_sample_numbers_and_its_place_in_time(tmp_path, eeg_raw, nirs_raw):
    eeg = eeg_raw(marks=[(3.0, "go")]).crop(1.0)
    nirs = nirs_raw(marks=[(3.5, "go")]).crop(2.0)
    recording = io.from_mne(eeg, nirs)
    paths = io.write(recording, tmp_path)
    fif = mne.io.read_raw_fif(paths["eeg"], verbose="error")
    assert fif.first_samp == eeg.first_samp == 250
    np.testing.assert_allclose(fif.annotations.onset, eeg.annotations.onset)
    again = io.read(paths["eeg"], paths["nirs"], align="clock")
    assert float(again["nirs"].time[0]) == float(recording["nirs"].time[0]) == 1.0
    ours, theirs = (r["events"].onset.values for r in (again, recording))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("variable", ["intensity", "od"])
def test_netcdf_is_identical(tmp_path, eeg_raw, nirs_raw, variable):
    nirs = nirs_raw(marks=[(1.0, "tåp"), (2.0, "")])
    nirs._data[0, 3] = -1.0
    recording = io.from_mne(eeg_raw(["C3", "odd"]), nirs, offset=0.25)
    if variable == "od":
        recording = io.to_optical_density(recording)
    mask = xr.zeros_like(recording["eeg"].eeg, dtype=bool)
    node = recording["eeg"].to_dataset().assign(motion=mask, gate=mask.astype("float32"))
    recording = io.with_stream(recording, "eeg", node)
    path = io.write_netcdf(recording, tmp_path / "a.nc")
    again = io.read_netcdf(path)
    xr.testing.assert_identical(again, recording)
    assert again["eeg"].motion.dtype == bool
    os.remove(path)  # closed and in memory
    assert np.isfinite(again["eeg"].eeg.values).all()
    twice = io.read_netcdf(io.write_netcdf(again, tmp_path / "b.nc"))
    xr.testing.assert_identical(twice, recording)


def test_netcdf_without_events_and_with_one_stream(tmp_path, eeg_raw):
    recording = io.from_mne(eeg_raw(["C3"], seconds=0.1))
    again = io.read(io.write_netcdf(recording, tmp_path / "a.nc"))
    xr.testing.assert_identical(again, recording)
    assert again["events"].sizes["event"] == 0


def test_saved_recording_and_a_file_of_the_other_kind(tmp_path, eeg_raw, pair):
    path = io.write_netcdf(io.from_mne(eeg_raw()), tmp_path / "a.nc")
    assert io.streams(io.read(path, pair[1], offset=0)) == ("eeg", "nirs")
    with pytest.raises(io.ReadError, match="two EEG recordings"):
        io.read(path, pair[0])


def test_other_hdf5_is_no_recording(tmp_path):
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(io.ReadError, match="neurofuse netCDF as its name says"):
        io.read(path)
    with h5py.File(path, "a") as file:
        file.attrs["schema_version"] = "1"
    with pytest.raises(io.ReadError, match=r"an /eeg or a /nirs node"):
        io.read(path)


def test_nothing_is_overwritten_unasked(pair, tmp_path):
    recording = io.read(*pair, offset=0)
    paths = io.write(recording, tmp_path / "out")
    stamps = {p: p.stat().st_mtime_ns for p in paths.values()}
    with pytest.raises(io.WriteError, match=r"already; .*--overwrite"):
        io.write(recording, tmp_path / "out")
    assert {p: p.stat().st_mtime_ns for p in paths.values()} == stamps
    io.write(recording, tmp_path / "out", overwrite=True)
    assert all(p.stat().st_mtime_ns > stamps[p] for p in paths.values())
    for path, write in (
        (pair[0], io.write_eeg),
        (pair[1], io.write_nirs),
        (paths["recording"], io.write_netcdf),
    ):
        with pytest.raises(io.WriteError, match="already"):
            write(recording, path)
        write(recording, path, overwrite=True)


def test_brainvision_companions_are_not_overwritten(tmp_path, eeg_raw):
    recording = io.from_mne(eeg_raw())
    (tmp_path / "a.eeg").write_bytes(b"precious")
    with pytest.raises(io.WriteError, match=r"a\.eeg.* already"):
        io.write_eeg(recording, tmp_path / "a.vhdr")
    assert (tmp_path / "a.eeg").read_bytes() == b"precious"
    io.write_eeg(recording, tmp_path / "a.vhdr", overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.eeg", "a.vhdr", "a.vmrk"]


def test_folder_that_cannot_be_written(pair, tmp_path):
    recording = io.read(*pair, offset=0)
    blocked = tmp_path / "file"
    blocked.write_text("a file, not a folder")
    for write in (
        lambda: io.write(recording, blocked / "out"),
        lambda: io.write_eeg(recording, blocked / "a.edf"),
        lambda: io.write_netcdf(recording, blocked / "a.nc"),
    ):
        with pytest.raises(io.WriteError, match=r"a folder that can be written"):
            write()
    assert blocked.read_text() == "a file, not a folder"


@pytest.mark.parametrize("where", ["neurofuse.io.saving.write_snirf", "xarray.DataTree.to_netcdf"])
def test_a_failure_leaves_nothing_behind(pair, tmp_path, monkeypatch, where):
    recording = io.read(*pair, offset=0)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, full)
    (tmp_path / "out").mkdir()
    with pytest.raises(io.WriteError, match="No space left on device"):
        io.write(recording, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(pair, tmp_path, monkeypatch):
    recording = io.read(*pair, offset=0)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neurofuse.io.saving.write_snirf", interrupt)
    with pytest.raises(KeyboardInterrupt):
        io.write(recording, tmp_path / "out")
    assert not any((tmp_path / "out").glob("*"))


def test_what_a_format_cannot_hold_is_refused(tmp_path, eeg_raw):
    raw = eeg_raw()
    raw._data[0, 5] = np.nan
    recording = io.from_mne(raw)
    with pytest.raises(io.WriteError, match=r"\.edf cannot hold .*write \.fif"):
        io.write_eeg(recording, tmp_path / "a.edf")
    assert list(tmp_path.iterdir()) == []


def test_wrong_suffixes_and_missing_streams(tmp_path, eeg_raw, nirs_raw):
    eeg, nirs = io.from_mne(eeg_raw()), io.from_mne(None, nirs_raw())
    with pytest.raises(io.WriteError, match=r"one of \.fif, \.edf"):
        io.write_eeg(eeg, tmp_path / "a.txt")
    with pytest.raises(io.WriteError, match=r"ends in \.snirf"):
        io.write_nirs(nirs, tmp_path / "a.edf")
    with pytest.raises(io.WriteError, match=r"ends in \.nc"):
        io.write_netcdf(nirs, tmp_path / "a.snirf")
    with pytest.raises(io.SchemaError, match="with fNIRS only; wanted a Recording with EEG"):
        io.write_eeg(nirs, tmp_path / "a.edf")
    with pytest.raises(io.SchemaError, match="with EEG only; wanted a Recording with fNIRS"):
        io.write_nirs(eeg, tmp_path / "a.snirf")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("sub-01_task-rest_eeg.edf", "sub-01_task-rest"),
        ("test_eeg_quality_aligned_eeg_raw.fif", "test_eeg_quality_aligned"),
        ("session.vhdr", "session"),
        ("eeg.edf", "eeg"),
    ],
)
def test_outputs_are_named_after_the_eeg_file(eeg_raw, file, stem):
    recording = io.from_mne(eeg_raw())
    node = recording["eeg"].to_dataset()
    node.attrs["file"] = file
    assert io.stem_of(io.with_stream(recording, "eeg", node)) == stem


def test_one_file_with_both_streams(tmp_path, eeg_raw, nirs_raw):
    eeg = eeg_raw(["C3", "C4"], rate=10.0)
    both = eeg.copy().add_channels([nirs_raw()], force_update_info=True)
    both.save(tmp_path / "both_raw.fif", fmt="double", verbose="error")
    recording = io.read(tmp_path / "both_raw.fif")
    assert io.streams(recording) == ("eeg", "nirs")
    np.testing.assert_array_equal(recording["eeg"].eeg, eeg.get_data())
    assert float(recording["nirs"].time[0]) == 0.0


def test_import_is_light():
    code = (
        "import sys; import neurofuse.io; from neurofuse.io.errors import ReadError; "
        "print([m for m in ('mne', 'xarray', 'scipy', 'torch', 'h5py') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    for name in io.__all__:
        assert getattr(io, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = io.nonsense


def test_real_pair_to_files_and_back(data_dir, tmp_path):
    worn = data_dir / "simultaneous" / "openmuse_worn" / "own_zero"
    recording = io.read(
        worn / "test_eeg_quality_optics.snirf", worn / "test_eeg_quality_eeg.edf", offset=0.21
    )
    assert recording["nirs"].wavelength.values.tolist() == [660.0, 730.0, 850.0]
    paths = io.write(recording, tmp_path, keep_identity=True)
    assert paths["eeg"].name == "test_eeg_quality_eeg.fif"
    xr.testing.assert_identical(io.read(paths["recording"]), recording)
    again = io.read(paths["eeg"], paths["nirs"], offset=0.21)
    np.testing.assert_array_equal(again["eeg"].eeg, recording["eeg"].eeg)
    np.testing.assert_array_equal(again["nirs"].intensity, recording["nirs"].intensity)
    with pytest.raises(io.AlignmentError, match="no real measurement date in the EEG"):
        io.read(paths["eeg"], paths["nirs"])


@pytest.mark.parametrize("names", [("",), ("", "b.snirf"), ("a.edf", " ")])
def test_an_empty_name_is_not_this_folder(names):
    with pytest.raises(io.ReadError, match=r"an empty file name.*put it in"):
        io.read(*names)


def test_how_two_files_came_onto_one_clock_is_in_the_provenance(pair):
    last = io.provenance(io.read(*pair, offset=0.5))[-1]
    assert last["step"] == "join"
    assert last["parameters"] == {"method": "offset", "offset": 0.5, "drift": 0.0}
