"""Bad channels: whatever they hold, it reaches no other channel, and comes back as it was."""

import numpy as np
import pytest

from neurofuse.fusion.clean import clean
from neurofuse.fusion.methods.registry import BASELINES, MODELS, get_method
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import provenance, stream_dataset, with_stream
from tests.marks import slow

# a package that may be absent, references, and a short channel, which is one of the bad ones here
APART = ("gedai", "regression", "short")
METHODS = [name for name in (*MODELS, *BASELINES) if name not in APART]
NIRS = [name for name in METHODS if "nirs" in get_method(name).streams]
BAD = {"eeg": [1, 4], "nirs": [2]}
VARIABLE = {"eeg": "eeg", "nirs": "intensity"}


def faults(shape, rng):
    """All that a channel without contact may hold."""
    held = rng.standard_normal(shape) * 10.0 ** rng.integers(-9, 9, shape)
    for value in (np.nan, np.inf, -np.inf, 0.0):
        held[rng.random(shape) < 0.1] = value
    return held


def samples(recording, stream):
    return stream_dataset(recording, stream)[VARIABLE[stream]].values


def marked(recording, content):
    """The recording with bad channels, which hold `content`."""
    rng = np.random.default_rng(7)
    for stream, rows in BAD.items():
        node = stream_dataset(recording, stream)
        values = node[VARIABLE[stream]].values.copy()
        if content is not None:
            values[rows] = content(values[rows].shape, rng)
        bad = np.isin(np.arange(len(values)), rows)
        node = node.assign({VARIABLE[stream]: node[VARIABLE[stream]].copy(data=values)})
        node = node.assign_coords(bad=("channel", bad))
        recording = with_stream(recording, stream, node)
    return recording


@pytest.fixture(scope="module")
def cleaned_plain(pair):
    """What each method makes of the recording whose bad channels look like the others."""
    made = {}

    def get(method):
        if method not in made:
            made[method] = clean(marked(pair[1], None), method)
        return made[method]

    return get


@pytest.mark.parametrize("method", slow(METHODS))
def test_they_reach_no_other_channel_and_come_back_as_they_were(pair, cleaned_plain, method):
    recording = marked(pair[1], faults)
    cleaned, plain = clean(recording, method), cleaned_plain(method)
    for stream, rows in BAD.items():
        after = samples(cleaned, stream)
        np.testing.assert_array_equal(after[rows], samples(recording, stream)[rows])
        others = [r for r in range(len(after)) if r not in rows]
        np.testing.assert_array_equal(after[others], samples(plain, stream)[others])
        if "gate" in cleaned[stream]:
            assert not cleaned[stream].gate.values[rows].any()
            np.testing.assert_array_equal(
                cleaned[stream].gate.values[others], plain[stream].gate.values[others]
            )


@pytest.mark.parametrize("method", slow(NIRS))
def test_optical_density_of_bad_channels_comes_back_as_it_was(pair, cleaned_plain, method):
    recording = to_optical_density(marked(pair[1], None))
    wild = stream_dataset(recording, "nirs").copy(deep=True)
    wild.od[BAD["nirs"]] = faults(wild.od[BAD["nirs"]].shape, np.random.default_rng(1))
    cleaned = clean(with_stream(recording, "nirs", wild), method)["nirs"].od.values
    plain = clean(recording, method)["nirs"].od.values
    np.testing.assert_array_equal(cleaned[BAD["nirs"]], wild.od.values[BAD["nirs"]])
    np.testing.assert_array_equal(np.delete(cleaned, 2, 0), np.delete(plain, 2, 0))


@pytest.mark.parametrize("method", slow(m for m in METHODS if m != "uncorrected"))
def test_channels_without_a_signal_are_marked_before_they_are_used(pair, method):
    recording = marked(pair[1], None)
    eeg, nirs = stream_dataset(recording, "eeg"), stream_dataset(recording, "nirs")
    dead = eeg.eeg.values.copy()
    dead[BAD["eeg"]] = 0
    dark = nirs.intensity.values.copy()
    dark[BAD["nirs"]] = -1
    unmarked = with_stream(
        recording,
        "eeg",
        eeg.assign(eeg=eeg.eeg.copy(data=dead), bad=("channel", np.zeros(6, bool))),
    )
    unmarked = with_stream(
        unmarked,
        "nirs",
        nirs.assign(intensity=nirs.intensity.copy(data=dark), bad=("channel", np.zeros(4, bool))),
    )
    cleaned = clean(unmarked, method)
    for stream, rows in BAD.items():
        assert np.flatnonzero(cleaned[stream].bad).tolist() == rows
    steps = [step["step"] for step in provenance(cleaned)]
    assert steps.index("mark_bad") < steps.index("clean")
    plain = clean(marked(unmarked, None), method)
    np.testing.assert_array_equal(cleaned["eeg"].eeg, plain["eeg"].eeg)
    np.testing.assert_array_equal(cleaned["nirs"].intensity, plain["nirs"].intensity)


@pytest.mark.parametrize("method", slow(m for m in METHODS if m not in MODELS))
def test_samples_in_a_file_are_cleaned_alike(pair, method):
    eeg = stream_dataset(pair[1], "eeg")
    lazy = eeg.chunk(time=4000)
    one = clean(pair[1], method)["eeg"].eeg
    np.testing.assert_array_equal(clean(with_stream(pair[1], "eeg", lazy), method)["eeg"].eeg, one)
