"""Auxiliary sensors keep their own times, in and out."""

import numpy as np
import pytest
import xarray as xr

import neurofuse.io as io
from neurofuse.io.clock.joining import join
from neurofuse.io.snirf.read import read_aux
from neurofuse.io.snirf.write import write_snirf
from tests.io.snirf.stored import put

PAIRS = ((1, 1), (1, 2), (2, 2))


def _sensor(nirs, number, name, data, time, unit=None):
    nirs[f"aux{number}/name"], nirs[f"aux{number}/dataTimeSeries"] = name, data
    nirs[f"aux{number}/time"] = time
    if unit:
        nirs[f"aux{number}/dataUnit"] = unit


def test_sensors_keep_their_own_rates_and_come_back_written(snirf, tmp_path):
    rng = np.random.default_rng(4)
    uneven = np.sort(rng.uniform(-1, 25, 31))

    def add(nirs):
        put(nirs, "data1/time", 0.5 + np.arange(200) / 10)
        _sensor(nirs, 1, "ACC", rng.normal(size=(1040, 3)), [0.3, 1 / 52], "g")
        _sensor(nirs, 2, "PPG/red", rng.normal(size=100), 0.5 + np.arange(100) / 5)
        _sensor(nirs, 10, "ACC", rng.integers(0, 9, (31, 1)), uneven, "°C")

    recording = io.read(snirf(add))
    aux = recording["aux"]
    assert sorted(aux.children) == ["ACC", "ACC aux10", "PPG_red"]
    assert aux["ACC"].attrs["rate"] == pytest.approx(52)
    assert float(aux["ACC"].time[0]) == pytest.approx(-0.2)
    assert aux["ACC"]["ACC"].attrs["units"] == "g"
    np.testing.assert_allclose(aux["ACC aux10"].time, uneven - 0.5)
    again = io.read(io.write_nirs(recording, tmp_path / "b.snirf"))["aux"]
    for name in aux.children:
        xr.testing.assert_identical(again[name].to_dataset(), aux[name].to_dataset())


def test_sensors_go_out_relative_to_the_first_fnirs_sample(snirf, tmp_path, eeg_raw):
    def add(nirs):
        _sensor(nirs, 1, "ACC", np.arange(400.0), np.arange(-100, 300) / 20, "g")

    path = snirf(add)
    joined = join(io.from_mne(eeg_raw(seconds=30.0)), io.read(path), offset=3.0)
    assert float(joined["aux/ACC"].time[0]) == pytest.approx(-2.0)
    again = read_aux(io.write_nirs(joined, tmp_path / "b.snirf"))["ACC"]
    np.testing.assert_allclose(again.time, read_aux(path)["ACC"].time, atol=1e-12)


def test_names_of_a_sensors_channels_come_back(tmp_path, make_raw):
    axes = xr.Dataset(
        {"acc": (("channel", "time"), np.eye(3, 50), {"units": "m/s2"})},
        coords={"channel": ["x", "y", "z"], "time": np.arange(50) / 50},
        attrs={"rate": 50.0},
    )
    write_snirf(make_raw(), tmp_path / "a.snirf", {"acc": axes})
    xr.testing.assert_identical(read_aux(tmp_path / "a.snirf")["acc"], axes)


def test_sensors_without_times_of_their_own_are_left_out_with_a_warning(snirf, caplog):
    def add(nirs):
        _sensor(nirs, 1, "short", np.ones(5), np.arange(4.0))
        _sensor(nirs, 2, "still", np.ones(5), np.zeros(5))
        _sensor(nirs, 3, "good", np.ones(5), np.arange(5.0))
        nirs["aux4/name"] = "empty"

    assert list(read_aux(snirf(add))) == ["good"]
    for name in ("short", "still", "empty"):
        assert f"auxiliary {name!r} left out" in caplog.text


def test_sensor_in_seconds_in_a_file_of_milliseconds(snirf, caplog):
    def add(nirs):
        put(nirs, "data1/time", np.arange(200) * 100.0)
        _sensor(nirs, 1, "acc", np.ones(2000), np.arange(2000) / 100)
        _sensor(nirs, 2, "temperature", np.ones(200), np.arange(200) * 100.0)

    found = read_aux(snirf(add, TimeUnit="ms"))
    assert {n: s.attrs["rate"] for n, s in found.items()} == {"acc": 100.0, "temperature": 10.0}
    assert "'acc': its times are taken for seconds" in caplog.text
