"""What is kept of brain signals: known losses are found, to their size, and nothing else is."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.metrics.neurovascular import neurovascular_coupling, neurovascular_coupling_p
from neurofuse.fusion.metrics.preserved import UNITS, score_preservation
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import stream_dataset, streams, with_stream, without_stream

PERFECT = {metric: 1.0 if unit == "1" else 0.0 for metric, unit in UNITS.items()} | {
    "kept_connectivity": 0.0,
    "kept_coupling": 0.0,
}


@pytest.fixture(scope="module")
def tapping():
    """A participant who taps, without movement: eight trials, twelve at least for the ERP."""
    return nf.simulate(320, seed=4, coupling=3.0, severity=0.0)[0]


def kept(truth, cleaned):
    return score_preservation(truth, truth, cleaned).value


def scaled_eeg(recording, factor):
    node = stream_dataset(recording, "eeg")
    return with_stream(recording, "eeg", node.assign(eeg=factor * node.eeg))


def test_the_truth_keeps_everything(tapping):
    table = kept(tapping, tapping)
    for stream in streams(tapping):
        for metric, wanted in PERFECT.items():
            found = float(table.loc[stream, metric])
            if not np.isnan(found):
                assert found == pytest.approx(wanted, abs=1e-9), metric
    eeg = table.loc["eeg"].dropna("metric").metric.values.tolist()
    nirs = table.loc["nirs"].dropna("metric").metric.values.tolist()
    assert "kept_erp_amplitude" in eeg
    assert "kept_glm_beta" in nirs
    assert set(eeg) | set(nirs) == set(UNITS)


def test_half_the_amplitude_is_half_an_erp_and_a_quarter_of_power(tapping):
    table = kept(tapping, scaled_eeg(tapping, 0.5)).loc["eeg"]
    for band in ("delta", "theta", "alpha", "beta"):
        assert table.loc[f"kept_{band}"] == pytest.approx(0.25)
    assert table.loc["kept_erp_amplitude"] == pytest.approx(0.5)
    assert table.loc["kept_erp_latency"] == 0
    assert table.loc["kept_erp_correlation"] == pytest.approx(1)
    assert table.loc["kept_connectivity"] == pytest.approx(0, abs=1e-9)


def test_a_late_erp_is_late(tapping):
    node = stream_dataset(tapping, "eeg")
    late = with_stream(tapping, "eeg", node.assign(eeg=node.eeg.roll(time=5)))
    table = kept(tapping, late).loc["eeg"]
    assert table.loc["kept_erp_latency"] == pytest.approx(5 / 250)


def test_a_response_of_the_blood_that_is_halved(tapping):
    node = stream_dataset(tapping, "nirs")
    mean = node.intensity.mean("time")
    halved = mean * (node.intensity / mean) ** 0.5  # half the optical density, about
    table = kept(tapping, with_stream(tapping, "nirs", node.assign(intensity=halved))).loc["nirs"]
    for metric in ("kept_hrf_amplitude", "kept_hrf_area", "kept_glm_beta"):
        assert table.loc[metric] == pytest.approx(0.5, abs=0.01), metric
    assert table.loc["kept_hrf_peak_time"] == 0
    assert table.loc["kept_connectivity"] == pytest.approx(0, abs=1e-6)


def test_one_channel_in_all_others_is_seen_in_connectivity(tapping):
    node = stream_dataset(tapping, "eeg")
    mixed = node.eeg + 3 * node.eeg.isel(channel=0, drop=True)
    table = kept(tapping, with_stream(tapping, "eeg", node.assign(eeg=mixed))).loc["eeg"]
    assert table.loc["kept_connectivity"] > 0.3


def test_neurovascular_coupling_that_is_removed_is_missed(tapping):
    node = stream_dataset(tapping, "nirs")
    turned = node.assign(intensity=node.intensity.copy(data=node.intensity.values[..., ::-1]))
    table = kept(tapping, with_stream(tapping, "nirs", turned))
    lost = float(table.loc["nirs", "kept_coupling"])
    assert lost == float(table.loc["eeg", "kept_coupling"])
    assert lost < -0.1
    assert neurovascular_coupling(tapping) > 0.2
    assert neurovascular_coupling_p(tapping) < 0.05


def test_what_cannot_be_determined_is_missing(at_rest):
    table = kept(at_rest, at_rest)
    assert np.isnan(table.loc["eeg", "kept_erp_amplitude"])
    assert np.isnan(table.loc["nirs", "kept_glm_beta"])
    alone = without_stream(at_rest, "nirs")
    assert np.isnan(kept(alone, alone).loc["eeg", "kept_coupling"])
    one = with_stream(alone, "eeg", stream_dataset(alone, "eeg").isel(channel=[3]))
    assert np.isnan(kept(one, one).loc["eeg", "kept_connectivity"])
    assert kept(one, one).loc["eeg", "kept_alpha"] == pytest.approx(1)


def test_neurovascular_coupling_needs_both_modalities_and_positions(at_rest):
    with pytest.raises(ParameterError, match="eeg only"):
        neurovascular_coupling(without_stream(at_rest, "nirs"))
    node = stream_dataset(at_rest, "eeg")
    nowhere = node.assign_coords(position=node.position * np.nan)
    with pytest.raises(ParameterError, match=r"0 electrodes with fNIRS within 30 mm"):
        neurovascular_coupling(with_stream(at_rest, "eeg", nowhere))


def test_channels_without_haemoglobin_are_left_out(tapping):
    node = stream_dataset(tapping, "nirs").copy(deep=True)
    node.intensity[2, 0, 5] = np.nan
    gap = with_stream(tapping, "nirs", node)
    table = kept(gap, gap)
    assert table.loc["nirs", "kept_glm_beta"] == pytest.approx(1)
    assert table.loc["eeg", "kept_coupling"] == 0
    assert neurovascular_coupling(gap) == pytest.approx(neurovascular_coupling(tapping), abs=0.1)
    node.intensity[2:, 0, 5] = 0.0  # no logarithm in the cleaned one only
    cleaned = with_stream(tapping, "nirs", node)
    found = score_preservation(tapping, tapping, cleaned).value.loc["nirs"]
    assert np.isfinite(found.loc["kept_connectivity"])
