"""The files of a whole night, and what is said of a run."""

import numpy as np

import neurofuse as nf
from benchmarks.speed import long_recording as night


def test_inputs_repeat_a_piece_with_other_amplitudes_and_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(night, "PIECE", 20)
    eeg, nirs = night.inputs(tmp_path, 60 / 3600)
    recording = nf.read(eeg, nirs, offset=0.0)
    assert recording["eeg"].eeg.shape == (32, 60 * night.EEG_RATE)
    assert recording["nirs"].intensity.shape == (40, 2, 60 * night.NIRS_RATE)
    first, second = recording["eeg"].eeg.values.reshape(32, 3, -1)[:, :2].swapaxes(0, 1)
    gain = (first * second).sum(1) / (first**2).sum(1)
    assert np.ptp(gain) > 0.1
    assert np.abs(second - gain[:, None] * first).max() < 2e-7  # V: twice the integers' step
    made = eeg.stat().st_mtime_ns
    assert night.inputs(tmp_path, 60 / 3600) == [eeg, nirs]
    assert eeg.stat().st_mtime_ns == made


def test_a_run_is_related_to_the_short_one_by_the_minute():
    short = {"cpu": 20.0, "memory": 1.0, "elapsed": 60.0, "size": 0.2}
    long = {"cpu": 480.0, "memory": 1.5, "elapsed": 1200.0, "size": 9.0}
    cells = dict(zip(night.COLUMNS, night.row(8.0, "files", long, short), strict=True))
    assert cells["CPU [s per recorded min]"] == "1.00"
    assert cells["relative to 10 min"] == "0.50"
    assert night.row(night.SHORT, "files", short, short)[0] == "10 min"
