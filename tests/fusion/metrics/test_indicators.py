"""Witnesses of a cleaning without a truth: alpha, pulse, accelerometer."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.metrics.indicators import (
    accelerometer_agreement,
    head_movement,
    preserved_alpha,
    preserved_pulse,
)
from neurofuse.fusion.metrics.no_reference import score_no_reference

RATE = 100.0
TIME = np.arange(6000) / RATE
QUIET = (TIME < 20) | (TIME > 30)


def test_alpha_that_is_halved_in_amplitude_is_a_quarter():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((3, TIME.size))
    alpha = 30 * np.sin(2 * np.pi * 10 * TIME)
    found = preserved_alpha(noise + alpha, noise + alpha / 2, RATE, QUIET)
    assert found == pytest.approx(0.25, abs=0.01)
    assert preserved_alpha(noise, noise, RATE, QUIET) == 1


def test_only_quiet_parts_count():
    alpha = np.sin(2 * np.pi * 10 * TIME)[None]
    assert preserved_alpha(alpha, alpha * QUIET, RATE, QUIET) == pytest.approx(1)
    assert np.isnan(preserved_alpha(alpha, alpha, RATE, np.zeros(TIME.size, bool)))


def test_the_pulse_is_found_where_it_is_and_its_loss_seen():
    rng = np.random.default_rng(1)
    slow = np.cumsum(rng.standard_normal((2, TIME.size)), axis=-1) / 50
    pulse = 0.5 * np.sin(2 * np.pi * 1.2 * TIME)
    assert preserved_pulse(slow + pulse, slow + pulse / 2, RATE, QUIET) == pytest.approx(
        0.25, abs=0.05
    )
    assert preserved_pulse(slow + pulse, slow, RATE, QUIET) < 0.1
    assert np.isnan(preserved_pulse(slow, slow, 2.0, QUIET))


@pytest.fixture(scope="module")
def moved(simulated_long):
    return simulated_long[1]


@pytest.mark.slow
def test_what_is_taken_out_goes_with_the_accelerometer(moved):
    table = score_no_reference(moved, nf.clean(moved)).value.loc[:, "noref_accelerometer"]
    assert float(table.loc["eeg"]) > 0.3
    assert float(table.loc["nirs"]) > 0.3
    nothing = score_no_reference(moved, moved).value.loc[:, "noref_accelerometer"]
    assert np.isnan(nothing).all()


def test_agreement_with_noise_is_none(moved, simulated):
    time = moved["eeg"].time.values
    noise = np.random.default_rng(0).standard_normal((2, time.size))
    assert abs(accelerometer_agreement(head_movement(moved), noise, time)) < 0.2
    without = head_movement(simulated[1])
    assert np.isnan(accelerometer_agreement(without, noise, time))


def test_roundings_are_no_change(moved):
    time = moved["eeg"].time.values
    noise = np.random.default_rng(0).standard_normal((2, time.size))
    change = np.where((time > 10) & (time < 12), 1e-4 * noise[:1], 0.0)
    rounded = change + 1e-12 * noise[1:]
    exact = accelerometer_agreement(head_movement(moved), change, time)
    assert accelerometer_agreement(head_movement(moved), rounded, time) == pytest.approx(exact)


def test_a_band_pass_takes_the_pulse_and_leaves_alpha(moved):
    table = score_no_reference(moved, get_method("bandpass").transform(moved)).value
    assert table.loc["nirs", "noref_pulse"] < 0.2
    assert table.loc["eeg", "noref_alpha"] == pytest.approx(1, abs=0.05)
    assert score_no_reference(moved, moved).value.loc["nirs", "noref_pulse"] == 1
