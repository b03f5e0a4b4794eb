"""Which sensors of a recording are played."""

import numpy as np
import xarray as xr

from neurofuse.io.live.player import _sensors
from neurofuse.io.recording import build, eeg_dataset


def sensor(name: str, count: int, samples: int = 500) -> xr.Dataset:
    values = np.random.default_rng(0).normal(size=(count, samples)) + 1.0
    return xr.Dataset(
        {name: (("channel", "time"), values, {"units": "g"})},
        {"channel": [f"{name}_{k}" for k in "xyzw"[:count]], "time": np.arange(samples) / 50},
        {"rate": 50.0},
    )


def test_only_the_imu_is_played_not_ambient_light():
    eeg = eeg_dataset(np.zeros((1, 2500)), 250.0, ["Cz"])
    assert _sensors(build(eeg, aux={"AMB": sensor("AMB", 4)})) == []
    both = build(eeg, aux={"AMB": sensor("AMB", 4), "ACC": sensor("ACC", 3)})
    ((kind, node, values, desc),) = _sensors(both)
    assert kind == "IMU"
    assert values.shape == (3, node.sizes["time"])
    labels = [label.text for label in desc.iter("label")]
    assert labels == ["ACC X", "ACC Y", "ACC Z"]
