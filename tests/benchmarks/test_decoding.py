"""Decoders and the simulation of Gao et al., on what they must find."""

import numpy as np
import pytest

from benchmarks.decoding import decoders
from benchmarks.protocols import gao as benchmark
from neurofuse.models.training.split import data_folder
from neurofuse.synth import simulate


def noise(seed, count=40, channels=6, length=500):
    return np.random.default_rng(seed).standard_normal((count, channels, length))


def test_classes_that_do_not_differ_are_decoded_by_chance():
    found = decoders.eeg_accuracy(noise(0), noise(1))
    assert all(0.3 < accuracy < 0.7 for accuracy in found.values())


def test_a_rhythm_in_one_class_is_found():
    rhythm = np.sin(2 * np.pi * 10 * np.arange(500) / 250)
    other = noise(1)
    other[:, 2] += rhythm
    found = decoders.eeg_accuracy(noise(0), other)
    assert min(found.values()) > 0.9


@pytest.mark.slow
def test_simulated_tapping_is_decoded_from_both_streams():
    truth, _ = simulate(400, seed=1, severity=0.0)
    found = decoders.both([truth])
    assert found["fNIRS"] > 0.8
    assert found["both"] >= found["EEG"] - 0.1


def test_folds_hold_neighbouring_trials_of_both_classes():
    """A slow drift must not be taken for the class: trials of one time are tested together."""
    drift = np.linspace(0, 1, 60)[:, None] + 0.01 * np.random.default_rng(0).standard_normal(
        (60, 3)
    )
    assert decoders.two_classes(drift[0::2], drift[1::2]) < 0.7


@pytest.fixture
def gao():
    if data_folder() is None:
        pytest.skip("no data folder (NEUROFUSE_DATA): rest and movements are taken from recordings")
    return benchmark


@pytest.mark.slow
def test_records_are_as_they_were_sampled(gao):
    (one, response, count), (same, _, _), (other, _, _) = (
        gao.record(3),
        gao.record(3),
        gao.record(4),
    )
    assert one.identical(same)
    assert not one.identical(other)
    assert one["nirs"].sizes["time"] == gao.LENGTH
    assert response[0].max() == pytest.approx(-3 * response[1].min())
    assert 30 <= response[0].max() <= 80
    assert gao.record(0)[1].any() == 0
    assert count == gao.record(3)[2]


@pytest.mark.slow
def test_a_perfect_cleaner_leaves_no_error_and_no_movement(gao):
    from neurofuse.io.optics.absorption import haemoglobin_to_density
    from neurofuse.io.recording import stream_dataset, with_stream

    recording, response, _ = gao.record(1)
    hbo, hbr = gao.PER_MOLAR * np.tile(response, gao.TRIALS)
    density = haemoglobin_to_density(
        hbo[None], hbr[None], gao.WAVELENGTHS, np.array([gao.DISTANCE]),
        partial_pathlength=gao.PATHLENGTH,
    )  # fmt: skip
    node = stream_dataset(recording, "nirs")
    perfect = node.assign(intensity=node.intensity.copy(data=np.exp(-density)))
    found = gao.facts(with_stream(recording, "nirs", perfect), recording, response)
    before = gao.facts(recording, recording, response)
    assert found["left"] == 0
    assert found["hbo"] < 0.5 + 0.01 * before["hbo"]
    assert before["left"] > 0


def test_a_step_is_a_movement_and_rest_is_none(gao):
    rest = np.random.default_rng(0).standard_normal(1000)
    assert not gao.movements(rest).any()
    rest[500:] += 30
    mask = gao.movements(rest)
    assert mask[490:510].all()
    assert mask.sum() < 40


def test_ratios_are_to_the_classical_method_with_the_least_error():
    """Not to zeros, which are no method; what did not run is reported."""
    rows = {
        "uncorrected": [{"left": 4, "hbo": 9.0, "hbr": 9.0}, {"left": 6, "hbo": 9.0, "hbr": 9.0}],
        "zero": [{"left": 0, "hbo": 1.0, "hbr": 1.0}] * 2,
        "tddr": [{"left": 5, "hbo": h, "hbr": 2.0} for h in (2.0, 6.0)],
        "spline": [{"left": 5, "hbo": 5.0, "hbr": 2.0}] * 2,
        "fNIRS model alone": [{"left": 1, "hbo": h, "hbr": 1.0} for h in (1.0, 3.0)],
        "tpca": [{"failure": "too few channels"}] * 2,
    }
    found = benchmark.table(rows)
    assert [row[0] for row in found.rows] == [
        "zero",
        "fNIRS model alone",
        "tddr",
        "spline",
        "uncorrected",
        "tpca",
    ]
    _, _, *lines = found.markdown().splitlines()
    assert lines[1].startswith("| fNIRS model alone | 2 | 80.0 | 2.0 [")
    assert lines[1].endswith("| 0.50 [0.50, 0.50] |")
    assert "too few channels" in lines[-1]
