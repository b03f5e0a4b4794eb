"""Two Recordings of one stream each on one clock."""

import pytest

from neurofuse import io
from neurofuse.io.clock.joining import join


def test_cut_recordings_are_joined_by_the_date_of_their_first_sample(eeg_raw, nirs_raw):
    eeg, nirs = io.from_mne(eeg_raw(seconds=30.0)), io.from_mne(None, nirs_raw(seconds=30.0))
    cut = eeg.sel(time=slice(10, None))
    whole, late = (join(one, nirs, align="clock")["nirs"].time.values[0] for one in (eeg, cut))
    assert late == pytest.approx(whole - 10)


def test_the_number_of_the_first_sample_is_kept(eeg_raw, nirs_raw):
    cut = io.from_mne(eeg_raw()).sel(time=slice(4, None))
    joined = join(cut, io.from_mne(None, nirs_raw()), offset=0.0)
    raw = io.to_mne(joined)[0]
    assert raw is not None
    assert raw.first_samp == 1000
    assert raw.annotations.orig_time == raw.info["meas_date"]


def test_each_must_hold_its_own_stream(eeg_raw):
    eeg = io.from_mne(eeg_raw())
    with pytest.raises(io.ReadError, match="one with fNIRS only"):
        join(eeg, eeg)
