import json
import logging

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurofuse as nf
from neurofuse.fusion.confounds import (
    add_confounds,
    confounds,
    epoch_weights,
    glm_weights,
    write_confounds,
)
from neurofuse.io import build, eeg_dataset, to_optical_density
from neurofuse.io.errors import NeurofuseError, ParameterError, WriteError
from neurofuse.io.lazy import blocks_of
from neurofuse.io.recording import GATE_OPEN, LOST, stream_dataset, with_stream, without_stream
from neurofuse.synth import simulate
from tests.builders import eeg_node, nirs_node, recording_of, with_masks

CORE = ["motion", "lost", "motion_outlier", "gvtd", "expected_error"]
Pair = tuple[xr.DataTree, xr.DataTree]


@pytest.fixture(scope="module")
def cleaned() -> Pair:
    """Contaminated and cleaned: two minutes and a half with short channels and an IMU.

    Without verdicts: each test that is about them makes its own.
    """
    contaminated = simulate(150.0, seed=2, nirs_montage="motor+short", sensors=True)[1]
    result = nf.clean(contaminated, uncertainty=True)
    for stream in ("eeg", "nirs"):
        node = stream_dataset(result, stream).drop_vars("verdict", errors="ignore")
        result = with_stream(result, stream, node)
    return contaminated, result


@pytest.fixture(scope="module")
def frames(cleaned) -> dict[str, pd.DataFrame]:
    return confounds(cleaned[1], recording=cleaned[0])


def columns_of(frame: pd.DataFrame, kind: str) -> list[str]:
    return [name for name in frame if name.startswith(kind)]


def changed(recording: xr.DataTree, stream: str, **variables: np.ndarray) -> xr.DataTree:
    """With variables (channel, time) in a stream."""
    node = stream_dataset(recording, stream)
    given = {name: (("channel", "time"), values) for name, values in variables.items()}
    return with_stream(recording, stream, node.assign(given))


def quiet_nirs(seconds: float = 300.0, channels: int = 4) -> xr.DataTree:
    """Optical density without movement, and a motion mask of 0."""
    noise = np.random.default_rng(3).normal(0, 0.002, (channels, 2, round(10 * seconds)))
    return moving(recording_of(nirs=nirs_node(noise, variable="od")), [])


def moving(recording: xr.DataTree, spans: list[tuple[float, float]]) -> xr.DataTree:
    """The motion mask of all fNIRS channels is 1 in spans [s]."""
    time = recording["nirs"].time.values
    mask = np.zeros(time.size)
    for first, last in spans:
        mask[(time >= first - 1e-6) & (time < last - 1e-6)] = 1
    return with_masks(recording, "gate", nirs=mask)


def test_fnirs_has_a_row_for_each_sample(cleaned, frames):
    frame, node = frames["nirs"], cleaned[1]["nirs"]
    assert frame.index.name == "time"
    assert np.allclose(frame.index, node.time - node.time[0])
    short = columns_of(frame, "short_channel_")
    steps = columns_of(frame, "level_step_")
    assert list(frame) == [*CORE, *steps, *short, "head_acceleration", "head_rotation"]
    assert steps[0] == "level_step_00"
    assert short[0] == "short_channel_00"
    assert set(frame.attrs["units"]) == {"time", *frame}
    assert frame.motion.between(0, 1).all()
    assert frame.lost.isna().all()
    assert (frame.expected_error[frame.motion == 1] > 0).all()


def test_eeg_has_a_row_for_each_epoch(cleaned):
    frame = confounds(cleaned[1], epochs=0.7)["eeg"]
    node = cleaned[1]["eeg"]
    assert list(frame) == ["onset", "duration", "motion", "lost", "expected_error"]
    assert len(frame) == int(150 / 0.7)
    assert frame.duration.sum() == pytest.approx(frame.onset.iloc[-1] + frame.duration.iloc[-1])
    for row in (0, 57, len(frame) - 1):
        first = round(frame.onset[row] * 250)
        part = slice(first, first + round(frame.duration[row] * 250))
        gate, error = node.gate.values[:, part], node.uncertainty.values[:, part].astype(float)
        assert frame.motion[row] == pytest.approx((gate > GATE_OPEN).mean())
        assert frame.expected_error[row] == pytest.approx(np.sqrt((error**2).mean()))


def test_motion_follows_what_was_injected(cleaned, frames):
    true = cleaned[0]["nirs"].motion.values.mean(0)
    assert np.corrcoef(frames["nirs"].motion, true)[0, 1] > 0.6
    assert frames["nirs"].motion[true == 0].mean() < 0.1
    seconds = cleaned[0]["eeg"].motion.values.mean(0).reshape(150, 250).mean(1)
    assert np.corrcoef(frames["eeg"].motion, seconds)[0, 1] > 0.8
    still = true < 0.5
    for name in ("gvtd", "head_rotation"):  # as recorded, and measured by another sensor
        course = frames["nirs"][name]
        assert course[~still].median() > 2 * course[still].median(), name


def test_steps_change_within_movements(cleaned, frames):
    most = (cleaned[1]["nirs"].gate.values > 0).mean(0) > 0.5
    steps = frames["nirs"][columns_of(frames["nirs"], "level_step_")]
    assert 1 <= steps.shape[1] <= 5  # 150 s
    at = [int(np.argmax(steps[name])) for name in steps]
    assert most[at].all()
    assert (np.diff(at) >= 20).all()
    assert ((steps.diff().iloc[1:] != 0).sum() == 1).all()


def test_steps_are_where_known_movements_are(caplog):
    spans = [(0.5, 2.0), (50.0, 51.0), (52.0, 52.4), (100.0, 101.0), (200.0, 201.0), (299.0, 300.0)]
    frame = confounds(moving(quiet_nirs(), spans))["nirs"]
    steps = columns_of(frame, "level_step_")
    at = [frame.index[int(np.argmax(frame[name]))] for name in steps]
    # none at the ends, where there is nothing to compare with; those at 50 and 52 s are one
    assert at == pytest.approx([50.7, 100.5, 200.5])
    assert np.array_equal(frame.motion_outlier, frame.motion)
    assert not caplog.records


def test_a_movement_of_few_channels_has_no_step():
    still = quiet_nirs()
    gate = stream_dataset(still, "nirs").gate.values.copy()
    gate[:2, 1000:1020] = 1
    frame = confounds(changed(still, "nirs", gate=gate))["nirs"]
    assert columns_of(frame, "level_step_") == []
    assert frame.motion.max() == 0.5
    assert frame.motion_outlier.max() == 0


def test_many_movements_leave_room_for_responses(caplog):
    spans = [(10.0 * k, 10.0 * k + (1.0 if k % 3 else 2.0)) for k in range(1, 29)]
    frame = confounds(moving(quiet_nirs(), spans))["nirs"]
    steps = columns_of(frame, "level_step_")
    assert len(steps) == 10
    at = np.array([frame.index[int(np.argmax(frame[name]))] for name in steps])
    assert (np.diff(at) > 0).all()
    assert set(np.arange(31.0, 272.0, 30.0)) <= set(at.round(6))  # the longer ones
    assert "28 movements in 300 s" in caplog.text


def test_a_glm_with_steps_finds_a_level_shift():
    still = quiet_nirs()
    node = stream_dataset(still, "nirs")
    time = node.time.values
    shift = np.where(time >= 120.3, 0.05, 0.0) - np.where(time >= 240.2, 0.02, 0.0)
    shifted = with_stream(still, "nirs", node.assign(od=node.od + shift))
    frame = confounds(moving(shifted, [(120.0, 120.6), (240.0, 240.4)]))["nirs"]
    task = np.sin(2 * np.pi * time / 60) > 0.5
    design = pd.DataFrame({"task": task.astype(float), "constant": 1.0}, frame.index)
    measured = node.od.values[0, 0] + 0.01 * task + shift
    whole = add_confounds(design, frame)
    beta = dict(zip(whole, np.linalg.lstsq(whole.to_numpy(), measured)[0], strict=True))
    # 5 standard errors of 0.002 / sqrt(samples on the shorter side), plus samples off the step
    assert beta["level_step_00"] == pytest.approx(0.05, abs=5e-4)
    assert beta["level_step_01"] == pytest.approx(-0.02, abs=5e-4)
    assert beta["task"] == pytest.approx(0.01, abs=5e-4)


def test_short_channels_are_standardised_and_explain_the_scalp(cleaned, frames):
    frame = frames["nirs"]
    short = frame[columns_of(frame, "short_channel_")]
    assert 1 <= short.shape[1] <= 6
    assert np.allclose(short.mean(), 0, atol=1e-9)
    assert np.allclose(short.std(ddof=0), 1)
    assert np.allclose(short.corr(), np.eye(short.shape[1]), atol=1e-6)
    node = to_optical_density(cleaned[1])["nirs"].to_dataset()
    rows = node.od.values[node.short.values].reshape(-1, len(frame))
    rows = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    explained = ((rows @ short.to_numpy() / len(frame)) ** 2).sum() / len(rows)
    fewer = ((rows @ short.to_numpy()[:, :-1] / len(frame)) ** 2).sum() / len(rows)
    assert fewer < 0.9 <= explained or short.shape[1] == 6
    again = confounds(cleaned[1])["nirs"]
    assert np.array_equal(again[list(short)], short)


def test_lost_samples_do_not_enter_short_channels(cleaned):
    node = stream_dataset(to_optical_density(cleaned[1]), "nirs")
    lost = int(np.flatnonzero(node.short.values)[0])
    od, verdict = node.od.values.copy(), np.zeros(node.gate.shape, np.int8)
    verdict[lost, 300:400] = LOST
    before = with_stream(cleaned[1], "nirs", node.assign(verdict=(("channel", "time"), verdict)))
    od[lost, :, 300:400] += 7.0
    after = with_stream(
        before, "nirs", stream_dataset(before, "nirs").assign(od=(node.od.dims, od))
    )
    one, other = (confounds(r)["nirs"] for r in (before, after))
    names = columns_of(one, "short_channel_")
    assert np.allclose(one[names], other[names])
    assert one.lost[300:400].to_numpy() == pytest.approx(1 / len(od))
    assert one.lost[400:].max() == 0


def test_lost_samples_of_eeg_count_as_such(cleaned):
    node = stream_dataset(cleaned[1], "eeg")
    error = node.uncertainty.values.copy()
    verdict = np.zeros(node.gate.shape, np.int8)
    verdict[:5, 10 * 250 : 11 * 250 + 125] = LOST
    error[:5, 10 * 250 : 11 * 250 + 125] = 1.0  # V, of nothing
    frame = confounds(changed(cleaned[1], "eeg", verdict=verdict, uncertainty=error))["eeg"]
    assert frame.lost[9:13].tolist() == pytest.approx([0, 5 / 19, 5 / 38, 0])
    assert frame.lost.sum() == pytest.approx(5 / 19 + 5 / 38)
    assert frame.expected_error.max() < 1e-3


def test_gvtd_is_that_of_the_recording_where_it_is_given(cleaned, frames):
    own = confounds(cleaned[1])["nirs"].gvtd
    assert np.array_equal(frames["nirs"].gvtd, nf.io.global_variance(cleaned[0]).values)
    assert own.max() < frames["nirs"].gvtd.max()


def test_one_modality_is_enough(cleaned):
    only_eeg = confounds(without_stream(cleaned[1], "nirs"))
    only_nirs = confounds(without_stream(cleaned[1], "eeg"), epochs=1e9)
    both = confounds(cleaned[1])
    assert list(only_eeg) == ["eeg"]
    assert list(only_nirs) == ["nirs"]
    pd.testing.assert_frame_equal(only_eeg["eeg"], both["eeg"])
    pd.testing.assert_frame_equal(only_nirs["nirs"], both["nirs"])


def test_a_method_without_mask_leaves_motion_unknown(simulated):
    tables = confounds(nf.clean(simulated[1], "tddr"), recording=simulated[1])
    frame = tables["nirs"]
    assert frame[["motion", "motion_outlier", "expected_error"]].isna().to_numpy().all()
    assert list(frame) == CORE
    assert frame.gvtd.notna().all()
    assert len(tables["eeg"]) == 60
    assert tables["eeg"][["motion", "expected_error"]].isna().to_numpy().all()


def test_bad_channels_do_not_count(cleaned):
    node = stream_dataset(cleaned[1], "nirs")
    half = np.arange(node.sizes["channel"]) % 2 == 0
    gate = np.tile(half[:, None], (1, node.sizes["time"])).astype(float)
    marked = changed(cleaned[1], "nirs", gate=gate)
    assert (confounds(marked)["nirs"].motion == 0.5).all()
    marked = with_stream(
        marked, "nirs", stream_dataset(marked, "nirs").assign_coords(bad=("channel", half))
    )
    assert (confounds(marked)["nirs"].motion == 0).all()
    none = stream_dataset(marked, "nirs").assign_coords(bad=("channel", half | True))
    frame = confounds(with_stream(marked, "nirs", none))["nirs"]
    assert frame[CORE].isna().to_numpy().all()
    assert columns_of(frame, "short_channel_") == []


def test_large_eeg_is_read_block_by_block(cleaned):
    node = stream_dataset(cleaned[1], "eeg")
    reads = []

    class Watched:
        """Samples of a file that note what is read of them."""

        ndim, shape = 2, node.eeg.shape

        def __init__(self, values):
            self.values, self.dtype = values, values.dtype

        def __getitem__(self, key):
            reads.append(key[1].stop - key[1].start)
            return self.values[key]

    names = ("eeg", "gate", "uncertainty")
    held = {n: (("channel", "time"), blocks_of(Watched(node[n].values), 250.0)) for n in names}
    lazy = with_stream(cleaned[1], "eeg", node.assign(held))
    pd.testing.assert_frame_equal(confounds(lazy)["eeg"], confounds(cleaned[1])["eeg"])
    assert sum(reads) == 2 * 37500  # mask and uncertainty, each once
    assert max(reads) <= 15000  # a minute
    reads.clear()
    onsets = np.arange(1.0, 148.0, 0.5)
    weights = [epoch_weights(r, onsets, -0.2, 0.8) for r in (lazy, cleaned[1])]
    xr.testing.assert_identical(*weights)
    assert sum(reads) <= 3 * 2 * 37500  # two blocks at a time, and not one for each epoch


def test_files_are_read_back(cleaned, frames, tmp_path):
    for stream, frame in frames.items():
        made = write_confounds(tmp_path / f"sub-01_desc-{stream}_timeseries.tsv", frame)
        table = pd.read_csv(made["table"], sep="\t", na_values="n/a")
        expected = frame.reset_index() if stream == "nirs" else frame.reset_index(drop=True)
        pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-6)
        described = json.loads(made["description"].read_text("utf-8"))
        assert list(described) == list(table)
        assert all(set(entry) == {"Description", "Units"} for entry in described.values())
        assert described["motion"]["Units"] == "1"
    unit = {s: f.attrs["units"]["expected_error"] for s, f in frames.items()}
    assert unit == {"eeg": "V", "nirs": "1"}


def test_missing_values_are_written_as_such(frames, tmp_path):
    frame = frames["nirs"].assign(lost=np.nan)
    path = tmp_path / "a.tsv"
    write_confounds(path, frame)
    assert path.read_text("utf-8").splitlines()[1].split("\t")[2] == "n/a"
    with pytest.raises(WriteError, match=r"a\.json, a\.tsv"):
        write_confounds(path, frame)
    write_confounds(path, frame.iloc[:3], overwrite=True)
    assert len(path.read_text("utf-8").splitlines()) == 4
    with pytest.raises(ParameterError, match=r"ends in \.tsv"):
        write_confounds(tmp_path / "a.csv", frame)


def test_a_design_of_mne_nirs_keeps_its_rank(cleaned, caplog):
    """Also where fNIRS begins later than the EEG, of which the times of its Raw know nothing."""
    from mne_nirs.experimental_design import make_first_level_design_matrix

    late = cleaned[1].copy()
    node = stream_dataset(late, "nirs")
    late = with_stream(late, "nirs", node.assign_coords(time=node.time + 7.3))
    raw = nf.to_mne(late)[1]
    assert raw is not None
    raw.resample(4.0)
    design = make_first_level_design_matrix(raw, drift_model="cosine", high_pass=0.01, stim_dur=5.0)
    frame = confounds(late)["nirs"]
    whole = add_confounds(design, frame, list(frame))
    assert np.linalg.matrix_rank(whole) == whole.shape[1] > design.shape[1]
    assert whole.index.equals(design.index)
    assert np.allclose(whole.drop(columns=list(design)).mean(), 0)
    step = whole.level_step_00.to_numpy()
    at = whole.index[int(np.argmax(step > 0))]
    assert abs(at - frame.index[int(np.argmax(frame.level_step_00))]) <= 0.25
    warnings = [r for r in caplog.records if r.name == "neurofuse" and "left out" in r.message]
    assert len(warnings) == 1


def test_what_adds_nothing_is_left_out_and_named(caplog):
    time = pd.Index(np.arange(600) / 10, name="time")
    rng = np.random.default_rng(0)
    task = rng.normal(size=600)
    design = pd.DataFrame({"task": task, "constant": 1.0}, time)
    frame = pd.DataFrame(
        {
            "steady": 3.7,
            "unknown": np.nan,
            "task_again": 2 * task + 5,
            "fresh": rng.normal(size=600),
            "nearly": np.nan,
            "gaps": np.where(np.arange(600) % 2, rng.normal(size=600), np.nan),
        },
        time,
    )
    frame["nearly"] = frame.fresh - task + 0.01 * rng.normal(size=600)
    whole = add_confounds(design, frame, list(frame))
    assert list(whole) == ["task", "constant", "fresh", "gaps"]
    assert np.isfinite(whole).all().all()
    named = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert [n for n in frame if n in named[0].message] == [
        *("steady", "unknown", "task_again", "nearly")
    ]
    assert len(named) == 1
    assert list(design) == ["task", "constant"]
    # without steps and short channels there is nothing to add
    assert list(add_confounds(design, frame)) == list(design)


def test_a_table_read_from_its_file_can_be_added(frames, tmp_path):
    made = write_confounds(tmp_path / "a.tsv", frames["nirs"])
    table = pd.read_csv(made["table"], sep="\t")
    design = pd.DataFrame({"constant": 1.0}, frames["nirs"].index)
    one, other = add_confounds(design, table), add_confounds(design, frames["nirs"])
    pd.testing.assert_frame_equal(one, other, rtol=1e-6, check_index_type=False)


def test_what_cannot_be_added_is_refused(frames):
    frame = frames["nirs"]
    design = pd.DataFrame({"task": 1.0}, frame.index)
    for wrong, message in [
        (lambda: add_confounds(design, frame, ["motoin"]), "motoin"),
        (lambda: add_confounds(design.iloc[300:], frame), "same stretch"),
        (lambda: add_confounds(design.set_axis(frame.index + 10), frame), "same stretch"),
        (lambda: add_confounds(design.reset_index(drop=True), frame), "same stretch"),
        (lambda: add_confounds(design.iloc[::-1], frame), "increasing times"),
        (lambda: add_confounds(design.set_axis(["a"] * len(design)), frame), "increasing times"),
        (lambda: add_confounds(design.assign(gvtd=0.0), frame, ["gvtd"]), "in the design already"),
        (lambda: add_confounds(design, frames), "take one modality"),  # type: ignore[arg-type]
        (lambda: add_confounds(design, frame, "gvtd"), "a list of names"),
        (lambda: add_confounds(design.assign(a="x"), frame), "missing values or text"),
        (lambda: write_confounds("a.tsv", frames), "take one modality"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(ParameterError, match=message):
            wrong()


def test_weights_of_samples(cleaned):
    weight = glm_weights(cleaned[1])
    node = stream_dataset(to_optical_density(cleaned[1]), "nirs")
    assert weight.dims == ("channel", "time")
    assert weight.shape == node.gate.shape
    gate = node.gate.values
    usable = ~node.bad.values
    assert (weight.values[usable][gate[usable] == 0] == 1).all()
    assert np.allclose(weight.values[usable], 1 - gate[usable])
    assert (gate[usable] > GATE_OPEN).any()


def test_what_nobody_cleaned_has_confounds_too():
    node = stream_dataset(quiet_nirs(60.0), "nirs").drop_vars("gate")
    frame = confounds(with_stream(quiet_nirs(60.0), "nirs", node))["nirs"]
    assert frame.motion.isna().all()
    assert frame.gvtd.notna().all()
    assert not columns_of(frame, "level_step_")
    eeg = confounds(build(eeg_dataset(np.ones((1, 500)), 250.0, ["Cz"])))["eeg"]
    assert len(eeg) == 2
    assert eeg[["motion", "lost", "expected_error"]].isna().to_numpy().all()


def test_weights_follow_the_mask_and_what_is_lost():
    recording = moving(quiet_nirs(60.0), [(20.0, 22.0)])
    verdict = np.zeros((4, 600), np.int8)
    verdict[1, 400:450] = LOST
    weight = glm_weights(changed(recording, "nirs", verdict=verdict)).values
    expected = np.ones((4, 600))
    expected[:, 200:220] = 0
    expected[1, 400:450] = 0
    assert np.array_equal(weight, expected)
    node = stream_dataset(recording, "nirs")
    bad = node.drop_vars("gate").assign_coords(bad=("channel", [True, False, False, False]))
    weight = glm_weights(with_stream(recording, "nirs", bad)).values
    assert (weight[0] == 0).all()
    assert (weight[1:] == 1).all()


def epochs_of_noise(count: int = 400) -> tuple[xr.DataTree, np.ndarray]:
    """1 s epochs of 10 µV noise; in every other one a repair with five times that error."""
    rng = np.random.default_rng(5)
    error = np.repeat(np.where(np.arange(count) % 2, 50e-6, 0.0), 100)[None]
    samples = rng.normal(0, 1e-5, error.shape) + rng.normal(0, 1, error.shape) * error
    recording = recording_of(eeg_node(samples))
    gate = (error > 0).astype(np.float32)
    return changed(recording, "eeg", gate=gate, uncertainty=error), np.arange(count, dtype=float)


def test_weighted_average_of_epochs_has_less_error():
    recording, onsets = epochs_of_noise()
    weight = epoch_weights(recording, onsets, 0.0, 0.99)
    assert weight.dims == ("epoch", "channel")
    w = weight.values[:, 0]
    assert (w[::2] == 1).all()
    assert w[1::2] == pytest.approx(1 / 26, rel=0.1)
    epochs = recording["eeg"].eeg.values.reshape(-1, 100)
    kept = np.std(epochs[::2].mean(0))
    weighted = np.std((w[:, None] * epochs).sum(0) / w.sum())
    assert weighted < 1.05 * kept < np.std(epochs.mean(0)) / 2


def test_weighted_average_of_epochs_has_the_whole_response():
    """Trials of which a filter left 0.7: with the variance of its error, s² (1 - 0.7)."""
    rng = np.random.default_rng(6)
    shape = np.sin(np.linspace(0, np.pi, 100))
    size = np.where(np.arange(400) % 2, 0.7, 1.0)[:, None]
    noise = rng.normal(0, 1e-5, (400, 100)) * np.sqrt(size)
    samples = (size * 3e-6 * shape + noise).reshape(1, -1)
    error = np.repeat(np.sqrt(1 - size[:, 0]) * 1e-5, 100)[None]
    gate = (error > 0).astype(np.float32)
    recording = changed(recording_of(eeg_node(samples)), "eeg", gate=gate, uncertainty=error)
    weight = epoch_weights(recording, np.arange(400.0), 0.0, 0.99)
    assert weight.kept[::2].values == pytest.approx(1.0)
    assert weight.kept[1::2].values == pytest.approx(0.7, abs=0.03)
    w, epochs = weight.values, samples.reshape(400, 100)

    def found(divisor: np.ndarray) -> float:
        return float((w * epochs).sum(0) / divisor.sum() @ shape / (shape @ shape) / 3e-6)

    assert found(w * weight.kept.values) == pytest.approx(1.0, abs=0.05)
    assert found(w) < 0.93


def test_epochs_with_something_lost_do_not_count():
    recording, onsets = epochs_of_noise(10)
    verdict = np.zeros(recording["eeg"].gate.shape, np.int8)
    verdict[0, 350] = LOST
    lossy = changed(recording, "eeg", verdict=verdict)
    assert np.flatnonzero(epoch_weights(lossy, onsets, 0.0, 0.99).values == 0).tolist() == [3]
    weight = epoch_weights(recording, [-0.5, 0.5, 9.5, 30.0], 0.0, 0.99).values[:, 0]
    assert (weight > 0).tolist() == [False, True, False, False]
    node = stream_dataset(recording, "eeg").drop_vars(["gate", "uncertainty"])
    assert (epoch_weights(with_stream(recording, "eeg", node), onsets, 0.0, 0.99) == 1).all()
    bad = node.assign_coords(bad=("channel", [True]))
    assert (epoch_weights(with_stream(recording, "eeg", bad), onsets, 0.0, 0.99) == 0).all()


def test_wrong_input_is_refused(cleaned):
    one = cleaned[1]
    for wrong, message in [
        (lambda: confounds(one, epochs=0.0), "epochs=0"),
        (lambda: confounds(one, epochs=float("nan")), "epochs=nan"),
        (lambda: confounds(one, epochs=151.0), "from 0.004 to 150 s"),
        (lambda: confounds(one, recording=one.sel(time=slice(10, 20))), "cut both alike"),
        (lambda: confounds(one, recording=without_stream(one, "nirs")), "0 fNIRS samples"),
        (lambda: confounds("cleaned"), "wanted a Recording"),  # type: ignore[arg-type]
        (lambda: glm_weights(without_stream(one, "nirs")), "eeg only"),
        (lambda: epoch_weights(without_stream(one, "eeg"), [1.0], 0, 1), "nirs only"),
        (lambda: epoch_weights(one, [], 0, 1), "at least one onset"),
        (lambda: epoch_weights(one, [1.0, np.nan], 0, 1), "all finite"),
        (lambda: epoch_weights(one, [1.0], 1, 0), "tmin before tmax"),
        (lambda: epoch_weights(one, ["x"], 0, 1), "at least one onset"),  # type: ignore[list-item]
        (lambda: epoch_weights(one, [1.0], 0, None), "tmin before tmax"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(NeurofuseError, match=message):
            wrong()
