"""Small inputs after reports of users, with the times that they hold: shared/cases/INDEX.md."""

import pytest

import neurofuse as nf
import neurofuse.io as io


def onsets(recording) -> dict[str, float]:
    events = recording["events"].to_dataset()
    rows = zip(events.description.values, events.onset.values, strict=True)
    return {str(text): round(float(at), 6) for text, at in rows if text != "BAD_gap"}


def gap(recording) -> tuple[float, float]:
    """Last time before the one gap and first time after it."""
    events = recording["events"].to_dataset()
    (row,) = [i for i, text in enumerate(events.description.values) if text == "BAD_gap"]
    onset, duration = float(events.onset[row]), float(events.duration[row])
    return round(onset, 6), round(onset + duration, 6)


PAUSES = {  # stream, last sample, events, gap: last sample before and first one after
    "A1_edfplusd_gap.edf": ("eeg", 69.996, {"go": 5.0, "stop": 56.0}, (19.996, 50.0)),
    "A3_brainvision_pause.vhdr": (
        "eeg",
        99.996,
        {"Stimulus/S  1": 5.0, "Stimulus/S  2": 85.0},
        (19.996, 80.0),
    ),
    "A4_eeglab_boundary.set": ("eeg", 69.996, {"go": 5.0, "stop": 56.0}, (19.996, 50.0)),
    "M10b_two_blocks_pause.snirf": ("nirs", 79.9, {}, (29.9, 50.0)),
}


@pytest.mark.parametrize("name", PAUSES)
def test_pauses_are_time_there_and_back(case, tmp_path, name):
    stream, last, events, between = PAUSES[name]
    recording = nf.read(case(name))
    write, suffix = (io.write_eeg, ".fif") if stream == "eeg" else (io.write_nirs, ".snirf")
    for found in (recording, nf.read(write(recording, tmp_path / f"a{suffix}"))):
        assert float(found[stream].time[-1]) == pytest.approx(last, abs=1e-6)
        assert onsets(found) == events
        assert gap(found) == pytest.approx(between, abs=2e-6)


def test_a_pause_does_not_part_the_two_devices(case):
    recording = nf.read(case("A3_brainvision_pause.vhdr"), case("A3_nirs.snirf"))
    assert float(recording["clock"].offset.sel(stream="nirs")) == 0.5
    found = onsets(recording)
    assert (found["Stimulus/S  2"], found["S2"]) == (85.0, 85.0)


def test_what_was_cut_out_in_eeglab_is_known_to_the_join(case):
    recording = nf.read(case("A4_eeglab_boundary.set"), case("A3_nirs.snirf"), offset=0.5)
    assert onsets(recording)["stop"] == 56.0


def test_local_time_is_not_taken_for_utc(case):
    pair = case("T1_long_eeg.edf"), case("T1_long_nirs_local_tz.snirf")
    with pytest.raises(io.AlignmentError, match=r"overlap by 10792 s .* then the offset is 8;"):
        nf.read(*pair)
    assert float(nf.read(*pair, offset=8)["clock"].offset.sel(stream="nirs")) == 8


def test_unix_time_is_a_date(case):
    recording = nf.read(case("S9h_epoch_float64.snirf"))
    assert recording["nirs"].attrs["measured_at"] == "2024-05-17T09:30:20+00:00"
    assert onsets(recording) == {"a": 5.0}


@pytest.mark.parametrize("name", ["X2_markers_unix_time.xdf", "X2c_eeg_unix_time_markers_lsl.xdf"])
def test_markers_of_another_clock_are_named(case, name, caplog):
    assert onsets(nf.read(case(name))) == {}
    assert "3 of 3 markers of stream" in caplog.text


def test_milliseconds_are_no_seconds(case):
    with pytest.raises(io.ReadError, match=r"in milliseconds, not seconds, it is 100 Hz"):
        nf.read(case("S9_ms_time_unit_s.snirf"))


def test_one_time_given_twice_is_read_with_a_word(case, caplog):
    node = nf.read(case("S9j_duplicate_time.snirf"))["nirs"]
    assert (node.sizes["channel"], node.sizes["time"], node.attrs["rate"]) == (4, 500, 10.0)
    assert "1 time stamp is given twice (the first: 11.9 s, at sample 120)" in caplog.text
