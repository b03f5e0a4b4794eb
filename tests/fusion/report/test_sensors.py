"""The map of sensors: where they stand, what their colours say, and what is said without them."""

import re

import numpy as np
import pytest
import xarray as xr

from neurofuse.fusion.plot.sensor_places import amount, apart, places
from neurofuse.fusion.report.sensors import sensor_map
from neurofuse.fusion.views.before_after import views_of
from neurofuse.io.quality.channels import channel_quality
from neurofuse.io.recording import nirs_dataset, stream_dataset, with_stream
from tests.builders import eeg_node, recording_of

CENTRE = np.array([0.01, 0.02, 0.05])  # m


def sphere(angle, azimuth, radius=0.09):
    """Points at an angle from the vertex, azimuth from the right ear towards the nose."""
    across = np.sin(angle)
    parts = [across * np.cos(azimuth), across * np.sin(azimuth), np.cos(angle)]
    return CENTRE + radius * np.stack(np.broadcast_arrays(*parts), axis=-1)


def make(position, unknown=False):
    """(before, after): EEG changed in its second channel, three fNIRS channels, the last short."""
    rng = np.random.default_rng(0)
    eeg = 1e-5 * rng.standard_normal((len(position), 1000))
    source = sphere(np.full(3, 1.0), np.array([0.0, 1.0, 2.0]))
    detector = sphere(np.array([1.3, 1.3, 1.05]), np.array([0.0, 1.0, 2.0]))
    if unknown:
        position, source, detector = (np.full_like(p, np.nan) for p in (position, source, detector))
    light = np.exp(0.01 * rng.standard_normal((3, 2, 200)))
    nirs = nirs_dataset(
        light,
        10.0,
        [760, 850],
        ["S1", "S2", "S3"],
        ["D1", "D2", "<b>"],
        source_position=source,
        detector_position=detector,
    )
    before = recording_of(eeg_node(eeg, 250.0, position=position), nirs)
    node = stream_dataset(before, "eeg")
    changed = node.eeg.values.copy()
    changed[1, :500] += 1e-4
    after = with_stream(before, "eeg", node.assign(eeg=node.eeg.copy(data=changed)))
    return before, after


@pytest.fixture(scope="module")
def pair():
    angle = np.linspace(0.0, 1.8, 12)
    return make(sphere(angle, 2.4 * np.arange(12)))


def map_of(recording, found, quality=None):
    quality = quality or {v.stream: channel_quality(recording, v.stream) for v in found}
    return sensor_map(recording, found, quality)


def test_sensors_stand_where_their_angles_say(pair):
    found = places(pair[0], ["eeg", "nirs"])
    radius = np.hypot(*found["eeg"].at.T)
    np.testing.assert_allclose(radius, np.linspace(0.0, 1.8, 12) / (np.pi / 2), atol=1e-6)
    azimuth = np.arctan2(*found["eeg"].at[1:, ::-1].T)
    np.testing.assert_allclose(np.cos(azimuth), np.cos(2.4 * np.arange(1, 12)), atol=1e-6)
    ends = found["nirs"].ends
    assert ends is not None
    np.testing.assert_allclose(np.hypot(*ends[:, 0].T), 1.0 / (np.pi / 2), atol=1e-6)


def test_the_nose_is_up_and_right_is_right():
    position = np.array([[0.0, 0.09, 0.04], [0.09, 0.0, 0.04]])
    recording = recording_of(eeg_node(np.zeros((2, 100)), position=position))
    at = places(recording, ["eeg"])["eeg"].at
    np.testing.assert_allclose(at, [[0, 1], [1, 0]], atol=1e-9)
    text = sensor_map(recording, views_of(recording), {})
    circles = re.findall(r'<circle cx="([-\d.]+)" cy="([-\d.]+)"', text)
    assert circles[0] == ("0.0", "-100.0")  # SVG counts downwards


def test_colour_shows_how_much_was_changed(pair):
    found = views_of(*pair)
    size = amount(found[0])
    np.testing.assert_allclose(size[1], 1e-4 * np.sqrt(0.5))
    assert (np.delete(size, 1) == 0).all()
    text = map_of(pair[0], found)
    first = text.partition(">Quality</p>")[0]
    opacity = [re.findall(r'fill-opacity="([\d.]+)"', part)[0] for part in first.split("<g ")[1:]]
    assert opacity == ["0.00"] * 3 + ["0.00", "1.00"] + ["0.00"] * 10
    assert "E1: 70.7 µV changed" in text
    assert "&lt;b&gt;, short" in text
    assert "<b>" not in text


def test_bad_channels_are_crossed_and_faults_named(pair):
    node = stream_dataset(pair[0], "eeg")
    flat = node.eeg.values.copy()
    flat[3] = 0.0
    bad = np.arange(12) == 2
    before = with_stream(
        pair[0],
        "eeg",
        node.assign(eeg=node.eeg.copy(data=flat)).assign_coords(bad=("channel", bad)),
    )
    text = map_of(before, views_of(before))
    second = text.partition(">Quality</p>")[2]
    assert text.count('class="cross"') == 3  # once on each map
    assert "Bad: E2." in text
    assert "E3: bad: flat" in second
    assert re.search(r"E2: bad: [a-z]", second)


def test_no_marker_lies_on_another():
    """Electrodes at one place, and an fNIRS channel in the middle of them."""
    at = np.array([[0.0, 0.0, 0.09], [0.0, 0.0, 0.09], [0.0, 0.05, 0.08], [0.06, 0.0, 0.06]])
    before, after = make(at)
    text = map_of(before, views_of(before, after)).partition(">Quality</p>")[0]
    circles = re.findall(r'<circle cx="([-\d.]+)" cy="([-\d.]+)" r="([\d.]+)" fill', text)
    assert len(circles) == 4
    x, y, radius = np.array(circles, float).T
    away = np.hypot(x[:, None] - x, y[:, None] - y)[np.triu_indices(4, 1)]
    assert away.min() > 1.9 * radius[0]


@pytest.mark.parametrize("count", [40, 400])
def test_markers_move_only_where_they_must(count):
    rng = np.random.default_rng(0)
    angle, reach = rng.uniform(0, 2 * np.pi, count), 100 * np.sqrt(rng.uniform(size=count))
    at = np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
    far = np.array([[300.0, 0.0], [np.nan, 0.0]])
    moved, shrink = apart(np.concatenate([at, far]), np.full(count + 2, 60 / np.sqrt(count)))
    np.testing.assert_array_equal(moved[-2:], far)
    away = np.hypot(*(moved[:count, None] - moved[:count]).T)
    np.fill_diagonal(away, np.inf)
    assert away.min() > 1.95 * shrink * 60 / np.sqrt(count)
    assert np.hypot(*(moved[:count] - at).T).mean() < 60 / np.sqrt(count)


def test_scalp_coupling_has_a_map_of_its_own(pair):
    quality = channel_quality(pair[0], "nirs")
    sci = quality.sci.copy(data=[0.95, 0.2, np.nan])
    text = map_of(pair[0], views_of(*pair), {"nirs": quality.assign(sci=sci)})
    coupling = text.partition(">Scalp coupling</p>")[2]
    assert "S1-D1: scalp coupling index 0.95" in coupling
    assert "S2-D2: scalp coupling index 0.20, below 0.5" in coupling
    unknown = quality.assign(sci=quality.sci.copy(data=[np.nan] * 3))
    unknown.sci.attrs["missing_because"] = "the rate of 2 Hz is below 3.6 Hz"
    text = map_of(pair[0], views_of(*pair), {"nirs": unknown})
    assert "No map of scalp coupling: the rate of 2 Hz" in text
    assert ">Scalp coupling</p>" not in text


@pytest.mark.parametrize("quality", [None, {}])
def test_without_positions_words_stand_in(pair, quality):
    before, after = make(sphere(np.linspace(0.0, 1.8, 12), 0.0), unknown=True)
    text = map_of(before, views_of(before, after), quality)
    assert "<svg" not in text
    assert "No position of any EEG channel is known" in text
    assert "No position of any fNIRS channel is known" in text
    table = text.partition("<tbody>")[2]
    assert table.startswith('<tr><th scope="row">E1</th><td>70.7</td><td>no</td>')
    one = stream_dataset(before, "eeg")
    where = xr.where(one.channel == "E0", 0.05, one.position)
    partly = with_stream(
        before, "eeg", one.assign_coords(position=where.transpose("channel", "axis"))
    )
    text = map_of(partly, views_of(partly, after))
    assert "EEG, position unknown: E1, E2" in text
    assert "and 1 more" in text


def test_a_probe_on_paper_is_no_head(pair):
    """Flat positions, as some acquisition software writes them, fill the drawing without a head."""
    flat = np.array([[x, y, 0.0] for x in (0.0, 0.03, 0.06) for y in (0.0, 0.02)])
    recording = recording_of(eeg_node(np.zeros((6, 100)), position=flat))
    place = places(recording, ["eeg"])["eeg"]
    assert place.flat
    np.testing.assert_allclose(place.at[0], [-1, -1 / 3])
    np.testing.assert_allclose(place.at[-1], [1, 1 / 3])
    text = sensor_map(recording, views_of(recording), {})
    assert 'class="head"' not in text
    assert "not those of a head" in text
    assert not places(pair[0], ["eeg"])["eeg"].flat
    assert 'class="head"' in map_of(pair[0], views_of(*pair))
