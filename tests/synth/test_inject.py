"""Injection: exact truth, masks that agree, seeds, and refused parameters."""

from typing import Any

import numpy as np
import pytest

from neurofuse.io import build, eeg_dataset, nirs_dataset, stream_dataset, to_optical_density
from neurofuse.io.errors import ParameterError
from neurofuse.synth import SHARE, inject, simulate


@pytest.fixture(scope="module")
def pair(simulated):
    return simulated


@pytest.fixture(scope="module")
def five_minutes():
    return simulate(300.0, seed=1, severity=0.0)[0]


def density(recording):
    return to_optical_density(recording)["nirs"].od.values


def test_truth_is_untouched_outside_the_mask(pair):
    truth, contaminated = pair
    moving = contaminated["eeg"].motion.values
    same = contaminated["eeg"].eeg.values == truth["eeg"].eeg.values
    assert moving.any()
    assert same[~moving].all()
    assert not same[moving].all()


def test_fnirs_changes_only_inside_the_mask(pair):
    truth, contaminated = pair
    artifact = -np.log(contaminated["nirs"].intensity.values / truth["nirs"].intensity.values)
    change = np.abs(np.diff(artifact, axis=-1)).max(axis=1)
    moving = contaminated["nirs"].motion.values[:, 1:]
    assert change[~moving].max() < 1e-9
    assert change[moving].max() > 0.01


def test_a_shift_persists():
    node = nirs_dataset(np.ones((6, 2, 3000)), 10.0, [760, 850], list("AABBCC"), list("XYXYXY"))
    node["channel"] = [f"c{i}" for i in range(6)]
    truth, contaminated = inject(build(nirs=node), seed=2)
    end = -np.log(contaminated["nirs"].intensity.values[:, :, -1])
    assert np.abs(end).max() > 0.05
    assert truth["nirs"].intensity.values.min() == 1


@pytest.mark.parametrize("variable", ["intensity", "od"])
def test_optical_density_and_intensity_are_disturbed_alike(variable, pair):
    truth, _ = pair
    _, as_intensity = inject(truth, seed=9)
    _, as_density = inject(to_optical_density(truth), seed=9)
    chosen = as_intensity if variable == "intensity" else as_density
    assert variable in chosen["nirs"].data_vars
    reference = truth["nirs"].intensity.mean("time").values[..., None]
    expected = -np.log(as_intensity["nirs"].intensity.values / reference)
    np.testing.assert_allclose(as_density["nirs"].od.values, expected, atol=1e-9)


def test_severity_zero_is_the_identity(pair):
    truth, _ = pair
    _, calm = inject(truth, seed=3, severity=0.0)
    assert (calm["eeg"].eeg.values == truth["eeg"].eeg.values).all()
    assert (calm["nirs"].intensity.values == truth["nirs"].intensity.values).all()
    assert not calm["eeg"].motion.any()
    assert not calm["nirs"].motion.any()


def test_severity_scales_the_artifact(pair):
    truth, _ = pair
    weak, strong = (inject(truth, seed=3, severity=s)[1] for s in (0.05, 0.1))
    small, large = (r["eeg"].eeg.values - truth["eeg"].eeg.values for r in (weak, strong))
    np.testing.assert_allclose(2 * small, large, atol=1e-18)


def test_same_seed_same_result_another_seed_another(pair):
    truth, _ = pair
    first, again, other = (inject(truth, seed=s)[1]["eeg"].eeg.values for s in (5, 5, 6))
    assert (first == again).all()
    assert not (first == other).all()
    assert inject(truth, seed=5)[1].attrs["seed"] == 5


def test_bad_and_other_channels_stay(pair):
    truth, _ = pair
    node = stream_dataset(truth, "eeg")
    bad = np.arange(node.sizes["channel"]) == 2
    kinds = node.ch_type.values.copy()
    kinds[0] = "eog"
    node = node.assign_coords(bad=("channel", bad), ch_type=("channel", kinds))
    _, contaminated = inject(build(node), seed=5)
    same = (contaminated["eeg"].eeg.values == node.eeg.values).all(axis=1)
    assert same[0]
    assert same[2]
    assert not same[1]


@pytest.mark.parametrize("share", SHARE)
def test_shared_timing(five_minutes, share):
    _, contaminated = inject(five_minutes, seed=8, share=share)
    events = contaminated["events"]
    motion = [str(d).startswith("motion/") for d in events.description.values]
    onset = {s: events.onset.values[motion & (events.stream.values == s)] for s in ("eeg", "nirs")}
    gap = np.abs(onset["nirs"][:, None] - onset["eeg"]).min(axis=1)
    together = float((gap < 0.31).mean())
    assert together < 0.4 if share == "none" else together > 0.6


def test_one_stream_alone(pair):
    truth, _ = pair
    _, only = inject(build(nirs=stream_dataset(truth, "nirs")), seed=1)
    assert "eeg" not in only.children
    assert only["nirs"].motion.any()


def test_unknown_positions_rates_and_wavelengths():
    rng = np.random.default_rng(0)
    eeg = eeg_dataset(1e-5 * rng.normal(size=(3, 3 * 6000)), 100.0, ["a", "b", "c"])
    nirs = nirs_dataset(
        1 + 0.01 * rng.random((2, 3, 540)), 3.0, [690, 760, 850], ["S1", "S1"], ["D1", "D2"]
    )
    _, contaminated = inject(build(eeg, nirs), seed=2)
    assert contaminated["eeg"].motion.any()
    assert np.isfinite(density(contaminated)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"share": "some"}, "one of none, timing, partial, full"), ({"severity": -1}, "at least 0")],
)
def test_refused_parameters(pair, arguments, message):
    with pytest.raises(ParameterError, match=message):
        inject(pair[0], **arguments)


@pytest.mark.parametrize("name", ["duration", "eeg_rate", "nirs_rate"])
def test_simulate_refuses_impossible_sizes(name):
    impossible: dict[str, Any] = {name: -1}
    with pytest.raises(ParameterError, match=f"{name}=-1"):
        simulate(**impossible)
