"""EEG in and out: types, positions, samples."""

from typing import Any

import mne
import numpy as np
import pytest

import neurofuse.io as io


def test_types_are_inferred_from_names(eeg_raw):
    raw = eeg_raw(["Fp1", "EEG T3", "ECG", "EOG left", "A2-A1", "AUX_1", "EMG2", "ACC_X"])
    node = io.eeg_from_raw(raw)
    assert node.ch_type.values.tolist() == [
        "eeg", "eeg", "ecg", "eog", "misc", "misc", "emg", "misc",
    ]  # fmt: skip
    assert node.channel.values.tolist() == raw.ch_names


def test_types_of_the_file_are_kept(eeg_raw):
    raw = eeg_raw(["C3", "X1", "X2"])
    raw.set_channel_types({"X1": "ecog", "X2": "resp"}, verbose="error")
    assert io.eeg_from_raw(raw).ch_type.values.tolist() == ["eeg", "ecog", "resp"]


def test_template_positions_know_old_names_and_spellings(eeg_raw):
    node = io.eeg_from_raw(eeg_raw(["T3", "T7", "EEG T5-Ref", "P7", "FP1.", "Fp1", "odd"]))
    place = node.position.values
    assert node.attrs["positions"] == "template standard_1005"
    for old, new in ((0, 1), (2, 3), (4, 5)):
        np.testing.assert_array_equal(place[old], place[new])
    assert np.isnan(place[6]).all()
    radius = np.linalg.norm(place[:6], axis=1)
    assert (radius > 0.07).all()
    assert (radius < 0.15).all()
    assert place[0, 0] < 0  # T7 is left
    assert place[5, 1] > 0  # Fp1 is in front


def test_positions_of_the_file_win(eeg_raw):
    raw = eeg_raw(["C3", "C4", "Cz"])
    raw.set_montage(
        mne.channels.make_dig_montage({"C3": [0.01, 0.02, 0.03]}, coord_frame="head"),
        on_missing="ignore",
    )
    node = io.eeg_from_raw(raw)
    assert node.attrs["positions"] == "file"
    np.testing.assert_allclose(node.position.values[0], [0.01, 0.02, 0.03])
    assert np.isnan(node.position.values[1:]).all()


def test_unknown_names_have_no_positions(eeg_raw):
    node = io.eeg_from_raw(eeg_raw(["EEG1", "EEG2"]))
    assert node.attrs["positions"] == "none"
    assert np.isnan(node.position.values).all()


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("a_eeg.fif", 0.0),
        ("a.edf", 4e-9),
        ("a.bdf", 2e-11),
        ("a.vhdr", 1e-11),
        ("a.set", 1e-11),
    ],
)
def test_formats_round_trip(tmp_path, eeg_raw, name, tolerance):
    raw = eeg_raw(marks=[(1.0, "go"), (4.0, "stop")])
    recording = io.from_mne(raw)
    again = io.read(io.write_eeg(recording, tmp_path / name))
    np.testing.assert_allclose(
        again["eeg"].eeg.values[:, :2500], raw.get_data(), rtol=0, atol=tolerance
    )
    assert again["eeg"].attrs["rate"] == 250.0
    assert again["eeg"].channel.values.tolist() == raw.ch_names
    np.testing.assert_allclose(again["events"].onset, [1.0, 4.0], atol=4e-3)
    assert [d.split("/")[-1] for d in again["events"].description.values] == ["go", "stop"]


def test_no_eeg_channel_is_refused(eeg_raw, nirs_raw):
    with pytest.raises(io.ReadError, match=r"fnirs_cw_amplitude.*at least one EEG channel"):
        io.eeg_from_raw(nirs_raw())
    with pytest.raises(io.ReadError, match="at least one EEG channel"):
        io.eeg_from_raw(eeg_raw(["ECG", "ACC_X"]))


def test_triggers_of_a_stim_channel_become_events(eeg_raw):
    raw = eeg_raw(["C3", "Status"], seconds=4.0)
    raw.set_channel_types({"Status": "stim"}, verbose="error")
    raw._data[1] = 0
    raw._data[1, 250:260] = 7
    raw._data[1, 500:510] = 9
    events = io.from_mne(raw)["events"]
    assert events.onset.values.tolist() == [1.0, 2.0]
    assert events.description.values.tolist() == ["7", "9"]


def test_real_edf(data_dir):
    node = io.read(data_dir / "eeg_clean" / "sub-00_task-rest_eeg.edf")["eeg"]
    assert node.sizes["channel"] == 21
    types = dict(zip(node.channel.values.tolist(), node.ch_type.values.tolist(), strict=True))
    assert types["ECG"] == "ecg"
    assert types["A2-A1"] == "misc"
    assert sum(t == "eeg" for t in types.values()) == 19
    electrodes = node.ch_type.values == "eeg"
    assert np.isfinite(node.position.values[electrodes]).all()


def test_real_brainvision(data_dir):
    recording = io.read(data_dir / "eeg_motion" / "porr" / "sub-00_task-blink_eeg.vhdr")
    assert recording["eeg"].attrs["rate"] == 1000.0
    assert "Comment/artefact" in recording["events"].description.values


@pytest.mark.parametrize("applied", [False, True])
def test_projections_come_back(eeg_raw, tmp_path, applied):
    raw = eeg_raw().set_eeg_reference("average", projection=True, verbose="error")
    raw = raw.apply_proj(verbose="error") if applied else raw
    recording = io.from_mne(raw)
    io.write_netcdf(recording, tmp_path / "a.nc")
    io.write_eeg(recording, tmp_path / "a.fif")
    for again in (recording, io.read(tmp_path / "a.nc"), io.read(tmp_path / "a.fif")):
        back: Any = io.to_mne(again)[0]
        assert [p["desc"] for p in back.info["projs"]] == ["Average EEG reference"]
        assert back.proj is applied
        matrices = [r.info["projs"][0]["data"]["data"] for r in (back, raw)]
        np.testing.assert_allclose(*matrices, rtol=1e-7)  # FIF holds float32
        both = [r.copy().apply_proj(verbose="error").get_data() for r in (raw, back)]
        np.testing.assert_allclose(both[0], both[1], atol=1e-11)
