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


def warnings_of(caplog, recording, treated=("eeg", "nirs")):
    caplog.clear()
    warn_of_limits(recording, treated)
    return [record.getMessage() for record in caplog.records]


def test_ordinary_recordings_are_cleaned_without_a_word(caplog, pair, eeg):
    assert warnings_of(caplog, pair[0]) == []
    assert warnings_of(caplog, pair[1]) == []
    assert warnings_of(caplog, eeg) == []


def test_slow_drift_names_its_channel(caplog, eeg):
    drifting = changed(eeg, 1, lambda x: x + 5e-5 * np.sin(2 * np.pi * 0.1 * TIME))
    (message,) = warnings_of(caplog, drifting)
    assert "slow drift" in message
    assert "Pz" in message
    assert "AF7" not in message
    assert "high-pass" in message


def test_a_channel_that_jumps_from_rail_to_rail_is_named_with_its_time(caplog, eeg):
    swing = 1e-3 * np.sign(np.sin(2 * np.pi * 0.7 * TIME))
    off = changed(eeg, 0, lambda x: np.where(TIME < 40, x, swing))
    (message,) = warnings_of(caplog, off)
    assert "AF7 are at the rails of the amplifier for up to 20 s, from 40.0 s on" in message
    assert "no EEG there" in message


@pytest.mark.parametrize(("rate", "count"), [(2.0, 1), (3.5, 0), (10.0, 0)])
def test_slow_fnirs_is_named_with_its_rate(caplog, rate, count):
    data = np.exp(0.01 * np.random.default_rng(1).standard_normal((2, 2, round(60 * rate))))
    node = nirs_dataset(data, rate, [760, 850], ["S1", "S2"], ["D1", "D1"])
    recording = build(None, node)
    found = warnings_of(caplog, recording)
    assert len(found) == count
    assert all("fNIRS at 2 Hz" in message for message in found)
    assert warnings_of(caplog, recording, ("eeg",)) == []


def test_samples_still_in_a_file_are_looked_at_too(caplog, eeg):
    drifting = changed(eeg, 1, lambda x: x + 5e-5 * np.sin(2 * np.pi * 0.1 * TIME))
    node = stream_dataset(drifting, "eeg")
    lazy = node.assign(eeg=node.eeg.copy(data=blocks_of(node.eeg.values, RATE)))
    (message,) = warnings_of(caplog, with_stream(drifting, "eeg", lazy))
    assert "slow drift" in message


def test_only_trained_models_warn(caplog, eeg):
    drifting = changed(eeg, 1, lambda x: x + 5e-5 * np.sin(2 * np.pi * 0.1 * TIME))
    nf.clean(drifting, "bandpass")
    assert "slow drift" not in caplog.text
    nf.clean(drifting, "eeg")
    assert "slow drift" in caplog.text
