"""Comparison: what stands in which cell, what fails without ending it, and the tables."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurofuse.fusion.compare import (
    MISMATCHED,
    ORACLE,
    REFERENCES,
    compare,
)
from neurofuse.fusion.controls import shifted, with_partner
from neurofuse.fusion.methods.learned import Learned
from neurofuse.fusion.methods.registry import BASELINES, get_method, names, quick_names
from neurofuse.fusion.metrics.errors import score
from neurofuse.fusion.metrics.preserved import score_preservation
from neurofuse.fusion.results.table import to_csv, to_table
from neurofuse.fusion.upper_bound import oracle
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.recording import (
    provenance,
    stream_dataset,
    with_stream,
    without_stream,
)

METHODS = tuple(name for name in names() if name not in REFERENCES)
QUICK = ["tddr", "bandpass", "pca", "uncorrected", "zero"]
# what the pair of conftest does not give: references, short channels, sensors, other packages
MAY_FAIL = {"regression", "short", "gedai"}


@pytest.fixture
def perfect(pair, monkeypatch):
    """A stand-in for the models that gives back the truth in the streams of its model."""

    def transform(self, recording, /, *, judged=False):
        for stream in self.streams:
            recording = with_stream(recording, stream, stream_dataset(pair[0], stream))
        return recording

    monkeypatch.setattr(Learned, "transform", transform)


@pytest.mark.slow
def test_all_methods_against_a_truth(pair, perfect):
    truth, contaminated = pair
    seen = []
    table = compare(contaminated, "all", truth, progress=seen.append)
    assert tuple(table.method.values) == (*METHODS, *REFERENCES, ORACLE, MISMATCHED) == tuple(seen)
    for name, failure in zip(seen, table.failure.values.tolist(), strict=True):
        assert not failure or name in MAY_FAIL, (name, failure)
    ran = table.isel(method=table.failure.values == "")
    assert (ran.seconds >= 0).all()
    assert (ran.memory >= 0).all()
    error = table.value.sel(metric="error_db")
    for model, modality in (("joint", "eeg"), ("joint", "nirs"), ("eeg", "eeg"), ("nirs", "nirs")):
        assert error.loc[model, modality] == -np.inf
    np.testing.assert_allclose(error.loc["zero"], 0, atol=1e-6)
    for method in ran.method.values:
        for modality in ("eeg", "nirs"):
            treated = method in (ORACLE, MISMATCHED) or modality in get_method(str(method)).streams
            assert np.isfinite(table.value.loc[method, modality, "residual"]) == treated
    assert table.attrs["truth"] == "known"


def test_a_cell_is_what_score_gives(pair):
    truth, contaminated = pair
    table = compare(contaminated, ["bandpass"], truth)
    cleaned = get_method("bandpass").transform(contaminated)
    expected = score(truth, contaminated, cleaned), score_preservation(truth, contaminated, cleaned)
    both = xr.concat(expected, "metric")
    np.testing.assert_array_equal(table.value[0], both.value)
    np.testing.assert_array_equal(table.units, both.units)


def test_without_truth_only_labelled_figures(pair):
    table = compare(pair[1], QUICK)
    assert all(str(metric).startswith("noref_") for metric in table.metric.values)
    ratio = table.value.sel(metric="noref_motion_ratio", modality="eeg")
    assert ratio.loc["pca"] < ratio.loc["uncorrected"]
    assert table.attrs["truth"] == "unknown"
    assert "truth is unknown" in to_table(table)


def test_a_method_that_cannot_run_does_not_end_it(pair):
    truth, contaminated = (
        with_stream(r, "eeg", stream_dataset(r, "eeg").isel(channel=[0])) for r in pair
    )
    table = compare(contaminated, ["ica", "bandpass"], truth)
    assert np.isnan(table.value.loc["ica"]).all()
    assert np.isnan(table.seconds[0])
    assert "at least 2" in str(table.failure.loc["ica"].item())
    assert np.isfinite(table.value.loc["bandpass", "eeg", "error_db"])
    assert "- ica: found 1 usable EEG channel" in to_table(table)


def test_when_nothing_can_run_the_table_is_empty_but_whole(pair):
    truth, contaminated = (without_stream(r, "nirs") for r in pair)
    table = compare(contaminated, ["tddr", "nirs"], truth)
    assert table.value.shape[:2] == (5, 1)
    assert np.isnan(table.value.loc[["tddr", "nirs"]]).all()
    assert all(table.failure.loc[["tddr", "nirs"]].values)
    assert "Did not run" in to_table(table)


def test_refusals(pair):
    truth, contaminated = pair
    known = "joint, eeg, nirs, joint-small, uncorrected"
    with pytest.raises(ParameterError, match=f"'miracle'.*{known}"):
        compare(contaminated, ["bandpass", "miracle"], truth)
    with pytest.raises(ParameterError, match="no method"):
        compare(contaminated, [])
    with pytest.raises(ParameterError, match="the same times"):
        compare(contaminated, ["zero"], truth.sel(time=slice(0, 20)))


def test_every_method_is_compared_when_all_are_asked_for():
    assert set(BASELINES) == {*METHODS, *REFERENCES} - {"joint", "eeg", "nirs", "joint-small"}


def test_by_default_the_quick_methods_are_compared(pair, monkeypatch):
    module = import_module("neurofuse.fusion.compare")
    monkeypatch.setattr(module, "apply", lambda cleaner, recording, judged=False: recording)
    table = compare(pair[1])
    assert set(table.method.values) == set(quick_names())  # and no mismatched partner
    assert not {"iclabel", "transformer", "gan"} & set(quick_names())
    assert {"joint", "eeg", "nirs", "asr", "wavelet", "tddr", "spline"} <= set(quick_names())


def test_references_are_in_every_table(pair, perfect):
    truth, contaminated = pair
    table = compare(contaminated, ["tddr"], truth, mismatched=truth)
    assert table.method.values.tolist() == ["tddr", *REFERENCES, ORACLE, MISMATCHED]
    assert float(table.value.loc["uncorrected", "eeg", "residual"]) == 1
    assert float(table.value.loc["zero", "eeg", "error_db"]) == pytest.approx(0, abs=1e-6)
    assert table.value.loc[ORACLE, "eeg", "error_db"] == -np.inf
    assert table.value.loc[ORACLE, "nirs", "error_db"] < -100
    assert table.value.loc[MISMATCHED, "nirs", "error_db"] == -np.inf  # the stand-in's
    assert table.delay.values.tolist() == [np.inf, 0, 0, pytest.approx(np.nan, nan_ok=True), 60]
    with pytest.raises(ParameterError, match="in both"):
        with_partner(contaminated, without_stream(truth, "nirs"), "nirs")


def test_oracle_corrects_where_motion_is_and_nowhere_else(pair):
    truth, contaminated = pair
    node = stream_dataset(contaminated, "nirs").copy(deep=True)
    node.motion[0, 150:] = False  # an unmarked movement stays
    best = oracle(truth, with_stream(contaminated, "nirs", node))["nirs"].intensity.values
    before, true = node.intensity.values, truth["nirs"].intensity.values
    np.testing.assert_allclose(np.diff(np.log(best[0])), np.diff(np.log(before[0])), atol=1e-9)
    np.testing.assert_allclose(np.diff(np.log(best[1:])), np.diff(np.log(true[1:])), atol=1e-9)
    eeg = stream_dataset(contaminated, "eeg")
    quiet = ~eeg.motion.values
    back = oracle(truth, contaminated)["eeg"].eeg.values
    np.testing.assert_array_equal(back[quiet], eeg.eeg.values[quiet])
    np.testing.assert_array_equal(back[~quiet], truth["eeg"].eeg.values[~quiet])


def test_partner_is_cut_or_cycled(pair):
    truth, contaminated = pair
    swapped = with_partner(truth, contaminated, "nirs")
    np.testing.assert_array_equal(
        swapped["nirs"].intensity.values, contaminated["nirs"].intensity.values
    )
    assert swapped["eeg"].to_dataset().identical(truth["eeg"].to_dataset())
    assert provenance(swapped)[-1]["step"] == "with_partner"
    short = contaminated.sel(time=slice(10, 24.95))
    cycled = with_partner(truth, short, "nirs")["nirs"]
    assert cycled.sizes["time"] == truth["nirs"].sizes["time"]
    np.testing.assert_allclose(cycled.time.values, truth["nirs"].time.values)
    np.testing.assert_array_equal(
        cycled.intensity.values[..., :150], short["nirs"].intensity.values
    )
    steps = np.abs(np.diff(cycled.intensity.values)).max()
    assert steps == np.abs(np.diff(short["nirs"].intensity.values)).max()
    with pytest.raises(ParameterError, match="a partner with eeg only"):
        with_partner(truth, without_stream(contaminated, "nirs"), "nirs")


def test_table_shows_what_was_treated(pair):
    text = to_table(compare(pair[1], ["tddr", "zero"], pair[0]))
    eeg, nirs = text.split("**fNIRS**")
    assert "**EEG**" in eeg
    assert "tddr" not in eeg
    assert "tddr" in nirs
    assert "error_db [dB]" in nirs
    assert "alpha_ratio_quiet" in eeg
    assert "alpha_ratio_quiet" not in nirs
    widths = {len(line) for line in nirs.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_csv_round_trip(pair, tmp_path):
    table = compare(pair[1], ["tddr", "zero"], pair[0])
    path = to_csv(table, tmp_path / "table.csv")
    frame = pd.read_csv(path).set_index(["method", "modality", "metric"])
    for key in (("tddr", "nirs", "residual"), ("zero", "eeg", "error_db")):
        assert frame.loc[key, "value"] == pytest.approx(float(table.value.loc[key]), abs=1e-12)
    assert frame.loc[("zero", "eeg", "error_db"), "units"] == "dB"
    with pytest.raises(WriteError, match="do not exist yet"):
        to_csv(table, path)
    to_csv(table, path, overwrite=True)
    with pytest.raises(WriteError, match="can be written"):
        to_csv(table, path / "below" / "table.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_without_a_mismatched_recording_the_partner_is_from_another_time(pair):
    truth, contaminated = pair
    table = compare(contaminated, ["joint"], truth)
    assert table.method.values.tolist() == ["joint", *REFERENCES, ORACLE, MISMATCHED]
    node = contaminated["nirs"]
    moved = shifted(contaminated, "nirs")["nirs"]
    half = node.sizes["time"] // 2
    np.testing.assert_array_equal(moved.intensity[..., :-half], node.intensity[..., half:])
    steps = np.abs(np.diff(np.log(moved.intensity.values), axis=-1)).max()
    assert steps <= np.abs(np.diff(np.log(node.intensity.values), axis=-1)).max() * (1 + 1e-6)
    alone = compare(without_stream(contaminated, "nirs"), ["joint"])
    assert alone.method.values.tolist() == ["joint", *REFERENCES]


def test_channels_without_a_signal_are_reported_once_and_judged_alike(pair, caplog):
    truth, contaminated = pair
    flat = stream_dataset(contaminated, "eeg").copy(deep=True)
    flat.eeg[1] = 0.0
    table = compare(with_stream(contaminated, "eeg", flat), ["pca", "bandpass"], truth)
    assert sum("(flat)" in record.message for record in caplog.records) == 1
    fewer = [
        with_stream(r, "eeg", stream_dataset(r, "eeg").drop_isel(channel=[1]))
        for r in (contaminated, truth)
    ]
    alone = compare(fewer[0], ["pca", "bandpass"], fewer[1])
    np.testing.assert_allclose(
        table.value.loc[:, "eeg", "error_db"], alone.value.loc[:, "eeg", "error_db"]
    )
