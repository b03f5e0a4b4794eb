"""A Recording in a zarr store and back."""

import json
import shutil
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import neurofuse.io as io
from neurofuse.io.clock.joining import join
from neurofuse.io.formats import zarr as module
from neurofuse.io.formats.zarr import read_zarr, write_zarr


@pytest.fixture
def recording(eeg_raw, nirs_raw):
    """Both streams, a sensor, odd names, arrays in attrs, masks, single precision."""
    eeg = eeg_raw(["C3", "Fp1 längeres Wort", "ECG"], marks=[(1.0, "tåp"), (2.0, "")])
    nirs = nirs_raw(seconds=9.5, marks=[(0.5, "a")])
    sensor = xr.Dataset(
        {"ACC": (("channel", "time"), np.arange(6.0).reshape(2, 3), {"units": "g"})},
        coords={"channel": ["x", "y"], "time": [0.0, 0.1, np.pi]},
        attrs={"rate": 10.0},
    )
    made = io.from_mne(None, nirs, aux={"ACC": sensor})
    made = join(io.from_mne(eeg), made, offset=0.25)
    node = made["eeg"].to_dataset()
    node = node.assign(gate=(node.eeg > 0).astype("float32"), motion=node.eeg > 1e-5)
    node.attrs["landmarks"] = np.array([0.1, np.nan, -np.inf])
    return io.with_stream(made, "eeg", node)


def same(one, other):
    """Identical, down to types."""
    xr.testing.assert_identical(one, other)
    for node in one.subtree:
        twin = other[node.path]
        for name, variable in node.dataset.variables.items():
            assert variable.dtype == twin.dataset[name].dtype, name
        for name, value in node.attrs.items():
            assert type(value) is type(twin.attrs[name]), name


def test_zarr_is_identical(recording, tmp_path):
    again = read_zarr(write_zarr(recording, tmp_path / "a.zarr"))
    same(again, recording)
    shutil.rmtree(tmp_path / "a.zarr")  # all of it is in memory
    assert np.isfinite(again["eeg"].eeg.values).all()
    same(read_zarr(write_zarr(again, tmp_path / "b.zarr")), recording)


def test_one_stream_without_events(eeg_raw, nirs_raw, tmp_path):
    for name, made in (("e", io.from_mne(eeg_raw())), ("n", io.from_mne(None, nirs_raw()))):
        assert made["events"].sizes["event"] == 0
        same(read_zarr(write_zarr(made, tmp_path / f"{name}.zarr")), made)


def test_other_programs_can_read_it(recording, tmp_path):
    path = write_zarr(recording, tmp_path / "a.zarr")
    group: Any = zarr.open_group(path, mode="r")
    assert json.loads((path / "zarr.json").read_text())["zarr_format"] == 3
    assert group["eeg/eeg"].chunks == (3, 2500)
    np.testing.assert_array_equal(group["eeg/eeg"][:], recording["eeg"].eeg)
    assert group["eeg/channel"][:].tolist() == recording["eeg"].channel.values.tolist()
    plain = xr.open_dataset(path, group="nirs", engine="zarr", consolidated=False, chunks=None)
    xr.testing.assert_equal(plain, recording["nirs"].to_dataset())


def test_large_samples_stay_in_the_store(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("neurofuse.io.lazy.BLOCK", 1.5)
    monkeypatch.setattr("neurofuse.io.formats.zarr.CHUNKS", 3)
    path = write_zarr(recording, tmp_path / "a.zarr")
    samples: Any = zarr.open_array(path / "eeg" / "eeg", mode="r")
    assert (samples.chunks, samples.shards) == ((3, 375), (3, 1125))
    assert len(list((path / "eeg" / "eeg" / "c" / "0").iterdir())) == 3  # files of 7 chunks
    monkeypatch.setattr("neurofuse.io.lazy.LARGE", 1000)
    lazy = read_zarr(path)
    for name in ("eeg", "gate", "motion"):
        assert lazy["eeg"][name].chunksizes["time"][0] == 375
    assert lazy["eeg"].time.chunks is None
    assert lazy["nirs"].intensity.chunks is None
    xr.testing.assert_identical(lazy, recording)
    cut = lazy.sel(time=slice(0.3, 7.0))  # chunks that begin anywhere
    again = read_zarr(write_zarr(cut, tmp_path / "cut.zarr"))
    xr.testing.assert_identical(again, recording.sel(time=slice(0.3, 7.0)))


def test_a_wrong_bit_anywhere_in_the_samples_is_refused(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("neurofuse.io.lazy.BLOCK", 1.5)
    path = write_zarr(recording, tmp_path / "a.zarr")
    file = path / "eeg" / "eeg" / "c" / "0" / "0"
    held = file.read_bytes()
    for at in range(0, len(held), max(1, len(held) // 40)):
        harmed = bytearray(held)
        harmed[at] ^= 16
        file.write_bytes(harmed)
        with pytest.raises(io.ReadError, match=r"a\.zarr, which cannot be read"):
            read_zarr(path)


def test_stores_that_were_written_without_shards_are_read(recording, tmp_path, monkeypatch):
    def chunks_alone(dataset, variable):
        sizes = module._chunk_sizes(dataset, variable)
        return None if sizes is None else {"chunks": sizes}

    monkeypatch.setattr("neurofuse.io.lazy.BLOCK", 1.5)
    monkeypatch.setattr(module, "_layout", chunks_alone)
    path = write_zarr(recording, tmp_path / "a.zarr")
    assert len(list((path / "eeg" / "eeg" / "c" / "0").iterdir())) == 7
    same(read_zarr(path), recording)
    (path / "eeg" / "eeg" / "c" / "0" / "3").unlink()
    with pytest.raises(io.ReadError, match=r"without 1 of the 7 chunks of eeg/eeg"):
        read_zarr(path)


def test_what_is_no_recording_is_refused(recording, tmp_path):
    with pytest.raises(io.ReadError, match=r"no store .*absent\.zarr"):
        read_zarr(tmp_path / "absent.zarr")
    (tmp_path / "file.zarr").write_text("x")
    with pytest.raises(io.ReadError, match="which is a file"):
        read_zarr(tmp_path / "file.zarr")
    (tmp_path / "folder.zarr").mkdir()
    with pytest.raises(io.ReadError, match=r"folder\.zarr, which cannot be read"):
        read_zarr(tmp_path / "folder.zarr")
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(io.ReadError, match="an /eeg or a /nirs node"):
        read_zarr(tmp_path / "other.zarr")


@pytest.mark.parametrize("part", ["eeg/eeg/zarr.json", "eeg/eeg/c/0/0", "events/onset/c/0"])
@pytest.mark.parametrize("harm", ["cut", "garbage"])
def test_damage_is_refused(recording, tmp_path, part, harm):
    path = write_zarr(recording, tmp_path / "a.zarr")
    victim = path / part
    held = victim.read_bytes()
    victim.write_bytes(held[: len(held) // 2] if harm == "cut" else b"\x00\xff" * 300)
    with pytest.raises(io.ReadError, match=r"a\.zarr, which cannot be read"):
        read_zarr(path)


def test_a_lost_chunk_is_refused_and_zeros_are_no_loss(recording, tmp_path):
    still = recording["eeg"].to_dataset()
    recording = io.with_stream(
        recording, "eeg", still.assign(eeg=0 * still.eeg, gate=np.nan * still.gate)
    )
    path = write_zarr(recording, tmp_path / "a.zarr")
    same(read_zarr(path), recording)
    (path / "eeg/gate/c/0/0").unlink()
    with pytest.raises(io.ReadError, match=r"without 1 of the 1 chunks of eeg/gate"):
        read_zarr(path)


@pytest.mark.parametrize("name", ["b0", "00", "7", "0.part"])
def test_a_chunk_of_another_name_is_a_lost_one(recording, tmp_path, name):
    path = write_zarr(recording, tmp_path / "a.zarr")
    chunk = path / "eeg/eeg/c/0/0"
    chunk.rename(chunk.with_name(name))
    with pytest.raises(io.ReadError, match=r"without 1 of the 1 chunks of eeg/eeg"):
        read_zarr(path)


def test_nothing_is_overwritten_unasked_and_nothing_is_left_of_a_failure(
    recording, tmp_path, monkeypatch
):
    path = write_zarr(recording, tmp_path / "a.zarr")
    with pytest.raises(io.WriteError, match=r"a\.zarr in .* already"):
        write_zarr(recording, path)
    other = io.without_stream(recording, "nirs")
    write_zarr(other, path, overwrite=True)
    assert io.streams(read_zarr(path)) == ("eeg",)
    assert not (path / "nirs").exists()
    with pytest.raises(io.WriteError, match=r"ends in \.zarr"):
        write_zarr(recording, tmp_path / "a.nc")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xarray.Dataset.to_zarr", full)
    with pytest.raises(io.WriteError, match="No space left"):
        write_zarr(recording, tmp_path / "b.zarr")
    with pytest.raises(io.WriteError, match="No space left"):
        write_zarr(recording, path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    same(read_zarr(path), other)
