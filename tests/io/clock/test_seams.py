"""Seams of unknown length: allowed where both streams hold them, else refused."""

from typing import Any

import mne
import pytest

import neurofuse.io as io
from neurofuse.io.clock.seams import is_seam, seams


def test_marks_of_seams():
    known = ("BAD boundary", "EDGE boundary", "boundary", "New Segment/")
    assert all(is_seam(text) for text in known)
    assert not any(is_seam(text) for text in ("BAD_gap", "boundary condition", "go", ""))


def test_fnirs_that_was_put_together_is_refused_too(eeg_raw, nirs_raw):
    pieces: Any = mne.concatenate_raws([nirs_raw(), nirs_raw(seed=4)], verbose="error")
    recording = io.from_mne(None, pieces)
    assert seams(recording, "nirs") == [10.0]
    with pytest.raises(io.AlignmentError, match="fNIRS that was put together"):
        io.from_mne(eeg_raw(seconds=20.0), pieces, offset=0.0)


def test_seams_that_both_streams_hold_are_one(eeg_raw, nirs_raw):
    both: Any = (
        mne.concatenate_raws([make(seconds=10.0), make(seconds=10.0, seed=5)], verbose="error")
        for make in (eeg_raw, nirs_raw)
    )
    recording = io.from_mne(*both, offset=0.02)
    assert recording["clock"].offset.values.tolist() == [0.0, 0.02]


def test_a_seam_where_nothing_lies_behind_is_none(eeg_raw, nirs_raw):
    eeg = eeg_raw(marks=[(0.0, "New Segment/"), (9.996, "boundary")])
    assert io.from_mne(eeg, nirs_raw(), offset=0.0)["eeg"].sizes["time"] == 2500
