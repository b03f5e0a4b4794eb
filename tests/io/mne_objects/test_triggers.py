"""Trigger channels: which they are, what stands on them, and that no event counts twice."""

import mne
import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.mne_objects.triggers import find_pulses, is_trigger, trigger_channels

CODES = (3, 17, 255, 3)
AT = (200, 500, 900, 1400)  # samples at 250 Hz


def line(codes=CODES, at=AT, *, rest=0, length=10, count=2500):
    values = np.full(count, float(rest))
    for code, first in zip(codes, at, strict=True):
        values[first : first + length] = code
    return values


def texts(recording):
    return recording["events"].description.values.tolist()


@pytest.fixture
def with_line(eeg_raw):
    """A function that makes an EEG Raw whose last channel holds a trigger line."""

    def make(values, name="STI 014", kind="stim", marks=()):
        raw = eeg_raw(["C3", "C4", name], marks=marks)
        raw._data[2] = values
        if kind != "eeg":
            raw.set_channel_types({name: kind}, verbose="error")
        return raw

    return make


@pytest.mark.parametrize(
    "name",
    [
        *("Status", "STI 014", "STI014", "STI101", "sti_1", "TRIG", "Trigger", "trigger 2"),
        *("TRIGGERS", "DC1", "DC01", "dc-3", "EVENT", "Events", "STIM", "Stim1", "stimulus"),
        *("EVT", "TTL2", "DIN4", "Digital 1", "Marker", "MARKER_HARDWARE", "EEG TRIG-Ref"),
    ],
)
def test_names_in_use_are_known(name):
    assert is_trigger(name)


@pytest.mark.parametrize(
    "name", ["Fp1", "T3", "DC", "DIN", "StimTrak", "Trigeminal", "C3", "Events per minute", "Sti+"]
)
def test_other_names_are_not(name):
    assert not is_trigger(name)


def test_of_neuromags_lines_their_sum_is_read():
    names = ["STI 001", "STI 014", "TRIG", "Cz"]
    assert trigger_channels(names, ["stim", "stim", "stim", "eeg"]) == [1, 2]
    assert trigger_channels(names[:1], ["stim"]) == [0]


@pytest.mark.parametrize("length", [1, 2, 40])
@pytest.mark.parametrize("rest", [0, 65535])
def test_codes_are_those_of_mne_whatever_the_level_at_rest(with_line, length, rest):
    values = line(length=length, rest=rest)
    found = find_pulses(values, 250.0)
    assert (found.sample.tolist(), found.code.tolist(), found.rest) == (list(AT), list(CODES), rest)
    if rest == 0:
        options: dict = {"shortest_event": 1, "consecutive": True}
        theirs = mne.find_events(with_line(values), verbose="error", **options)
        np.testing.assert_array_equal(theirs[:, [0, 2]], np.column_stack([AT, CODES]))


def test_a_line_that_rests_high_and_falls_for_pulses():
    found = find_pulses(line([0, 0], [100, 700], rest=1), 250.0)
    assert (found.sample.tolist(), found.code.tolist()) == ([100, 700], [0, 0])
    rising = find_pulses(1 - line([0, 0], [100, 700], rest=1), 250.0)
    assert (rising.sample.tolist(), rising.code.tolist()) == ([100, 700], [1, 1])


def test_steps_from_code_to_code_are_events():
    values = np.repeat([0, 5, 3, 9, 5, 0, 2, 0], 100)
    found = find_pulses(values, 100.0)
    assert found.code.tolist() == [5, 3, 9, 5, 2]
    assert found.sample.tolist() == [100, 200, 300, 400, 600]
    assert found.steps == 3


def test_blocks_without_rest_begin_where_the_code_changes():
    found = find_pulses(np.repeat([1, 2, 3, 1, 3, 2], 100), 10.0)
    assert (found.rest, found.code.tolist()) == (0, [2, 3, 1, 3, 2])


def test_a_value_on_the_way_up_is_no_code():
    values = line(codes=[12], at=[200])
    values[[199, 210]] = 8, 4
    found = find_pulses(values, 250.0)
    assert (found.sample.tolist(), found.code.tolist()) == ([199], [12])


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_codes_that_were_scaled_to_volts(scale):
    found = find_pulses((line() + 0.05) * scale, 250.0)
    assert found.code.tolist() == list(CODES)


def test_bits_above_the_sixteenth_are_no_codes():
    status = line() + 2**20
    assert find_pulses(status, 250.0).code.tolist() == list(CODES)


def test_an_analogue_line_is_cut_at_half_its_height_and_noise_has_no_pulses():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(2500)
    found = find_pulses(line([5, 5], [300, 800]) + 0.1 * noise, 250.0)
    assert (found.sample.tolist(), found.kind) == ([300, 800], "codes")
    volts = 1000 * line([5, 5], [300, 800]) + 50 * noise
    found = find_pulses(volts, 250.0)
    assert (found.sample.tolist(), found.code.tolist()) == ([300, 800], [1, 1])
    assert found.kind == "analogue"
    assert len(find_pulses(1000 * noise, 250.0).code) == 0
    assert len(find_pulses(1e-5 * noise, 250.0).code) == 0


@pytest.mark.parametrize("values", [np.zeros(0), np.full(50, np.nan), np.ones(50)])
def test_lines_without_a_change_have_no_pulses(values):
    assert len(find_pulses(values, 250.0).code) == 0


@pytest.mark.parametrize(("name", "kind"), [("STI 014", "stim"), ("Trig-1", "eeg"), ("X", "stim")])
@pytest.mark.parametrize("marks", [(), [(1.5, "rest")]])
def test_triggers_count_beside_annotations_by_the_final_type(with_line, name, kind, marks):
    recording = io.from_mne(with_line(line(), name, kind, marks))
    assert recording["eeg"].ch_type.values.tolist() == ["eeg", "eeg", "stim"]
    assert sorted(texts(recording)) == sorted([*map(str, CODES), *(text for _, text in marks)])
    step = io.provenance(recording)[0]
    assert step["step"] == "trigger_channels"
    assert step["parameters"][name]["pulses"] == 4


def test_an_annotation_of_a_pulse_counts_once(with_line):
    marks = [(200 / 250 + 1e-3, "Stimulus/S  3"), (500 / 250, "17.0"), (900 / 250, "go")]
    recording = io.from_mne(with_line(line(), marks=marks))
    assert texts(recording) == ["Stimulus/S  3", "17.0", "255", "go", "3"]


@pytest.mark.parametrize("suffix", [".fif", ".edf", ".bdf", ".vhdr", ".set"])
@pytest.mark.parametrize(("name", "rest"), [("Status", 0), ("Status", 255), ("TRIG", 0)])
def test_written_and_read_again_no_event_is_new(tmp_path, with_line, suffix, name, rest):
    codes = [code % 255 for code in CODES if code % 255]
    recording = io.from_mne(with_line(line(codes, AT[: len(codes)], rest=rest), name))
    again = nf.read(io.write_eeg(recording, tmp_path / f"a{suffix}"))
    assert [t.split("/")[-1] for t in texts(again)] == texts(recording) == list(map(str, codes))
    np.testing.assert_allclose(again["events"].onset, recording["events"].onset, atol=2e-3)


def test_fnirs_with_a_trigger_channel_in_one_file(tmp_path, nirs_raw, caplog):
    raw = nirs_raw()
    types: list = ["stim", "misc"]
    info = mne.create_info(["STI 014", "Belt"], 10.0, types)  # pyright: ignore[reportArgumentType]
    values = np.stack([line([2], [30], length=3, count=100), np.ones(100)])
    raw.add_channels([mne.io.RawArray(values, info, verbose="error")], force_update_info=True)
    raw.save(tmp_path / "a_raw.fif", verbose="error")
    recording = nf.read(tmp_path / "a_raw.fif")
    assert io.streams(recording) == ("nirs",)
    assert (texts(recording), recording["events"].onset.values.tolist()) == (["2"], [3.0])
    assert "Belt left out" in caplog.text


def test_numbers_in_extras_of_annotations_are_columns_of_events(tmp_path, eeg_raw):
    raw = eeg_raw()
    if not hasattr(raw.annotations, "extras"):
        pytest.skip("this version of MNE has no extras")
    extras = [{"amplitude": 2.5, "word": "a"}, {"trial": 7, "channel": 3}]
    date = raw.info["meas_date"]
    raw.set_annotations(mne.Annotations([1, 2], [0, 0], ["x", "y"], date, extras=extras))
    recording = io.from_mne(raw)
    events = recording["events"].to_dataset()
    np.testing.assert_array_equal(events.amplitude, [2.5, np.nan])
    np.testing.assert_array_equal(events.trial, [np.nan, 7])
    assert events.channel.values.tolist() == ["", ""]
    made = io.to_mne(recording)[0]
    assert made is not None
    assert [dict(extra) for extra in made.annotations.extras] == extras
    again = nf.read(io.write_eeg(recording, tmp_path / "a.fif"))
    assert again["events"].to_dataset().identical(events)


def test_further_columns_follow_their_events_onto_a_common_clock(eeg_raw, nirs_raw):
    nirs = io.from_mne(None, nirs_raw())
    rows = [(4.0, 0.0, "b", "", "nirs"), (2.0, 0.0, "a", "", "nirs")]
    events = io.events_dataset(rows, [{"amplitude": 4.0}, {}])
    nirs = io.with_stream(nirs, "events", events)
    joined = io.join(io.from_mne(eeg_raw(marks=[(2.7, "eeg")])), nirs, offset=0.5)
    found = joined["events"]
    assert found.description.values.tolist() == ["a", "eeg", "b"]
    np.testing.assert_array_equal(found.amplitude, [np.nan, np.nan, 4.0])
