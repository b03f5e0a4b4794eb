"""The facts of a Recording are plain values that JSON takes."""

import json

import numpy as np
import pytest

from neurofuse.fusion.views.facts import facts
from neurofuse.io.recording import stream_dataset, with_stream
from tests.builders import aligned_recording


def test_numbers_are_numbers_and_what_is_unknown_is_null():
    recording = aligned_recording()
    recording.attrs["measured_at"] = "1985-01-01T00:00:00+00:00"
    found = facts(recording)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    eeg, nirs = found["streams"]["eeg"], found["streams"]["nirs"]
    assert (eeg["channels"], eeg["bad"]) == (["C3", "C4"], ["C3"])
    assert (eeg["rate_hz"], eeg["duration_s"], eeg["moving_share"]) == (250.0, 2.0, None)
    assert (nirs["wavelengths_nm"], nirs["stored_as"]) == ([760.0, 850.0], "intensity")
    assert nirs["clock"] == {
        "method": "events",
        "offset_s": 0.5,
        "drift_ppm": 12.0,
        "residual_s": 0.004,
        "anchors": 9,
    }
    assert eeg["clock"]["residual_s"] is None
    assert found["events"] == {"go": 2}
    assert found["measured_at"] is None  # a dummy of the format


def test_the_fraction_in_motion_is_that_of_the_mask():
    given = aligned_recording()
    node = stream_dataset(given, "eeg")
    gate = np.zeros((2, 500))
    gate[0, :100] = 1
    given = with_stream(given, "eeg", node.assign(gate=(("channel", "time"), gate)))
    assert facts(given)["streams"]["eeg"]["moving_share"] == pytest.approx(0.1)
