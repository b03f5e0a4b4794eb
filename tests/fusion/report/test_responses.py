"""Averages over events: the response that was put in comes out, and nothing else is averaged."""

import tracemalloc

import numpy as np
import pytest

from neurofuse.fusion.report.responses import conditions, responses, responses_section
from neurofuse.fusion.views.before_after import views_of
from neurofuse.io import build, eeg_dataset
from tests.builders import nirs_node, recording_of

ONSETS = 20.0 + 15.0 * np.arange(16)


def make(extra=(), nirs=True, onsets=ONSETS, nan=False):
    """(before, after): a 4 Hz burst of 20 µV in E2 and a rise of blood in S2-D2 after each event;
    before, a movement lies in one of them."""
    rng = np.random.default_rng(0)
    time, slow = np.arange(28_000) / 100, np.arange(2800) / 10
    eeg = 1e-6 * rng.standard_normal((3, len(time)))
    od = 1e-4 * rng.standard_normal((2, 2, len(slow)))
    for onset in onsets:
        since = time - onset
        eeg[2] += 2e-5 * np.sin(2 * np.pi * 4 * since) * ((since >= 0) & (since < 0.5))
        later = np.exp(-(((slow - onset - 6) / 2.5) ** 2))
        od[1, 0] += -0.01 * later
        od[1, 1] += 0.02 * later
    if nan:
        eeg[2, 5] = np.nan
    rows = [(float(o), 1.0, "tap", "", "") for o in onsets] + list(extra)

    def recording(samples, density):
        at = np.array([[0.0, 0.0, 0.09], [0.05, 0.0, 0.09]])
        there = at + np.array([0.0, 0.03, 0.0])
        node = nirs_node(np.exp(-density), source_position=at, detector_position=there)
        return recording_of(samples, node if nirs else None, events=rows)

    push = 5e-4 * ((time >= ONSETS[3]) & (time < ONSETS[3] + 0.5))
    step = 0.2 * (slow >= ONSETS[3] + 3)
    return recording(eeg + push, od + step), recording(eeg, od)


def averages(before, after):
    return list(responses(before, after, None, views_of(before, after)))


def test_the_response_that_was_put_in_comes_out():
    found = averages(*make())
    assert [(r.signal, r.channel, r.count) for r in found] == [
        ("EEG", "E2", 16),
        ("HbO", "S2-D2", 16),
        ("HbR", "S2-D2", 16),
    ]
    erp, oxy, deoxy = found
    mean, half = erp.lines["after"]
    wanted = 20 * np.sin(2 * np.pi * 4 * erp.time) * ((erp.time >= 0) & (erp.time < 0.5))
    assert np.corrcoef(mean, wanted)[0, 1] > 0.97
    assert mean[erp.time < 0].mean() == pytest.approx(0, abs=1e-9)
    assert mean.max() == pytest.approx(20, rel=0.15)
    # the movement widens the interval of what was not cleaned
    assert erp.lines["before"][1].mean() > 10 * half.mean()
    # about 1 µV of noise over 16 events: 95 % of means lie within 2.13 × 1 / 4
    assert 0.2 < np.median(half) < 0.8
    for response, sign in ((oxy, 1), (deoxy, -1)):
        mean, _ = response.lines["after"]
        peak = response.time[np.argmax(sign * mean)]
        assert 5 < peak < 7
        assert np.sign(mean[np.argmax(np.abs(mean))]) == sign


def test_movements_and_rare_events_are_not_averaged():
    rows = [(float(o), 1.0, "motion/nod", "", "") for o in ONSETS]
    rows += [(float(o), 1.0, "BAD_segment", "", "") for o in ONSETS]
    rows += [(float(o), 1.0, "rare", "", "") for o in ONSETS[:3]]
    before, after = make(rows)
    assert list(conditions(before)) == ["tap"]
    assert {r.condition for r in averages(before, after)} == {"tap"}


def test_events_in_quick_succession_have_no_response_of_the_blood():
    found = averages(*make(onsets=20.0 + 2.0 * np.arange(40)))
    assert [r.signal for r in found] == ["EEG"]


def test_a_channel_with_gaps_is_not_picked():
    erp = averages(*make(nan=True))[0]
    assert erp.channel in ("E0", "E1")
    assert np.isfinite(erp.lines["after"][0]).all()


def test_without_events_a_sentence_says_why():
    before, after = make(onsets=ONSETS[:2])
    text = responses_section(before, after, None, views_of(before, after))
    assert "No average over events" in text
    assert "<svg" not in text
    text = responses_section(*make(nirs=False), None, views_of(*make(nirs=False)))
    assert "tap: EEG, E2 (n = 16)" in text
    assert "HbO" not in text.partition("<figcaption>")[0]


def test_conditions_that_are_not_plotted_are_counted():
    often = [(20.0 + 12.0 * i + 2 * k, 0.0, f"c{k}", "", "") for i in range(16) for k in range(6)]
    before, after = make(extra=often)
    text = responses_section(before, after, None, views_of(before, after))
    assert "The 4 most frequent of 7 conditions are drawn." in text
    whole = responses_section(*make(), None, views_of(*make()))
    assert "most frequent" not in whole


def test_averaging_copies_no_recording():
    rng = np.random.default_rng(0)
    noise = eeg_dataset(1e-5 * rng.standard_normal((8, 50_000)), 250.0, [f"E{i}" for i in range(8)])
    recording = build(noise)
    views = views_of(recording, recording)
    tracemalloc.start()
    list(responses(recording, recording, None, views))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * noise.eeg.nbytes
