"""The simulated person: amplitudes, rhythms and responses in their measured ranges."""

import numpy as np
import pytest
from scipy import signal

from neurofuse.io import to_haemoglobin, to_optical_density
from neurofuse.synth import simulate


@pytest.fixture(scope="module")
def calm():
    return simulate(240.0, seed=11, severity=0.0)[0]


def test_eeg_amplitude_and_alpha(calm):
    eeg = calm["eeg"].eeg.values
    assert 5e-6 < np.median(eeg.std(axis=1)) < 20e-6
    frequency, power = signal.welch(eeg[-1], 250, nperseg=1000)  # O2
    band = (frequency > 7) & (frequency < 13)
    sides = ((frequency > 5) & (frequency < 6.5)) | ((frequency > 14) & (frequency < 16))
    assert power[band].max() > 3 * power[sides].mean()


def test_eeg_correlation_falls_with_distance(calm):
    place = calm["eeg"].position.values
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    alike = np.corrcoef(calm["eeg"].eeg.values)
    near, far = alike[(apart > 0) & (apart < 0.07)].mean(), alike[apart > 0.14].mean()
    assert near > far + 0.2


def test_optical_density_size_and_pulse(calm):
    od = to_optical_density(calm)["nirs"].od.values
    assert 0.003 < np.median(od.std(axis=-1)) < 0.03
    frequency, power = signal.welch(od[:, 1], 10, nperseg=300)
    pulse = (frequency > 0.85) & (frequency < 1.4)
    beside = (frequency > 1.7) & (frequency < 2.1)
    assert np.median(power[:, pulse].max(axis=1) / power[:, beside].mean(axis=1)) > 5


def test_task_raises_hbo_and_lowers_hbr(calm):
    haemoglobin = to_haemoglobin(calm)["nirs"]
    events = calm["events"]
    onsets = events.onset.values[events.description.values == "task"]
    assert len(onsets) > 5

    def change(name):
        series = np.asarray(haemoglobin[name]).mean(axis=0)
        at = (onsets * 10).astype(int)
        return np.mean([series[i + 60 : i + 100].mean() - series[i - 20 : i].mean() for i in at])

    assert change("hbo") > 0 > change("hbr")


def test_seeds():
    first, again, other = (simulate(20.0, seed=s)[1]["nirs"].intensity.values for s in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()
