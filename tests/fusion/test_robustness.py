"""Cleaning what is not as it should be: montages, rates, units, channels, motion."""

import numpy as np
import pytest

from neurofuse.fusion.clean import clean
from neurofuse.fusion.metrics.errors import score
from neurofuse.io import build, stream_dataset, to_optical_density, with_stream
from neurofuse.io.errors import SchemaError
from neurofuse.synth import simulate


def errors(truth, contaminated, stream: str, model: str = "joint") -> tuple[float, float]:
    """`error_db` after cleaning and before."""
    found = [
        score(truth, contaminated, r).value.sel(modality=stream, metric="error_db").item()
        for r in (clean(contaminated, model), contaminated)
    ]
    return found[0], found[1]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"eeg_montage": 128, "eeg_rate": 200.0}, marks=pytest.mark.slow),
        {"wavelengths": (690.0, 785.0, 830.0)},
        {"wavelengths": (800.0,)},
        {"eeg_rate": 100.0, "nirs_rate": 2.0},
        pytest.param({"eeg_rate": 1000.0, "nirs_rate": 50.0}, marks=pytest.mark.slow),
    ],
    ids=["128 electrodes", "three wavelengths", "one wavelength", "slow", "fast"],
)
def test_montages_wavelengths_and_rates_not_trained_on(arguments):
    truth, contaminated = simulate(40.0, seed=11, bouts_per_minute=4.0, **arguments)
    for stream in ("eeg", "nirs"):
        after, before = errors(truth, contaminated, stream)
        assert after < before - 3, stream


@pytest.mark.slow
def test_no_movement_hardly_any_change(simulated):
    """Somebody who sits still, alone and beside a stream that moves."""
    truth, contaminated = simulated
    for stream in ("eeg", "nirs"):
        other = {"eeg": "nirs", "nirs": "eeg"}[stream]
        for recording in (truth, with_stream(truth, other, stream_dataset(contaminated, other))):
            cleaned = clean(recording)
            density = [to_optical_density(r) for r in (recording, cleaned)]
            before, after = (stream_dataset(r, stream) for r in density)
            name = "eeg" if stream == "eeg" else "od"
            x, change = before[name].values, (after[name] - before[name]).values
            if stream == "nirs":
                x, change = np.diff(x), np.diff(change)
            x = x - x.mean(-1, keepdims=True)
            assert 10 * np.log10((change**2).sum() / (x**2).sum() + 1e-12) < -15


@pytest.mark.slow
def test_movement_all_the_time():
    truth, contaminated = simulate(60.0, seed=13, types=["gait"], bouts_per_minute=20.0)
    assert contaminated["eeg"].motion.values.any(0).mean() > 0.6
    after, before = errors(truth, contaminated, "eeg")
    assert after < before - 3
    assert np.isfinite(clean(contaminated)["nirs"].intensity.values).all()


@pytest.mark.parametrize("kind", ["flat", "railed"])
@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_broken_channels_are_no_evidence(simulated, stream, kind):
    """What a flat or railed channel holds makes no difference to the others, nor is it touched."""
    node = stream_dataset(simulated[1], stream)
    name = "eeg" if stream == "eeg" else "intensity"
    made = []
    for level in (0.2, 0.9):
        values = node[name].values.copy()
        top = np.abs(values).max()
        broken = np.full_like(values[1], level * top)
        if kind == "railed":
            railed = np.arange(broken.shape[-1]) // 40 % 2 == 0
            broken[..., railed] = -top if stream == "eeg" else 2 * top
        values[1] = broken
        recording = with_stream(
            simulated[1], stream, node.assign({name: node[name].copy(data=values)})
        )
        cleaned = stream_dataset(clean(recording), stream)
        assert bool(cleaned.bad.values[1])
        np.testing.assert_array_equal(cleaned[name].values[1], broken)
        made.append(np.delete(cleaned[name].values, 1, 0))
    np.testing.assert_array_equal(*made)


def test_gaps_in_optical_density_stay_gaps(simulated):
    density = to_optical_density(simulated[1])
    node = stream_dataset(density, "nirs")
    values = node.od.values.copy()
    values[2, :, 200:220] = np.nan
    cleaned = clean(with_stream(density, "nirs", node.assign(od=node.od.copy(data=values))))
    missing = np.isnan(cleaned["nirs"].od.values)
    assert missing[2, :, 200:220].all()
    assert missing.sum() == missing[2, :, 200:220].size


@pytest.mark.parametrize("factor", [1e6, 1e3, 1e-6])
@pytest.mark.parametrize("method", ["joint", "pca"])
def test_eeg_in_another_unit_is_refused(simulated, factor, method):
    node = stream_dataset(simulated[1], "eeg")
    with pytest.raises(SchemaError, match="volts"):
        clean(build(node.assign(eeg=node.eeg * factor)), method)


def test_light_taken_for_optical_density_is_refused(simulated):
    density = to_optical_density(simulated[1])
    node = stream_dataset(density, "nirs")
    with pytest.raises(
        SchemaError, match=r"wanted -ln\(light / reference\), which varies by less than"
    ):
        clean(with_stream(density, "nirs", node.assign(od=node.od * 1000)))


@pytest.mark.slow
def test_uncertainty_is_the_size_of_errors():
    """Nine in ten errors lie within 1.645 standard deviations, on a simulated participant."""
    truth, contaminated = simulate(150.0, seed=14, severity=0.5)
    cleaned = clean(contaminated, uncertainty=True)
    node = stream_dataset(cleaned, "eeg")
    assert node.uncertainty.attrs["units"] == "V"
    open_ = node.gate.values > 0
    assert (node.uncertainty.values[~open_] == 0).all()
    assert (node.uncertainty.values[open_] > 0).all()
    moving = open_ & contaminated["eeg"].motion.values
    off = np.abs(node.eeg.values - truth["eeg"].eeg.values)[moving]
    covered = (off <= 1.645 * node.uncertainty.values[moving]).mean()
    assert 0.75 < covered < 0.99
    deviation = cleaned["nirs"].uncertainty
    assert deviation.dims == ("channel", "wavelength", "time")
    assert (deviation.values[:, 0][cleaned["nirs"].gate.values == 0] == 0).all()
    assert "uncertainty" not in clean(contaminated)["eeg"]
