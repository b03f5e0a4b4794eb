"""Positions, landmarks and labels, given, missing or untrue."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import neurofuse.io as io
from neurofuse.io.snirf.orientation import rows_of_optodes
from neurofuse.io.snirf.probe import correct_length, length_factor
from neurofuse.io.snirf.read import read_snirf_raw
from tests.io.snirf.stored import put

PAIRS = ((1, 1), (1, 2), (2, 2))


@pytest.mark.parametrize("name", ["sourceLabels", "detectorLabels"])
def test_missing_labels_change_nothing(snirf, name):
    raw, bare = read_snirf_raw(snirf()), read_snirf_raw(snirf(lambda n: n["probe"].pop(name)))
    assert bare.ch_names == raw.ch_names
    assert bare.ch_names[-1] == "S2_D2 850"


@pytest.mark.parametrize("labels", [None, "", [], ["Nasion"]])
def test_missing_landmark_labels_leave_the_landmarks_out(snirf, labels):
    def alter(nirs):
        nirs["probe/landmarkPos3D"] = [[0.0, 90, 0], [-80, 0, 0], [80, 0, 0]]
        if labels is not None:
            nirs["probe/landmarkLabels"] = np.array(labels, dtype=h5py.string_dtype())

    path = snirf(alter)
    found = read_snirf_raw(path).info["dig"] or []
    assert [p["r"].tolist() for p in found] == ([[0, 0.09, 0]] if labels == ["Nasion"] else [])
    assert io.read(path)["nirs"].sizes["channel"] == 3


def test_landmarks_are_in_metres_and_come_back(snirf):
    def add(nirs):
        nirs["probe/landmarkPos3D"] = [[80.0, 0, 0, 3], [0, 90, 0, 1], [-80, 0, 0, 2]]
        nirs["probe/landmarkLabels"] = ["Nz", "AL", "AR"]

    recording = io.read(snirf(add))
    expected = [0, 0.09, 0, -0.08, 0, 0, 0.08, 0, 0]
    np.testing.assert_allclose(recording["nirs"].attrs["landmarks"], expected)
    again = io.read(io.write_nirs(recording, Path(snirf()).with_name("b.snirf")))
    np.testing.assert_array_equal(
        again["nirs"].attrs["landmarks"], recording["nirs"].attrs["landmarks"]
    )


def test_flat_positions_serve_where_there_are_none_in_space(snirf):
    def flat(nirs):
        for kind in ("source", "detector"):
            place = nirs["probe"].pop(f"{kind}Pos3D")[()]
            nirs[f"probe/{kind}Pos2D"] = place[:, :2]
            nirs[f"probe/{kind}Pos3D"] = np.zeros((2, 3))

    node = io.read(snirf(flat))["nirs"]
    np.testing.assert_allclose(node.distance, [0.03, np.hypot(0.03, 0.024), 0.024])
    assert (node.source_position.sel(axis="z") == 0).all()


def test_no_positions_at_all(snirf, tmp_path):
    def bare(nirs):
        del nirs["probe/sourcePos3D"], nirs["probe/detectorPos3D"]

    recording = io.read(snirf(bare))
    assert recording["nirs"].distance.isnull().all()
    assert not recording["nirs"].short.any()
    again = io.read(io.write_nirs(recording, tmp_path / "b.snirf"))
    xr.testing.assert_identical(
        again["nirs"].to_dataset().drop_attrs(), recording["nirs"].to_dataset().drop_attrs()
    )


def test_short_channels_are_found_by_distance(snirf):
    def near(nirs):
        put(nirs, "probe/detectorPos3D", [[30.0, 18, 90], [60, 40, 90]])

    node = io.read(snirf(near))["nirs"]
    assert node.short.values.tolist() == [True, False, False]
    assert float(node.distance[0]) == pytest.approx(0.008)


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1.0), ("cm", 0.1), ("m", 1e-3)])
@pytest.mark.parametrize("said", [None, "mm", "cm", "m", "inch"])
def test_length_unit_counts_unless_it_cannot_be_true(snirf, unit, scale, said, caplog):
    def place(nirs):
        for kind in ("source", "detector"):
            put(nirs, f"probe/{kind}Pos3D", nirs[f"probe/{kind}Pos3D"][()] * scale)

    node = io.read(snirf(place, LengthUnit=said or unit))["nirs"]
    np.testing.assert_allclose(node.distance, [0.03, np.hypot(0.03, 0.024), 0.024])
    assert ("positions taken times" in caplog.text) == (
        said not in (None, unit) and not (said == "inch" and unit == "mm")
    )


def test_correct_length_leaves_possible_probes_alone(make_raw):
    raw = make_raw()
    before = np.array([c["loc"] for c in raw.info["chs"]])
    correct_length(raw, "a.snirf")
    np.testing.assert_array_equal([c["loc"] for c in raw.info["chs"]], before)


FIVE = tuple((i, i) for i in range(1, 6))
LINE = np.array([[40.0 * i, 0, 50] for i in range(5)])


@pytest.mark.parametrize(
    ("across", "count", "width"),
    [
        (across, count, width)
        for across in ("source", "detector", "both")
        for count in (2, 3, 5)
        for width in (2, 3)
        if across == "both" or count != width  # a square table beside a standing one stands
    ],
)
def test_positions_may_lie_across(snirf, across, count, width, caplog):
    def place(nirs):
        for kind, shift in (("source", 0), ("detector", 30)):
            del nirs[f"probe/{kind}Pos3D"]
            table = (LINE + np.array([0, shift, 0]))[:count, :width]
            table = table.T if across in (kind, "both") else table
            nirs[f"probe/{kind}Pos{width}D"] = table

    node = io.read(snirf(place, pairs=FIVE[:count]))["nirs"]
    np.testing.assert_allclose(node.distance, 0.03)
    assert "one optode a column" in caplog.text


@pytest.mark.parametrize("shape", [(2,), (2, 1), (1, 2), (3,), (3, 1), (1, 3)])
def test_a_single_optode_needs_no_second_axis(snirf, shape):
    width = max(shape)

    def place(nirs):
        for kind in ("source", "detector"):
            del nirs[f"probe/{kind}Pos3D"]
        nirs[f"probe/sourcePos{width}D"] = np.array([[0.0, 0, 0], [0, 10, 0], [0, 20, 0]])[
            :, :width
        ]
        nirs[f"probe/detectorPos{width}D"] = np.array([35.0, 0, 0])[:width].reshape(shape)

    node = io.read(snirf(place, pairs=((1, 1), (2, 1), (3, 1))))["nirs"]
    np.testing.assert_allclose(node.distance, [0.035, np.hypot(0.035, 0.01), np.hypot(0.035, 0.02)])


def test_square_tables_lie_across_where_rows_would_touch():
    square, three = LINE[:3].T, np.arange(1, 4)
    other = (LINE[:3] + np.array([0, 30, 0])).T
    made = rows_of_optodes(square, other, (three, three), 3)
    assert made is not None
    np.testing.assert_array_equal(made[0], LINE[:3])
    assert made[2]


def test_landmarks_may_lie_across(snirf):
    def add(nirs):
        nirs["probe/landmarkPos3D"] = np.array([[0.0, 90, 0], [-80, 0, 0]]).T
        nirs["probe/landmarkLabels"] = ["Nasion", "LPA"]

    marks = io.read(snirf(add))["nirs"].attrs["landmarks"]
    np.testing.assert_allclose(marks[:6], [0, 0.09, 0, -0.08, 0, 0])


def ring(count, radius=0.1):
    angle = 2 * np.pi * np.arange(count) / count
    return radius * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(count)])


@pytest.mark.parametrize("said", [0.1, 1.0, 10.0])
def test_all_pairs_around_a_head_keep_their_size(said):
    optodes = ring(16)
    pairs = [(s, d) for s in range(0, 16, 2) for d in range(1, 16, 2)]
    source, detector = (said * optodes[np.array(i)] for i in zip(*pairs, strict=True))
    assert length_factor(source, detector, "a.snirf") == pytest.approx(1 / said)
