"""Drift of a recording: told when something changed, silent when nothing did."""

from typing import Any

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion import drift_watch, live
from neurofuse.fusion.drift_watch import Drift, Watch
from neurofuse.fusion.live import LiveCleaner
from neurofuse.io import build, eeg_dataset
from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.io.recording import without_stream

RATE = 50.0
CHANGE = 360.0  # s
LENGTH = 1000.0  # s
NAMES = ["C3", "C4", "F3", "F4"]


def still(modality: str = "eeg", rate: float = RATE) -> np.ndarray:
    """Channels that share half of their power, as scalp and blood do."""
    rng = np.random.default_rng(5)
    shape = (4, 2) if modality == "nirs" else (4,)
    count = round(LENGTH * rate)
    x = rng.standard_normal((*shape, count)) + rng.standard_normal(count)
    return np.cumsum(1e-4 * x, -1) if modality == "nirs" else 1e-5 * x


def told(x: np.ndarray, modality: str = "eeg", rate: float = RATE, rest=None, chunk=37):
    watch = Watch(modality, NAMES, rate)
    rest = np.ones((len(x), x.shape[-1]), bool) if rest is None else rest
    found: list[Drift] = []
    for first in range(0, x.shape[-1], chunk):
        here = slice(first, first + chunk)
        found += watch.push(x[..., here], rest[:, here])
    return found


@pytest.mark.parametrize(("modality", "rate"), [("eeg", RATE), ("eeg", 250.0), ("nirs", 5.0)])
def test_where_nothing_changes_nothing_is_told(modality, rate):
    assert told(still(modality, rate), modality, rate, chunk=round(rate)) == []


@pytest.mark.parametrize("factor", [0.1, 4.0])
def test_a_gain_that_changes_is_told_once_within_five_minutes(factor):
    x = still()
    x[1, round(CHANGE * RATE) :] *= factor
    (found,) = told(x)
    assert (found.modality, found.channels, found.measure) == ("eeg", ("C4",), "level")
    assert CHANGE < found.time <= CHANGE + 300
    assert found.change == pytest.approx(20 * np.log10(factor), abs=0.5)


def test_a_contact_that_worsens_loses_its_correlations():
    x = still()
    since = round(CHANGE * RATE)
    noise = np.random.default_rng(9).standard_normal(x.shape[1] - since)
    x[2, since:] = 1.5e-5 * noise  # as much power as before, of its own
    (found,) = told(x)
    assert (found.channels, found.measure) == (("F3",), "correlation")
    assert 0.4 < found.change < 0.6


def test_weak_light_is_told_though_optical_density_drifts_anyway():
    x = still("nirs", 5.0)
    since = round(CHANGE * 5.0)
    x[3, :, since:] += 3e-3 * np.random.default_rng(2).standard_normal((2, x.shape[-1] - since))
    found = told(x, "nirs", 5.0)[0]
    assert (found.channels, found.measure, found.time) == (("F4",), "level", 600.0)


def test_what_moves_does_not_count():
    x, rest = still(), np.ones((4, round(LENGTH * RATE)), bool)
    since = round(CHANGE * RATE)
    x[0, since:] *= 30
    rest[0, since:] = False
    assert told(x, rest=rest) == []


def test_a_change_back_is_told_too_and_chunks_make_no_difference():
    x = still()
    x[1, round(290 * RATE) : round(620 * RATE)] *= 5
    found = told(x)
    assert [(one.time, round(one.change)) for one in found] == [(600.0, 14), (900.0, -14)]
    assert told(x, chunk=5000) == found


def test_unusable_samples_are_passed_over():
    x = still()
    x[0] = np.nan
    x[1] = 0.0
    assert told(x) == []


@pytest.mark.slow
def test_a_recording_tells_its_drift():
    recording = without_stream(nf.simulate(190.0, seed=3, severity=0.0)[1], "nirs")
    node = recording["eeg"].to_dataset().isel(channel=slice(8))
    x = node.eeg.values.copy()
    x[4, node.time.values > 122] *= 0.2
    changed = recording.copy()
    changed["eeg"] = node.assign(eeg=(node.eeg.dims, x, node.eeg.attrs))
    found = nf.drift(changed, nf.clean(changed), every=60)
    (level,) = (one for one in found if one.measure == "level")
    assert level.channels == (str(node.channel.values[4]),)
    assert level.time == 180.0
    assert level.change == pytest.approx(20 * np.log10(0.2), abs=2)


def test_what_cannot_be_compared():
    noise = 1e-5 * np.random.default_rng(0).standard_normal((2, 2500))
    recording = build(eeg_dataset(noise, 250.0, ["C3", "C4"]))
    with pytest.raises(SchemaError, match="without motion mask"):
        nf.drift(recording, recording)
    masked = recording.copy()
    masked["eeg"] = masked["eeg"].to_dataset().assign(gate=(("channel", "time"), 0 * noise))
    with pytest.raises(ParameterError, match="every=10"):
        nf.drift(recording, masked, every=10)
    shorter = recording.sel(time=slice(0, 5))
    with pytest.raises(ParameterError, match="what was made of this recording"):
        nf.drift(shorter, masked)
    assert nf.drift(recording, masked) == []


def live_eeg(seconds: float) -> np.ndarray:
    count = round(seconds * RATE)
    return 1e-5 * np.random.default_rng(4).standard_normal((4, count)) + 2e-6


def played(x: np.ndarray, every: float) -> tuple[LiveCleaner, np.ndarray]:
    """Cleaned live by chunks of a second, with looks as often as given [s]."""
    cleaner = LiveCleaner(build(eeg_dataset(x, RATE, NAMES)))
    cleaner.watch.watches["eeg"].every = every
    count = round(RATE)
    parts = [cleaner.push(x[:, k : k + count]).eeg for k in range(0, x.shape[1], count)]
    return cleaner, np.concatenate(parts, -1)


def test_live_statistics_follow_a_drift_and_what_was_sent_stays(monkeypatch):
    monkeypatch.setattr(drift_watch, "LEAST", 10.0)
    x = live_eeg(110)
    x[1, round(30 * RATE) :] *= 0.05
    watched, sent = played(x, 30.0)
    unwatched, as_before = played(x, 1e9)
    (found,) = watched.drifts
    assert (found.time, found.channels, found.measure) == (60.0, ("C4",), "level")
    assert unwatched.drifts == []
    until = round(60 * RATE)
    assert np.array_equal(sent[:, :until], as_before[:, :until])
    true = x[1, until:].var()
    filters: list[Any] = [c.engine.filters["eeg"] for c in (watched, unwatched)]
    quiet = [one.spatial.noise.value[1, 1] for one in filters]
    assert quiet[0] < 8 * true < quiet[1]


def test_live_looks_tell_how_many_movements_are_found(monkeypatch):
    monkeypatch.setattr(live, "BREATH", 0.0)
    cleaner, _ = played(live_eeg(62), 300.0)
    shares = cleaner.look()
    assert 0.3 < shares["eeg"] <= 1
    assert cleaner.drifts == []
    cleaner.watch.shares["eeg"] = shares["eeg"] - 0.3  # as if fewer had been found at the start
    assert cleaner.look() == shares
    (found,) = cleaner.drifts
    assert (found.measure, found.time, found.channels) == ("recall", 62.0, tuple(NAMES))
    assert found.change == pytest.approx(0.3)
    assert "recall changed by +0.30" in str(found)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_what_no_sensor_gives_says_nothing(value):
    x = still()
    x[:, 1000:1010] = value
    assert told(x) == []
