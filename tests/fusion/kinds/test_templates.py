"""Kinds of movement: named right, flat where little is seen, and "unlike" as an answer."""

import json
import shutil

import numpy as np
import pytest

from neurofuse.fusion.clean import clean
from neurofuse.fusion.kinds.description import ALL_NAMES, NAMES
from neurofuse.fusion.kinds.templates import FILE, KINDS, UNLIKE, load_templates, view_of
from neurofuse.fusion.movements import described, movements
from neurofuse.io.errors import ReadError
from neurofuse.io.recording import build, stream_dataset, with_stream
from neurofuse.synth import TYPES, simulate


@pytest.fixture(scope="module")
def jaw():
    """What jaw movements look like in numbers, by modality."""
    _, recording = simulate(60.0, seed=5, types=["jaw"], bouts_per_minute=8, severity=1.5)
    return described(recording, clean(recording))[0]


def test_every_kind_is_explained():
    assert list(KINDS) == list(TYPES)


def test_jaw_movements_are_called_so(jaw):
    judged = load_templates().judge(jaw["eeg"])
    names = [name for name, _ in judged.named()]
    assert len(names) >= 5
    assert names.count("jaw") > 0.6 * len(names)
    np.testing.assert_allclose(judged.probability.sum(1), 1)


def test_what_is_not_seen_makes_probabilities_flatter(jaw):
    regional = [number for number, name in enumerate(ALL_NAMES) if "EEG slow," in name]
    regional += [number for number, name in enumerate(ALL_NAMES) if "EEG fast," in name]
    few = jaw["eeg"].copy()
    few[:, regional] = np.nan  # as with two electrodes
    templates = load_templates()
    sure, unsure = (templates.judge(x).probability.max(1).mean() for x in (jaw["eeg"], few))
    assert unsure < sure - 0.05
    nothing = templates.judge(np.full((1, len(ALL_NAMES)), np.nan)).named()
    assert nothing[0][0] is None
    assert np.isnan(nothing[0][1])


def test_white_bursts_are_unlike_any_known_kind(at_rest):
    rng = np.random.default_rng(0)
    node = stream_dataset(at_rest, "eeg")
    volts, gate = node.eeg.values.copy(), np.zeros(node.eeg.shape)
    for start in range(1000, 18000, 1500):
        volts[:, start : start + 400] += rng.normal(0, 3e-4, (len(volts), 400))
        gate[:, start : start + 400] = 1
    before = with_stream(at_rest, "eeg", node.assign(eeg=(("channel", "time"), volts)))
    after = with_stream(at_rest, "eeg", node.assign(gate=(("channel", "time"), gate)))
    found = [one for one in movements(before, after) if one.modality == "eeg"]
    assert len(found) == 12
    assert [one.kind for one in found].count(UNLIKE) > 8
    assert all(np.isnan(one.kind_probability) for one in found if one.kind == UNLIKE)


def test_numbers_do_not_depend_on_what_is_known_of_others(jaw, simulated):
    """EEG's own numbers are the same without the other modality."""
    recording = simulated[1]
    cleaned = clean(recording)
    both = described(recording, cleaned)[0]["eeg"]
    alone = described(*(build(stream_dataset(one, "eeg")) for one in (recording, cleaned)))[0]
    own = len(NAMES["eeg"])
    np.testing.assert_allclose(alone["eeg"][:, :own], both[:, :own])
    assert np.isnan(alone["eeg"][:, own:]).all()
    assert {view_of(row) for row in np.isfinite(alone["eeg"])} == {1}


@pytest.mark.parametrize("damage", ["cut off", "another code", "missing"])
def test_damaged_templates_are_refused(damage, tmp_path):
    target = tmp_path / FILE.name
    shutil.copy(FILE, target)
    facts = json.loads(FILE.with_suffix(".json").read_text())
    if damage == "cut off":
        target.write_bytes(FILE.read_bytes()[:1000])
    elif damage == "another code":
        facts["numbers"] = facts["numbers"][::-1]
    if damage != "missing":
        target.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(ReadError, match="templates"):
        load_templates(target)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, 0.0])
def test_impossible_samples_are_no_error(at_rest, value):
    before, after = at_rest, at_rest
    for stream, name in (("eeg", "eeg"), ("nirs", "intensity")):
        node = stream_dataset(at_rest, stream)
        samples, gate = (
            node[name].values.copy(),
            np.zeros(node[name].shape[:: len(node[name].dims) - 1]),
        )
        samples[0, ..., 100:150] = value
        gate[:, 90:170] = 1
        before = with_stream(before, stream, node.assign({name: (node[name].dims, samples)}))
        after = with_stream(after, stream, node.assign(gate=(("channel", "time"), gate)))
    found = movements(before, after)
    assert {one.modality for one in found} == {"eeg", "nirs"}
    assert all(one.kind in {*TYPES, UNLIKE} for one in found)
