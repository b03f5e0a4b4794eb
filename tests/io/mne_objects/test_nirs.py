"""fNIRS in and out: pairs by name, wavelengths, SNIRF as files have it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import h5py
import mne
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.mne_objects.nirs import raw_from_nirs
from neurofuse.io.snirf.read import read_aux


def test_channels_are_found_by_name_whatever_their_order(nirs_raw):
    raw = nirs_raw(waves=(660, 730, 850))
    names = list(np.random.default_rng(0).permutation(raw.ch_names))
    mixed = raw.copy().reorder_channels(names)
    node = io.nirs_from_raw(mixed)
    assert node.wavelength.values.tolist() == [660.0, 730.0, 850.0]
    for name in names:
        pair, wave = name.split()
        row = node.intensity.sel(channel=pair.replace("_", "-"), wavelength=float(wave))
        np.testing.assert_array_equal(row.values, raw.get_data(picks=name)[0])
    back = raw_from_nirs(node)
    assert back.ch_names == names
    np.testing.assert_array_equal(back.get_data(), mixed.get_data())
    for one, other in zip(back.info["chs"], mixed.info["chs"], strict=True):
        np.testing.assert_allclose(one["loc"][:10], other["loc"][:10])


def test_channel_with_a_wavelength_missing_is_bad_and_comes_back_as_it_was(nirs_raw):
    raw = nirs_raw()
    raw.drop_channels(["S1_D2 850"])
    node = io.nirs_from_raw(raw)
    assert node.bad.values.tolist() == [False, True, False]
    assert np.isnan(node.intensity.sel(channel="S1-D2", wavelength=850)).all()
    assert raw_from_nirs(node).ch_names == raw.ch_names


def test_bad_spreads_to_the_other_wavelengths(nirs_raw):
    raw = nirs_raw(waves=(660, 730, 850))
    raw.info["bads"] = ["S1_D2 850"]
    node = io.nirs_from_raw(raw)
    assert node.bad.values.tolist() == [False, True, False]
    assert raw_from_nirs(node).info["bads"] == ["S1_D2 660", "S1_D2 730", "S1_D2 850"]
    assert raw.info["bads"] == ["S1_D2 850"]


def test_landmarks_and_the_wavelengths_own_fractions_go_both_ways(nirs_raw):
    raw = nirs_raw()
    for channel in raw.info["chs"]:
        channel["loc"][9] += 0.25
    marks = {"nasion": [0, 0.1, 0], "lpa": [-0.08, 0, 0], "rpa": [0.08, 0, 0]}
    with raw.info._unlock():
        raw.info["dig"] = mne.channels.make_dig_montage(**marks, coord_frame="head").dig
    node = io.nirs_from_raw(raw)
    assert node.wavelength.values.tolist() == [760.0, 850.0]
    assert node.raw_wavelength.values[0].tolist() == [760.25, 850.25]
    back = raw_from_nirs(node)
    assert [c["loc"][9] for c in back.info["chs"]] == [760.25, 850.25] * 3
    assert [p["r"].tolist() for p in back.info["dig"]] == [p["r"].tolist() for p in raw.info["dig"]]


def test_subset_of_channels_keeps_its_order(nirs_raw):
    node = io.nirs_from_raw(nirs_raw()).isel(channel=[2, 0])
    assert raw_from_nirs(node).ch_names == ["S1_D1 760", "S1_D1 850", "S2_D2 760", "S2_D2 850"]


def test_refused_kinds(nirs_raw, eeg_raw):
    od = mne.preprocessing.nirs.optical_density(nirs_raw())
    blood = mne.preprocessing.nirs.beer_lambert_law(od, ppf=6.0)
    with pytest.raises(io.ReadError, match=r"haemoglobin.*give the file as the device wrote it"):
        io.nirs_from_raw(blood)
    with pytest.raises(io.ReadError, match=r"type eeg.*at least one fNIRS channel"):
        io.nirs_from_raw(eeg_raw())
    info = mne.create_info(["left 760", "right 760"], 10.0, "fnirs_cw_amplitude")
    with pytest.raises(io.ReadError, match=r"'left 760'.*names like 'S1_D1 760'"):
        io.nirs_from_raw(mne.io.RawArray(np.ones((2, 9)), info, verbose="error"))


@pytest.mark.parametrize("kind", ["fnirs_cw_amplitude", "fnirs_od"])
@pytest.mark.parametrize("waves", [(760, 850), (660, 730, 850)])
def test_snirf_round_trip(tmp_path, nirs_raw, kind, waves):
    raw = nirs_raw(kind=kind, waves=waves, marks=[(1.0, "tap"), (3.5, "rest")])
    path = io.write_nirs(io.from_mne(None, raw), tmp_path / "a.snirf", keep_identity=True)
    again = mne.io.read_raw_snirf(path, preload=True, verbose="error")
    assert again.ch_names == raw.ch_names
    assert again.get_channel_types() == raw.get_channel_types()
    np.testing.assert_array_equal(again.get_data(), raw.get_data())
    assert again.info["sfreq"] == pytest.approx(10.0, rel=1e-12)
    assert again.info["meas_date"] == raw.info["meas_date"]
    np.testing.assert_allclose(again.annotations.onset, [1.0, 3.5])
    np.testing.assert_allclose(again.annotations.duration, 0.5)
    assert again.annotations.description.tolist() == ["tap", "rest"]
    for one, other in zip(again.info["chs"], raw.info["chs"], strict=True):
        np.testing.assert_allclose(one["loc"][:10], other["loc"][:10], atol=1e-12)
        assert int(one["coord_frame"]) == int(other["coord_frame"])
    ours = io.read(path)
    assert ours["nirs"].attrs["subject"] == "one"


def test_unknown_date_stays_unknown(tmp_path, nirs_raw):
    path = io.write_nirs(io.from_mne(None, nirs_raw(date=None)), tmp_path / "a.snirf")
    with h5py.File(path) as file:
        tags: Any = file["nirs/metaDataTags"]
        assert tags["MeasurementDate"][()] == b"unknown"
    assert io.read_nirs_raw(path).info["meas_date"] is None
    assert io.read(path)["nirs"].attrs["measured_at"] == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the validator's
def test_written_snirf_is_valid(tmp_path, nirs_raw, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the validator leaves a log where it is imported
    snirf = pytest.importorskip("snirf")
    path = io.write_nirs(io.from_mne(None, nirs_raw(marks=[(1.0, "tap")])), tmp_path / "a.snirf")
    result = snirf.validateSnirf(str(path))
    assert result.is_valid(), list(result.errors)


def _edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file["nirs"])


def test_first_sample_time_shifts_events_and_date(tmp_path, nirs_raw):
    path = io.write_nirs(io.from_mne(None, nirs_raw(marks=[(2.0, "tap")])), tmp_path / "a.snirf")

    def late(nirs):
        nirs["data1/time"][...] = nirs["data1/time"][...] + 0.5

    _edit(path, late)
    raw = io.read_nirs_raw(path)
    np.testing.assert_allclose(raw.annotations.onset, [1.5])
    date = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)
    assert raw.info["meas_date"] == date + timedelta(seconds=0.5)


def test_gaps_are_interpolated_and_reported(tmp_path, nirs_raw, caplog):
    path = io.write_nirs(io.from_mne(None, nirs_raw(seconds=10.0)), tmp_path / "a.snirf")

    def hole(nirs):
        time = nirs["data1/time"][...]
        time[40:] += 2.0
        nirs["data1/time"][...] = time

    _edit(path, hole)
    before = np.asarray(mne.io.read_raw_snirf(path, verbose="error").get_data())
    recording = io.read(path)
    node = recording["nirs"]
    assert node.attrs["rate"] == pytest.approx(10.0)
    assert node.sizes["time"] == 120
    light = node.intensity.values.reshape(6, -1)
    np.testing.assert_allclose(light[:, :40], before[:, :40], rtol=1e-9)
    np.testing.assert_allclose(light[:, 60:], before[:, 40:], rtol=1e-9)
    assert recording["events"].description.values.tolist() == ["BAD_gap"]
    assert recording["events"].onset.values == pytest.approx([3.9])
    assert "1 gap (2 s in total) was interpolated" in caplog.text


def test_sample_times_that_stand_still_are_refused(tmp_path, nirs_raw):
    path = io.write_nirs(io.from_mne(None, nirs_raw()), tmp_path / "a.snirf")

    def stall(nirs):
        nirs["data1/time"][50:60] = nirs["data1/time"][49]  # a single one is read with a warning

    _edit(path, stall)
    with pytest.raises(io.ReadError, match="sample times do not ascend"):
        io.read(path)


def test_impossible_length_unit_is_repaired(tmp_path, nirs_raw, caplog):
    path = io.write_nirs(io.from_mne(None, nirs_raw()), tmp_path / "a.snirf")
    true = io.read(path)["nirs"]

    def shrink(nirs):
        for name in ("probe/sourcePos3D", "probe/detectorPos3D"):
            nirs[name][...] = nirs[name][...] / 10
        del nirs["metaDataTags/AppName"]  # neurofuse's own lengths are believed

    _edit(path, shrink)
    mended = io.read(path)["nirs"]
    np.testing.assert_allclose(mended.distance, true.distance)
    assert not mended.short.any()
    assert "times 10" in caplog.text


def test_aux_sensors_lie_on_the_clock(tmp_path, nirs_raw, eeg_raw):
    path = io.write_nirs(io.from_mne(None, nirs_raw(seconds=8.0)), tmp_path / "a.snirf")
    eeg = io.write_eeg(io.from_mne(eeg_raw(seconds=20.0)), tmp_path / "a.edf")

    def add(nirs):
        aux = nirs.create_group("aux1")
        aux["name"], aux["dataUnit"] = b"ACC_X", b"g"
        aux["time"] = np.arange(-10, 400) / 50
        aux["dataTimeSeries"] = np.sin(np.arange(410) / 50)

    _edit(path, add)
    sensor = read_aux(path)["ACC_X"]
    assert sensor.attrs["rate"] == pytest.approx(50.0)
    assert float(sensor.time[0]) == pytest.approx(-0.2)
    moved = io.read(eeg, path, offset=3.0)["aux/ACC_X"]
    assert float(moved.time[0]) == pytest.approx(2.8)
    assert moved["ACC_X"].attrs["units"] == "g"


def test_real_units_trap_duplicate_events_and_dark_channels(data_dir):
    recording = io.read(data_dir / "fnirs_motion" / "homer3_twni" / "s1_neuro_run03.snirf")
    node = recording["nirs"]
    assert 0.018 < float(node.distance.median()) < 0.024
    raw = mne.io.read_raw_snirf(
        data_dir / "fnirs_motion" / "homer3_twni" / "s1_neuro_run03.snirf", verbose="error"
    )
    assert recording["events"].sizes["event"] == len(raw.annotations) / 2
    assert not node.bad.any()
    judged = io.mark_bad(recording)["nirs"]
    bad = judged.channel.values[judged.bad.values].tolist()
    assert bad == ["S1-D1", "S1-D2", "S2-D4", "S3-D6"]


def test_real_nirx_folder_equals_its_snirf(data_dir):
    root = data_dir / "formats" / "mne_testing_data"
    folder = io.read(root / "NIRx" / "nirscout" / "nirx_15_3_recording")["nirs"]
    file = root / "SNIRF" / "MNE-NIRS" / "20220217" / "20220217_nirx_15_3_recording.snirf"
    snirf = io.read(file)["nirs"]
    order = folder.channel.values.tolist()
    assert sorted(order) == sorted(snirf.channel.values.tolist())
    np.testing.assert_allclose(snirf.intensity.sel(channel=order), folder.intensity, rtol=1e-6)
    np.testing.assert_allclose(snirf.distance.sel(channel=order), folder.distance, atol=1e-6)
