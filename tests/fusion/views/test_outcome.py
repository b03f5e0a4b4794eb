"""The five lines at the end of a cleaning, and the first ones of its report."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.views.outcome import outcome, plain_verdict, shares_of
from neurofuse.io import stream_dataset, with_stream


@pytest.fixture(scope="module")
def recording():
    return nf.simulate(30.0, seed=1, bouts_per_minute=0)[1]


def test_calm_recordings_are_called_usable(recording):
    lines = outcome(nf.clean(recording), {"eeg": 0, "nirs": 0})
    assert len(lines) == 5
    assert lines[0] == "duration: 30 s"
    assert lines[2] == "movements found: 0 in EEG, 0 in fNIRS"
    assert lines[3] == "bad channels: none"
    assert lines[4] == "at least 75 % of every modality was kept as recorded"


def test_much_that_is_lost_is_a_warning_with_figures(recording):
    node = stream_dataset(recording, "eeg")
    samples = node.eeg.values.copy()
    samples[:10, : round(0.8 * samples.shape[1])] = 5e-3  # of 19 channels
    cleaned = nf.clean(with_stream(recording, "eeg", node.assign(eeg=(node.eeg.dims, samples))))
    bad = int(cleaned["eeg"].bad.sum())
    shares = shares_of(cleaned)
    lines = outcome(cleaned, {})
    assert bad == 10
    assert lines[2] == "movements found: none"
    assert lines[3] == "bad channels: EEG 10 channels"
    assert shares["eeg"]["lost"] == 0  # bad channels are counted apart
    half = node.eeg.values.copy()
    half[:, : round(0.3 * half.shape[1])] = np.nan
    cleaned = nf.clean(with_stream(recording, "eeg", node.assign(eeg=(node.eeg.dims, half))))
    assert shares_of(cleaned)["eeg"]["lost"] == pytest.approx(0.3, abs=0.01)
    assert outcome(cleaned, {})[4].startswith("careful: 30")
    assert plain_verdict(cleaned)[0].startswith("Careful: ")


def test_without_verdicts_it_says_so(recording):
    assert outcome(recording, {})[1] == "channel-time: without a verdict"
