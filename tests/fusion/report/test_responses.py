"""Averages over events: the response that was put in comes out, and nothing else is averaged."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from neurofuse.fusion.report.averages import conditions, responses
from neurofuse.fusion.report.response_channels import named_channels
from neurofuse.fusion.report.responses import responses_section
from neurofuse.fusion.views.before_after import views_of
from neurofuse.fusion.views.best_channel import best_channel
from neurofuse.fusion.views.haemoglobin import haemoglobin_view
from neurofuse.io import build, channel_quality, eeg_dataset
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import stream_dataset, streams, with_stream
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


def shown(before, after, truth=None):
    """Views, and HbO and HbR of the fNIRS if there is one."""
    views = views_of(before, after, truth)
    nirs = [view for view in views if view.stream == "nirs"]
    return views, haemoglobin_view(before, nirs[0]) if nirs else None


def averages(before, after, channels=("E2", "S2-D2"), regions=None):
    views, blood = shown(before, after)
    channels = [c for c in channels if any(c in view.channel for view in views)]
    return list(responses(before, views, blood, named_channels(views, channels, regions)))


def section(before, after, channels=None):
    views, blood = shown(before, after)
    quality = {stream: channel_quality(before, stream) for stream in streams(before)}
    named = named_channels(views, channels, None)
    return responses_section(before, views, blood, quality, named)


def test_the_response_that_was_put_in_comes_out():
    found = averages(*make())
    assert [(r.signal, r.channels, r.count) for r in found] == [
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


def test_a_region_is_the_mean_of_its_usable_channels():
    before, after = make()
    one = {r.signal: r for r in averages(before, after)}
    both = averages(before, after, (), {"left": ["E1", "E2", "S1_D1 hbo", "S2-D2"]})
    assert [(r.channels, r.averaged) for r in both] == [("left", 2)] * 3
    # the other channel of each has no response
    mean, single = (next(r for r in of if r.signal == "EEG") for of in (both, one.values()))
    wide = np.ptp(mean.lines["after"][0]) / np.ptp(single.lines["after"][0])
    assert wide == pytest.approx(0.5, abs=0.05)
    bad = with_stream(
        before,
        "eeg",
        stream_dataset(before, "eeg").assign_coords(bad=("channel", [False, True, False])),
    )
    alone = averages(bad, after, (), {"left": ["E1", "E2"]})
    assert alone[0].averaged == 1
    np.testing.assert_allclose(alone[0].lines["after"][0], single.lines["after"][0])


def test_names_that_are_not_there_are_refused():
    before, after = make()
    with pytest.raises(ParameterError, match=r"channel 'C3'.*E0, E1, E2, S1-D1, S2-D2"):
        averages(before, after, (), {"left": ["C3"]})
    with pytest.raises(ParameterError, match="the region 'left'"):
        averages(before, after, (), {"left": []})
    views, _ = shown(before, after)
    wrong: list[Any] = [(3, None), (None, ["E0"]), (None, {"left": 3})]
    for given in wrong:
        with pytest.raises(ParameterError, match="of type"):
            named_channels(views, *given)


def test_the_best_channel_is_shown_and_not_the_largest_response():
    before, after = make()
    noise = np.random.default_rng(1).standard_normal(28_000)
    node = stream_dataset(before, "eeg")
    muscle = node.eeg.values.copy()
    muscle[0] += 1e-4 * noise
    muscle[2] += 1e-4 * np.roll(noise, 500)
    loud = with_stream(before, "eeg", node.assign(eeg=node.eeg.copy(data=muscle)))
    assert best_channel(views_of(loud)[0], channel_quality(loud, "eeg")) == 1
    assert "the channel with the best quality is shown" in section(before, after)
    assert "best quality is shown" not in section(before, after, ["E2", "S2-D2"])


def test_a_channel_with_gaps_has_no_average():
    before, after = make(nan=True)
    assert {r.signal for r in averages(before, after)} == {"HbO", "HbR"}


def test_what_is_named_and_cannot_be_averaged_is_said():
    text = section(*make(nan=True), channels=["E2", "S2-D2"])
    assert "No average of E2 (EEG): no event is repeated" in text
    assert "S2-D2 (fNIRS)" not in text


def test_events_at_which_a_channel_is_lost_are_left_out():
    before, after = make(nirs=False)
    node = stream_dataset(after, "eeg")
    verdict = np.zeros((3, node.sizes["time"]), np.int8)
    verdict[2, round(100 * ONSETS[3])] = 2
    after = with_stream(after, "eeg", node.assign(verdict=(("channel", "time"), verdict)))
    (erp,) = averages(before, after)
    assert erp.count == 15
    # the movement lay in that one
    np.testing.assert_allclose(erp.lines["before"][0], erp.lines["after"][0], atol=1e-3)


def test_without_events_a_sentence_says_why():
    text = section(*make(onsets=ONSETS[:2]))
    assert "No average over events" in text
    assert "<svg" not in text
    text = section(*make(nirs=False), channels=["E2"])
    assert "tap: EEG (n = 16)" in text
    assert ">E2<" in text
    assert "HbO" not in text.partition("<figcaption>")[0]


def test_conditions_that_are_not_plotted_are_counted():
    often = [(20.0 + 12.0 * i + 2 * k, 0.0, f"c{k}", "", "") for i in range(16) for k in range(6)]
    before, after = make(extra=often)
    text = section(before, after)
    assert "The 4 most frequent of 7 conditions are drawn." in text
    whole = section(*make())
    assert "most frequent" not in whole


def test_averaging_copies_no_recording():
    rng = np.random.default_rng(0)
    noise = eeg_dataset(1e-5 * rng.standard_normal((8, 50_000)), 250.0, [f"E{i}" for i in range(8)])
    recording = build(noise)
    views = views_of(recording, recording)
    tracemalloc.start()
    list(responses(recording, views, None, {"eeg": {"E0": [0]}}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * noise.eeg.nbytes
