"""How surely the head moves: found in generated and real IMUs, whatever their axes and units."""

import numpy as np
import pytest

import neurofuse
from neurofuse.models.inference.head_activity import activity, head_activity
from neurofuse.synth.bouts import sample_movements
from neurofuse.synth.movement import Movement
from neurofuse.synth.sensors import RATE, head_sensors

NODS = [Movement(10.0, 2.0, "nod", 1.0, 1.0, 3), Movement(40.0, 1.5, "nod", 1.0, 1.0, 4)]


def measured(movements, seed=0):
    nodes = head_sensors(movements, 0.0, 60.0, seed)
    return nodes["ACC"].ACC.values, nodes["GYRO"].GYRO.values


def test_nods_are_found_and_rest_is_not():
    moves = activity(*measured(NODS), RATE, 10.0)
    assert moves.shape == (600,)
    assert moves[105:115].min() > 0.8
    assert moves[404:411].min() > 0.8
    assert max(moves[:90].max(), moves[135:385].max(), moves[430:].max()) < 0.1


@pytest.mark.parametrize("worn", [(1, 0), (0, 1), (1, 1)])
def test_axes_and_units_make_no_difference(worn):
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    first, second = (v if w else None for v, w in zip(measured(NODS), worn, strict=True))
    other = [None if v is None else 37.0 * turned @ v for v in (first, second)]
    difference = activity(first, second, RATE, 10.0) - activity(other[0], other[1], RATE, 10.0)
    assert np.abs(difference).max() < 0.02


def test_a_missing_axis_matters_little():
    # in the mean: in single frames the movement may be about the missing axis alone
    acceleration, rotation = measured(sample_movements(60.0, np.random.default_rng(5))["head"])
    whole = activity(acceleration, rotation, RATE, 10.0)
    part = activity(acceleration[:2], rotation[1:], RATE, 10.0)
    assert np.abs(whole - part).mean() < 0.15


def test_frames_without_samples_do_not_move():
    acceleration, _ = measured(NODS)
    acceleration[:, 500:600] = np.nan
    moves = activity(acceleration, None, RATE, 10.0)
    assert np.isfinite(moves).all()
    assert not moves[100:120].any()
    assert moves[404:411].min() > 0.8


def test_a_still_device_does_not_move():
    assert not activity(np.ones((3, 500)), np.full((3, 500), np.nan), 50.0, 10.0).any()
    assert activity(None, None, 50.0, 10.0).shape == (0,)


def test_frames_of_a_recording_lie_on_its_time():
    _, recording = neurofuse.simulate(60.0, sensors=True, seed=1)
    whole = head_activity(recording, 0.0, 600, 10.0)
    later = head_activity(recording, 20.0, 600, 10.0)
    assert whole is not None
    assert later is not None
    assert whole.max() > 0.5
    assert np.allclose(whole[200:], later[:400])
    assert not later[400:].any()


def test_without_an_imu_there_is_none():
    _, recording = neurofuse.simulate(20.0, seed=1)
    assert head_activity(recording, 0.0, 200, 10.0) is None


def test_the_movement_of_a_worn_headband_is_found(data_dir):
    folder = data_dir / "simultaneous" / "openmuse_worn" / "aligned"
    recording = neurofuse.read(folder / "test_eeg_quality_aligned_optics.snirf")
    moves = head_activity(recording, 0.0, 600, 10.0)
    assert moves is not None
    assert moves[310:380].mean() > 0.8
    assert moves[180:270].mean() < 0.5
