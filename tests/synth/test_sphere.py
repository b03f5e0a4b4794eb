"""Potentials of dipoles agree with MNE's forward solution, and behave as potentials do."""

from typing import Any

import mne
import numpy as np

from neurofuse.synth.montage import eeg_montage
from neurofuse.synth.sphere import CENTRE, EARS, RADIUS, against_ears, directions, lead_field

SOURCES = np.array([[0.3, 0.4, 0.5], [0.0, 0.0, 0.85], [-0.6, 0.1, 0.2]])


def test_same_as_mne():
    names, position = eeg_montage("10-20")
    unit = directions(position)
    info = mne.create_info(names, 100.0, "eeg")
    places = dict(zip(names, CENTRE + RADIUS * unit, strict=True))
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    sphere = mne.make_sphere_model(r0=CENTRE, head_radius=RADIUS)
    dipoles: Any = {"rr": CENTRE + RADIUS * SOURCES, "nn": np.eye(3)}
    space = mne.setup_volume_source_space(pos=dipoles, sphere=sphere)
    solution: Any = mne.make_forward_solution(info, None, space, sphere, meg=False)
    theirs = solution["sol"]["data"].reshape(len(names), len(SOURCES), 3)
    # MNE fits its dipoles anew each time and ends, by processor, 3e-6 to 3e-5 from ours
    np.testing.assert_allclose(
        lead_field(unit, SOURCES), theirs, rtol=3e-4, atol=3e-5 * np.abs(theirs).max()
    )


def test_turning_the_head_turns_the_field():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    unit = directions(eeg_montage("10-20")[1])
    moment = np.eye(3)
    plain = np.einsum("psi,si->ps", lead_field(unit, SOURCES), moment)
    turned = np.einsum("psi,si->ps", lead_field(unit @ turn, SOURCES @ turn), moment @ turn)
    np.testing.assert_allclose(plain, turned, atol=1e-9 * np.abs(plain).max())


def test_a_deeper_dipole_is_weaker_and_wider():
    unit = directions(eeg_montage("10-20")[1])
    up = np.array([[0.0, 0.0, 1.0]])
    shallow, deep = (np.abs(lead_field(unit, e * up)[:, 0, 2]) for e in (0.8, 0.4))
    assert shallow.max() > deep.max()
    assert np.median(shallow) / shallow.max() < np.median(deep) / deep.max()


def test_ears_are_the_reference():
    gain = against_ears(EARS, SOURCES, np.eye(3))
    np.testing.assert_allclose(gain.sum(axis=0), 0, atol=1e-9 * np.abs(gain).max())


def test_places_without_direction():
    lost = directions(np.array([[np.nan, 0, 0], [0, 0, 0], [0.0, 0.02, 0.14]]))
    assert np.isnan(lost[:2]).all()
    assert np.isfinite(lost[2]).all()
    assert np.isnan(directions(np.array([[0.1, 0.2, 0], [0.3, 0.1, 0]]))).all()
