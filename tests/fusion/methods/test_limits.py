"""Recordings that the models were not trained for are named with channels and cause."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.methods.limits import warn_of_limits
from neurofuse.io.lazy import blocks_of
from neurofuse.io.recording import build, eeg_dataset, nirs_dataset, stream_dataset, with_stream

RATE = 100.0
TIME = np.arange(6000) / RATE


@pytest.fixture
def eeg():
    """Two channels of EEG at rest, a minute."""
    data = 1e-5 * np.random.default_rng(0).standard_normal((2, TIME.size))
    return build(eeg_dataset(data, RATE, ["AF7", "Pz"]))


def changed(recording, row, values):
    node = stream_dataset(recording, "eeg")
    data = node.eeg.values.copy()
    data[row] = values(data[row])
    return with_stream(recording, "eeg", node.assign(eeg=node.eeg.copy(data=data)))


def off_the_head(recording, since=40):
    swing = 1e-3 * np.sign(np.sin(2 * np.pi * 0.7 * TIME))
    return changed(recording, 0, lambda x: np.where(since > TIME, x, swing))


def warnings_of(caplog, recording, treated=("eeg", "nirs")):
    caplog.clear()
    warn_of_limits(recording, treated)
    return [record.getMessage() for record in caplog.records]


def test_ordinary_recordings_are_cleaned_without_a_word(caplog, pair, eeg):
    assert warnings_of(caplog, pair[0]) == []
    assert warnings_of(caplog, pair[1]) == []
    assert warnings_of(caplog, eeg) == []


def test_a_channel_that_jumps_from_rail_to_rail_is_named_with_its_time(caplog, eeg):
    off = off_the_head(eeg)
    (message,) = warnings_of(caplog, off)
    assert "AF7 are at the rails of the amplifier for up to 20 s, from 40.0 s on" in message
    assert "no EEG there" in message


@pytest.mark.parametrize(("rate", "count"), [(0.5, 1), (1.0, 0), (10.0, 0)])
def test_slow_fnirs_is_named_with_its_rate(caplog, rate, count):
    data = np.exp(0.01 * np.random.default_rng(1).standard_normal((2, 2, round(60 * rate))))
    node = nirs_dataset(data, rate, [760, 850], ["S1", "S2"], ["D1", "D1"])
    recording = build(None, node)
    found = warnings_of(caplog, recording)
    assert len(found) == count
    assert all("fNIRS at 0.5 Hz" in message for message in found)
    assert warnings_of(caplog, recording, ("eeg",)) == []


def test_samples_still_in_a_file_are_looked_at_too(caplog, eeg):
    off = off_the_head(eeg)
    node = stream_dataset(off, "eeg")
    lazy = node.assign(eeg=node.eeg.copy(data=blocks_of(node.eeg.values, RATE)))
    (message,) = warnings_of(caplog, with_stream(off, "eeg", lazy))
    assert "rails" in message


def test_only_trained_models_warn(caplog, eeg):
    off = off_the_head(eeg, 50)
    nf.clean(off, "bandpass")
    assert "rails of the amplifier" not in caplog.text
    nf.clean(off, "eeg")
    assert "rails of the amplifier" in caplog.text
