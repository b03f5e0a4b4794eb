"""Classical joint methods remove what the other modality predicts, and not what is chance."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from neurofuse.fusion.methods.cca import tcca
from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.methods.regression import MOST, STRENGTHS, regression, regressors
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import build, without_stream
from tests.builders import eeg_node, nirs_node, recording_of

SECONDS = 120
RATES = {"eeg": 100.0, "nirs": 10.0}


def noise(rng, rows, rate, width):
    """Smooth rows of SD 1."""
    made = gaussian_filter1d(rng.standard_normal((rows, int(SECONDS * rate))), width * rate)
    return made / made.std(-1, keepdims=True)


def make(seed=0, shared=1.0, short=False):
    """(truth, contaminated): a slow push that both streams see, mixed into channels."""
    rng = np.random.default_rng(seed)
    push = noise(rng, 1, RATES["eeg"], 0.3)
    eeg = noise(rng, 4, RATES["eeg"], 0.02)
    nirs = np.cumsum(noise(rng, 6, RATES["nirs"], 0.05), axis=-1).reshape(3, 2, -1)
    nirs = 1e-3 * nirs
    into_eeg = 5 * rng.uniform(0.5, 1.5, (4, 1)) * push
    into_nirs = 2e-2 * rng.uniform(0.5, 1.5, (3, 2, 1)) * push[:, ::10]
    source = np.zeros((3, 3)) + np.array([0.0, 0.01, 0.02])[:, None]
    away = np.array([0.008 if short else 0.03, 0.03, 0.03])[:, None]
    made = []
    for moved in (0.0, shared):
        node = nirs_node(
            nirs + moved * into_nirs,
            variable="od",
            source_position=source,
            detector_position=source + away * np.array([0, 1, 0]),
        )
        made.append(recording_of(1e-5 * (eeg + moved * into_eeg), node))
    return made


def samples(recording, stream):
    """EEG without constants, or changes of optical density."""
    values = recording[stream]["eeg" if stream == "eeg" else "od"].values
    return np.diff(values) if stream == "nirs" else values - values.mean(-1, keepdims=True)


@pytest.mark.parametrize(("name", "left"), [("linear", 0.1), ("tcca", 0.25)])
@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_what_both_streams_see_is_taken_out(name, left, stream):
    truth, contaminated = make()
    after = get_method(name).transform(contaminated)
    pure, dirty = samples(truth, stream), samples(contaminated, stream)
    error = ((samples(after, stream) - pure) ** 2).sum() / ((dirty - pure) ** 2).sum()
    assert error < left


@pytest.mark.parametrize("seed", range(3))
def test_streams_without_anything_in_common_stay_as_they_are_under_tcca(seed):
    apart = make(seed, shared=0.0)[1]
    after = get_method("tcca").transform(apart)
    np.testing.assert_array_equal(after["eeg"].eeg, apart["eeg"].eeg)
    np.testing.assert_array_equal(after["nirs"].od, apart["nirs"].od)


def test_chance_is_estimated_by_shifts_where_no_correlation_is_too_small():
    changed = 0
    for seed in range(8):
        apart = make(seed, shared=0.0)[1]
        after = get_method("tcca", least=0.0).transform(apart)
        changed += not np.array_equal(after["eeg"].eeg, apart["eeg"].eeg)
        changed += not np.array_equal(after["nirs"].od, apart["nirs"].od)
    assert changed <= 5  # of 16; one in twenty for each half of each stream, and some luck


def test_short_channels_are_references_of_tcca_and_stay():
    contaminated = make(short=True)[1]
    alone = without_stream(contaminated, "eeg")
    after = get_method("tcca").transform(alone)
    np.testing.assert_allclose(after["nirs"].od[0], alone["nirs"].od[0], atol=1e-12)
    before, now = samples(alone, "nirs")[1:], samples(after, "nirs")[1:]
    assert (now**2).sum() < 0.3 * (before**2).sum()


@pytest.mark.parametrize("name", ["linear", "tcca"])
@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_a_stream_alone_is_refused(name, stream):
    alone = without_stream(make()[1], {"eeg": "nirs", "nirs": "eeg"}[stream])
    with pytest.raises(
        ParameterError, match=r"no reference: no other modality and no sensor;.*add the other"
    ):
        get_method(name).transform(alone)


@pytest.mark.parametrize("name", ["linear", "tcca"])
def test_a_sensor_does_for_a_missing_stream(name):
    truth, contaminated = make()
    push = noise(np.random.default_rng(0), 1, RATES["eeg"], 0.3)  # the first that `make` draws
    sensor = xr.Dataset(
        {"acceleration": (("channel", "time"), push)},
        coords={"time": contaminated["eeg"].time.values},
        attrs={"rate": RATES["eeg"]},
    )
    alone = without_stream(contaminated, "nirs").copy()
    alone["aux/head"] = xr.DataTree(sensor)
    after = get_method(name).transform(alone)
    pure, dirty = samples(truth, "eeg"), samples(contaminated, "eeg")
    error = ((samples(after, "eeg") - pure) ** 2).sum() / ((dirty - pure) ** 2).sum()
    assert error < 0.05


def test_tcca_refuses_a_short_recording():
    contaminated = make()[1]
    eeg, nirs = (
        contaminated[s].to_dataset().isel(time=slice(int(20 * RATES[s]))) for s in ("eeg", "nirs")
    )
    with pytest.raises(ParameterError, match=r"20 s.*at least 30 s for 'tcca'"):
        get_method("tcca").transform(build(eeg, nirs))


def with_regressor(rows, reference):
    return eeg_node(rows).assign(regressor=(("regressor", "time"), reference))


def test_linear_is_ridge_regression_of_the_least_cross_validation_error():
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((3, 400))
    rows = 1e-5 * (rng.standard_normal((2, 3)) @ reference + rng.standard_normal((2, 400)))
    node = with_regressor(rows, reference)
    design = regressors(node, 0.05, 1).block(0, 400)
    assert design.shape == (9, 400)
    gram = design @ design.T
    for row, after in zip(rows, regression(node, reach=0.05, taps=1), strict=True):
        own, best = row - row.mean(), (np.inf, row)
        for penalty in STRENGTHS * np.trace(gram) / len(gram):
            hat = design.T @ np.linalg.solve(gram + penalty * np.eye(len(gram)), design)
            left = own - hat @ own
            score = (left**2).mean() / (1 - np.trace(hat) / own.size) ** 2
            best = min(best, (score, left + row.mean()), key=lambda pair: pair[0])
        np.testing.assert_allclose(after, best[1], atol=1e-12)


def test_many_references_are_few_components():
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((4, 600))
    reference = rng.standard_normal((300, 4)) @ latent  # of rank 4, as EEG of a common reference
    node = with_regressor(rng.standard_normal((2, 600)), reference)
    assert regressors(node, 0.1, 2).count == 4 * 5
    noisy = with_regressor(rng.standard_normal((2, 600)), rng.standard_normal((300, 600)))
    assert regressors(noisy, 0.1, 2).count == MOST


@pytest.mark.parametrize("method", [regression, tcca])
def test_memory_holds_references_once_not_once_a_lag(method):
    rng = np.random.default_rng(0)
    node = with_regressor(rng.standard_normal((4, 60_000)), rng.standard_normal((19, 60_000)))
    settings = {} if method is regression else {"least": 0.2, "ridge": 0.01}
    tracemalloc.start()
    method(node, reach=0.5, taps=10, **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * node.regressor.nbytes * 21
