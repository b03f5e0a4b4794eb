"""Properties of injected motion for any random numbers: identities and equivariances."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurofuse.io import build, eeg_dataset, nirs_dataset, stream_dataset
from neurofuse.synth import TYPES, inject
from neurofuse.synth.bouts import sample_movements
from neurofuse.synth.eeg_artifact import EegArtifact
from neurofuse.synth.inject import RAIL
from neurofuse.synth.nirs_artifact import nirs_artifact

BRISK: dict[str, Any] = {"bouts_per_minute": 8.0}
few = settings(max_examples=15, deadline=None)


def rest(channels=5, pairs=4, seconds=60.0, rate=100.0, wavelengths=(760.0, 850.0), seed=0):
    """A Recording of noise; positions on a sphere, two sources for each detector."""
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(max(channels, pairs + 1), 3))
    place *= 0.095 / np.linalg.norm(place, axis=1, keepdims=True)
    eeg = eeg_dataset(
        1e-5 * rng.normal(size=(channels, int(seconds * rate))),
        rate,
        [f"E{i}" for i in range(channels)],
        position=place[:channels],
    )
    light = np.exp(0.01 * rng.normal(size=(pairs, len(wavelengths), int(seconds * 10))))
    source = [f"S{i // 2}" for i in range(pairs)]
    nirs = nirs_dataset(light, 10.0, wavelengths, source, [f"D{i}" for i in range(pairs)])
    return build(eeg, nirs)


def density(recording):
    return -np.log(recording["nirs"].intensity.values)


@given(seed=st.integers(0, 2**32), share=st.sampled_from(["none", "timing", "full"]))
@few
def test_the_artifact_is_the_difference_and_lives_in_the_mask(seed, share):
    truth, contaminated = inject(rest(), seed=seed, share=share, **BRISK)
    added = contaminated["eeg"].eeg.values - truth["eeg"].eeg.values
    mask = contaminated["eeg"].motion.values
    assert (added[~mask] == 0).all()
    change = np.abs(np.diff(density(contaminated) - density(truth))).max(axis=1)
    assert change[~contaminated["nirs"].motion.values[:, 1:]].max(initial=0) < 1e-12


@given(seed=st.integers(0, 2**32))
@few
def test_masks_lie_within_the_events(seed):
    _, contaminated = inject(rest(), seed=seed, **BRISK)
    events = contaminated["events"]
    for stream, settling in (("eeg", 3.1), ("nirs", 31.0)):  # the amplifier's recovery, blood
        mine = events.stream.values == stream
        start, length = events.onset.values[mine], events.duration.values[mine]
        moving = contaminated[stream].motion.values.any(axis=0)
        at = contaminated[stream].time.values[moving]
        inside = (at[:, None] >= start - 1e-6) & (at[:, None] <= start + length + settling)
        assert inside.any(axis=1).all()


@pytest.mark.slow
@given(seed=st.integers(0, 2**32), order=st.permutations(range(5)))
@few
def test_permuting_channels_permutes_the_result(seed, order):
    recording = rest()
    order = list(order)
    eeg = stream_dataset(recording, "eeg").isel(channel=order)
    pairs = [i for i in order if i < 4]
    nirs = stream_dataset(recording, "nirs").isel(channel=pairs, wavelength=[1, 0])
    _, straight = inject(recording, seed=seed, **BRISK)
    _, shuffled = inject(build(eeg, nirs), seed=seed, **BRISK)
    for name, picked, stream in (
        ("eeg", {"channel": order}, "eeg"),
        ("intensity", {"channel": pairs, "wavelength": [1, 0]}, "nirs"),
    ):
        here = stream_dataset(straight, stream).isel(picked)
        there = stream_dataset(shuffled, stream)
        np.testing.assert_allclose(here[name].values, there[name].values, rtol=1e-9)
        np.testing.assert_array_equal(here.motion.values, there.motion.values)


@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 5999), max_size=6))
@few
def test_random_numbers_do_not_depend_on_the_requested_stretch(seed, cuts):
    movements = sample_movements(60.0, np.random.default_rng(seed), bouts_per_minute=8.0)["eeg"]
    names, time = ["Cz", "Fz", "Oz"], np.arange(6000) / 100
    artifact = EegArtifact(movements, time, names, np.full((3, 3), np.nan), seed=seed)
    whole, mask = artifact.samples(0, 6000)
    edges = [0, *sorted(set(cuts)), 6000]
    parts = [artifact.samples(a, b) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts], axis=1), whole)
    np.testing.assert_array_equal(np.concatenate([p[1] for p in parts], axis=1), mask)


@pytest.mark.parametrize("chunk", [997, 2500])
def test_samples_in_a_file_are_disturbed_alike(chunk):
    recording = rest()
    node = stream_dataset(recording, "eeg")
    lazy = build(node.chunk(time=chunk, channel=2), stream_dataset(recording, "nirs"))
    _, expected = inject(recording, seed=3, **BRISK)
    _, disturbed = inject(lazy, seed=3, **BRISK)
    assert disturbed["eeg"].eeg.chunks is not None
    np.testing.assert_array_equal(disturbed["eeg"].eeg.values, expected["eeg"].eeg.values)
    np.testing.assert_array_equal(disturbed["eeg"].motion.values, expected["eeg"].motion.values)


@pytest.mark.parametrize("channels", [1, 300])
@pytest.mark.parametrize("wavelengths", [(850.0,), (690.0, 760.0, 830.0, 940.0), (0.0, 0.0)])
def test_any_number_of_channels_and_wavelengths(channels, wavelengths):
    pairs = max(1, channels // 3)
    _, contaminated = inject(
        rest(channels, pairs, 20.0, wavelengths=wavelengths), seed=1, bouts_per_minute=20
    )
    assert contaminated["eeg"].motion.values.any()
    assert contaminated["nirs"].motion.values.any()
    assert np.isfinite(density(contaminated)).all()


def test_one_second():
    _, contaminated = inject(rest(seconds=1.0), seed=0, bouts_per_minute=60)
    assert contaminated["eeg"].motion.values.any()


@pytest.mark.slow
def test_eight_hours_of_shifts_stay_near_the_start():
    movements = sample_movements(8 * 3600.0, np.random.default_rng(1))["nirs"]
    time = np.arange(8 * 3600.0)
    artifact, _ = nirs_artifact(movements, time, ["S1"], ["D1"], [690.0, 830.0], seed=2)
    assert 0.1 < artifact.std() < 1.5
    assert np.abs(artifact).max() < 8


def test_the_amplifier_saturates():
    _, contaminated = inject(rest(), seed=2, severity=300.0, **BRISK)
    volts = contaminated["eeg"].eeg.values
    assert volts.max() == pytest.approx(RAIL, rel=0.01)
    assert volts.min() == pytest.approx(-RAIL, rel=0.01)


@pytest.mark.parametrize("kind", TYPES)
def test_only_the_requested_kinds(kind):
    _, contaminated = inject(rest(), seed=4, types=[kind], **BRISK)
    assert set(contaminated["events"].description.values) == {f"motion/{kind}"}


def test_lag():
    _, contaminated = inject(rest(), seed=6, lag=0.25, **BRISK)
    events = contaminated["events"]
    onset = {s: events.onset.values[events.stream.values == s] for s in ("eeg", "nirs")}
    gap = np.abs(onset["nirs"][:, None] - onset["eeg"] - 0.25).min(axis=1)
    assert np.median(gap) < 1e-9


def test_some_movements_leave_no_trace():
    seen = sample_movements(3600.0, np.random.default_rng(0))
    traces = [{m.seed for m in seen[s]} for s in ("eeg", "nirs")]
    every = {m.seed for m in seen["head"]}
    assert traces[0] - traces[1]
    assert traces[1] - traces[0]
    assert every - traces[0] - traces[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"types": ["dance"]}, "names out of nod, shake"),
        ({"types": []}, "names out of nod, shake"),
        ({"bouts_per_minute": -1.0}, "0 to 60"),
        ({"bouts_per_minute": float("nan")}, "0 to 60"),
        ({"lag": float("inf")}, "-10 to 10 s"),
        ({"seed": -1}, "whole number"),
        ({"seed": 1.5}, "whole number"),
        ({"severity": float("nan")}, "at least 0"),
    ],
)
def test_impossible_parameters(arguments, message):
    from neurofuse.io.errors import ParameterError

    with pytest.raises(ParameterError, match=message):
        inject(rest(seconds=2.0), **arguments)
