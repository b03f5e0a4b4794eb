"""Alignment by heart rate and movement: right or refused."""

import numpy as np
import pytest

from neurofuse import io
from neurofuse.io.clock.courses import (
    eeg_heart,
    eeg_movement,
    heart_course,
    nirs_heart,
    nirs_movement,
)
from neurofuse.io.clock.physiology import by_physiology

EEG_RATE, NIRS_RATE = 125.0, 8.0


def heart_beats(seed, seconds):
    """Beats whose intervals wander with breath and slower."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(int(seconds * 2))
    smooth = np.convolve(noise, np.hanning(7) / 2, "same")
    return np.cumsum(0.85 + 0.05 * smooth[: int(seconds)])


def bouts(seed, seconds):
    return np.sort(np.random.default_rng(seed).uniform(5, seconds - 5, int(seconds / 25)))


def eeg_of(beats, moves, seconds, ecg=True):
    rng = np.random.default_rng(1)
    time = np.arange(int(seconds * EEG_RATE)) / EEG_RATE
    voltage = 1e-5 * rng.standard_normal((2, len(time)))
    for at in moves:
        here = (time >= at) & (time < at + 2)
        voltage[:, here] += 1e-4 * np.sin(2 * np.pi * 2 * (time[here] - at))
    nearest = beats[np.searchsorted(beats, time).clip(1, len(beats) - 1)]
    earlier = beats[np.searchsorted(beats, time).clip(1, len(beats) - 1) - 1]
    away = np.minimum(np.abs(time - nearest), np.abs(time - earlier))
    heart = np.exp(-0.5 * (away / 0.012) ** 2)
    rows = [*voltage, 1e-3 * heart + 2e-5 * rng.standard_normal(len(time))] if ecg else voltage
    names, kinds = (["C3", "C4", "ECG"], ["eeg", "eeg", "ecg"]) if ecg else (["C3", "C4"], None)
    return io.build(io.eeg_dataset(np.array(rows), EEG_RATE, names, ch_type=kinds))


def nirs_of(beats, moves, instants):
    rng = np.random.default_rng(2)
    turn = 2 * np.pi * np.interp(instants, beats + 0.22, np.arange(len(beats)))
    od = 0.005 * (np.sin(turn) + 0.35 * np.sin(2 * turn)) * np.ones((2, 2, 1))
    od = od + 0.001 * rng.standard_normal((2, 2, len(instants)))
    for at in moves:
        here = (instants >= at) & (instants < at + 2)
        od[..., here] += 0.1 * np.sin(2 * np.pi * 1.0 * (instants[here] - at))
    node = io.nirs_dataset(np.exp(-od), NIRS_RATE, [760, 850], ["S1", "S2"], ["D1", "D2"])
    return io.build(nirs=node)


@pytest.fixture(scope="module")
def pair():
    """10 min of EEG with ECG; fNIRS that starts 63.4 s later on a clock 200 ppm slower."""
    seconds = 600.0
    beats, moves = heart_beats(0, 900), bouts(0, 700)
    instants = 63.4 + np.arange(int(480 * NIRS_RATE)) / NIRS_RATE * (1 + 200e-6)
    return eeg_of(beats[beats < seconds], moves, seconds), nirs_of(beats, moves, instants)


def test_heart_rate_aligns_the_streams(pair):
    found = by_physiology(*pair)
    assert found.method == "physiology"
    ends = np.array([0.0, 480.0])
    truth = 63.4 + ends * (1 + 200e-6)
    np.testing.assert_allclose(found.to_common(ends), truth, atol=0.1)
    assert found.offset_interval[0] < 63.4 < found.offset_interval[1]
    # the uncertainty of the pulse delay is part of the interval
    assert found.offset_interval[1] - found.offset_interval[0] > 0.15


def test_another_participant_is_refused(pair):
    instants = np.arange(int(480 * NIRS_RATE)) / NIRS_RATE
    mismatched = nirs_of(heart_beats(7, 900), bouts(7, 480), instants)
    with pytest.raises(
        io.AlignmentError, match=r"heart rate that matches best .* SD above other lags"
    ):
        by_physiology(pair[0], mismatched)


def test_a_short_recording_is_refused(pair):
    short = pair[0].sel(time=slice(0, 100)), pair[1].sel(time=slice(63, 160))
    with pytest.raises(
        io.AlignmentError,
        match=r"only \d+ s of fNIRS to match heart rate|wanted 4 min in which both",
    ):
        by_physiology(*short)


def test_a_steady_heart_is_refused(pair):
    beats = np.arange(0, 900, 0.85) + 0.003 * np.random.default_rng(3).standard_normal(1059)
    instants = 63.4 + np.arange(int(480 * NIRS_RATE)) / NIRS_RATE
    eeg, nirs = eeg_of(beats, [], 600.0), nirs_of(beats, [], instants)
    with pytest.raises(
        io.AlignmentError, match=r"heart (beats whose intervals|rate that matches best)"
    ):
        by_physiology(eeg, nirs)


def test_movement_alone_is_no_clock(pair):
    still = eeg_of(heart_beats(0, 900), bouts(0, 700), 600.0, ecg=False)
    with pytest.raises(
        io.AlignmentError,
        match=r"heart rate that .* from the EEG \(no usable ECG channel\); movement that",
    ):
        by_physiology(still, pair[1])


def test_heart_rate_is_the_same_in_both_streams(pair):
    one, other = eeg_heart(pair[0]), nirs_heart(pair[1])
    assert one is not None
    assert other is not None
    assert np.median(np.diff(one.beats)) == pytest.approx(0.85, abs=0.03)
    assert np.median(np.diff(other.beats)) == pytest.approx(0.85, abs=0.03)


def test_movement_stands_out_of_its_course(pair):
    moves = bouts(0, 700)
    for course, start in ((eeg_movement(pair[0]), 0.0), (nirs_movement(pair[1]), 63.4)):
        assert course is not None
        time = start + np.arange(len(course.values)) / 10
        inside = np.any([(time > at) & (time < at + 2) for at in moves], axis=0)
        assert course.values[inside].mean() > course.values[~inside].mean() + 2


def test_courses_that_cannot_be_had_are_none(eeg_raw):
    assert eeg_heart(io.from_mne(eeg_raw())) is None
    assert heart_course(np.arange(10.0), 10.0) is None


def test_real_recordings_of_different_participants_are_refused(data_dir):
    eeg = io.read(data_dir / "eeg_clean" / "sub-01_task-rest_eeg.edf")
    nirs = io.read(data_dir / "fnirs_clean" / "finemi" / "sub-01_block-6_nirs.snirf")
    with pytest.raises(io.AlignmentError):
        by_physiology(eeg, nirs)
