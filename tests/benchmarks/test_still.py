"""The benchmark of recordings at rest, on made recordings whose changes are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from benchmarks.common.evaluation import Case, kept, table
from benchmarks.common.figures import Figure, by_device, one_by_one, side_by_side
from benchmarks.moving import nirs as moving
from benchmarks.still import eeg, nirs
from benchmarks.still.__main__ import figures, page
from benchmarks.still.change import FLOOR
from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io import build, eeg_dataset, nirs_dataset, stream_dataset, write_nirs
from neurofuse.io.errors import ParameterError
from neurofuse.synth import simulate

RATE, COUNT = 10.0, 1500
TIME = np.arange(COUNT) / RATE


def light(density: np.ndarray, rate: float = RATE) -> xr.DataTree:
    """A Recording of optical density (channel, wavelength, time)."""
    names = [f"S{k}" for k in range(len(density))]
    return build(nirs=nirs_dataset(density, rate, [760, 850], names, names, variable="od"))


@pytest.fixture
def density() -> np.ndarray:
    """Ten channels with slow waves and a heart beat."""
    noise = np.random.default_rng(0).normal(0, 1e-4, (10, 2, COUNT))
    return 0.01 * np.sin(2 * np.pi * 0.05 * TIME) + 0.004 * np.sin(2 * np.pi * 1.1 * TIME) + noise


def still_case(recording: xr.DataTree, rate: float = RATE) -> Case:
    return Case("nirs", "someone", "device", rate, nirs.NATIVE, "run", recording)


def test_unchanged_fnirs_is_at_the_floor(density):
    recording = light(density)
    found = nirs.figures(still_case(recording), recording)
    assert found["change"] == found["worst"] == FLOOR
    assert found["gain"] == found["pulse"] == 1
    assert np.isnan(found["open"])


def test_slow_waves_and_pulse_that_are_halved_are_found(density):
    slow = bandpass(density, RATE, *nirs.SLOW)
    found = nirs.figures(still_case(light(density)), light(density - 0.5 * slow))
    assert found["gain"] == pytest.approx(0.5, abs=0.01)
    assert found["change"] == pytest.approx(-6.02, abs=0.1)
    assert found["pulse"] == pytest.approx(1, abs=0.01)
    beat = bandpass(density, RATE, 0.8, 1.5)
    found = nirs.figures(still_case(light(density)), light(density - 0.5 * beat))
    assert found["pulse"] == pytest.approx(0.25, abs=0.02)
    assert found["gain"] == pytest.approx(1, abs=0.01)


def test_one_bad_channel_in_five_shows_in_the_worst_tenth_only(density):
    after = density.copy()
    after[:2] *= 0.5
    found = nirs.figures(still_case(light(density)), light(after))
    assert found["change"] == FLOOR
    assert found["worst"] == pytest.approx(-6.02, abs=0.1)


def test_the_open_share_is_that_of_the_mask(density):
    recording = light(density)
    gate = np.zeros((10, COUNT))
    gate[:5, :150] = 1
    node = stream_dataset(recording, "nirs").assign(gate=(("channel", "time"), gate))
    assert nirs.figures(still_case(recording), build(nirs=node))["open"] == pytest.approx(0.05)


def test_resampling_keeps_slow_waves_and_lets_nothing_fold_back(density):
    node = stream_dataset(light(density), "nirs")
    low = nirs.resampled(node, 2.0)
    assert low.attrs["rate"] == 2.0
    assert low.sizes["time"] == 300
    wave = 0.01 * np.sin(2 * np.pi * 0.05 * low.time.values)
    # 1.1 Hz would fold to 0.9 Hz with an amplitude of 0.004
    assert np.abs(low.od.values - wave)[..., 20:-20].max() < 4e-4
    assert build(nirs=low)["nirs"].od.dims == ("channel", "wavelength", "time")


def test_drift_that_a_method_takes_is_a_change_though_not_in_the_band():
    truth = 1e-5 * np.random.default_rng(0).standard_normal((4, 15000))
    slow = 1e-4 * eeg.drift(truth.shape, 250.0, 1)
    names = ["Fp1", "C3", "C4", "O1"]
    recording, without = (build(eeg_dataset(x, 250.0, names)) for x in (truth + slow, truth))
    case = Case("eeg", "someone", "device", 250.0, "100 µV", "run", recording, truth)
    kept = eeg.figures(case, recording)
    assert kept["change"] == kept["total"] == kept["change_in_band"] == FLOOR
    taken = eeg.figures(case, without)
    assert taken["change"] > 15
    assert taken["change_in_band"] < -20


def test_the_evaluation_passes_over_other_modalities_and_keeps_failures(density):
    class Refusing:
        name, streams, delay, citation = "refusing", ("nirs",), 0.0, ""

        def fit(self, recording):
            return self

        def transform(self, recording):
            raise ParameterError("one channel", "two", "add one")

    cases = [still_case(light(density))]
    assert table("asr", cases, nirs.figures).empty
    refused = table(Refusing(), cases, nirs.figures)
    assert "one channel" in refused.failure[0]
    assert table("uncorrected", cases, nirs.figures).failure.tolist() == [""]


def test_a_method_is_evaluated_once_and_its_missing_figures_stay_missing(tmp_path):
    asked = []

    def evaluate(method: str, part: str) -> pd.DataFrame:
        asked.append((method, part))
        return rows(10.0, change=-10.0, pulse=np.nan)

    first = kept(["tddr", "nirs"], evaluate, "validation", tmp_path)
    again = kept(["tddr", "nirs"], evaluate, "validation", tmp_path)
    assert list(again) == ["tddr", "fNIRS model alone"]
    assert asked == [("tddr", "validation"), ("nirs", "validation")]
    pd.testing.assert_frame_equal(first["tddr"], again["tddr"])
    assert again["tddr"].pulse.isna().all()
    kept(["tddr"], evaluate, "train", tmp_path)
    assert asked[-1] == ("tddr", "train")


def rows(rate: float, **values: float) -> pd.DataFrame:
    """An evaluation of two people, the first with two recordings."""
    common = {"stream": "nirs", "device": "x", "rate": rate, "kind": nirs.NATIVE, "failure": ""}
    people = ("a", "a", "b")
    made = [common | {"participant": p, "name": f"{p}{k}"} for k, p in enumerate(people)]
    return pd.DataFrame(made).assign(**{k: [v, v, 3 * v] for k, v in values.items()})


def test_a_participant_counts_once():
    figure = Figure("fNIRS", "change [dB]", "change", lambda t: t.rate > 0, "≤ −25")
    results = {"tddr": rows(10.0, change=-10.0), "asr": pd.DataFrame()}
    assert figure.values(results["tddr"]) == [-10.0, -30.0]
    shown = side_by_side([figure, figure], results)
    assert shown.rows[0] == ["fNIRS: change [dB]", "≤ −25", "2", "-20.0", "–"]
    assert shown.rows[1][0] == "… change [dB]"
    listed = one_by_one([figure], results).rows
    assert listed == [["fNIRS", "change [dB]", "≤ −25", "tddr", "2", "-20", "", "", "-20"]]
    assert by_device(results).rows == [["tddr", "nirs", "x", "10", "native", "2", "-20"]]


def test_the_page_shows_each_rate_on_its_own_line():
    results = {"tddr": rows(2.0, change=-10.0, worst=-5.0, gain=0.5, pulse=np.nan, open=0.02)}
    made = {line[0]: line[3] for line in page(results, "validation").table.rows}
    assert made["fNIRS at 2 Hz: change [dB]"] == "-20.0"
    assert made["… slow waves kept"] == "1.00"
    assert made["fNIRS at 1 Hz: change [dB]"] == "–"
    assert len({(f.group, f.title) for f in figures()}) == len(figures())


def written(folder: Path, name: str, moving: float) -> Path:
    """A file of 100 s of fNIRS whose channels jump about in the first `moving` seconds."""
    recording, _ = simulate(100.0, seed=3, severity=0.0, task=None, eeg_montage=None)
    node = stream_dataset(recording, "nirs")
    jumps = np.random.default_rng(0).normal(0, 0.3, node.sizes["time"])
    jumps[node.time.values > moving] = 0
    lights = node.intensity * np.exp(jumps)
    path = folder / f"sub-1_{name}_nirs.snirf"
    write_nirs(build(nirs=node.assign(intensity=lights)), path)
    return path


def test_a_file_is_cut_to_its_calm_part(tmp_path):
    node = nirs.calm_part(written(tmp_path, "task-rest", moving=30.0))
    assert node is not None
    length = node.sizes["time"] / node.attrs["rate"]
    assert 60 < length < 69
    assert node.time.values[0] == 0
    assert nirs.calm_part(written(tmp_path, "task-short", moving=60.0)) is None


def test_good_recordings_come_at_lower_rates_too_and_tasks_in_motion_never(tmp_path, monkeypatch):
    files = [written(tmp_path, "task-rest", 0.0), written(tmp_path, "task-convo", 0.0)]
    monkeypatch.setattr(
        nirs, "subject_files", lambda part, kind: {"sub-1": files} if kind == "nirs_still" else {}
    )
    made = list(nirs.cases("validation"))
    assert {case.name for case in made} == {"sub-1_task-rest_nirs"}
    assert [case.kind for case in made] == [nirs.NATIVE] + [nirs.RESAMPLED] * (len(made) - 1)
    own = made[0].rate
    assert [case.rate for case in made[1:]] == [rate for rate in nirs.RATES if rate < own]
    for case in made:
        assert stream_dataset(case.recording, "nirs").attrs["rate"] == case.rate


def test_movement_is_compared_with_rest_in_the_same_cap(tmp_path, monkeypatch):
    files = [written(tmp_path, "task-rest", 0.0), written(tmp_path, "task-convo", 40.0)]
    monkeypatch.setattr(moving, "subject_files", lambda part, kind: {"sub-1": files})
    (case,) = moving.cases("validation")
    assert case.name == "sub-1_task-convo_nirs"
    assert case.kind == "own rest"
    assert case.reference is not None
    count = stream_dataset(case.recording, "nirs").sizes["channel"]
    assert len(case.reference) == 2 * count
    monkeypatch.setattr(moving, "subject_files", lambda part, kind: {"sub-1": files[1:]})
    (case,) = moving.cases("validation")
    assert case.reference is None
