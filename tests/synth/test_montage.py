"""Places by name, number and recording."""

import mne
import numpy as np
import pytest

from neurofuse.synth.montage import OPTODES, eeg_montage, nirs_montage
from neurofuse.synth.sphere import directions


@pytest.mark.parametrize("name", mne.channels.get_builtin_montages())
def test_every_montage_of_mne(name):
    names, position = eeg_montage(str(name))
    assert len(names) == len(position) > 0
    assert np.isfinite(position).all()


@pytest.mark.parametrize("count", [1, 2, 32, 300])
def test_numbers_of_electrodes_lie_apart(count):
    names, position = eeg_montage(count)
    assert len(set(names)) == count
    apart = np.linalg.norm(position[:, None] - position, axis=-1) + np.eye(count)
    assert apart.min() > 0.2 * 0.3 / np.sqrt(count)


def test_left_front_and_top_are_where_they_belong():
    names, position = eeg_montage("10-20")
    unit = dict(zip(names, directions(position), strict=True))
    assert unit["C3"][0] < 0 < unit["C4"][0]
    assert unit["Fp1"][1] > 0.5 > -0.5 > unit["O1"][1]
    assert unit["Cz"][2] > 0.95


@pytest.mark.parametrize("name", OPTODES)
def test_probes(name):
    plain, short = nirs_montage(name), nirs_montage(name + "+short")
    assert ((plain.distance > 0.02) & (plain.distance < 0.042)).all()
    added = short.distance[len(plain.source) :]
    assert len(added) == len(set(short.source))
    np.testing.assert_allclose(added, 0.008, atol=1e-6)
    assert len({*zip(short.source, short.detector, strict=True)}) == len(short.source)
    # every optode is in use, under one name at one place
    for names, places in (
        (short.source, short.source_position),
        (short.detector, short.detector_position),
    ):
        for one in set(names):
            assert np.ptp(places[[n == one for n in names]], axis=0).max() == 0


def test_whole_head_has_about_forty_pairs():
    assert 36 <= len(nirs_montage("whole-head").source) <= 44
