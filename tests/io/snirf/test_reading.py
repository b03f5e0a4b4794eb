"""A SNIRF file is opened once, and goes straight from its table to the Recording."""

import h5py
import numpy as np
import pytest
import xarray as xr

import neurofuse.io as io
from neurofuse.io.recording import with_provenance
from neurofuse.io.snirf.hdf5 import first_numbers
from neurofuse.io.snirf.read import read_aux, read_snirf, read_snirf_raw


def rich(nirs):
    """Holes, stimuli, sensors, landmarks and an own wavelength for each pair."""
    time = nirs["data1/time"][()]
    time[90:] += 1.0
    nirs["data1/time"][...] = time + 0.25
    nirs["stim1/name"], nirs["stim1/data"] = "tap", [[1.0000004, 2.5, 1.0], [19.0, 60.0, 1.0]]
    nirs["aux1/name"], nirs["aux1/dataTimeSeries"] = "ACC", np.eye(50, 3)
    nirs["aux1/time"] = np.arange(50) / 5
    nirs["probe/landmarkPos3D"] = [[0.0, 90, 0], [-80, 0, 0], [1, 2, 3]]
    nirs["probe/landmarkLabels"] = ["Nz", "AL", "Cz"]
    del nirs["probe/wavelengths"]
    nirs["probe/wavelengths"] = [760.5, 850.0]


def same(one, other):
    """Assert that two Recordings are identical but for the time of reading."""
    for recording in (one, other):
        assert [step["step"] for step in io.provenance(recording)] == ["from_mne"]
    xr.testing.assert_identical(with_provenance(one, []), with_provenance(other, []))


def test_a_file_is_opened_once(snirf, monkeypatch):
    path, opened = snirf(rich), []

    class Counted(h5py.File):
        def __init__(self, *args, **kwargs):
            opened.append(args)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(h5py, "File", Counted)
    read_snirf(path)
    assert len(opened) == 1


@pytest.mark.parametrize("rate", [10.0, 7.8125])
def test_the_raw_of_a_file_holds_what_its_recording_holds(snirf, rate):
    path = snirf(rich, rate=rate)
    same(io.from_mne(None, io.read_nirs_raw(path), aux=read_aux(path)), io.read(path))
    assert read_snirf_raw(path).filenames[0] == path


def test_events_end_with_the_samples_and_keep_whole_microseconds(snirf):
    events = io.read(snirf(rich))["events"]
    assert events.description.values.tolist() == ["tap", "BAD_gap", "tap"]
    assert events.onset.values.tolist() == [0.75, 8.9, 18.75]
    assert float(events.duration[2]) == pytest.approx(21.0 - 18.75)


def test_a_stimulus_of_a_channel_that_the_file_lacks_is_refused(snirf):
    def add(nirs):
        nirs["stim1/name"], nirs["stim1/data"] = "tap", [[1.0, 2.5, 1.0]]
        nirs["stim1/data"].attrs["channels"] = "S1_D1 760,S9_D9 760"

    with pytest.raises(io.ReadError, match=r"stimulus 'tap' of S9_D9 760.*channels that it holds"):
        io.read(snirf(add))


@pytest.mark.parametrize("stored", [3, 3.0, np.uint8(3), [3], [[3.0]], "3", True])
def test_single_numbers_of_any_form_are_read_alike(tmp_path, stored):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("one", "two"):
            file.create_group(name)["value"] = stored
        groups = [file["one"], file["two"]]
        assert first_numbers(groups, "value").tolist() == [float(np.ravel(stored)[0])] * 2
        assert np.isnan(first_numbers(groups, "absent")).all()
