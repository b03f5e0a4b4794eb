"""Samples are kept as they are; kinds that are no intensity are named and refused."""

import h5py
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.snirf.read import read_snirf_raw
from tests.io.snirf.stored import put, samples


def test_values_are_kept_exactly_whatever_they_are(snirf):
    odd = np.random.default_rng(1).uniform(0.5, 2, (200, 8))
    odd[:50, 0] = 0.0
    odd[50:60, 1] = -0.25
    odd[60, 2] = -0.0
    odd[:, 3] = np.minimum(odd[:, 3], 0.75)  # saturated most of the time
    odd[70:90, 4] = np.nan
    odd[:, 6:] = 1 + 1e-3 * np.sin(np.arange(200) / 9)[:, None]  # a good one
    pairs = ((1, 1), (1, 2), (2, 2), (2, 1))
    path = snirf(lambda nirs: put(nirs, "data1/dataTimeSeries", odd), pairs=pairs)
    recording = io.read(path)
    light = recording["nirs"].intensity.values.reshape(8, -1)
    np.testing.assert_array_equal(light, odd.T)
    np.testing.assert_array_equal(np.signbit(light), np.signbit(odd.T))
    assert not recording["nirs"].bad.any()
    judged = io.mark_bad(recording)["nirs"].bad
    assert judged.sel(channel=["S1-D1", "S2-D1"]).values.tolist() == [True, False]
    again = io.read(io.write_nirs(recording, path.with_name("b.snirf")))
    np.testing.assert_array_equal(again["nirs"].intensity.values.reshape(8, -1), odd.T)


@pytest.mark.parametrize("stored", ["<f4", ">f8", "<i4", "<u2"])
def test_samples_of_any_number_type(snirf, stored):
    values = np.random.default_rng(0).integers(0, 60_000, (200, 6)).astype(stored)
    raw = read_snirf_raw(snirf(lambda nirs: put(nirs, "data1/dataTimeSeries", values)))
    np.testing.assert_array_equal(raw.get_data(), values.T.astype(float))


def test_voltages_become_volts_each_channel_by_its_own_unit(snirf):
    def units(nirs):
        for k, unit in enumerate(("V", "mV", "uV", "au", "", "mV"), 1):
            nirs[f"data1/measurementList{k}/dataUnit"] = unit
        nirs["data1/dataOffset"] = np.arange(6.0)

    path = snirf(units)
    expected = samples(path) + np.arange(6)[:, None]
    expected *= np.array([1, 1e-3, 1e-6, 1, 1, 1e-3])[:, None]
    np.testing.assert_allclose(read_snirf_raw(path).get_data(), expected, rtol=1e-15)


def test_optical_density_reads_as_such(snirf):
    def density(nirs):
        for k in range(1, 7):
            put(nirs, f"data1/measurementList{k}/dataType", 99999)
            nirs[f"data1/measurementList{k}/dataTypeLabel"] = "dOD"

    path = snirf(density)
    assert set(read_snirf_raw(path).get_channel_types()) == {"fnirs_od"}
    assert "od" in io.read(path)["nirs"]


@pytest.mark.parametrize(
    ("code", "label", "message"),
    [
        (99999, "HbO", r"haemoglobin concentrations \(HbO\).*before Beer-Lambert"),
        (99999, "HRF dOD", "processed data 'HRF dOD'"),
        (201, "", r"time-gated data \(dataType 201\)"),
        (101, "", "frequency-domain data"),
        (410, "", "diffuse correlation data"),
    ],
)
def test_other_kinds_of_data_are_refused_by_name(snirf, code, label, message):
    def other(nirs):
        for k in range(1, 7):
            put(nirs, f"data1/measurementList{k}/dataType", code)
            nirs[f"data1/measurementList{k}/dataTypeLabel"] = label
            nirs[f"data1/measurementList{k}"].pop("wavelengthIndex")

    with pytest.raises(io.ReadError, match=message):
        io.read(snirf(other))


def test_mixed_kinds_are_refused(snirf):
    def mix(nirs):
        put(nirs, "data1/measurementList2/dataType", 99999)
        nirs["data1/measurementList2/dataTypeLabel"] = "dOD"

    with pytest.raises(io.ReadError, match="fnirs_cw_amplitude and fnirs_od"):
        io.read(snirf(mix))


def test_header_that_claims_more_than_the_file_holds_is_refused(snirf):
    def swell(nirs):
        put(nirs, "data1/time", [0.0, 0.1])
        del nirs["data1/dataTimeSeries"]
        nirs["data1"].create_dataset("dataTimeSeries", (10**9, 6), "f8", chunks=(1000, 6))

    with pytest.raises(io.ReadError, match="values that the file can hold"):
        io.read(snirf(swell, count=4))


def test_members_of_the_wrong_type_are_refused(snirf):
    for name in ("data1", "data1/time", "data1/measurementList1", "probe"):

        def swap(nirs, name=name):
            other = isinstance(nirs[name], h5py.Group)
            del nirs[name]
            if other:
                nirs[name] = 7.0
            else:
                nirs.create_group(name)

        with pytest.raises(io.ReadError):
            io.read(snirf(swap))
