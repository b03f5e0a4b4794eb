"""FIF files with annotations that no writer should have made."""

import struct

import mne
import numpy as np
import pytest

import neurofuse.io as io

ENDS, ONSETS = struct.pack(">3f", 1.5, 4.25, 7.0), struct.pack(">3f", 1.0, 3.0, 5.0)


@pytest.fixture
def with_times(tmp_path, eeg_raw):
    """A function that writes a file with annotations whose ends or onsets are these."""

    def make(old, *new):
        raw = eeg_raw()
        raw.set_annotations(mne.Annotations([1.0, 3.0, 5.0], [0.5, 1.25, 2.0], ["a", "b", "c"]))
        path = tmp_path / "a_raw.fif"
        raw.save(path, verbose="error")
        whole = path.read_bytes()
        assert whole.count(old) == 1
        path.write_bytes(whole.replace(old, struct.pack(">3f", *new)))
        return path

    return make


@pytest.mark.parametrize("end", [2.0, np.inf, -np.inf])
def test_an_impossible_duration_becomes_0(with_times, caplog, end):
    events = io.read(with_times(ENDS, 1.5, end, 7.0))["events"]
    assert events.description.values.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(events.onset, [1, 3, 5])
    np.testing.assert_allclose(events.duration, [0.5, 0, 2])
    assert "1 annotations of negative or endless duration (first: b)" in caplog.text


def test_no_duration_is_no_fault(with_times, caplog):
    events = io.read(with_times(ENDS, 1.5, np.nan, 7.0))["events"]
    np.testing.assert_allclose(events.duration, [0.5, 0, 2])
    assert "duration" not in caplog.text


@pytest.mark.parametrize("onset", [np.nan, np.inf])
def test_an_annotation_without_a_time_is_left_out(with_times, caplog, onset):
    events = io.read(with_times(ONSETS, 1.0, onset, 5.0))["events"]
    assert events.description.values.tolist() == ["a", "c"]
    assert "1 annotations without a time are left out" in caplog.text
