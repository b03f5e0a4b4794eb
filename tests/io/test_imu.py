"""Accelerometers and gyroscopes: found by name, in SI units, without axes that tell nothing."""

import numpy as np
import pytest
import xarray as xr

from neurofuse.io.files import read
from neurofuse.io.imu import head_imu
from neurofuse.io.recording import build, eeg_dataset


def recording(**sensors):
    """EEG and sensors: values (channel, time), unit, names of channels."""
    aux = {
        name: xr.Dataset(
            {name: (("channel", "time"), values, {"units": unit})},
            {"channel": channels, "time": np.arange(values.shape[1]) / 50},
            {"rate": 50.0},
        )
        for name, (values, unit, channels) in sensors.items()
    }
    return build(eeg_dataset(np.zeros((1, 1000)), 100.0, ["Cz"]), aux=aux)


def lying(scale=1.0):
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 500))
    return scale * (noise + np.array([[0], [0.6], [0.8]]))


@pytest.mark.parametrize(("unit", "scale"), [("g", 1), ("mg", 1000), ("m/s²", 9.80665), ("", 77)])
@pytest.mark.parametrize("names", [["x", "y", "z"], ["AccX", "AccY", "AccZ"]])
def test_acceleration_is_in_si_units(unit, scale, names):
    imu = head_imu(recording(ACC=(lying(scale), unit, names)))
    assert imu is not None
    assert imu.rotation == ()
    (sensor,) = imu.acceleration
    assert sensor.sizes == {"axis": 3, "time": 500}
    assert sensor.attrs["units"] == "m/s^2"
    assert np.median(np.linalg.norm(sensor, axis=0)) == pytest.approx(9.81, rel=0.01)


def test_rotation_is_in_si_units_where_known():
    values = np.random.default_rng(0).normal(size=(3, 500))
    for unit, scale, then in (("deg/s", np.pi / 180, "rad/s"), ("", 1.0, "")):
        imu = head_imu(recording(gyroscope=(values, unit, list("xyz"))))
        assert imu is not None
        assert imu.rotation[0].attrs["units"] == then
        assert np.allclose(imu.rotation[0], scale * values)


def test_axes_in_nodes_of_their_own_are_one_sensor():
    parts = {f"accel_{a}": (lying()[i : i + 1], "g", ["1"]) for i, a in enumerate("xyz")}
    imu = head_imu(recording(**parts))
    assert imu is not None
    assert [s.sizes["axis"] for s in imu.acceleration] == [3]


def test_axes_that_tell_nothing_are_left_out():
    values = lying()
    values[0] = 3.0
    values[2, :400] = np.nan
    imu = head_imu(recording(ACC=(values, "g", list("xyz"))))
    assert imu is not None
    assert imu.acceleration[0].axis.values.tolist() == ["y"]
    twice = lying()
    twice[2] = twice[1]
    imu = head_imu(recording(ACC=(twice, "g", list("xyz"))))
    assert imu is not None
    assert imu.acceleration[0].axis.values.tolist() == ["x", "y"]


def test_without_a_usable_imu_there_is_none():
    assert head_imu(recording()) is None
    assert head_imu(recording(ACC=(np.ones((3, 500)), "g", list("xyz")))) is None
    assert head_imu(recording(ACC=(np.full((3, 500), np.nan), "g", list("xyz")))) is None
    assert head_imu(recording(ankle_ACC=(lying(), "g", list("xyz")))) is None
    assert head_imu(recording(accuracy=(lying(), "", list("xyz")))) is None


def test_the_imu_of_a_nirsport_is_read(data_dir):
    folder = data_dir / "formats/mne_testing_data/SNIRF/NIRx/NIRSport2/1.0.3"
    imu = head_imu(read(folder / "2021-05-05_001.snirf"))
    assert imu is not None
    assert [s.sizes["axis"] for s in (*imu.acceleration, *imu.rotation)] == [3, 3]
