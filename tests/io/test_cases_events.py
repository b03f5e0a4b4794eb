"""Small inputs after reports of users, with the events that they hold: shared/cases/INDEX.md."""

import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io


@pytest.fixture
def case(data_dir):
    """A function that gives the path of an input."""
    folder = data_dir.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"no small inputs at {folder}")
    return lambda name: folder / name


def rows(recording):
    """(onset, description) of the events, but for gaps."""
    found = recording["events"]
    pairs = zip(found.onset.values, found.description.values, strict=True)
    return [(round(float(at), 5), str(text)) for at, text in pairs if text != "BAD_gap"]


PULSES = [(at, "1") for at in (3.0, 9.5, 20.1, 42.7, 50.2)]
CODES = [(3.0, "1"), (9.5, "2"), (20.0, "3")]
EVENTS = {
    "A6_stim_and_annotation_raw.fif": sorted([*PULSES, (12.0, "BAD_segment")]),
    "A6_control_no_annotation_raw.fif": PULSES,
    "A9c_status_idle255.bdf": [(3.0, "1"), (9.0, "2"), (20.0, "3")],
    "X10_trigger_column.xdf": CODES,
    "X5_numeric_markers_declared_10kHz.xdf": [(3.0, "1"), (9.5, "2"), (20.0, "1")],
    "S7_stim_amplitude.snirf": [(5.0, "load"), (15.0, "load"), (25.0, "load")],
    "S7b_stim_one_name_codes.snirf": [(at, "Trigger") for at in (5.0, 15.0, 25.0, 35.0)],
    "Q_rich.snirf": [(5.0, "load"), (15.0, "load")],
    "S7d2_stim_transposed.snirf": [(at, "press") for at in (6.0, 20.0, 33.0, 41.0, 46.0)],
    "S7f_onset_only.snirf": [(5.0, "tap"), (15.0, "tap"), (25.0, "tap")],
    "S6_char_arrays.snirf": [
        (at, f"Tapping_{side}")
        for at, side in ((5.0, "Left"), (15.0, "Right"), (25.0, "Left"), (35.0, "Right"))
    ],
    "S6d_space_padded.snirf": [(5.0, "go")],
    "S7g_negative_duration.snirf": [(12.0, "neg")],
    "A15d_neg.set": [(0.0, "a"), (1.596, "d")],
    "L14_fnirs_plus_stim_raw.fif": [(5.0, "1"), (15.0, "1"), (25.1, "1")],
    "A4b_eeglab_empty_struct.set": [(5.0, "go")],
    "A16_chaninfo_empty.set": [(5.0, "go")],
}


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_the_right_ones_there_and_back(case, tmp_path, name):
    recording = nf.read(case(name))
    assert rows(recording) == EVENTS[name]
    paths = io.write(recording, tmp_path, stem="a")
    assert rows(nf.read(paths[io.streams(recording)[0]])) == EVENTS[name]
    assert (
        nf.read(paths["recording"])["events"].to_dataset().equals(recording["events"].to_dataset())
    )


@pytest.mark.parametrize("name", ["A6_stim_and_annotation", "A6_control_no_annotation"])
def test_pulses_beside_annotations_align_with_fnirs(case, name):
    recording = nf.read(case(f"{name}_raw.fif"), case("A6_nirs.snirf"))
    assert float(recording["clock"].offset.sel(stream="nirs")) == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize("name", ["STI014", "TRIG"])
def test_a_trigger_channel_of_any_name_in_use(case, name):
    recording = nf.read(case(f"A8_trig_channel_{name}.edf"))
    assert recording["eeg"].ch_type.values.tolist() == ["eeg", "eeg", "stim"]
    assert [at for at, _ in rows(recording)] == list(range(2, 20, 2))


def test_a_numeric_marker_stream_makes_no_sensor(case):
    recording = nf.read(case("X5_numeric_markers_declared_10kHz.xdf"))
    assert "aux" not in recording.children


def test_a_restarted_device_is_one_stream_with_a_gap(case):
    recording = nf.read(case("X4_eeg_restarted.xdf"))
    assert float(recording["eeg"].time[-1]) == pytest.approx(29.99, abs=1e-3)
    events = recording["events"].to_dataset()
    assert events.description.values.tolist() == ["BAD_gap"]
    assert float(events.onset[0]) == pytest.approx(9.99, abs=1e-3)
    assert float(events.onset[0] + events.duration[0]) == pytest.approx(15.0, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("S7_stim_amplitude", {"amplitude": [1, 2, 3]}),
        ("S7b_stim_one_name_codes", {"amplitude": [1, 4, 1, 4]}),
        ("Q_rich", {"amplitude": [1, 2], "RT": [0.4, 0.6]}),
    ],
)
def test_amplitudes_and_further_columns_stay(case, tmp_path, name, columns):
    recording = nf.read(case(f"{name}.snirf"))
    for again in (recording, nf.read(io.write_nirs(recording, tmp_path / "a.snirf"))):
        for column, values in columns.items():
            np.testing.assert_array_equal(again["events"][column], values)


def test_trials_that_homer3_excludes_do_not_count(case, tmp_path):
    recording = nf.read(case("S7c2_homer3_states.snirf"))
    for again in (recording, nf.read(io.write_nirs(recording, tmp_path / "a.snirf"))):
        assert [at for at, text in rows(again) if text == "press"] == [20.0, 33.0]
        assert [at for at, text in rows(again) if text == "BAD_press"] == [6.0, 41.0]


def test_strings_of_single_characters(case):
    recording = nf.read(case("S6_char_arrays.snirf"))
    assert recording.attrs["measured_at"] == "2024-05-17T09:30:20+00:00"
    assert recording["nirs"].distance.values[0] == pytest.approx(0.03)


def test_decimal_commas(case):
    samples = nf.read(case("L7d_comma.vhdr"))["eeg"].eeg.values
    np.testing.assert_allclose(samples.std(axis=1), 1e-4, rtol=1e-3)
