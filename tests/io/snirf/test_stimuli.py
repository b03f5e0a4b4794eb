"""Stimuli of SNIRF files: every shape in which exporters store them, there and back."""

import h5py
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.recording import EVENT_COLUMNS
from neurofuse.io.snirf.hdf5 import numbers, texts
from tests.io.snirf.test_session import stimulus

ROWS = [[1.0, 2.5, 1.0], [6.0, 0.5, 3.0], [12.0, 0.0, 2.0]]


def events(path):
    return io.read(path)["events"].to_dataset()


def stored(path):
    """The members of /nirs/stim1 of a file: name, labels, data, states."""
    with h5py.File(path) as file:
        group = {key: file[f"nirs/stim1/{key}"] for key in file["nirs/stim1"]}  # pyright: ignore
        text = {key: texts(group[key]) for key in ("name", "dataLabels")}
        return text, {key: numbers(group[key]) for key in group if key not in text}


def rows(path):
    found = events(path)
    columns = (found.onset, found.duration, found.description)
    return list(zip(*(c.values.tolist() for c in columns), strict=True))


def written(path, folder):
    """The file as it is written after reading, and what is read of that one."""
    again = io.write_nirs(io.read(path), folder / "again.snirf")
    assert events(again).identical(events(path))
    return again


def test_amplitudes_and_labelled_columns_come_back_written(snirf, tmp_path):
    def add(nirs):
        table = np.column_stack([ROWS, [0.4, np.nan, 0.6], [7, 8, 9]])
        stimulus(nirs, 1, "load", table)
        nirs["stim1/dataLabels"] = ["Onset", "Duration", "Amplitude", "RT", "channel"]
        stimulus(nirs, 2, "tap", [[3.0, 1.0, 1.0]])

    path = snirf(add)
    found = events(path)
    assert set(found.data_vars) == {*EVENT_COLUMNS, "amplitude", "RT", "channel_"}
    np.testing.assert_array_equal(found.amplitude, [1, 1, 3, 2])
    np.testing.assert_array_equal(found.RT, [0.4, np.nan, np.nan, 0.6])
    text, number = stored(written(path, tmp_path))
    np.testing.assert_array_equal(number["data"][:, :3], ROWS)
    np.testing.assert_array_equal(number["data"][:, 3], [0.4, np.nan, 0.6])
    assert text["dataLabels"][3:] == ["RT", "channel_"]


def test_one_name_and_several_codes_can_be_distinguished(snirf):
    table = [[1.0, 0, 1], [3, 0, 4], [5, 0, 1], [7, 0, 4]]
    found = events(snirf(lambda nirs: stimulus(nirs, 1, "Trigger", table)))
    np.testing.assert_array_equal(found.amplitude, [1, 4, 1, 4])


def test_amplitudes_that_say_nothing_make_no_column(snirf):
    found = events(snirf(lambda nirs: stimulus(nirs, 1, "tap", [[1.0, 2, 1], [3, 2, 1]])))
    assert set(found.data_vars) == set(EVENT_COLUMNS)


def test_columns_without_labels_are_numbered(snirf):
    found = events(
        snirf(lambda nirs: stimulus(nirs, 1, "tap", [[1.0, 2, 1, 5, 6], [3, 2, 1, 7, 8]]))
    )
    np.testing.assert_array_equal(found["column 4"], [5, 7])
    np.testing.assert_array_equal(found["column 5"], [6, 8])


@pytest.mark.parametrize("across", [False, True])
def test_trials_that_homer3_excludes_are_marked_and_written_as_such(snirf, tmp_path, across):
    states = np.array([[1.0, -1], [6, 1], [12, -2]])

    def add(nirs):
        stimulus(nirs, 1, "press", np.array(ROWS))
        nirs["stim1/states"] = states.T if across else states

    path = snirf(add)
    assert events(path).description.values.tolist() == ["BAD_press", "press", "BAD_press"]
    text, number = stored(written(path, tmp_path))
    assert text["name"] == ["press"]
    np.testing.assert_array_equal(number["states"], states)
    np.testing.assert_array_equal(number["data"], ROWS)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("height", [2, 3])
def test_tables_that_lie_across(snirf, caplog, count, height):
    table = np.array([[4.0 * k + 1, 0.5, 1.0] for k in range(count)])[:, :height]
    upright = snirf(lambda nirs: stimulus(nirs, 1, "press", table))
    assert rows(upright) == [(4.0 * k + 1, 0.5, "press") for k in range(count)]
    assert "one event a column" not in caplog.text
    if height == count == 2:
        return  # as good a table either way
    assert rows(snirf(lambda nirs: stimulus(nirs, 1, "press", table.T))) == rows(upright)
    assert "one event a column" in caplog.text


def test_labels_say_which_way_a_table_lies(snirf):
    def add(nirs):
        stimulus(nirs, 1, "press", [[2.0, 3, 4, 5], [0.5, 1, 6, 7]])
        nirs["stim1/dataLabels"] = ["Onset", "Duration", "Amplitude", "RT"]

    assert rows(snirf(add)) == [(0.5, 1.0, "press"), (2.0, 3.0, "press")]


def test_onsets_alone_have_no_duration(snirf):
    path = snirf(lambda nirs: stimulus(nirs, 1, "tap", np.array([[5.0], [15.0]])))
    assert rows(path) == [(5.0, 0.0, "tap"), (15.0, 0.0, "tap")]
    assert rows(snirf(lambda nirs: stimulus(nirs, 1, "none", np.zeros((1, 1))))) == []


def test_a_negative_duration_costs_its_event_a_correction(snirf, caplog):
    path = snirf(lambda nirs: stimulus(nirs, 1, "neg", [[12.0, -1, 1], [15.0, 2, 1]]))
    assert rows(path) == [(12.0, 0.0, "neg"), (15.0, 2.0, "neg")]
    assert "1 stimuli of negative duration: taken as 0 s long" in caplog.text


def test_stimuli_outside_the_samples_are_left_out_with_a_word(snirf, caplog):
    path = snirf(lambda nirs: stimulus(nirs, 1, "tap", [[-5.0, 1, 1], [3.0, 1, 1], [99.0, 1, 1]]))
    assert rows(path) == [(3.0, 1.0, "tap")]
    assert "2 of 3 stimuli lie outside the samples: left out" in caplog.text


def characters(text, kind):
    if kind == "S1":
        return np.array([c.encode() for c in text], "S1")
    if kind == "S1 column":
        return np.array([[c.encode()] for c in text], "S1")
    if kind == "strings":
        return list(text)
    if kind == "codes":
        return np.array([[ord(c)] for c in text], "u2")
    return np.array(text.encode(), f"S{len(text) + 9}") if kind == "padded" else f"{text}   "


@pytest.mark.parametrize(
    "kind", ["S1", "S1 column", "strings", "codes", "padded", "padded with blanks"]
)
def test_strings_as_single_characters_or_filled_up_with_blanks(snirf, kind):
    def change(nirs):
        stimulus(nirs, 1, characters("Tapping_Left", kind), [[1.0, 2, 1]])
        for name in ("MeasurementDate", "MeasurementTime", "LengthUnit", "SubjectID"):
            text = nirs[f"metaDataTags/{name}"].asstr()[()]
            del nirs[f"metaDataTags/{name}"]
            nirs[f"metaDataTags/{name}"] = characters(text, kind)

    recording = io.read(snirf(change))
    assert recording["events"].description.values.tolist() == ["Tapping_Left"]
    assert recording.attrs["measured_at"] == "2024-05-17T09:30:12.250000+00:00"
    assert recording["nirs"].attrs["subject"] == "one"
    assert recording["nirs"].distance.values[0] == pytest.approx(0.03)


def test_lists_of_labels_as_tables_of_characters(snirf):
    def add(nirs):
        stimulus(nirs, 1, "load", [[1.0, 2, 2, 5]])
        labels = ["Onset", "Duration", "Amplitude", "RT"]
        nirs["stim1/dataLabels"] = np.array(
            [list(f"{label:9}".encode()) for label in labels], "u1"
        ).view("S1")

    assert events(snirf(add)).RT.values.tolist() == [5]


@pytest.mark.parametrize("named", ["sensor", "channel"])
def test_trigger_sensors_give_events_that_count_once(snirf, tmp_path, named):
    def add(nirs):
        line = np.zeros((800, 1))
        line[200:210], line[600:610] = 5, 5
        nirs["aux1/name"] = "TRIG" if named == "sensor" else "Ports"
        nirs["aux1/dataTimeSeries"], nirs["aux1/time"] = line, np.arange(800) / 40
        if named == "channel":
            nirs["aux1/dataTimeSeries"].attrs["channels"] = "DC1"
        stimulus(nirs, 1, "5", [[5.0, 0.5, 1]])

    path = snirf(add)
    assert rows(path) == [(5.0, 0.5, "5"), (15.0, 0.0, "5")]
    assert [s["step"] for s in io.provenance(io.read(path))] == ["trigger_channels", "from_mne"]
    written(path, tmp_path)


def test_amplitudes_go_through_bids_and_are_missed_elsewhere(snirf, tmp_path, caplog, eeg_raw):
    path = snirf(lambda nirs: stimulus(nirs, 1, "load", ROWS))
    recording = io.read(path)
    made = io.write_bids(recording, tmp_path / "bids", subject="01", task="load")
    (table,) = (tmp_path / "bids").rglob("*_events.tsv")
    assert [line.split("\t")[4] for line in table.read_text("utf-8").splitlines()] == [
        *("amplitude", "1.0", "3.0", "2.0")
    ]
    np.testing.assert_array_equal(io.read(made["nirs"])["events"].amplitude, [1, 3, 2])
    np.testing.assert_array_equal(io.read(tmp_path / "bids")["events"].amplitude, [1, 3, 2])
    eeg = io.from_mne(eeg_raw())
    marked = io.events_dataset([(1.0, 0.0, "load", "", "eeg")], [{"amplitude": 2.0}])
    eeg = io.with_stream(eeg, "events", marked)
    io.write_eeg(eeg, tmp_path / "a.edf")
    assert ".edf holds no amplitude of events: left out" in caplog.text
