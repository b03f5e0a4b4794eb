"""Large recordings stay in their file until their samples are needed."""

import dask.array
import numpy as np
import pytest
import xarray as xr

from neurofuse import io
from neurofuse.io import lazy


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(lazy, "LARGE", 0)
    monkeypatch.setattr(lazy, "BLOCK", 2.0)


@pytest.fixture
def edf(eeg_raw, tmp_path):
    raw = eeg_raw(seconds=11.0, marks=[(3.0, "go")])
    return io.write_eeg(io.from_mne(raw), tmp_path / "sub-01_eeg.edf")


def test_small_files_are_read_at_once(edf):
    assert isinstance(io.read(edf)["eeg"].eeg.data, np.ndarray)


def test_large_files_give_the_same_samples_later(edf, everything_is_large, monkeypatch):
    recording = io.read(edf)
    samples = recording["eeg"].eeg.data
    assert isinstance(samples, dask.array.Array)
    assert samples.numblocks == (1, 6)
    monkeypatch.setattr(lazy, "LARGE", 2**30)
    now = io.stream_dataset(io.read(edf), "eeg")
    xr.testing.assert_identical(io.stream_dataset(recording, "eeg").load(), now)


def test_cutting_and_choosing_stay_lazy(edf, everything_is_large):
    cut = io.read(edf).sel(time=slice(3, 7))["eeg"].eeg.sel(channel=["Cz", "C3"])
    assert lazy.is_lazy(cut)
    whole = io.read(edf)["eeg"].eeg.values
    np.testing.assert_array_equal(cut.values, whole[[2, 0], 750:1751])


def test_a_loaded_raw_is_not_put_back_into_a_file(eeg_raw, everything_is_large):
    assert isinstance(io.from_mne(eeg_raw())["eeg"].eeg.data, np.ndarray)


def test_mne_gets_a_raw_that_reads_on_demand(edf, everything_is_large):
    recording = io.read(edf)
    raw = io.to_mne(recording)[0]
    assert raw is not None
    assert not raw.preload
    np.testing.assert_array_equal(
        raw.get_data(picks="Cz", start=400, stop=1200), recording["eeg"].eeg[2:, 400:1200].values
    )
    loaded = raw.copy().load_data().filter(1.0, 40.0, verbose="error")
    assert np.asarray(loaded.get_data()).shape == (3, 2750)
    assert raw.annotations.description.tolist() == ["go"]


@pytest.mark.parametrize("suffix", [".fif", ".edf", ".vhdr"])
def test_every_writer_takes_them(edf, everything_is_large, tmp_path, suffix):
    recording = io.read(edf)
    again = io.read(io.write_eeg(recording, tmp_path / f"again{suffix}"))
    np.testing.assert_allclose(again["eeg"].eeg.values, recording["eeg"].eeg.values, atol=1e-8)


def test_netcdf_takes_them(edf, everything_is_large, tmp_path):
    recording = io.read(edf)
    again = io.read_netcdf(io.write_netcdf(recording, tmp_path / "all.nc"))
    np.testing.assert_array_equal(again["eeg"].eeg.values, recording["eeg"].eeg.values)


def test_large_netcdf_files_are_read_later_too(eeg_raw, tmp_path, everything_is_large):
    recording = io.from_mne(eeg_raw(seconds=11.0))
    again = io.read(io.write_netcdf(recording, tmp_path / "all.nc"))
    assert lazy.is_lazy(again["eeg"].eeg)
    np.testing.assert_array_equal(again["eeg"].eeg.values, recording["eeg"].eeg.values)


def test_a_file_that_vanished_is_reported(edf, everything_is_large):
    recording = io.read(edf)
    edf.unlink()
    with pytest.raises(io.ReadError, match=r"sub-01_eeg.edf, which cannot be read"):
        recording["eeg"].eeg.values.sum()


def test_blocks_cover_every_sample_once(monkeypatch):
    monkeypatch.setattr(lazy, "BLOCK", 0.4)
    data = np.arange(22.0).reshape(2, 11)
    variable = xr.DataArray(data, dims=("channel", "time"))
    blocks = list(lazy.time_blocks(variable, 10.0))
    assert [first for first, _ in blocks] == [0, 4, 8]
    np.testing.assert_array_equal(np.hstack([block for _, block in blocks]), data)


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_spool_gives_back_what_was_written(on_disk):
    data = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    spool = lazy.Spool(3, 50, on_disk=on_disk)
    for first in range(0, 50, 7):
        spool.write(data[:, first : first + 7])
    result = spool.array(rate=0.25)
    np.testing.assert_array_equal(np.asarray(result), data)
    np.testing.assert_array_equal(np.asarray(result[1:, 3:44:3]), data[1:, 3:44:3])


def test_a_writer_reads_every_block_once(edf, everything_is_large, tmp_path, monkeypatch):
    recording = io.read(edf)
    node = io.stream_dataset(recording, "eeg")
    whole = node.eeg.values
    read: list[tuple[int, int]] = []

    class Counted:
        shape, dtype, ndim = whole.shape, whole.dtype, 2

        def __getitem__(self, key):
            if key[1].stop > key[1].start:  # dask asks for nothing once, to learn the type
                read.append((key[1].start, key[1].stop))
            return whole[key]

    counted = node.assign(eeg=node.eeg.copy(data=lazy.blocks_of(Counted(), 250.0)))
    path = io.write_eeg(io.with_stream(recording, "eeg", counted), tmp_path / "b_eeg.fif")
    size = round(2.0 * 250)
    assert sorted(read) == [
        (s, min(s + size, whole.shape[1])) for s in range(0, whole.shape[1], size)
    ]
    np.testing.assert_allclose(io.read(path)["eeg"].eeg.values, whole, rtol=1e-6, atol=1e-12)
