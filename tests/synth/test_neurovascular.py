"""Rhythms' power drives the blood of their region after the chosen lag, and only if coupled."""

import numpy as np
import pytest
from scipy import signal

from neurofuse.io import to_haemoglobin
from neurofuse.synth import simulate
from neurofuse.synth.brain import sample_activity
from neurofuse.synth.haemoglobin import driven_blood

RATE = 10
LAGS = np.arange(-10 * RATE, 20 * RATE)


def power_to_blood(coupling, lag, participants=4):
    """Correlation of alpha power over a motor area with its HbO later, mean over participants."""
    found = []
    for seed in range(participants):
        truth, _ = simulate(
            900.0,
            seed=60 + seed,
            task=None,
            severity=0.0,
            coupling=coupling,
            coupling_lag=lag,
            eeg_montage=["C3", "C4"],
        )
        node = to_haemoglobin(truth)["nirs"]
        middle = (node.source_position.values + node.detector_position.values) / 2
        for volts, place in zip(truth["eeg"].eeg.values, truth["eeg"].position.values, strict=True):
            sos = signal.butter(3, [8, 30], "bandpass", fs=250, output="sos")
            power = (signal.sosfiltfilt(sos, volts) ** 2).reshape(-1, 250 // RATE).mean(axis=1)
            near = np.linalg.norm(middle - place, axis=1) < 0.03
            assert near.any()
            sos = signal.butter(2, [0.01, 0.2], "bandpass", fs=RATE, output="sos")
            a = signal.sosfiltfilt(sos, np.log(power))
            b = signal.sosfiltfilt(sos, node.hbo.values[near].mean(axis=0))
            found.append(
                [np.corrcoef(a[300:-500], b[300 + n : len(b) - 500 + n])[0, 1] for n in LAGS]
            )
    return np.mean(found, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("lag", [3.0, 5.0, 9.0])
def test_the_lag_is_found_in_the_truth(lag):
    alike = power_to_blood(3.0, lag, participants=3)
    assert alike.min() < -0.3
    assert abs(LAGS[alike.argmin()] / RATE - lag) < 1.0


@pytest.mark.slow
def test_nothing_is_found_without_neurovascular_coupling():
    assert np.abs(power_to_blood(0.0, 5.0)).max() < 0.12


@pytest.mark.slow
def test_neurovascular_coupling_of_one_drives_a_fifth_of_the_variance():
    variance = {}
    for coupling in (0.0, 1.0):
        values = []
        for seed in range(6):
            truth, _ = simulate(
                600.0, seed=seed, task=None, severity=0.0, coupling=coupling, eeg_montage=None
            )
            hbo = to_haemoglobin(truth)["nirs"].hbo.values
            sos = signal.butter(2, [0.01, 0.2], "bandpass", fs=RATE, output="sos")
            values.append(np.median(signal.sosfiltfilt(sos, hbo).var(axis=1)))
        variance[coupling] = np.mean(values)
    assert 0.05 < 1 - variance[0.0] / variance[1.0] < 0.4


def test_driven_blood_has_unit_size_and_no_jump_at_the_start():
    activity = sample_activity(3000.0, np.zeros(0), np.random.default_rng(0))
    blood = driven_blood(activity, 5.0)[:, activity.grid >= 0]
    assert 0.8 < blood.std() < 1.2
    assert np.abs(blood[:, :40]).max() < 6
