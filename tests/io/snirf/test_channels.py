"""Channels are found by their indices: any order, any wavelengths, any kind of list."""

import math

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neurofuse.io as io
from neurofuse.io.mne_objects.nirs import raw_from_nirs
from neurofuse.io.snirf.read import read_snirf_raw
from neurofuse.io.snirf.write import write_snirf
from tests.io.snirf.stored import put, samples

PAIRS = ((1, 1), (1, 2), (2, 2))


@given(order=st.permutations(range(9)))
@settings(max_examples=10)
def test_permuting_the_channels_of_a_file_permutes_the_result_and_nothing_else(
    tmp_path_factory, make_raw, order
):
    raw = make_raw(PAIRS, (660.0, 730.0, 850.0), seed=1)
    folder = tmp_path_factory.mktemp("order")
    write_snirf(raw, folder / "a.snirf")
    with h5py.File(folder / "a.snirf") as one, h5py.File(folder / "b.snirf", "w") as other:
        one.copy("nirs", other)
        block = other["nirs/data1"]
        block["dataTimeSeries"][...] = one["nirs/data1/dataTimeSeries"][()][:, order]  # pyright: ignore
        for k, old in enumerate(order, 1):
            del block[f"measurementList{k}"]  # pyright: ignore
            one.copy(f"nirs/data1/measurementList{old + 1}", block, f"measurementList{k}")  # pyright: ignore
    mixed = read_snirf_raw(folder / "b.snirf")
    assert mixed.ch_names == [raw.ch_names[old] for old in order]
    nodes = [
        io.nirs_from_raw(r).drop_vars(["raw_order"]).drop_attrs(deep=False).sortby("channel")
        for r in (raw, mixed)
    ]
    xr.testing.assert_identical(*nodes)
    back = raw_from_nirs(io.nirs_from_raw(mixed))
    assert back.ch_names == mixed.ch_names
    np.testing.assert_array_equal(back.get_data(), mixed.get_data())


@pytest.mark.parametrize("waves", [(760.0,), (690.0, 760.0, 830.0, 850.0), (757.5, 843.25)])
def test_any_count_of_wavelengths(snirf, waves):
    path = snirf(waves=waves)
    raw = read_snirf_raw(path)
    assert raw.ch_names[: len(waves)] == [f"S1_D1 {math.floor(w)}" for w in waves]
    assert [c["loc"][9] for c in raw.info["chs"]] == [*waves] * 3
    node = io.read(path)["nirs"]
    assert node.wavelength.values.tolist() == [round(w) for w in waves]
    np.testing.assert_array_equal(node.intensity.values.reshape(-1, 200), samples(path))
    back = [c["loc"][9] for c in raw_from_nirs(node.to_dataset()).info["chs"]]
    assert back == [*waves] * 3


def test_lasers_of_one_colour_are_one_wavelength_each_pair_keeping_its_own(snirf):
    def alter(nirs):  # as some devices store each laser's own: 757/843 nm and 761/847 nm
        for k, wave in enumerate((1, 2, 1, 2, 3, 4), 1):
            put(nirs, f"data1/measurementList{k}/wavelengthIndex", wave)
        put(nirs, "probe/wavelengths", [757.0, 843.0, 761.0, 847.0])

    path = snirf(alter)
    node = io.read(path)["nirs"]
    assert node.wavelength.values.tolist() == [759.0, 845.0]
    assert node.raw_wavelength.sel(channel="S2-D2").values.tolist() == [761.0, 847.0]
    assert not node.bad.any()
    raw = raw_from_nirs(node.to_dataset())
    assert raw.ch_names[-2:] == ["S2_D2 761", "S2_D2 847"]
    assert raw.info["chs"][-1]["loc"][9] == 847.0


def test_wavelengths_that_whole_numbers_would_confuse_keep_their_fractions(snirf):
    raw = read_snirf_raw(snirf(waves=(760.2, 760.8)))
    assert raw.ch_names[:2] == ["S1_D1 760.2", "S1_D1 760.8"]


def test_list_of_arrays_reads_as_the_list_of_groups(snirf):
    def modern(nirs):
        block = nirs["data1"]
        rows = [block.pop(f"measurementList{k}") for k in range(1, 7)]
        lists = block.create_group("measurementLists")
        for name in ("sourceIndex", "detectorIndex", "wavelengthIndex", "dataType"):
            lists[name] = np.array([row[name][()] for row in rows])

    one, other = read_snirf_raw(snirf()), read_snirf_raw(snirf(modern))
    assert one.ch_names == other.ch_names
    np.testing.assert_array_equal(one.get_data(), other.get_data())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: n["data1"].pop("measurementList6"), "6 columns .* 5 entries"),
        (lambda n: put(n, "data1/measurementList3/wavelengthIndex", 3), "2 wavelengths.*for each"),
        (lambda n: put(n, "data1/measurementList3/sourceIndex", 0), "indices that count from 1"),
        (lambda n: n["data1/measurementList3"].pop("detectorIndex"), "count from 1"),
        (lambda n: put(n, "data1/measurementList3/detectorIndex", 1), "2 channels 'S1_D1 760'"),
        (lambda n: put(n, "probe/wavelengths", [7.6e-7, 8.5e-7]), "wavelengths in nm"),
        (lambda n: put(n, "data1/dataTimeSeries", np.ones((200, 3, 2))), r"\(time, channel\)"),
        (lambda n: n.pop("probe"), "0 wavelengths"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(snirf, change, message):
    with pytest.raises(io.ReadError, match=message):
        read_snirf_raw(snirf(change))


def test_one_channel_may_come_as_a_plain_array(snirf):
    def flatten(nirs):
        put(nirs, "data1/dataTimeSeries", nirs["data1/dataTimeSeries"][:, 0])

    path = snirf(flatten, waves=(760.0,), pairs=((1, 1),))
    np.testing.assert_array_equal(read_snirf_raw(path).get_data()[0], samples(path))
