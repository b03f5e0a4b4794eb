"""What the strip chart embeds is what was recorded, at the resolution that it claims."""

import base64
import json
import re

import numpy as np
import pytest

from neurofuse.fusion.report.controls import resolution
from neurofuse.fusion.report.pyramid import centres, pack, pyramid, unpack
from neurofuse.fusion.report.strip import strip_chart
from neurofuse.fusion.views.before_after import views_of
from neurofuse.fusion.views.haemoglobin import haemoglobin_view
from neurofuse.io import to_haemoglobin
from neurofuse.io.recording import events_dataset, stream_dataset, with_stream
from tests.builders import eeg_node, nirs_node, recording_of, with_masks


def make(seconds=120.0, eeg=3, missing=False):
    """(before, after): noise, with a push between 60 and 62 s that is taken out; a gate there."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * 250)) / 250
    slow = np.arange(round(seconds * 10)) / 10
    clean = 1e-5 * rng.standard_normal((eeg, len(time)))
    od = 0.01 * np.sin(slow) + 0.001 * rng.standard_normal((2, 2, len(slow)))
    gate = (time >= 60) & (time < 62)
    if missing:
        clean[0, 1000:1100] = np.nan

    before, after = (
        recording_of(eeg_node(samples, 250.0), np.exp(-od))
        for samples in (clean + 1e-4 * gate, clean)
    )
    return before, with_masks(after, "gate", eeg=gate)


def decoded(view, of, number):
    """Smallest and largest value (kind, series, bin) in the stream's unit, and the gates."""
    layer = of.layers[number]
    ends = 1 if layer.width == 1 else 2
    middle = centres(view).ravel()
    gates = 0 if view.in_motion is None else len(view.channel)
    rows = unpack(layer.packed, len(of.kinds) * ends * middle.size + gates)
    values = rows[: len(rows) - gates].reshape(len(of.kinds), ends, middle.size, -1)
    values = np.cumsum(values, axis=0, dtype=np.uint16).view(np.int16).astype(float)
    values = np.where(values == -32768, np.nan, values * of.quantum)
    return values + middle[:, None], rows[len(rows) - gates :]


def within(text, name):
    """Content of the script with an id."""
    return text.partition(f'id="{name}">')[2].partition("</script>")[0]


def test_rows_come_back_as_they_were():
    rows = np.random.default_rng(1).integers(0, 65536, (5, 333)).astype(np.uint16)
    np.testing.assert_array_equal(unpack(pack(rows), 5), rows)


def test_every_sample_is_there_when_it_fits():
    view = views_of(*make(missing=True))[0]
    of = pyramid(view, 10**7)
    assert [layer.width for layer in of.layers] == [1]
    (values, gates) = decoded(view, of, 0)
    for kind, drawn in zip(of.kinds, values, strict=True):
        expected = getattr(view, kind)[:, 0]
        np.testing.assert_allclose(drawn[0], expected, atol=of.quantum / 2 * 1.001)
    np.testing.assert_array_equal(gates, view.in_motion)


def test_bins_hold_every_peak_and_the_push_is_shown_finely():
    view = views_of(*make(300.0))[0]
    of = pyramid(view, 60_000)
    base, fine = of.layers[0], of.layers[1]
    assert base.width > 1 == fine.width
    assert of.size <= 60_000
    values, gates = decoded(view, of, 0)
    starts = np.arange(0, len(view.time), base.width)
    for kind, (low, high) in zip(of.kinds, values, strict=True):
        samples = getattr(view, kind)[:, 0]
        expected = [
            np.minimum.reduceat(samples, starts, 1),
            np.maximum.reduceat(samples, starts, 1),
        ]
        np.testing.assert_allclose([low, high], expected, atol=of.quantum / 2 * 1.001)
    moving = np.logical_or.reduceat(np.array(view.in_motion), starts, 1)
    np.testing.assert_array_equal(gates, moving)
    # the push lies at 60 s, in the stretch from 60 to 80 s
    assert (fine.first, fine.bins) == (60 * 250, 20 * 250)
    finer, _ = decoded(view, of, 1)
    samples = view.before[:, 0, fine.first : fine.first + fine.bins]
    np.testing.assert_allclose(finer[0, 0], samples, atol=of.quantum / 2 * 1.001)


def test_unchanged_samples_take_little_space():
    before, after = make()
    alone, both = (
        pyramid(views_of(*given)[0], 10**7).size for given in ((before,), (before, after))
    )
    assert both < 1.05 * alone


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_stream_without_a_signal_is_packed(value):
    recording = recording_of(np.full((1, 100), value))
    view = views_of(recording)[0]
    values, _ = decoded(view, pyramid(view, 1000), 0)
    assert np.isnan(values).all() if np.isnan(value) else (values >= 0).all()


def test_the_head_describes_the_contents_of_the_page():
    before, after = make()
    rows = [(5.0, 1.0, "</script><b>", "", ""), (9.0, -1.0, "x", "", ""), (5.0, 1.0, "x", "", "")]
    text = strip_chart(views_of(before, after), events_dataset(rows))
    assert text.count("</script>") == text.count("<script")
    head = json.loads(within(text, "strip-head"))
    assert head["events"] == [[5.0, 1.0, "</script><b>"], [5.0, 1.0, "x"], [9.0, 0.0, "x"]]
    assert head["motion"] == [[60.0, 62.0]]
    assert head["strongest"][0] < 60 < 62 < head["strongest"][1]
    eeg, nirs = head["streams"]
    assert eeg["layers"] == [[0, 1, 30000]]
    assert (eeg["mask"], nirs["mask"]) == (True, False)
    assert len(eeg["overview"]) == 500
    assert max(eeg["overview"]) == 255
    blob = within(text, "strip-nirs-0")
    assert base64.b64decode(blob) == pyramid(views_of(before, after)[1], 550_000).layers[0].packed


def test_the_page_says_what_it_holds():
    view = views_of(*make(300.0))[0]
    assert (
        resolution([view], {"eeg": pyramid(view, 10**7)})
        == "This page contains every sample of EEG."
    )
    coarse = resolution([view], {"eeg": pyramid(view, 60_000)})
    assert re.search(
        r"minimum and maximum of every 0\.\d+ s of EEG, with every sample in the 20 s", coarse
    )


def test_masks_tell_motion_and_what_was_lost():
    before, after = make()
    node = stream_dataset(after, "eeg")
    verdict = np.where((node.time.values > 61) & (np.arange(3) == 1)[:, None], 2, 0)
    verdict = ("channel", "time"), verdict.astype(np.int8)
    view = views_of(before, with_stream(after, "eeg", node.assign(verdict=verdict)))[0]
    _, masks = decoded(view, pyramid(view, 10**7), 0)
    at = (view.time > 60.1) & (view.time < 60.9)
    assert (masks[:, at] == 1).all()
    later = view.time > 61.1
    assert (masks[1, later] == 2).all()
    assert not (masks[[0, 2]][:, view.time > 62.1]).any()


def test_hbo_and_hbr_are_drawn_of_the_channels_above():
    rng = np.random.default_rng(0)
    at = np.array([[0.0, 0.0, 0.09], [0.05, 0.0, 0.09]])
    there = at + np.array([0.0, 0.03, 0.0])

    def recording(od):
        return recording_of(
            None, nirs_node(np.exp(-od), source_position=at, detector_position=there)
        )

    od = 1e-3 * rng.standard_normal((2, 2, 600))
    step = 0.1 * (np.arange(600) > 300)
    before, after = recording(od + step), recording(od)
    view = views_of(before, after)[0]
    blood = haemoglobin_view(before, view)
    assert blood is not None
    for kind, of in (("before", before), ("after", after)):
        node = to_haemoglobin(of)["nirs"]
        for number, name in enumerate(("hbo", "hbr")):
            # the reference intensity is the recorded one's: a constant
            apart = getattr(blood, kind)[number::2, 0] - node[name].values
            np.testing.assert_allclose(np.ptp(apart, axis=1), 0, atol=1e-15)
    head = json.loads(within(strip_chart([view], None, blood), "strip-head"))
    nirs, shown = head["streams"]
    assert shown["channels"] == ["S1-D1 HbO", "S1-D1 HbR", "S2-D2 HbO", "S2-D2 HbR"]
    assert (nirs["shown"], shown["shown"]) == ([0, 1], [0, 1, 2, 3])
    assert (shown["unit"], shown["wavelengths"], shown["overview"]) == ("µmol/L", [], [])


def test_without_distances_there_is_no_haemoglobin():
    before, _ = make()
    assert haemoglobin_view(before, views_of(before)[1]) is None
