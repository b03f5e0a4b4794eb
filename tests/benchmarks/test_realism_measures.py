"""The measures behind docs/measured/synth_realism.md on signals whose answers are known."""

import numpy as np
import pytest

from benchmarks.realism import eeg, nirs
from neurofuse.io import build, nirs_dataset

RATE = 20.0


def recording_of(*courses, ratio=1.0, seconds=120.0, source=None, detector=None, seed=0):
    """A Recording of a little noise plus courses (time,) at 690 nm, and ratio times at 830 nm."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    clean = np.stack([[c(time), ratio * c(time)] for c in courses])
    od = clean + 1e-4 * rng.standard_normal(clean.shape)
    count = len(courses)
    source = source or [f"S{i}" for i in range(count)]
    detector = detector or [f"D{i}" for i in range(count)]
    return build(nirs=nirs_dataset(od, RATE, (690.0, 830.0), source, detector, variable="od"))


def step(size, at=60.0):
    return lambda time: size * (time >= at)


def spike(size, at=60.0, width=0.3):
    return lambda time: size * np.exp(-0.5 * ((time - at) / width) ** 2)


def still(time):
    return np.zeros_like(time)


def test_a_step_is_one_shift_at_its_place():
    recording = recording_of(step(0.3, 30.0))
    (event,) = nirs.detect(nirs.density(recording))
    assert event.start / RATE + nirs.TRIM == pytest.approx(30.0, abs=0.1)
    assert event.kind == "shift"
    found = nirs.measure(recording)
    assert found["fnirs_event_abs_shift_over_peak_ge0p2"] == pytest.approx(1.0, abs=0.02)
    assert found["fnirs_event_peak_abs_od_ge0p2"] == pytest.approx(0.3, abs=0.005)
    assert found["fnirs_event_duration_s_ge0p2"] == pytest.approx(0.1, abs=0.01)
    assert found["fnirs_shift_remaining_after_30_s_ge0p2"] == pytest.approx(1.0, abs=0.02)
    assert found["fnirs_event_fraction_positive_od_ge0p2"].all()


def test_a_spike_leaves_nothing():
    (event,) = nirs.detect(nirs.density(recording_of(spike(-0.4))))
    assert event.kind == "spike"
    assert event.ratio < 0.02
    assert event.peak[event.strong] == pytest.approx(-0.4, abs=0.02)
    # 10 to 90 % of a Gaussian: from 2.146 to 0.459 of its width, here 0.3 s
    assert event.rise == pytest.approx(0.506, abs=0.06)


def test_nothing_is_found_in_noise():
    assert nirs.detect(nirs.density(recording_of(still, still))) == []


def test_size_decides_not_the_detector():
    found = nirs.measure(recording_of(spike(0.15, 30.0), step(0.3, 90.0)))
    assert len(found["fnirs_event_peak_abs_od_ge0p1"]) == 2
    assert len(found["fnirs_event_peak_abs_od_ge0p2"]) == 1
    assert "fnirs_event_peak_abs_od_ge0p5" not in found


@pytest.mark.parametrize("ratio", [0.5, 1.5, -0.7])
def test_ratio_between_wavelengths(ratio):
    found = nirs.measure(recording_of(spike(0.4), ratio=ratio))
    assert found["fnirs_artifact_ratio_830_over_690"] == pytest.approx(ratio, rel=0.02)
    assert found["fnirs_artifact_corr_830_690"] == pytest.approx(np.sign(ratio), abs=0.01)


def test_channels_that_share_a_shape():
    recording = recording_of(
        spike(0.4), spike(-0.2), still, source=["S1", "S1", "S2"], detector=["D1", "D2", "D3"]
    )
    found = nirs.summarise([nirs.measure(recording)])
    assert found["fnirs_pair_corr_signed_median_shared_source"] == pytest.approx(-1, abs=0.01)
    assert found["fnirs_pair_corr_abs_median_shared_source"] == pytest.approx(1, abs=0.01)
    assert found["fnirs_p_event_given_strongest_channel_shared_source"] == 1
    assert found["fnirs_p_event_given_strongest_channel_no_shared_optode"] == 0
    ratio = found["fnirs_amplitude_ratio_to_strongest_channel_shared_source_q50"]
    assert ratio == pytest.approx(0.5, abs=0.02)


def test_gaps_bouts_and_rates():
    def course(time):  # two movements 3 s apart, a third one 40 s later: two bouts
        return sum(spike(0.4, at, 0.1)(time) for at in (20.0, 23.0, 63.0))

    found = nirs.measure(recording_of(course, seconds=122.0))
    assert found["fnirs_event_rate_any_channel_per_min_ge0p1"] == pytest.approx(1.5)
    assert found["fnirs_bout_rate_per_min_ge0p1"] == pytest.approx(1.0)
    assert len(found["fnirs_event_gap_s_ge0p1"]) == 2
    starts = np.sum(found["fnirs_event_gap_s_ge0p1"]) + np.sum(
        found["fnirs_event_duration_s_ge0p1"][:2]
    )
    assert starts == pytest.approx(43.0, abs=0.2)


def test_gain_of_power_is_that_of_the_movement():
    """A 1 Hz movement of 30 times the 1 Hz rest's size: 29.5 dB in its own band."""

    def course(time):
        size = np.where((time > 41) & (time < 71), 0.3, 0.01)
        return size * np.sin(2 * np.pi * time)

    found = nirs.measure(recording_of(course))
    gain = found["fnirs_psd_0p5_2_hz_690nm_win10s_motion_over_clean_db"]
    assert gain == pytest.approx(29.5, abs=1.5)
    rest = found["fnirs_psd_0p5_2_hz_690nm_win10s_clean_rms_od"]
    assert rest == pytest.approx(0.01 / np.sqrt(2), rel=0.1)


def test_an_eeg_burst_of_known_length_and_gain():
    rate, rng = 500.0, np.random.default_rng(1)
    rest = 1e-5 * rng.standard_normal((2, int(60 * rate)))
    usual = eeg.reference(rest, rate)
    same = eeg.measure_task(rest, rate, "movehat", usual)
    assert np.abs(same["eeg_movehat_psd_8_13_hz_over_relax_db"]).max() < 1.0
    assert same["eeg_movehat_burst_0p5_45hz_rate_per_min"].tolist() == [0, 0]
    assert np.abs(same["eeg_movehat_psd_slope_1_40hz"]).max() < 0.15

    time = np.arange(rest.shape[1]) / rate
    task = rest + 2e-4 * np.sin(2 * np.pi * 10 * time) * ((time > 20) & (time < 23))
    found = eeg.measure_task(task, rate, "movehat", usual)
    assert found["eeg_movehat_burst_0p5_45hz_duration_s"] == pytest.approx(3.0, abs=0.25)
    assert found["eeg_movehat_burst_0p5_45hz_peak_abs_uv"] == pytest.approx(205, abs=25)
    assert found["eeg_movehat_burst_0p5_45hz_rate_per_min"].tolist() == [1, 1]
    # 3 s of a 200 uV sine in 60 s, over white noise of 10 uV in 5 of its 250 Hz
    gain = 10 * np.log10((2e-4) ** 2 / 2 * 3 / 60 / (1e-10 * 5 / 250))
    found_gain = found["eeg_movehat_psd_8_13_hz_over_relax_db"]
    assert found_gain == pytest.approx(gain, abs=1.0)


def test_only_the_intervals_count():
    rate, rng = 500.0, np.random.default_rng(2)
    rest = 1e-5 * rng.standard_normal((2, int(60 * rate)))
    usual = eeg.reference(rest, rate)
    task = rest.copy()
    task[:, int(30 * rate) : int(34 * rate)] *= 10
    inside = eeg.measure_task(task, rate, "jaw", usual, [(30.5, 33.5)])
    outside = eeg.measure_task(task, rate, "jaw", usual, [(5.0, 15.0), (40.0, 50.0)])
    assert inside["eeg_jaw_psd_13_30_hz_over_relax_db"] == pytest.approx(20.0, abs=1.5)
    assert outside["eeg_jaw_psd_13_30_hz_over_relax_db"] == pytest.approx(0.0, abs=1.0)
    assert eeg.measure_task(task, rate, "jaw", usual, []) == {}


@pytest.mark.slow
def test_the_real_runs_give_the_published_figures(data_dir):
    """Six of the ten runs: medians within 20 % of those that all ten gave."""
    found, wanted = nirs.summarise(nirs.real()), nirs.targets()
    for key in (
        "fnirs_event_rate_any_channel_per_min_ge0p1_pooled",
        "fnirs_event_duration_s_ge0p1_q50",
        "fnirs_event_peak_abs_od_ge0p1_q50",
        "fnirs_event_rise_10_90_s_ge0p1_q50",
        "fnirs_event_abs_shift_over_peak_ge0p1_q50",
        "fnirs_event_fraction_shift_ge0p2",
        "fnirs_artifact_corr_830_690_q50",
        "fnirs_p_event_given_strongest_channel_shared_source",
        "fnirs_psd_0p5_2_hz_690nm_win10s_motion_rms_od",
    ):
        assert found[key] == pytest.approx(wanted[key]["value"], rel=0.2), key


def test_the_base_of_generated_motion_is_at_rest(data_dir):
    run = next(nirs.runs_of_twni())
    real, base = nirs.measure(run), nirs.measure(nirs.quiet(run))
    rate = "fnirs_event_rate_per_channel_per_min_ge0p1"
    assert base[rate] < 0.1 * real[rate]
