"""What a SNIRF file says of probe, channels and device comes back; names follow its labels."""

from pathlib import Path
from typing import Any

import h5py
import mne
import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.snirf.hdf5 import numbers, texts

ROWS = {"detectorGain": 2.0, "sourcePower": 1.5, "wavelengthActual": 761.3}


def labels(nirs, source, detector):
    for kind, names in (("source", source), ("detector", detector)):
        del nirs[f"probe/{kind}Labels"]
        nirs[f"probe/{kind}Labels"] = names


def again(path):
    """The file at `path`, read and written."""
    return io.write_nirs(io.read(path), path.with_name("again.snirf"))


def group(path: Path) -> Any:
    return h5py.File(path)["nirs"]


def test_channels_are_named_after_labels_and_the_labels_come_back(snirf):
    path = snirf(lambda nirs: labels(nirs, ["S1", "S4"], ["D2", "D7"]))
    node = nf.read(path)["nirs"]
    assert node.channel.values.tolist() == ["S1-D2", "S1-D7", "S4-D7"]
    assert node.raw_name.values.ravel().tolist()[-1] == "S4_D7 850"
    written = again(path)
    assert texts(group(written)["probe/sourceLabels"]) == ["S1", "S4"]
    assert texts(group(written)["probe/detectorLabels"]) == ["D2", "D7"]
    assert io.read(written)["nirs"].channel.values.tolist() == node.channel.values.tolist()
    np.testing.assert_array_equal(io.read(written)["nirs"].distance, node.distance)


@pytest.mark.parametrize(
    ("source", "detector"),
    [(["Tx1", "Tx9"], ["Rx1", "Rx2"]), (["S2", "B"], ["D3", "D3"]), (["S1", "S2"], ["", ""])],
)
def test_labels_of_another_form_come_back_but_name_nothing(snirf, source, detector):
    path = snirf(lambda nirs: labels(nirs, source, detector))
    assert nf.read(path)["nirs"].channel.values.tolist() == ["S1-D1", "S1-D2", "S2-D2"]
    written = again(path)
    assert texts(group(written)["probe/sourceLabels"]) == source
    assert texts(group(written)["probe/detectorLabels"]) == detector
    assert nf.read(written)["nirs"].channel.values.tolist() == ["S1-D1", "S1-D2", "S2-D2"]


@pytest.mark.parametrize("by_mne", [False, True])
def test_facts_of_probe_channels_and_device_come_back(snirf, by_mne):
    def say(nirs):
        nirs["probe/coordinateSystem"] = "CapTrak"
        nirs["probe/sourcePos2D"], nirs["probe/detectorPos2D"] = np.eye(2), np.ones((2, 2))
        for k in range(1, 7):
            for name, value in ROWS.items():
                nirs[f"data1/measurementList{k}/{name}"] = value + k / 10
            nirs[f"data1/measurementList{k}/dataUnit"] = "V"

    path = snirf(say, ManufacturerName="Maker", Model="M1", Comment="left-handed")
    recording = io.read(path)
    if by_mne:
        raw_nirs: Any = io.to_mne(recording)[1]
        recording = io.from_mne(None, raw_nirs.copy())
    written = io.write_nirs(recording, path.with_name("again.snirf"), keep_identity=True)
    nirs = group(written)
    assert texts(nirs["probe/coordinateSystem"]) == ["CapTrak"]
    np.testing.assert_array_equal(numbers(nirs["probe/sourcePos2D"]), np.eye(2) * 1e-3)  # m
    for k in range(1, 7):
        for name, value in ROWS.items():
            assert nirs[f"data1/measurementList{k}/{name}"][()] == value + k / 10
        assert texts(nirs[f"data1/measurementList{k}/dataUnit"]) == ["V"]
    for name, value in (("ManufacturerName", "Maker"), ("Model", "M1"), ("Comment", "left-handed")):
        assert texts(nirs[f"metaDataTags/{name}"]) == [value]


def test_gains_follow_their_channels_when_some_are_left_out(snirf):
    def say(nirs):
        for k in range(1, 7):
            nirs[f"data1/measurementList{k}/detectorGain"] = float(k)

    recording = io.read(snirf(say))
    node = io.stream_dataset(recording, "nirs").isel(channel=[2])
    path = snirf().with_name("part.snirf")
    io.write_nirs(io.with_stream(recording, "nirs", node), path)
    rows = [group(path)[f"data1/measurementList{k}/detectorGain"][()] for k in (1, 2)]
    assert rows == [5.0, 6.0]


def test_optodes_without_channels_and_named_landmarks_keep_their_places(snirf):
    def say(nirs):
        del nirs["probe/sourcePos3D"]
        nirs["probe/sourcePos3D"] = [[30.0, 10, 90], [60, 10, 90], [7, 8, 9]]
        nirs["probe/landmarkPos3D"] = [[0.0, 90, 0], [1, 2, 3]]
        nirs["probe/landmarkLabels"] = ["Nasion", "Cz"]
        labels(nirs, ["S1", "S2", "S3"], ["D1", "D2"])

    nirs = group(again(snirf(say)))
    np.testing.assert_allclose(numbers(nirs["probe/sourcePos3D"])[2], [0.007, 0.008, 0.009])
    assert texts(nirs["probe/landmarkLabels"]) == ["Nasion", "Cz"]


def test_a_unit_of_voltage_is_that_of_the_samples_written(snirf):
    def say(nirs):
        for k in range(1, 7):
            nirs[f"data1/measurementList{k}/dataUnit"] = "mV"

    path = snirf(say)
    written = again(path)
    np.testing.assert_array_equal(
        io.read(written)["nirs"].intensity, io.read(path)["nirs"].intensity
    )


def test_pairs_recorded_at_two_gains_are_read_once(snirf, caplog):
    path = snirf(pairs=((1, 1), (1, 1), (2, 2)))
    node = io.read(path)["nirs"]
    assert node.channel.values.tolist() == ["S1-D1", "S2-D2"]
    stored = group(path)["data1/dataTimeSeries"][()].T
    np.testing.assert_array_equal(node.intensity.values.reshape(4, -1), stored[[0, 1, 4, 5]])
    assert "more than one recording of S1_D1, as of several gains; the first is read" in caplog.text


@pytest.mark.parametrize("width", [1, 3])
def test_a_sensor_may_lie_across(snirf, width, caplog):
    values = np.arange(200.0 * width).reshape(width, 200)

    def add(nirs):
        nirs["aux1/name"], nirs["aux1/dataTimeSeries"] = "acc", values
        nirs["aux1/time"] = np.arange(200) / 10

    sensor = io.read(snirf(add))["aux"]["acc"]
    np.testing.assert_array_equal(sensor["acc"], values)
    assert "one channel a row" in caplog.text


@pytest.mark.parametrize(("offset", "first"), [(2.5, 2.5), (-1.0, -1.0), (1.7e9, 0.0)])
def test_the_time_offset_of_a_sensor_counts_unless_it_leads_away(snirf, offset, first, caplog):
    def add(nirs):
        nirs["aux1/name"], nirs["aux1/dataTimeSeries"] = "acc", np.ones((200, 1))
        nirs["aux1/time"], nirs["aux1/timeOffset"] = np.arange(200) / 10, offset

    sensor = io.read(snirf(add))["aux"]["acc"]
    assert float(sensor.time[0]) == pytest.approx(first)
    assert ("not applied" in caplog.text) == (offset > 1e9)


def test_mne_reads_what_is_written(snirf):
    written = again(snirf(lambda nirs: labels(nirs, ["S1", "S4"], ["D2", "D7"])))
    raw = mne.io.read_raw_snirf(written, verbose="error")
    np.testing.assert_array_equal(
        raw.get_data(), io.read(written)["nirs"].intensity.values.reshape(6, -1)
    )
