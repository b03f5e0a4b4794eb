"""Movements are moved whole, both modalities together, and nothing else is changed."""

import numpy as np
import pytest

from neurofuse.fusion.self_test.injection import distances, inject_own
from neurofuse.fusion.self_test.material import Material
from neurofuse.fusion.self_test.own_movements import own_artifact
from neurofuse.fusion.self_test.scores import InjectedScorer
from neurofuse.io.recording import build, eeg_dataset, nirs_dataset, stream_dataset

SECONDS = 120
RATES = {"eeg": 100.0, "nirs": 10.0}
MOVED = (30.0, 33.0)  # s


def material_of(stream: str, signal: np.ndarray, artifact: np.ndarray) -> Material:
    rate = RATES[stream]
    time = np.arange(signal.shape[-1]) / rate
    moving = np.broadcast_to((time >= MOVED[0]) & (time < MOVED[1]), (len(signal), len(time)))
    nothing = np.zeros_like(moving)
    used = np.ones(len(signal), bool)
    recorded = signal + (np.cumsum(artifact, -1) if stream == "nirs" else artifact)
    return Material(stream, rate, recorded, signal, used, ~moving, moving, nothing, artifact)


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    eeg = 1e-5 * rng.standard_normal((2, SECONDS * 100))
    od = 1e-2 * rng.standard_normal((2, 2, SECONDS * 10))
    bump, step = np.zeros_like(eeg), np.zeros_like(od)
    bump[:, 3000:3300] = 2e-4 * np.hanning(300)
    step[..., 300:330] = 0.01  # from sample to sample: a change of level by 0.3
    return [material_of("eeg", eeg, bump), material_of("nirs", od, step)]


@pytest.fixture(scope="module")
def recording(parts):
    eeg, nirs = (one.repaired for one in parts)
    light = nirs_dataset(np.exp(-nirs), 10.0, [760, 850], ["S1", "S1"], ["D1", "D2"])
    light = light.drop_vars("intensity").assign(od=(("channel", "wavelength", "time"), nirs))
    return build(eeg_dataset(eeg, 100.0, ["C3", "C4"]), light)


def test_movements_go_to_the_place_that_was_asked_for(parts, recording):
    made = inject_own(recording, parts, 40.0, seed=0)
    for stream in ("eeg", "nirs"):
        times = np.flatnonzero(made.motion[stream].any(0)) / RATES[stream]
        assert times[[0, -1]] == pytest.approx([70.0, 73.0], abs=0.11)
        assert np.array_equal(made.scored[stream], made.motion[stream])
        assert not (made.untouched[stream] & made.motion[stream]).any()
    true, mixed = (stream_dataset(x, "eeg").eeg.values for x in (made.truth, made.mixed))
    assert np.array_equal(true[~made.motion["eeg"]], mixed[~made.motion["eeg"]])
    assert np.abs(mixed - true).max() == pytest.approx(2e-4, rel=0.2)
    od_true, od_mixed = (stream_dataset(x, "nirs").od.values for x in (made.truth, made.mixed))
    level = (od_mixed - od_true)[0, 0]
    assert level[:690] == pytest.approx(0)
    assert level[740:] == pytest.approx(0.3)  # a change of level stays


def test_a_movement_across_the_end_is_left_out(parts, recording):
    made = inject_own(recording, parts, SECONDS - MOVED[0] - 1.0, seed=0)
    assert not any(mask.any() for mask in made.motion.values())


def test_the_truth_holds_responses_in_fnirs_only(parts, recording):
    made = inject_own(recording, parts, 40.0, seed=0)
    assert np.array_equal(stream_dataset(made.truth, "eeg").eeg.values, parts[0].repaired)
    added = stream_dataset(made.truth, "nirs").od.values - parts[1].repaired
    assert made.response is not None
    assert added == pytest.approx(made.response)
    assert 0 < np.abs(made.response).max() < 0.1


def test_distances_lead_from_motion_into_quiet(parts):
    for distance in distances(parts, 3):
        assert abs(distance) > MOVED[1] - MOVED[0]


def test_scores_of_the_truth_and_of_a_halved_signal(parts, recording):
    made = inject_own(recording, parts, 40.0, seed=0)
    scorer = InjectedScorer(made)
    perfect, halved = made.truth, halve(made.truth)
    for stream in ("eeg", "nirs"):
        assert scorer.figures(perfect, stream)["error_db"] < -100
        assert scorer.figures(halved, stream)["error_db"] == pytest.approx(-6.02, abs=0.1)
    assert scorer.figures(perfect, "eeg")["alpha_kept"] == pytest.approx(1)
    assert scorer.figures(halved, "eeg")["alpha_kept"] == pytest.approx(0.5)
    assert scorer.figures(perfect, "nirs")["response_kept"] == pytest.approx(1)


def halve(tree):
    changed = tree.copy()
    changed["eeg"] = changed["eeg"].assign(eeg=0.5 * changed["eeg"].eeg)
    changed["nirs"] = changed["nirs"].assign(od=0.5 * changed["nirs"].od)
    return changed


def test_uncertainty_that_is_half_of_what_it_should_be(parts, recording):
    made = inject_own(recording, parts[:1], 40.0, seed=0)
    error = 1e-5 * np.random.default_rng(1).standard_normal(parts[0].repaired.shape)
    cleaned = made.truth.copy()
    node = stream_dataset(made.truth, "eeg")
    stated = np.full(error.shape, 0.5e-5)
    node = node.assign(eeg=node.eeg + error, uncertainty=(("channel", "time"), stated))
    cleaned["eeg"] = type(cleaned)(node)
    factor = InjectedScorer(made).uncertainty_factor(cleaned, "eeg")
    assert factor == pytest.approx(2.0, rel=0.15)


def test_the_artifact_of_a_movement_is_found_and_rest_is_none(parts):
    one = parts[0]
    found = own_artifact(one.recorded, one.rate, "eeg", one.moving, one.quiet)
    error = found[one.moving] - one.artifact[one.moving]
    assert (error**2).sum() < 0.05 * (one.artifact**2).sum()
    assert not found[:, :2900].any()
