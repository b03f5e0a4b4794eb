"""The small files with known answers about channels, places and identity, read one by one."""

import logging
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.snirf.hdf5 import numbers, texts


@pytest.fixture(scope="session")
def cases(data_dir) -> Path:
    """Folder of small files with known answers, beside that of the real recordings."""
    folder = data_dir.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"no small files with known answers at {folder}")
    return folder


def light(path: Path) -> xr.Dataset:
    return nf.read(path)["nirs"].to_dataset()


def millimetres(node: xr.Dataset) -> list[float]:
    return (1e3 * node.distance.values).round(1).tolist()


def bads(node: xr.Dataset) -> list[str]:
    return node.channel.values[node.bad.values].tolist()


def events(path: Path) -> list[tuple[float, str]]:
    node = nf.read(path)["events"].to_dataset()
    return list(zip(node.onset.values.round(6), node.description.values, strict=True))


def test_labels_with_gaps(cases, tmp_path):
    recording = nf.read(cases / "S1_labels_with_gaps.snirf")
    names = ["S1-D2", "S1-D3", "S4-D3", "S4-D7"]
    assert recording["nirs"].channel.values.tolist() == names
    with h5py.File(io.write_nirs(recording, tmp_path / "a.snirf")) as file:
        assert texts(file["nirs/probe/sourceLabels"]) == ["S1", "S4"]
        assert texts(file["nirs/probe/detectorLabels"]) == ["D2", "D3", "D7"]


@pytest.mark.parametrize("identity", [False, True])
def test_everything_that_a_rich_file_says(cases, tmp_path, identity):
    recording = nf.read(cases / "Q_rich.snirf")
    path = io.write_nirs(recording, tmp_path / "a.snirf", keep_identity=identity)
    with h5py.File(path) as file:
        nirs = file["nirs"]
        first = nirs["data1/measurementList1"]  # pyright: ignore
        assert texts(nirs["probe/coordinateSystem"]) == ["CapTrak"]  # pyright: ignore
        flat = numbers(nirs["probe/sourcePos2D"])  # pyright: ignore
        np.testing.assert_array_equal(flat, [[0, 0], [1e-3, 0]])  # 1 mm, in m
        facts = {"detectorGain": 2.0, "sourcePower": 1.5, "wavelengthActual": 761.3}
        assert {name: numbers(first[name]).item() for name in facts} == facts  # pyright: ignore
        assert texts(first["dataUnit"]) == ["V"]  # pyright: ignore
        tags = nirs["metaDataTags"]  # pyright: ignore
        assert texts(tags["ManufacturerName"]) == ["Maker"]  # pyright: ignore
        assert texts(tags["Model"]) == ["M1"]  # pyright: ignore
        private = {"Comment", "SubjectName"} & set(tags)  # pyright: ignore
        assert len(private) == (2 if identity else 0)


def test_positions_that_lie_across(cases):
    node = light(cases / "S4_positions_3xN.snirf")
    assert millimetres(node) == [30.0] * 5
    assert not node.short.any()


def test_a_detector_without_a_second_axis(cases):
    assert millimetres(light(cases / "S2_portalite_1d_detector.snirf")) == [35.0, 36.4, 40.3]


def test_all_pairs_around_a_head(cases):
    node = light(cases / "S8_all_pairs_whole_head.snirf")
    distance = 1e3 * node.distance.values
    found = [distance.min(), np.median(distance), distance.max()]
    np.testing.assert_allclose(found, [28.5, 142, 217], rtol=0.005)
    assert not node.short.any()


def test_channels_tsv_in_another_order(cases):
    path = cases / "N6_nirs_channel_order"
    assert events(path) == [(5.0, "Tapping/Left"), (20.0, "Tapping/Right")]
    assert bads(light(path)) == ["S2-D3"]


def test_optodes_in_a_table_only(cases):
    node = light(cases / "B9_optodes_only_in_tsv")
    assert millimetres(node)[0] == 8.0
    assert node.short.values.tolist() == [True, False, False, False]
    assert np.isfinite(node.distance).all()


def test_a_bad_channel_without_positions(cases):
    assert bads(light(cases / "B10c_bad_without_positions")) == ["S2-D3"]


def test_a_byte_order_mark_in_json(cases):
    assert events(cases / "B4_bom") == [(3.0, "a"), (9.5, "b"), (20.0, "c")]


def test_electrodes_without_a_unit(cases):
    node = nf.read(cases / "B8c_units_na")["eeg"].to_dataset()
    np.testing.assert_allclose(node.position.values[0], [-0.03, 0.08, 0.03])


def test_an_average_reference_that_waits_to_be_applied(cases):
    raw = nf.to_mne(nf.read(cases / "L10_proj_raw.fif"))[0]
    assert raw is not None
    assert [(p["desc"], p["active"]) for p in raw.info["projs"]] == [
        ("Average EEG reference", False)
    ]


def test_impedances_are_no_eeg(cases):
    recording = nf.read(cases / "X3_eeg_plus_impedance_stream.xdf")
    assert recording["eeg"].channel.values.tolist() == ["Fp1", "Fp2"]
    assert "Amp EEG impedance" in recording["aux"].children


def test_one_pair_at_two_gains(cases, caplog):
    with caplog.at_level(logging.WARNING, "neurofuse"):
        assert light(cases / "M6_dual_gain.snirf").channel.values.tolist() == ["S1-D1", "S2-D2"]
    assert "several gains; the first is read" in caplog.text


def test_a_sensor_in_a_row(cases, caplog):
    with caplog.at_level(logging.WARNING, "neurofuse"):
        sensor = nf.read(cases / "M12_aux_row.snirf")["aux"]["acc"]
    assert dict(sensor.sizes) == {"channel": 1, "time": 600}
    assert "one channel a row" in caplog.text


def test_no_participant_is_named_in_a_bids_derivative(cases, tmp_path):
    from neurofuse.cli.clean import clean_files

    paths = []
    for kind, suffix in (("eeg", ".edf"), ("nirs", ".snirf")):
        paths.append(tmp_path / f"sub-01_task-rest_{kind}{suffix}")
        paths[-1].write_bytes((cases / f"I1_identity{suffix}").read_bytes())
    out = tmp_path / "out"
    clean_files(paths, out, method="uncorrected", offset=0, bids=True)
    marks = (
        "SUBJECTCODE", "LASTNAME", "FIRSTNAME", "OPERATORNAME", "SERIALNUMBER", "INSTITUTENAME",
        "ADMINCODE", "1901-02-03", "03-FEB-1901",
    )  # fmt: skip
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        said = path.read_bytes().decode("latin-1")
        if h5py.is_hdf5(path):
            with h5py.File(path) as file:
                nodes: list = [file]
                file.visititems(lambda _, node, nodes=nodes: nodes.append(node))
                said += str([list(node.attrs.items()) for node in nodes])
                said += str([texts(node) for node in nodes if getattr(node, "size", 0)])
        assert not [mark for mark in marks if mark in said], path
