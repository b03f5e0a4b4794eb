"""The benchmark of recordings in motion, on made recordings whose movement is known."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from benchmarks.common.evaluation import Case
from benchmarks.moving import eeg, nirs
from benchmarks.moving.__main__ import FIGURES
from benchmarks.moving.blinks import blink_left, blinks
from benchmarks.moving.spectra import distance, frequencies, mean_spectrum, quiet_windows
from neurofuse.io import build, eeg_dataset, nirs_dataset, stream_dataset

RATE, COUNT = 10.0, 4000
TIME = np.arange(COUNT) / RATE
EEG_RATE = 256.0
NAMES = ["TP9", "AF7", "AF8", "TP10"]


def light(density: np.ndarray) -> xr.DataTree:
    names = [f"S{k}" for k in range(len(density))]
    return build(nirs=nirs_dataset(density, RATE, [760, 850], names, names, variable="od"))


@pytest.fixture
def rest() -> np.ndarray:
    """Six channels at rest: coloured noise and a heart beat."""
    noise = np.random.default_rng(0).normal(0, 2e-3, (6, 2, COUNT))
    return noise + 0.004 * np.sin(2 * np.pi * 1.1 * TIME)


@pytest.fixture
def moved(rest) -> np.ndarray:
    """The same with jolts at 200 s for 20 s, and steps of 0.5 OD."""
    jolts = np.zeros(COUNT)
    jolts[2000:2200] = np.random.default_rng(1).normal(0, 0.3, 200)
    jolts[2050:2150] += 0.5
    return rest + jolts


def case_of(density: np.ndarray, reference: np.ndarray | None = None) -> Case:
    return Case("nirs", "someone", "device", RATE, "own", "run", light(density), reference)


def test_the_true_signal_is_as_near_to_the_quiet_one_as_that_is_known(rest, moved):
    case = case_of(moved)
    before, after = nirs.figures(case, case.recording), nirs.figures(case, light(rest))
    assert before["distance"] > 10
    assert after["distance"] < after["floor"] + 0.5
    assert before["power"] > 10
    assert after["power"] == pytest.approx(0, abs=0.5)
    assert after["overcleaned"] == 0
    assert before["jumps"] > 1
    assert after["jumps"] == 0


def test_a_signal_of_a_half_is_over_cleaned_by_six_decibels(rest, moved):
    found = nirs.figures(case_of(moved), light(0.5 * rest))
    assert found["power"] == pytest.approx(-6, abs=0.5)
    assert found["overcleaned"] == 1
    assert found["distance"] == pytest.approx(6, abs=0.7)


def test_a_recording_at_rest_is_the_reference_where_there_is_one(rest, moved):
    louder = case_of(moved, reference=2 * rest.reshape(-1, COUNT))
    assert nirs.figures(louder, light(rest))["power"] == pytest.approx(-6, abs=0.5)


def test_what_is_lost_counts_in_no_figure(rest, moved):
    spoiled = moved.copy()
    spoiled[0, :, 3000:3500] = np.random.default_rng(2).normal(0, 3.0, 500)  # off for 50 s
    lost = np.zeros((6, COUNT), bool)
    lost[0, 2950:3550] = True
    usual, told = case_of(spoiled), replace(case_of(spoiled), lost=lost)
    cleaned = rest.copy()
    cleaned[0, :, 3000:3500] = spoiled[0, :, 3000:3500]
    assert nirs.figures(usual, light(cleaned))["jumps"] > 1
    found = nirs.figures(told, light(cleaned))
    assert found["jumps"] == 0
    assert found["distance"] < found["floor"] + 0.5
    assert found["power_low"] == pytest.approx(0, abs=1)


def test_openings_part_at_half_a_second():
    mask = np.zeros((1, 100), bool)
    mask[0, 10:20] = mask[0, 24:30] = mask[0, 35:40] = True
    assert nirs.openings(mask, 10.0).tolist() == [2.0, 0.5]
    assert nirs.openings(~np.ones((2, 9), bool), 10.0).size == 0


def test_the_pulse_under_the_mask_is_compared_with_that_outside(rest):
    after = rest.copy()
    after[..., 1000:2000] *= 0.3
    gate = np.zeros((6, COUNT))
    gate[:, 1000:2000] = 1
    node = stream_dataset(light(after), "nirs").assign(gate=(("channel", "time"), gate))
    found = nirs.figures(case_of(rest), build(nirs=node))
    assert found["pulse"] == pytest.approx(0.3, abs=0.05)
    assert found["open"] == pytest.approx(0.25)
    assert found["length"] == pytest.approx(100)


def test_a_spectrum_of_too_few_windows_is_not_known():
    series = np.random.default_rng(0).standard_normal(COUNT)
    mask = np.zeros(COUNT, bool)
    mask[:200] = True
    few = mean_spectrum(series, RATE, quiet_windows(mask, RATE))
    assert np.isnan(few).all()
    whole = mean_spectrum(series, RATE, quiet_windows(~mask, RATE))
    assert np.allclose(whole, 2 / RATE, rtol=0.5)  # white noise
    assert distance(whole[None], 4 * whole[None])[0] == pytest.approx(6.02, abs=0.01)
    assert frequencies(RATE)[-1] <= 2


@pytest.fixture
def calm_eeg() -> np.ndarray:
    """A minute and a half of alpha and noise at four electrodes [V]."""
    time = np.arange(round(90 * EEG_RATE)) / EEG_RATE
    noise = np.random.default_rng(0).standard_normal((4, time.size))
    return 4e-6 * noise + 8e-6 * np.sin(2 * np.pi * 10 * time)


def eyes(count: int) -> np.ndarray:
    """Ten blinks as behind the ears against a frontal reference [V]."""
    time = np.arange(count) / EEG_RATE
    distances = time - np.arange(5, 55, 5)[:, None]
    return -2e-4 * np.exp(-((distances / 0.08) ** 2)).sum(0)


def eeg_case(samples: np.ndarray) -> Case:
    recording = build(eeg_dataset(samples, EEG_RATE, NAMES))
    return Case("eeg", "someone", "muse_cueing", EEG_RATE, "task", "run", recording)


def test_blinks_are_found_where_both_ears_see_them(calm_eeg):
    eye = eyes(calm_eeg.shape[1])
    at = blinks(calm_eeg[[0, 3]] + eye, EEG_RATE)
    assert np.allclose(at / EEG_RATE, np.arange(5, 55, 5), atol=0.03)
    one_ear = calm_eeg[[0, 3]] + eye * np.array([[1.0], [0.0]])
    assert blinks(one_ear, EEG_RATE).size == 0
    assert blink_left(calm_eeg + eye, calm_eeg + 0.3 * eye, EEG_RATE, at) == pytest.approx(
        0.3, abs=0.03
    )
    assert np.isnan(blink_left(calm_eeg, calm_eeg, EEG_RATE, at[:4]))


def test_loud_stretches_are_compared_with_quiet_ones_before(calm_eeg):
    burst = np.zeros_like(calm_eeg)
    at = slice(round(65 * EEG_RATE), round(75 * EEG_RATE))
    burst[:, at] = np.random.default_rng(2).normal(0, 1e-4, burst[:, at].shape)
    eye = eyes(calm_eeg.shape[1])
    case = eeg_case(calm_eeg + burst + eye)
    true = eeg.figures(case, build(eeg_dataset(calm_eeg, EEG_RATE, NAMES)))
    assert true["loud_before"] > 15
    assert true["loud"] == pytest.approx(0, abs=0.5)
    assert true["alpha"] == pytest.approx(1, abs=0.01)
    assert true["blinks"] == pytest.approx(0, abs=0.05)
    assert true["blinks_found"] == pytest.approx(10, abs=1)
    same = eeg.figures(case, case.recording)
    assert same["loud"] == same["loud_before"]
    assert same["change"] == -80
    gone = eeg.figures(case, build(eeg_dataset(0 * calm_eeg, EEG_RATE, NAMES)))
    assert gone["alpha"] == 0
    assert gone["change"] == pytest.approx(0)
    assert gone["loud"] == -80


def test_every_line_of_the_page_has_a_name_of_its_own():
    assert len({(f.group, f.title) for f in FIGURES}) == len(FIGURES)
