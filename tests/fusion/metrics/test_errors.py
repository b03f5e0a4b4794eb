"""Metrics: identities, known values, invariances, and a slow reference."""

import numpy as np
import pytest

from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.metrics.errors import UNITS, score
from neurofuse.fusion.metrics.no_reference import score_no_reference
from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.io.recording import (
    LOST,
    build,
    eeg_dataset,
    stream_dataset,
    with_stream,
    without_stream,
)

IN_MOTION = [m for m in UNITS if m not in ("clean_change_db", "alpha_ratio_quiet")]
STREAMS = ["eeg", "nirs"]


def figure(table, stream, metric):
    return float(table.value.loc[stream, metric])


def with_samples(recording, change):
    """`change` applied to the samples of both streams (fNIRS: to optical density)."""
    eeg, nirs = stream_dataset(recording, "eeg"), stream_dataset(recording, "nirs")
    changed = with_stream(
        recording, "eeg", eeg.assign(eeg=eeg.eeg.copy(data=change(eeg.eeg.values)))
    )
    intensity = np.exp(-change(-np.log(nirs.intensity.values)))
    return with_stream(changed, "nirs", nirs.assign(intensity=nirs.intensity.copy(data=intensity)))


@pytest.mark.parametrize("stream", STREAMS)
def test_truth_scores_perfectly(pair, stream):
    truth, contaminated = pair
    table = score(truth, contaminated, truth)
    assert figure(table, stream, "error_db") == -np.inf
    assert figure(table, stream, "error_db_median") == -np.inf
    assert figure(table, stream, "residual") == 0
    assert figure(table, stream, "rrmse_time") == 0
    assert figure(table, stream, "rrmse_spectrum") == 0
    assert figure(table, stream, "snr_change") == np.inf
    assert figure(table, stream, "correlation") == pytest.approx(1)
    assert figure(table, stream, "clean_change_db") < -200


@pytest.mark.parametrize("stream", STREAMS)
def test_zeros_are_0_db(pair, stream):
    truth, contaminated = pair
    table = score(truth, contaminated, get_method("zero").transform(contaminated))
    for metric in ("error_db", "error_db_median", "clean_change_db"):
        assert figure(table, stream, metric) == pytest.approx(0, abs=1e-6), metric
    assert figure(table, stream, "rrmse_time") == pytest.approx(1)
    assert figure(table, stream, "rrmse_spectrum") == pytest.approx(1)
    if stream == "eeg":
        assert figure(table, "eeg", "alpha_ratio_quiet") == 0
    else:
        assert figure(table, "nirs", "error_db_unfiltered") == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("stream", STREAMS)
def test_uncorrected_has_residual_1(pair, stream):
    truth, contaminated = pair
    table = score(truth, contaminated, contaminated)
    assert figure(table, stream, "residual") == 1
    assert figure(table, stream, "snr_change") == 0
    assert figure(table, stream, "error_db") > 10
    assert figure(table, stream, "clean_change_db") == -np.inf
    if stream == "eeg":
        assert figure(table, "eeg", "alpha_ratio_quiet") == pytest.approx(1)


def test_half_of_the_artifact_is_a_quarter_of_its_energy(pair):
    truth, contaminated = pair
    eeg = stream_dataset(truth, "eeg")
    half = (eeg.eeg + stream_dataset(contaminated, "eeg").eeg) / 2
    table = score(truth, contaminated, with_stream(contaminated, "eeg", eeg.assign(eeg=half)))
    assert figure(table, "eeg", "residual") == pytest.approx(0.25)
    assert figure(table, "eeg", "snr_change") == pytest.approx(20 * np.log10(2))


@pytest.mark.parametrize("stream", STREAMS)
def test_zeros_gain_as_much_as_the_recording_was_bad(pair, stream):
    """So the gain means nothing without the ratio after it."""
    truth, contaminated = pair
    table = score(truth, contaminated, get_method("zero").transform(contaminated))
    before = figure(table, stream, "snr_before")
    assert before < -10
    assert figure(table, stream, "snr_after") == pytest.approx(0, abs=1e-6)
    assert figure(table, stream, "snr_change") == pytest.approx(-before, abs=1e-6)
    untouched = score(truth, contaminated, contaminated)
    assert figure(untouched, stream, "snr_after") == pytest.approx(before)


def test_eta_is_the_fraction_of_the_lost_correlation_that_came_back(pair):
    truth, contaminated = pair
    eta = [figure(score(truth, contaminated, x), "eeg", "eta") for x in (truth, contaminated)]
    assert eta == pytest.approx([100, 0])
    eeg = stream_dataset(truth, "eeg")
    mixed = (eeg.eeg + stream_dataset(contaminated, "eeg").eeg) / 2
    table = score(truth, contaminated, with_stream(contaminated, "eeg", eeg.assign(eeg=mixed)))
    motion = contaminated["eeg"].motion.values
    wanted = []
    for x, y, z, m in zip(
        eeg.eeg.values, contaminated["eeg"].eeg.values, mixed.values, motion, strict=True
    ):
        before, after = (np.corrcoef(x[m], other[m])[0, 1] for other in (y, z))
        wanted.append(100 * (after - before) / (1 - before))
    assert figure(table, "eeg", "eta") == pytest.approx(np.median(wanted))


def test_a_shift_corrected_by_a_level_does_not_count_as_change(pair):
    truth, contaminated = pair
    table = score(truth, contaminated, truth)  # level differs by up to 0.2 OD after the shift
    assert figure(table, "nirs", "clean_change_db") < -200


def test_scale_does_not_matter(pair):
    truth, contaminated = pair
    cleaned = get_method("bandpass").transform(contaminated)
    plain = score(truth, contaminated, cleaned)
    scaled = score(*(with_samples(r, lambda x: 7.0 * x) for r in (truth, contaminated, cleaned)))
    np.testing.assert_allclose(scaled.value, plain.value, rtol=1e-6)


def test_channels_are_found_by_name(pair):
    truth, contaminated = pair
    cleaned = get_method("bandpass").transform(contaminated)
    plain = score(truth, contaminated, cleaned)
    turned = cleaned
    for stream in STREAMS:
        turned = with_stream(
            turned, stream, stream_dataset(cleaned, stream).isel(channel=slice(None, None, -1))
        )
    np.testing.assert_allclose(score(truth, contaminated, turned).value, plain.value)


def test_against_a_plain_reference(pair):
    truth, contaminated = pair
    cleaned = get_method("bandpass").transform(contaminated)
    x, y, z = (r["eeg"].eeg.values for r in (truth, contaminated, cleaned))
    mask = contaminated["eeg"].motion.values
    energies, ratios, correlations = [], [], []
    for channel in range(x.shape[0]):
        a, b, c = (s[channel] - s[channel].mean() for s in (x, y, z))
        error = wanted = before = 0.0
        pairs = []
        for sample in range(a.size):
            if mask[channel, sample]:
                error += (c[sample] - a[sample]) ** 2
                before += (b[sample] - a[sample]) ** 2
                wanted += a[sample] ** 2
                pairs.append((a[sample], c[sample]))
        energies.append((error, before, wanted))
        ratios.append((error / wanted) ** 0.5)
        correlations.append(np.corrcoef(np.array(pairs).T)[0, 1])
    error, before, wanted = np.sum(energies, axis=0)
    table = score(truth, contaminated, cleaned)
    assert figure(table, "eeg", "error_db") == pytest.approx(10 * np.log10(error / wanted))
    assert figure(table, "eeg", "residual") == pytest.approx(error / before)
    assert figure(table, "eeg", "rrmse_time") == pytest.approx(np.mean(ratios))
    assert figure(table, "eeg", "correlation") == pytest.approx(np.mean(correlations))


def test_bad_and_other_channels_are_left_out(pair):
    truth, contaminated = pair
    plain = score(truth, contaminated, contaminated)
    names = ["C3", "C4", "O1", "O2"]
    few = [
        with_stream(r, "eeg", stream_dataset(r, "eeg").sel(channel=names))
        for r in (truth, contaminated)
    ]
    eeg = stream_dataset(contaminated, "eeg").copy(deep=True)
    eeg["bad"][0] = True
    eeg["ch_type"] = "channel", ["eeg", "eog", "eeg", "eeg", "eeg", "eeg"]
    eeg.eeg[:2] = np.nan
    marked = with_stream(contaminated, "eeg", eeg)
    expected = score(few[0], few[1], few[1]).value.loc["eeg"]
    np.testing.assert_allclose(score(truth, marked, marked).value.loc["eeg"], expected)
    assert not np.allclose(plain.value.loc["eeg", "error_db"], expected.loc["error_db"])


def test_an_output_that_is_not_a_number_is_not_hidden(pair):
    truth, contaminated = pair
    eeg = stream_dataset(contaminated, "eeg").copy(deep=True)
    eeg.eeg[0, 5000:5100] = np.nan
    table = score(truth, contaminated, with_stream(contaminated, "eeg", eeg))
    assert np.isnan(figure(table, "eeg", "error_db"))


def test_without_motion_only_the_rest_is_scored(pair):
    truth, _ = pair
    still = truth
    for stream in STREAMS:
        node = stream_dataset(truth, stream)
        mask = np.zeros((node.sizes["channel"], node.sizes["time"]), bool)
        still = with_stream(still, stream, node.assign(motion=(("channel", "time"), mask)))
    table = score(truth, still, get_method("zero").transform(still))
    assert np.isnan(table.value.sel(metric=IN_MOTION)).all()
    assert figure(table, "eeg", "clean_change_db") == pytest.approx(0, abs=1e-6)
    assert figure(table, "nirs", "clean_change_db") == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("stream", "metric"), [("eeg", "error_db"), ("nirs", "error_db_unfiltered")]
)
def test_lost_samples_do_not_shift_the_rest(pair, stream, metric):
    truth, contaminated = pair
    node, dims = stream_dataset(truth, stream), ("channel", "time")
    moving = contaminated[stream].motion.transpose(*dims).values.copy()
    last = node.sizes["time"] // 8
    moving[:, : 2 * last] = False
    judged = contaminated[stream].to_dataset().assign(motion=(dims, moving))
    lost = np.zeros(moving.shape, np.int8)
    lost[:, :last] = LOST
    name = "eeg" if stream == "eeg" else "intensity"
    broken = node[name].transpose(..., "time").copy(deep=True)
    broken[..., :last] = 5e-3 if stream == "eeg" else 3 * broken[..., :last]
    perfect = node.assign({name: broken, "verdict": (dims, lost)})
    known, blind = (
        score(
            truth,
            with_stream(contaminated, stream, judged),
            with_stream(truth, stream, one),
        ).value.sel(modality=stream, metric=metric)
        for one in (perfect, perfect.drop_vars("verdict"))
    )
    assert known < -100
    assert blind > -20


def test_a_missing_stream_has_no_row(pair):
    truth, contaminated = pair
    table = score(truth, without_stream(contaminated, "nirs"), contaminated)
    assert table.modality.values.tolist() == ["eeg"]
    assert table.units.sel(metric="error_db") == "dB"


def test_bands_limit_what_is_compared(pair):
    truth, contaminated = pair
    hum = np.sin(2 * np.pi * 60 * truth["eeg"].time.values) * 1e-4
    eeg = stream_dataset(truth, "eeg")
    hummed = with_stream(truth, "eeg", eeg.assign(eeg=eeg.eeg + hum))
    assert figure(score(truth, contaminated, hummed), "eeg", "error_db") > 0
    banded = score(truth, contaminated, hummed, eeg_band=(0.5, 40.0))
    assert figure(banded, "eeg", "error_db") < -20


def test_another_recording_is_refused(pair):
    truth, contaminated = pair
    shorter = contaminated.sel(time=slice(0, 30))
    with pytest.raises(ParameterError, match=r"/eeg with 7501 samples.*the same times"):
        score(truth, contaminated, shorter)
    renamed = with_stream(
        truth,
        "eeg",
        stream_dataset(truth, "eeg").assign_coords(channel=["A", "Fp2", "C3", "C4", "O1", "O2"]),
    )
    with pytest.raises(ParameterError, match=r"other channels \(\['A', 'Fp1'\]\)"):
        score(renamed, contaminated, contaminated)
    with pytest.raises(ParameterError, match="a stream in both"):
        score(without_stream(truth, "eeg"), without_stream(contaminated, "nirs"), contaminated)
    with pytest.raises(SchemaError, match="without `motion`"):
        score(truth, truth, truth)


def test_nothing_is_changed(pair):
    truth, contaminated = pair
    copies = truth.copy(deep=True), contaminated.copy(deep=True)
    score(truth, contaminated, contaminated)
    score_no_reference(contaminated, truth)
    assert truth.identical(copies[0])
    assert contaminated.identical(copies[1])


def test_no_reference_metrics_see_motion_shrink(pair):
    truth, contaminated = pair
    before = score_no_reference(contaminated, contaminated).value
    after = score_no_reference(contaminated, truth).value
    assert before.loc["eeg", "noref_motion_ratio"] > after.loc["eeg", "noref_motion_ratio"] + 10
    assert before.loc["nirs", "noref_gvtd_ratio"] > after.loc["nirs", "noref_gvtd_ratio"]
    assert after.loc["nirs", "noref_sci"] > 0.5
    for stream in STREAMS:
        assert before.loc[stream, "noref_quiet_change"] == -np.inf
        assert after.loc[stream, "noref_quiet_change"] < -20


def test_no_reference_metrics_without_motion_are_nan():
    eeg = np.random.default_rng(1).standard_normal((2, 5000)) * 1e-5
    still = build(eeg_dataset(eeg, 250.0, ["C3", "C4"]))
    table = score_no_reference(still, get_method("zero").transform(still)).value
    assert np.isnan(table.loc["eeg", "noref_motion_ratio"])
    assert table.loc["eeg", "noref_quiet_change"] == pytest.approx(0, abs=1e-6)
