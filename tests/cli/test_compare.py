import csv
import json

import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
from neurofuse.cli.compare import LEADING, compare_files, with_known_motion
from neurofuse.io import stream_dataset, with_stream

METHODS = "tddr,pca,uncorrected,zero"


@pytest.fixture(scope="module")
def pair(recorded):
    return [recorded["eeg"], recorded["nirs"]]


@pytest.fixture
def compared(pair, recorded, tmp_path):
    return compare_files(
        pair, tmp_path, truth=recorded["truth"], methods=METHODS.split(","), offset=0
    )


def test_files_hold_the_same_figures_as_the_table(compared):
    table, files = compared
    assert [path.name for path in files.values()] == [
        "simulated_comparison.csv", "simulated_comparison.json", "simulated_comparison.nc",
    ]  # fmt: skip
    with xr.open_dataset(files["table"], engine="h5netcdf") as stored:
        xr.testing.assert_allclose(stored.value, table.value)
    with files["csv"].open() as file:
        rows = {(r["method"], r["modality"], r["metric"]): r["value"] for r in csv.DictReader(file)}
    written = json.loads(files["json"].read_text())
    assert len(written["rows"]) == int(table.value.notnull().sum())
    for row in written["rows"]:
        key = (row["method"], row["modality"], row["metric"])
        assert float(row["value"]) == float(rows[key]) == float(table.value.loc[key])
        assert row["units"] == str(table.units.loc[row["metric"]].item())
    assert set(written["methods"]) == {*METHODS.split(","), "oracle"}


def test_files_are_scored_by_the_truths_mask(compared, recorded):
    table, _ = compared
    assert table.attrs["truth"] == "known"
    assert float(table.value.loc["uncorrected", "eeg", "residual"]) == pytest.approx(1)
    whole, _ = compare_files(
        [recorded["recording"]], truth=recorded["truth"], methods=["uncorrected"]
    )
    np.testing.assert_allclose(
        whole.value.loc["uncorrected", "eeg", "error_db"],
        table.value.loc["uncorrected", "eeg", "error_db"],
        atol=0.01,  # EDF rounds to 16 bits
    )


def test_a_recordings_own_mask_comes_first(recorded):
    truth, recording = nf.read(recorded["truth"]), nf.read(recorded["recording"])
    node = stream_dataset(recording, "eeg")
    recording = with_stream(recording, "eeg", node.assign(motion=~node.motion))
    xr.testing.assert_identical(with_known_motion(recording, truth)["eeg"], recording["eeg"])


def test_masks_are_matched_by_channel_name(recorded):
    truth = nf.read(recorded["truth"])
    bare = nf.read(recorded["recording"])
    node = stream_dataset(bare, "eeg").drop_vars("motion")
    bare = with_stream(bare, "eeg", node.isel(channel=slice(None, None, -1)))
    found = with_known_motion(bare, truth)["eeg"].motion
    xr.testing.assert_equal(found.sel(channel=truth["eeg"].channel), truth["eeg"].motion)


def test_the_printed_tables_name_streams_methods_and_leading_figures(run, pair, recorded):
    done = run("compare", *pair, "--offset", 0, "--truth", recorded["truth"], "--methods", METHODS)
    assert done.exit_code == 0, done.stderr
    for word in ("EEG", "fNIRS", "uncorrected", "residual", "correlation", "↓", "↑"):
        assert word in done.stdout
    assert "zero: an output of zeros" in done.stdout
    assert "Smallest error in motion: in EEG " in done.stdout
    assert "truth is unknown" not in done.stdout


def test_leading_figures_are_figures_of_the_table(compared):
    assert set(LEADING) <= set(compared[0].metric.values)


@pytest.mark.slow
def test_without_truth_the_figures_are_labelled(run, pair):
    done = run("compare", *pair, "--offset", 0, "--methods", "tddr,uncorrected")
    assert done.exit_code == 0, done.stderr
    assert "The truth is unknown" in done.stdout


def test_json_is_all_that_is_printed(run, pair):
    done = run("compare", *pair, "--offset", 0, "--methods", "uncorrected", "--json")
    found = json.loads(done.stdout)
    assert found["attributes"] == {"truth": "unknown"}
    assert "-inf" in [row["value"] for row in found["rows"]]  # uncorrected: nothing changed


def test_an_unknown_method_is_refused_and_named(run, pair, tmp_path):
    done = run("compare", *pair, "--offset", 0, "--methods", "tdrr", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "found the method 'tdrr'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_methods_that_cannot_treat_the_recording_are_refused(run, recorded):
    done = run("compare", recorded["nirs"], "--methods", "pca")
    assert done.exit_code == 2
    assert "no method that runs on this recording" in done.stderr


def test_a_truth_of_another_recording_is_refused(run, recorded, tmp_path, at_rest):
    nf.write(at_rest, tmp_path, stem="other")
    done = run(
        "compare", recorded["recording"], "--truth", tmp_path / "other_recording.nc",
    )  # fmt: skip
    assert done.exit_code == 2
    assert "the same times" in done.stderr
