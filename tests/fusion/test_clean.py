"""Cleaning whole recordings with the packaged weights."""

import numpy as np
import pytest

from neurofuse.fusion.clean import clean
from neurofuse.fusion.metrics.errors import score
from neurofuse.fusion.movements import movements
from neurofuse.io import (
    build,
    eeg_dataset,
    provenance,
    stream_dataset,
    to_optical_density,
    with_stream,
)
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.lazy import blocks_of, is_lazy


@pytest.fixture(scope="module")
def pair(simulated_long):
    return simulated_long


@pytest.fixture(scope="module")
def cleaned(pair):
    return clean(pair[1])


def test_less_is_left_than_uncorrected_and_than_zero(pair, cleaned):
    truth, contaminated = pair
    found = score(truth, contaminated, cleaned).value
    before = score(truth, contaminated, contaminated).value
    for stream in ("eeg", "nirs"):
        left = float(found.sel(modality=stream, metric="error_db_median"))
        assert left < float(before.sel(modality=stream, metric="error_db_median")) - 5
        assert left < 0


def test_a_motion_mask_of_zero_keeps_eeg_bit_for_bit(pair, cleaned):
    shut = cleaned["eeg"].gate.values == 0
    same = cleaned["eeg"].eeg.values == pair[1]["eeg"].eeg.values
    assert shut.mean() > 0.5
    assert same[shut].all()
    assert not same.all()


def test_a_motion_mask_of_zero_keeps_changes_of_optical_density(pair, cleaned):
    before, after = (to_optical_density(r)["nirs"].od.values for r in (pair[1], cleaned))
    shut = cleaned["nirs"].gate.values == 0
    both = shut[:, 1:] & shut[:, :-1]
    difference = np.abs(np.diff(after - before, axis=-1)).max(axis=1)
    assert difference[both].max() < 1e-9


def test_nearly_all_samples_at_rest_are_unchanged(pair):
    still = clean(pair[0])
    for stream, variable in (("eeg", "eeg"), ("nirs", "intensity")):
        same = still[stream][variable].values == pair[0][stream][variable].values
        assert same.mean() > 0.9


@pytest.mark.parametrize(("model", "treated"), [("eeg", ["eeg"]), ("nirs", ["nirs"])])
def test_single_modality_models_leave_the_other_modality(pair, model, treated):
    result = clean(pair[1], model)
    other = ({"eeg", "nirs"} - set(treated)).pop()
    name = "eeg" if other == "eeg" else "intensity"
    assert (result[other][name].values == pair[1][other][name].values).all()
    assert "gate" not in result[other]
    assert provenance(result)[-1]["parameters"]["streams"] == treated


def test_joint_model_with_one_stream(pair):
    alone = build(stream_dataset(pair[1], "eeg"))
    assert "gate" in clean(alone, "joint")["eeg"]


def test_scale_in_scale_out(pair):
    node = stream_dataset(pair[1], "eeg")
    plain = clean(build(node), "eeg")["eeg"].eeg.values
    large = clean(build(node.assign(eeg=node.eeg * 100)), "eeg")["eeg"].eeg.values
    np.testing.assert_allclose(large, 100 * plain, rtol=0, atol=100 * 0.05e-6)


def test_same_input_same_output(pair, cleaned):
    again = clean(pair[1])
    assert (again["eeg"].eeg.values == cleaned["eeg"].eeg.values).all()
    assert (again["nirs"].intensity.values == cleaned["nirs"].intensity.values).all()


def test_bad_channels_pass_and_do_not_matter(pair):
    node = stream_dataset(pair[1], "eeg")
    bad = np.arange(node.sizes["channel"]) == 3
    node = node.assign_coords(bad=("channel", bad))
    noisy = node.eeg.values.copy()
    noisy[3] = 1e-3 * np.random.default_rng(0).normal(size=noisy.shape[1])
    plain = clean(build(node), "eeg")["eeg"].eeg.values
    other = clean(build(node.assign(eeg=node.eeg.copy(data=noisy))), "eeg")["eeg"].eeg.values
    assert (other[3] == noisy[3]).all()
    assert (np.delete(plain, 3, 0) == np.delete(other, 3, 0)).all()


def test_gaps_stay_gaps(pair):
    node = stream_dataset(pair[1], "eeg")
    samples = node.eeg.values.copy()
    samples[1, 5000:5300] = np.nan
    result = clean(build(node.assign(eeg=node.eeg.copy(data=samples))), "eeg")["eeg"]
    missing = np.isnan(result.eeg.values)
    assert missing[1, 5000:5300].all()
    assert missing.sum() == 300
    assert (result.gate.values[1, 5000:5300] == 0).all()


@pytest.mark.parametrize("seconds", [1.0, 5.0, 61.0])
def test_short_recordings(pair, seconds):
    short = pair[1].sel(time=slice(0, seconds))
    result = clean(short)
    assert result["eeg"].eeg.sizes == short["eeg"].eeg.sizes
    assert np.isfinite(result["eeg"].eeg.values).all()


@pytest.mark.parametrize(("channels", "rate"), [(1, 500.0), (96, 128.0)])
def test_any_number_of_channels(channels, rate):
    rng = np.random.default_rng(1)
    data = 1e-5 * rng.normal(size=(channels, int(20 * rate)))
    data[:, 1000:1200] += 5e-4 * rng.normal(size=(channels, 1))
    result = clean(build(eeg_dataset(data, rate, [f"E{i}" for i in range(channels)])), "eeg")
    assert np.isfinite(result["eeg"].eeg.values).all()


def test_streams_that_overlap_in_part(pair):
    _, contaminated = pair
    late = stream_dataset(contaminated, "nirs")
    late = late.assign_coords(time=late.time + 100.0)
    result = clean(with_stream(contaminated, "nirs", late))
    assert "gate" in result["eeg"]
    assert "gate" in result["nirs"]


def test_streams_minutes_apart(pair):
    short = pair[1].sel(time=slice(0, 20))
    late = stream_dataset(short, "nirs")
    apart = with_stream(short, "nirs", late.assign_coords(time=late.time + 300.0))
    result = clean(apart)
    assert np.isfinite(result["eeg"].eeg.values).all()
    assert result["nirs"].gate.shape == late.motion.shape


def test_the_order_of_dims_does_not_matter(pair, cleaned):
    contaminated = pair[1]
    turned = contaminated
    for stream in ("eeg", "nirs"):
        node = stream_dataset(contaminated, stream)
        turned = with_stream(turned, stream, node.transpose("time", ...))
    assert turned["eeg"].eeg.dims == ("time", "channel")
    again = clean(turned)
    np.testing.assert_array_equal(again["eeg"].eeg, cleaned["eeg"].eeg)
    np.testing.assert_array_equal(again["nirs"].intensity, cleaned["nirs"].intensity)
    assert movements(turned, again) == movements(contaminated, cleaned)


def test_refusals(pair):
    with pytest.raises(ParameterError, match="joint, eeg, nirs"):
        clean(pair[1], "magic")
    with pytest.raises(ParameterError, match="treats"):
        clean(build(stream_dataset(pair[1], "eeg")), "nirs")
    flat = build(eeg_dataset(np.zeros((2, 1000)), 250.0, ["a", "b"]))
    with pytest.raises(ReadError, match="flat"):
        clean(flat)


def test_samples_still_in_a_file_are_cleaned_alike(pair, cleaned):
    node = stream_dataset(pair[1], "eeg")
    samples = blocks_of(node.eeg.values, node.attrs["rate"])
    lazy = with_stream(pair[1], "eeg", node.assign(eeg=node.eeg.copy(data=samples)))
    found = clean(lazy)
    assert is_lazy(found["eeg"].eeg)
    assert is_lazy(found["eeg"].gate)
    for name in ("eeg", "gate"):
        np.testing.assert_array_equal(found["eeg"][name].values, cleaned["eeg"][name].values)
    np.testing.assert_array_equal(found["nirs"].intensity.values, cleaned["nirs"].intensity.values)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["joint", "cnn"])
def test_the_number_of_threads_changes_nothing(pair, method):
    torch = pytest.importorskip("torch")
    short = pair[1].sel(time=slice(0, 40))
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(clean(short, method))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    for stream, name in (("eeg", "eeg"), ("nirs", "intensity")):
        one, two = (result[stream][name].values for result in results)
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("first", [0, 2000])
@pytest.mark.parametrize("kind", ["missing", "at 5 mV"])
def test_a_long_stretch_without_a_signal_makes_no_motion_of_the_rest(at_rest, first, kind):
    node = stream_dataset(at_rest, "eeg")
    samples = node.eeg.values.copy()
    gap = slice(first, first + round(0.18 * samples.shape[1]))
    samples[:, gap] = np.nan if kind == "missing" else 5e-3
    cleaned = clean(build(node.assign(eeg=node.eeg.copy(data=samples))), "eeg")["eeg"]
    rest = np.delete(np.arange(samples.shape[1]), np.r_[gap])
    assert (cleaned.gate.values[:, rest] > 0).mean() < 0.01
    change = cleaned.eeg.values[:, rest] - samples[:, rest]
    assert np.square(change).sum() < 1e-4 * np.square(samples[:, rest]).sum()
    np.testing.assert_array_equal(cleaned.eeg.values[:, gap], samples[:, gap])
