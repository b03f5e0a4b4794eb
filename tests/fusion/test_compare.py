"""Comparison: what stands in which cell, what fails without ending it, and the tables."""

import sys
import types

import numpy as np
import pandas as pd
import pytest

from neurofuse.fusion.compare import METHODS, compare, streams_of, with_partner
from neurofuse.fusion.metrics import score
from neurofuse.fusion.peers import PEERS, get
from neurofuse.fusion.table import to_csv, to_table
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.recording import (
    provenance,
    stream_dataset,
    with_stream,
    without_stream,
)

QUICK = ["tddr", "bandpass", "pca", "untouched", "zero"]


@pytest.fixture
def perfect(pair, monkeypatch):
    """A stand-in for the models that gives back the truth in the streams of its model."""
    module = types.ModuleType("neurofuse.fusion.clean")

    def clean(recording, model="joint"):
        for stream in streams_of(model):
            recording = with_stream(recording, stream, stream_dataset(pair[0], stream))
        return recording

    module.clean = clean  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "neurofuse.fusion.clean", module)


def test_default_methods_against_a_truth(pair, perfect):
    truth, contaminated = pair
    seen = []
    table = compare(contaminated, truth=truth, progress=seen.append)
    assert tuple(table.method.values) == METHODS == tuple(seen)
    assert table.failure.values.tolist() == [""] * len(METHODS)
    assert (table.seconds >= 0).all()
    error = table.value.sel(metric="error_db")
    for model, modality in (("joint", "eeg"), ("joint", "nirs"), ("eeg", "eeg"), ("nirs", "nirs")):
        assert error.loc[model, modality] == -np.inf
    np.testing.assert_allclose(error.loc["zero"], 0, atol=1e-6)
    for method in METHODS:
        for modality in ("eeg", "nirs"):
            treated = modality in streams_of(method)
            assert np.isfinite(table.value.loc[method, modality, "residual"]) == treated
    assert table.attrs["truth"] == "known"


def test_a_cell_is_what_score_gives(pair):
    truth, contaminated = pair
    table = compare(contaminated, ["bandpass"], truth)
    expected = score(truth, contaminated, get("bandpass").transform(contaminated))
    np.testing.assert_array_equal(table.value[0], expected.value)
    np.testing.assert_array_equal(table.units, expected.units)


def test_without_truth_only_labelled_figures(pair):
    table = compare(pair[1], QUICK)
    assert all(str(metric).startswith("noref_") for metric in table.metric.values)
    ratio = table.value.sel(metric="noref_motion_ratio", modality="eeg")
    assert ratio.loc["pca"] < ratio.loc["untouched"]
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
    assert table.value.shape[:2] == (2, 1)
    assert np.isnan(table.value).all()
    assert all(table.failure.values)
    assert "Did not run" in to_table(table)


def test_refusals(pair):
    truth, contaminated = pair
    with pytest.raises(ParameterError, match=r"'asr'.*joint, eeg, nirs, untouched"):
        compare(contaminated, ["bandpass", "asr"], truth)
    with pytest.raises(ParameterError, match="no method"):
        compare(contaminated, [])
    with pytest.raises(ParameterError, match="the same times"):
        compare(contaminated, ["zero"], truth.sel(time=slice(0, 20)))


def test_every_peer_is_compared_by_default():
    assert set(PEERS) <= set(METHODS)


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
