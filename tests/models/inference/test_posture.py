"""Changes of posture: seen by gravity, whatever the axes and units."""

import numpy as np
import pytest

import neurofuse
from neurofuse.models.inference.posture import SETTLING, changes, posture_changes
from neurofuse.synth.bouts import sample_movements
from neurofuse.synth.sensors import RATE, head_sensors


def worn(degrees, at=60.0, seconds=120.0, rate=50.0, gravity=9.81, seed=0):
    """An accelerometer that is turned by some degrees within two seconds."""
    time = np.arange(round(seconds * rate)) / rate
    angle = np.radians(degrees) * np.clip((time - at) / 2, 0, 1)
    axes = np.stack([gravity * np.sin(angle), 0 * time, gravity * np.cos(angle)])
    return axes + 0.02 * np.random.default_rng(seed).normal(size=axes.shape)


@pytest.mark.parametrize("degrees", [30, 90])
def test_who_lies_down_is_seen(degrees):
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    for values in (worn(degrees), 1000 * turned @ worn(degrees)):
        begins, ends = changes(values, 50.0)
        assert len(begins) == 1
        assert begins[0] / 50 < 60 < 62 < ends[0] / 50 < 72


def test_a_slight_turn_a_sensor_without_gravity_and_too_few_samples_tell_nothing():
    rng = np.random.default_rng(0)
    for values in (
        worn(10),
        worn(90, gravity=0.0),
        rng.normal(size=(3, 6000)),
        worn(90, seconds=4.0, at=2.0),
        worn(90)[:1],
        np.full((3, 6000), np.nan),
        np.zeros((3, 6000)),
    ):
        assert changes(values, 50.0)[0].size == 0


def test_movements_of_the_head_are_no_change_of_posture():
    for seed in range(3):
        moves = sample_movements(120.0, np.random.default_rng(seed))["head"]
        acceleration = head_sensors(moves, 0.0, 120.0, seed)["ACC"].ACC.values
        assert changes(acceleration, RATE)[0].size == 0


def test_times_of_a_recording():
    _, recording = neurofuse.simulate(120.0, sensors=True, seed=0)
    at = np.arange(0.0, 120.0, 0.5)
    assert not posture_changes(recording, at).any()
    sensor = recording["aux/ACC"].to_dataset()
    given = worn(90, rate=sensor.attrs["rate"], seconds=130.0)
    sensor["ACC"] = sensor.ACC.copy(data=given[:, : sensor.sizes["time"]])
    recording["aux/ACC"].dataset = sensor
    changed = at[posture_changes(recording, at)]
    assert changed.min() < 60 < changed.max() < 62 + 10 + SETTLING
    assert not posture_changes(neurofuse.simulate(120.0, seed=0)[1], at).any()
