"""The summary of a Recording says what is in it, in text and in HTML."""

import pytest

import neurofuse as nf
from neurofuse.io.recording import GATE_OPEN, without_stream
from tests.builders import aligned_recording


def test_text_names_streams_rates_bads_events_and_alignment():
    text = repr(nf.summary(aligned_recording()))
    eeg, nirs = text.splitlines()[1:3]
    assert eeg.split("  ")[0] == "EEG"
    assert "250 Hz" in eeg
    assert "C3" in eeg
    assert "defines the time" in eeg
    assert "1 at 760, 850 nm, intensity" in nirs
    assert "12.5 Hz" in nirs
    assert "offset +0.5000 s, drift +12.00 ppm, by events: 9 anchors within 4.00 ms" in nirs
    assert "events: 2 × “go”" in text


def test_html_is_a_table_with_the_same_cells_and_escapes_names():
    summary = nf.summary(aligned_recording("<script>x</script>"))
    html = summary._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert html.count("<tr>") == 1 + len(summary.rows)


def test_a_cleaned_recording_states_how_much_motion_was_detected(simulated):
    cleaned = nf.clean(without_stream(simulated[1], "nirs"))
    fraction = float((cleaned["eeg"].gate > GATE_OPEN).mean())
    text = repr(nf.summary(cleaned))
    assert f"{100 * fraction:.1f} % detected" in text
    assert "done so far: simulate, inject, clean" in text


def test_what_was_done_to_both_files_is_shown_once():
    recording = aligned_recording()
    for step in ("from_mne", "from_mne", "clean"):
        recording = nf.io.note(recording, step)
    assert nf.summary(recording).lines[1] == "done so far: from_mne, clean"


def test_what_is_no_recording_is_refused():
    with pytest.raises(nf.NeurofuseError, match="a Recording"):
        nf.summary({"eeg": 1})  # pyright: ignore[reportArgumentType]
