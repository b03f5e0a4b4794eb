"""MNE pairs in and out, on one clock."""

from datetime import timedelta
from typing import Any

import mne
import numpy as np
import pytest

import neurofuse.io as io


def both(recording):
    """The two Raws of a Recording that holds both streams."""
    raw_eeg, raw_nirs = io.to_mne(recording)
    assert raw_eeg is not None
    assert raw_nirs is not None
    return raw_eeg, raw_nirs


def same(one, other, atol=0.0):
    """Everything that must survive the way through a Recording."""
    assert one.ch_names == other.ch_names
    assert one.get_channel_types() == other.get_channel_types()
    np.testing.assert_allclose(one.get_data(), other.get_data(), rtol=0, atol=atol)
    assert one.info["sfreq"] == other.info["sfreq"]
    assert one.info["meas_date"] == other.info["meas_date"]
    assert one.info["bads"] == other.info["bads"]
    assert one.annotations.description.tolist() == other.annotations.description.tolist()
    np.testing.assert_allclose(one.annotations.onset, other.annotations.onset, atol=1e-9)
    np.testing.assert_allclose(one.annotations.duration, other.annotations.duration, atol=1e-9)
    assert one.annotations.ch_names.tolist() == other.annotations.ch_names.tolist()


def test_pair_survives(eeg_raw, nirs_raw):
    eeg = eeg_raw(["C3", "Cz", "EOG"], marks=[(1.0, "Stimulus/S  1"), (5.0, "Comment/jaw")])
    eeg.set_channel_types({"EOG": "eog"}, verbose="error")
    eeg.set_montage("standard_1020", on_missing="ignore")
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


def test_cut_recording_has_the_date_of_its_first_sample(eeg_raw, nirs_raw):
    eeg = eeg_raw(marks=[(1.0, "early"), (6.0, "late")])
    cut = io.from_mne(eeg, nirs_raw(), offset=0.5).sel(time=slice(4, 8))
    raw_eeg, raw_nirs = both(cut)
    assert raw_eeg.info["meas_date"] - eeg.info["meas_date"] == timedelta(seconds=4)
    assert raw_nirs.info["meas_date"] - eeg.info["meas_date"] == timedelta(seconds=4)
    assert raw_eeg.annotations.description.tolist() == ["late"]
    assert raw_eeg.annotations.onset - 2.0 == pytest.approx(0.0)


def test_cropped_raws_are_taken_where_they_are(eeg_raw, nirs_raw):
    eeg, nirs = eeg_raw(marks=[(3.0, "go")]), nirs_raw(marks=[(5.0, "tap")])
    recording = io.from_mne(eeg.copy().crop(2.0), nirs.copy().crop(4.0))
    assert float(recording["nirs"].time[0]) == 2.0
    events = recording["events"].to_dataset()
    rows = dict(zip(events.description.values, events.onset.values, strict=True))
    assert rows == pytest.approx({"go": 1.0, "tap": 3.0})


def test_repeated_annotations_are_told_once(nirs_raw):
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
