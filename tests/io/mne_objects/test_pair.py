"""MNE pairs in and out, on one clock."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.mne_objects.annotations import bouts

CLIPS = "formats/mne_testing_data"


def both(recording):
    """The two Raws of a Recording that holds both streams."""
    raw_eeg, raw_nirs = io.to_mne(recording)
    assert raw_eeg is not None
    assert raw_nirs is not None
    return raw_eeg, raw_nirs


def same(one: Any, other: Any, atol=0.0):
    """Everything that must survive the way through a Recording."""
    assert one.ch_names == other.ch_names
    assert one.get_channel_types() == other.get_channel_types()
    np.testing.assert_allclose(one.get_data(), other.get_data(), rtol=0, atol=atol)
    assert one.first_samp == other.first_samp
    assert one.info["sfreq"] == other.info["sfreq"]
    assert one.info["meas_date"] == other.info["meas_date"]
    assert one.info["bads"] == other.info["bads"]
    assert one.annotations.description.tolist() == other.annotations.description.tolist()
    np.testing.assert_allclose(one.annotations.onset, other.annotations.onset, atol=1e-9)
    np.testing.assert_allclose(one.annotations.duration, other.annotations.duration, atol=1e-9)
    assert one.annotations.ch_names.tolist() == other.annotations.ch_names.tolist()
    assert [dict(e) for e in one.annotations.extras] == [dict(e) for e in other.annotations.extras]
    for field in ("highpass", "lowpass", "line_freq", "description", "experimenter"):
        assert one.info[field] == other.info[field], field
    assert (one.info["subject_info"] or {}) == (other.info["subject_info"] or {})
    assert (one.info["device_info"] or {}) == (other.info["device_info"] or {})
    assert one.info["dig"] == other.info["dig"]


def test_pair_survives(eeg_raw, nirs_raw):
    eeg = eeg_raw(["C3", "Cz", "EOG"], marks=[(1.0, "Stimulus/S  1"), (5.0, "Comment/jaw")])
    eeg.set_channel_types({"EOG": "eog"}, verbose="error")
    eeg.set_montage("standard_1020", on_missing="ignore", verbose="error")
    eeg.annotations.append(2.0, 1.0, "BAD_muscle", [("C3", "Cz")])
    eeg.info["bads"] = ["Cz"]
    nirs = nirs_raw(marks=[(0.5, "tap")], date=eeg.info["meas_date"] + timedelta(seconds=1.5))
    nirs.info["bads"] = ["S1_D2 760", "S1_D2 850"]
    before = eeg.copy(), nirs.copy()
    recording = io.from_mne(eeg, nirs)
    assert recording["clock"].method.values.tolist() == ["own", "clock"]
    assert float(recording["nirs"].time[0]) == 1.5
    assert recording.attrs["measured_at"] == eeg.info["meas_date"].isoformat()
    eeg_back, nirs_back = both(recording)
    same(eeg_back, before[0])
    same(nirs_back, before[1])
    same(eeg, before[0])  # the input is left alone
    montages: list[Any] = [eeg_back.get_montage(), before[0].get_montage()]
    ours, theirs = (montage.get_positions() for montage in montages)
    assert list(ours["ch_pos"]) == list(theirs["ch_pos"])
    for name, place in theirs["ch_pos"].items():
        np.testing.assert_allclose(ours["ch_pos"][name], place, atol=1e-9)
    for mark in ("nasion", "lpa", "rpa"):
        np.testing.assert_allclose(ours[mark], theirs[mark], atol=1e-9)
    for one, other in zip(nirs_back.info["chs"], before[1].info["chs"], strict=True):
        np.testing.assert_allclose(one["loc"][:10], other["loc"][:10])
    eeg_back.apply_function(lambda row: 0 * row, picks="all")
    nirs_back.apply_function(lambda row: 0 * row, picks="all")
    assert recording["eeg"].eeg.values.any()
    assert recording["nirs"].intensity.values.all()


@pytest.mark.parametrize("dated", [True, False])
def test_a_cropped_raw_keeps_its_sample_numbers_and_annotations(eeg_raw, nirs_raw, dated):
    marks = [(3.0, "go"), (6.5, "stop")]
    when: dict[str, Any] = {} if dated else {"date": None}
    eeg, nirs = eeg_raw(marks=marks, **when), nirs_raw(marks=marks, **when)
    eeg.annotations.append(4.0, 0.5, "BAD_jump", [("C4",)])
    nirs.annotations.append(5.0, 2.0, "BAD_cable", [("S1_D2 760", "S1_D2 850")])
    for tmin in (0.004, 2.0):
        cropped = eeg.copy().crop(tmin, 8.0), nirs.copy().crop(round(tmin, 1) + 0.1, 9.0)
        assert min(raw.first_samp for raw in cropped) > 0
        for one, other in zip(both(io.from_mne(*cropped, offset=0.1)), cropped, strict=True):
            if dated and one.first_samp != cropped[0].first_samp:
                other.set_meas_date(one.info["meas_date"])  # that of the offset
            same(one, other)
            again = one.copy().crop(1.0, 4.0, reset_first_samp=True)
            assert again.first_samp == 0
            np.testing.assert_array_equal(again.get_data(), other.crop(1.0, 4.0).get_data())


def test_samples_that_stay_in_their_file_are_numbered_too(eeg_raw, tmp_path, monkeypatch):
    raw = eeg_raw(marks=[(3.0, "go"), (6.5, "stop")]).crop(1.5)
    raw.save(tmp_path / "a_raw.fif", fmt="double", verbose="error")
    monkeypatch.setattr("neurofuse.io.lazy.LARGE", 1000)
    lazy: Any = io.to_mne(io.read(tmp_path / "a_raw.fif"))[0]
    assert not lazy.preload
    same(lazy, raw)
    same(lazy.copy().crop(1.0, 6.0), raw.copy().crop(1.0, 6.0))
    same(lazy.copy().load_data(), raw)
    lazy.save(tmp_path / "b_raw.fif", fmt="double", verbose="error")
    same(mne.io.read_raw_fif(tmp_path / "b_raw.fif", verbose="error"), raw)


def test_what_a_raw_knows_beyond_samples_survives(eeg_raw, nirs_raw):
    eeg = eeg_raw(["C3", "Cz"])
    points = {"C3": [-0.06, 0.0, 0.08], "Cz": [0.0, 0.0, 0.12]}
    hull = np.random.default_rng(0).normal(0, 0.06, (300, 3))
    eeg.set_montage(mne.channels.make_dig_montage(points, hsp=hull, coord_frame="head"))
    eeg.annotations.append(1.0, 0.0, "go", extras=[{"rank": 3, "word": "tåp", "none": None}])
    eeg.annotations.append(1.0, 0.0, "other", extras=[{"rank": 4.5}])
    for raw in (eeg, nirs := nirs_raw()):
        raw.info["line_freq"] = 50.0
        raw.info["description"] = "left hand first"
        raw.info["experimenter"] = "Ada"
        raw.info["device_info"] = {"type": "amplifier", "serial": "007"}
        raw.info["subject_info"] = {
            "his_id": "s7", "sex": 2, "hand": 1, "birthday": date(1990, 2, 3), "weight": 61.5,
        }  # fmt: skip
    eeg.filter(0.5, 40.0, verbose="error")
    nirs.filter(0.01, None, verbose="error")
    eeg.set_eeg_reference("average", verbose="error")
    recording = io.from_mne(eeg, nirs, offset=0.0)
    raws = both(recording)
    same(raws[0], eeg)
    same(raws[1], nirs)
    assert raws[0].info["custom_ref_applied"] == eeg.info["custom_ref_applied"]
    assert raws[0].info["lowpass"] == 40.0
    assert raws[1].info["highpass"] == 0.01
    shape: Any = raws[0].get_montage()
    np.testing.assert_allclose(shape.get_positions()["hsp"], hull, atol=1e-7)


def test_template_positions_are_not_given_to_a_raw_that_had_none(eeg_raw):
    recording = io.from_mne(eeg_raw(["C3", "C4"]))
    assert recording["eeg"].attrs["positions"] == "template standard_1005"
    raw: Any = io.to_mne(recording)[0]
    assert raw.get_montage() is None


def test_annotations_of_a_channel_that_is_gone_are_left_out(eeg_raw):
    raw = eeg_raw(["C3", "C4"])
    raw.annotations.append([1, 2], [1, 1], ["BAD_a", "BAD_b"], [("C3",), ("C3", "C4")])
    recording = io.from_mne(raw)
    left = io.with_stream(recording, "eeg", recording["eeg"].to_dataset().isel(channel=[1]))
    marks = io.to_mne(left)[0].annotations  # pyright: ignore[reportOptionalMemberAccess]
    assert marks.description.tolist() == ["BAD_b"]
    assert marks.ch_names.tolist() == [("C4",)]


def with_gates(recording):
    """Motion of C4 at 2-3 s and 3.1-4 s, C3 at 3.5-4.5 s, S1-D2 at 6-7 s; a true mask elsewhere."""
    eeg, nirs = recording["eeg"].to_dataset(), recording["nirs"].to_dataset()
    gate = xr.zeros_like(eeg.eeg, dtype="float32")
    for channel, start, stop in (("C4", 2, 3), ("C4", 3.1, 4), ("C3", 3.5, 4.5)):
        gate.loc[channel, (gate.time >= start) & (gate.time < stop)] = 0.8
    gate.loc["Cz", :] = 0.3  # never open
    shut = xr.zeros_like(nirs.intensity.isel(wavelength=0, drop=True), dtype=bool)
    truth = shut.copy()
    truth.loc["S1-D2", (truth.time >= 6) & (truth.time < 7)] = True
    recording = io.with_stream(recording, "eeg", eeg.assign(gate=gate, motion=gate > 2))
    return io.with_stream(recording, "nirs", nirs.assign(motion=truth))


def test_movement_is_annotated_on_demand_with_the_channels_it_reached(eeg_raw, nirs_raw):
    raw = eeg_raw(marks=[(5.0, "go")])
    recording = with_gates(io.from_mne(raw.crop(1.0), nirs_raw(), offset=0.0))
    for plain in both(recording):
        assert "BAD_motion" not in plain.annotations.description
    eeg, nirs = io.to_mne(recording, motion=True)
    assert eeg is not None
    assert nirs is not None
    assert eeg.annotations.description.tolist() == ["BAD_motion", "go"]
    assert eeg.annotations.ch_names.tolist() == [("C3", "C4"), ()]
    assert eeg.annotations.onset[0] == pytest.approx(3.0)  # 2 s after a first sample at 1 s
    assert eeg.annotations.duration[0] == pytest.approx(2.5)
    assert nirs.annotations.ch_names.tolist() == [("S1_D2 760", "S1_D2 850")]
    assert nirs.annotations.onset[0] == pytest.approx(6.0)
    assert nirs.annotations.duration[0] == pytest.approx(1.0)
    again = io.from_mne(eeg, nirs)
    assert again["events"].description.values.tolist() == ["BAD_motion", "go", "BAD_motion"]


def test_bouts_do_not_depend_on_how_samples_are_stored(eeg_raw, monkeypatch):
    rng = np.random.default_rng(0)
    gate = np.repeat(rng.random((3, 100)) > 0.85, 25, axis=1)
    gate[:, 200:800] &= rng.random((3, 600)) > 0.5
    node = io.from_mne(eeg_raw())["eeg"].to_dataset().assign(gate=(("channel", "time"), gate))
    whole = bouts(node)
    plain = []  # a slow second way: sample by sample
    for at in np.flatnonzero(gate.any(axis=0)).tolist():
        if plain and at - plain[-1][1] <= 0.2 * 250:
            plain[-1][1] = at + 1
        else:
            plain.append([at, at + 1])
    spans = [(round(b.onset * 250), round((b.onset + b.duration) * 250)) for b in whole]
    assert spans == [tuple(span) for span in plain]
    rows = [tuple(np.flatnonzero(gate[:, a:b].any(axis=1)).tolist()) for a, b in spans]
    assert [b.channels for b in whole] == rows
    monkeypatch.setattr("neurofuse.io.lazy.BLOCK", 0.17)
    assert bouts(node.chunk(time=77)) == whole


def test_offset_moves_the_fnirs_stream_and_its_events(eeg_raw, nirs_raw):
    recording = io.from_mne(
        eeg_raw(marks=[(1.0, "eeg mark")]), nirs_raw(marks=[(1.0, "nirs mark")]), offset=-0.75
    )
    assert float(recording["eeg"].time[0]) == 0
    assert float(recording["nirs"].time[0]) == -0.75
    events = recording["events"].to_dataset()
    rows = dict(zip(events.description.values, events.onset.values, strict=True))
    assert rows == {"nirs mark": 0.25, "eeg mark": 1.0}
    assert events.stream.values.tolist() == ["nirs", "eeg"]
    assert recording["clock"].offset.values.tolist() == [0.0, -0.75]


def test_drift_is_put_into_the_time_axis(eeg_raw, nirs_raw):
    there = np.sort(np.random.default_rng(0).uniform(2, 590, 40))
    stretch = 1 + 90e-6
    eeg = eeg_raw(["C3"], rate=50.0, seconds=620.0, marks=[(8 + t * stretch, "a") for t in there])
    nirs = nirs_raw(seconds=600.0, marks=[(t, "a") for t in there])
    recording = io.from_mne(eeg, nirs, align="events")
    node, clock = recording["nirs"], recording["clock"].sel(stream="nirs")
    assert float(clock.drift) == pytest.approx(90, abs=1)
    assert float(clock.anchors) == 40
    assert float(node.time[-1]) == pytest.approx(8 + 599.9 * stretch, abs=1e-3)
    assert node.attrs["rate"] == pytest.approx(10 / stretch, rel=1e-7)
    assert float(node.time[1] - node.time[0]) == pytest.approx(1 / node.attrs["rate"], rel=1e-9)
    back = both(recording)[1]
    assert back.info["sfreq"] == node.attrs["rate"]
    own = recording["events"].to_dataset()
    optical = own.onset.values[own.stream.values == "nirs"]
    np.testing.assert_allclose(optical, 8 + there * stretch, atol=2e-3)


def test_written_date_carries_the_alignment(eeg_raw, nirs_raw):
    eeg, nirs = eeg_raw(), nirs_raw(date=None)
    raw_eeg, raw_nirs = both(io.from_mne(eeg, nirs, offset=2.125))
    assert raw_nirs.info["meas_date"] - raw_eeg.info["meas_date"] == timedelta(seconds=2.125)
    again = io.from_mne(raw_eeg, raw_nirs)
    assert float(again["nirs"].time[0]) == 2.125


def test_without_an_eeg_date_each_keeps_its_own(eeg_raw, nirs_raw):
    nirs = nirs_raw()
    raw_eeg, raw_nirs = both(io.from_mne(eeg_raw(date=None), nirs, offset=2.0))
    assert raw_eeg.info["meas_date"] is None
    assert raw_nirs.info["meas_date"] == nirs.info["meas_date"]


def test_cut_recording_gives_cropped_raws(eeg_raw, nirs_raw):
    eeg = eeg_raw(marks=[(1.0, "early"), (6.0, "late")])
    nirs = nirs_raw(marks=[(2.0, "early"), (7.0, "late")])
    cut = io.from_mne(eeg, nirs, offset=0.5).sel(time=slice(4, 8))
    raw_eeg, raw_nirs = both(cut)
    same(raw_eeg, eeg.copy().crop(4, 8))
    nirs.set_meas_date(eeg.info["meas_date"] + timedelta(seconds=0.5))
    same(raw_nirs, nirs.crop(3.5, 7.5))
    assert raw_eeg.annotations.description.tolist() == ["late"]


def test_cropped_raws_are_taken_where_they_are(eeg_raw, nirs_raw):
    eeg, nirs = eeg_raw(marks=[(3.0, "go")]), nirs_raw(marks=[(5.0, "tap")])
    recording = io.from_mne(eeg.copy().crop(2.0), nirs.copy().crop(4.0))
    assert float(recording["nirs"].time[0]) == 2.0
    events = recording["events"].to_dataset()
    rows = dict(zip(events.description.values, events.onset.values, strict=True))
    assert rows == pytest.approx({"go": 1.0, "tap": 3.0})


def test_repeated_annotations_appear_once(nirs_raw):
    recording = io.from_mne(None, nirs_raw(marks=[(1, "a"), (1, "a"), (1, "b"), (2, "a")]))
    assert recording["events"].sizes["event"] == 3


def test_simulated_nodes_without_files_become_raws():
    rng = np.random.default_rng(0)
    recording = io.build(
        io.eeg_dataset(rng.normal(size=(2, 500)), 250.0, ["C3", "C4"]),
        io.nirs_dataset(rng.random((2, 2, 20)) + 1, 10.0, [760, 850], ["A", "B"], ["x", "x"]),
        events=io.events_dataset([(0.5, 0.2, "motion/bump", "", "")]),
    )
    raw_eeg, raw_nirs = both(recording)
    assert raw_nirs.ch_names == ["S1_D1 760", "S1_D1 850", "S2_D1 760", "S2_D1 850"]
    for raw in (raw_eeg, raw_nirs):
        assert raw.annotations.description.tolist() == ["motion/bump"]
        assert raw.info["meas_date"] is None


def test_one_stream_and_none(eeg_raw, nirs_raw):
    assert io.streams(io.from_mne(eeg_raw())) == ("eeg",)
    assert io.streams(io.from_mne(None, nirs_raw())) == ("nirs",)
    with pytest.raises(io.ParameterError, match="neither EEG nor fNIRS"):
        io.from_mne()
    with pytest.raises(io.ReadError, match="at least one EEG channel"):
        io.from_mne(nirs_raw(), eeg_raw())


@pytest.mark.parametrize("seconds", [1.0, 0.2])
@pytest.mark.parametrize("count", [1, 300])
def test_any_size(eeg_raw, nirs_raw, seconds, count):
    eeg = eeg_raw([f"E{i}" for i in range(count)], seconds=seconds)
    nirs = nirs_raw(pairs=[(1, i) for i in range(count)], seconds=seconds)
    raw_eeg, raw_nirs = both(io.from_mne(eeg, nirs, offset=0))
    np.testing.assert_array_equal(raw_eeg.get_data(), eeg.get_data())
    np.testing.assert_array_equal(raw_nirs.get_data(), nirs.get_data())


def test_real_device_clock_is_met(data_dir):
    """Own zeros + the device's offset give what the publisher aligned by interpolation."""
    worn = data_dir / "simultaneous" / "openmuse_worn"
    own = io.read(
        worn / "own_zero" / "test_eeg_quality_eeg.edf",
        worn / "own_zero" / "test_eeg_quality_optics.snirf",
        offset=0.2098,
    )
    answer = io.read(worn / "aligned" / "test_eeg_quality_aligned_optics.snirf")["nirs"]
    clock = mne.io.read_raw_edf(
        worn / "aligned" / "test_eeg_quality_aligned_eeg.edf", verbose="error"
    )
    eeg = own["eeg"].eeg.sel(channel="AF7").values
    theirs = clock.get_data(picks="AF7")[0]
    lags = np.arange(-128, 129)
    middle = slice(2000, 15000)
    fit = [np.corrcoef(eeg[2000 + k : 15000 + k], theirs[middle])[0, 1] for k in lags]
    zero = lags[int(np.argmax(fit))] / 256  # own EEG time of the common zero
    light = own["nirs"].intensity.sel(channel="S1-D1", wavelength=660)
    there = answer.intensity.sel(channel="S1-D1", wavelength=660)
    span = slice(200, 3800)
    resampled = np.interp(answer.time.values[span] + zero, light.time.values, light.values)
    assert np.corrcoef(resampled, there.values[span])[0, 1] > 0.98


@pytest.mark.parametrize(
    ("stream", "file"),
    [
        ("eeg", "eeg_clean/sub-00_task-arithmetic_eeg.edf"),
        ("eeg", "eeg_motion/porr/sub-01_task-jaw_eeg.vhdr"),
        ("eeg", "simultaneous/openmuse_worn/aligned/test_eeg_quality_aligned_eeg_raw.fif"),
        ("nirs", "fnirs_clean/finemi/sub-03_block-2_nirs.snirf"),
        ("nirs", f"{CLIPS}/SNIRF/MNE-NIRS/20220217/20220217_nirx_15_3_recording.snirf"),
    ],
)
def test_real_raws_survive(data_dir, stream, file):
    path = data_dir / file
    if not path.exists():
        pytest.skip(f"{path} is not there")
    raw: Any = mne.io.read_raw(path, verbose="error")
    raw.crop(1.0, min(40.0, raw.times[-1]), verbose="error")
    if stream == "eeg":
        kinds = {n: k for n, k in (("ECG", "ecg"), ("A2-A1", "misc")) if n in raw.ch_names}
        kinds |= {n: "misc" for n in raw.ch_names if n.startswith("AUX")}
        raw.set_channel_types(kinds, verbose="error")
    made = io.to_mne(io.from_mne(**{f"raw_{stream}": raw}))
    same(made[0 if stream == "eeg" else 1], raw)


def with_gates_everywhere(recording):
    """The motion masks that `clean` adds to a Recording."""
    for stream in io.streams(recording):
        node = recording[stream].to_dataset()
        gate = (node.time > 5) & (node.time < 6) & (node.channel != "")
        recording = io.with_stream(recording, stream, node.assign(gate=gate.astype("float32")))
    return recording


def test_examples_of_the_page_run(tmp_path, monkeypatch, simulated):
    page = (Path(__file__).parents[3] / "docs" / "mne.md").read_text(encoding="utf-8")
    raws = io.to_mne(simulated[1])
    names: dict[str, Any] = dict(zip(("raw_eeg", "raw_nirs"), raws, strict=True))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nf, "clean", with_gates_everywhere, raising=False)  # the page is of io
    for block in re.findall(r"```python\n(.+?)```", page, re.DOTALL):
        exec(block, names)
    assert names["bouts"]
    assert all(bout["ch_names"] for bout in names["bouts"])
    assert (tmp_path / "out" / "sub-01_task-rest_eeg.fif").exists()


def test_mne_drops_epochs_whatever_channels_an_annotation_names(eeg_raw):
    """Why BAD_motion is off by default; docs/mne.md says so."""
    raw = eeg_raw()
    raw.annotations.append(2.0, 4.0, "BAD_motion", [("C3",)])
    events = np.column_stack([np.arange(100, 2300, 100), *np.zeros((2, 22), int)])
    short: dict[str, Any] = {"tmin": 0, "tmax": 0.2, "baseline": None, "picks": ["Cz"]}
    epochs = mne.Epochs(raw, events, **short, preload=True, verbose="error")
    assert len(epochs) < 22
    keep = mne.Epochs(
        raw, events, **short, preload=True, reject_by_annotation=False, verbose="error"
    )
    assert len(keep) == 22
