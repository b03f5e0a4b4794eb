"""The report's figure of clocks and its references."""

import numpy as np
import pytest

from neurofuse.fusion.report import report
from neurofuse.fusion.report.alignment import alignment_section, draw_clock, residuals
from neurofuse.fusion.report.citations import bibtex, keys
from neurofuse.fusion.report.methods import methods_paragraph
from neurofuse.fusion.views.before_after import views_of
from neurofuse.fusion.views.cleaning_summary import summarize
from neurofuse.io import ClockModel, note
from tests.builders import eeg_node, recording_of

DELAYS = np.array([0.004, -0.003, 0.001, 0.0, -0.002])  # s


def make(words=("go", "go"), clock=None):
    """A recording whose files both tell of five events, fNIRS later by DELAYS."""
    noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500))
    onsets = 1.0 + 2.0 * np.arange(5)
    rows = [(float(t), 0.0, words[0], "", "eeg") for t in onsets]
    rows += [(float(t), 0.0, words[1], "", "nirs") for t in onsets + DELAYS]
    rows += [(4.9, 0.0, "pause", "", "eeg")]
    found = ClockModel(2.0, 80.0, 0.003, 5, "events", (1.99, 2.01), (50.0, 110.0))
    return recording_of(
        eeg_node(noise, 250.0),
        np.exp(noise[None, :, :100]),
        events=rows,
        clock={"eeg": ClockModel(), "nirs": clock or found},
    )


@pytest.mark.parametrize("words", [("go", "go"), ("go", "Trigger 1")])
def test_events_of_both_files_are_paired(words):
    found = residuals(make(words))
    np.testing.assert_allclose(found[:, 0], 1.0 + 2.0 * np.arange(5))
    np.testing.assert_allclose(found[:, 1], DELAYS, atol=1e-12)


def heights(line):
    return np.asarray(line.get_ydata(), float)


def test_the_figure_shows_drift_interval_and_residuals():
    recording = make()
    text = alignment_section(recording, views_of(recording))
    assert "fNIRS: drift since its start [ms] (offset +2.0000 s)" in text
    assert "5 events that both files contain" in text
    row = recording["clock"].to_dataset().sel(stream="nirs")
    left, right = draw_clock(row, 1000.0, residuals(recording)).axes
    assert heights(left.lines[0])[-1] == pytest.approx(80.0)  # 1000 s × 80 ppm in ms
    band = np.asarray(left.collections[0].get_paths()[0].vertices, float)
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((0.0, 110.0))
    np.testing.assert_allclose(heights(right.lines[0]), 1e3 * DELAYS, atol=1e-9)
    assert {heights(line)[0] for line in right.lines[2:]} == {-3.0, 3.0}


def test_without_anchors_there_is_no_figure():
    recording = make(clock=ClockModel(2.0, method="offset"))
    assert "<svg" not in alignment_section(recording, views_of(recording))
    apart = make()
    apart["events"] = apart["events"].isel(event=apart["events"].stream.values == "eeg")
    assert residuals(apart).shape == (0, 2)
    assert "No event is in both files" in alignment_section(apart, views_of(apart))


@pytest.mark.slow
def test_the_page_cites_what_it_used(tmp_path):
    recording = make()
    cleaned = note(recording, "clean", model="tddr")
    assert "fishburn2019" in keys(cleaned, views_of(cleaned), None)
    assert "fishburn2019" not in keys(recording, views_of(recording), None)
    text = report(recording, cleaned, tmp_path / "a.html").read_text("utf-8")
    block = text.partition('<pre id="bibtex"')[2].partition("</pre>")[0]
    assert "@article{fishburn2019," in block
    assert "@article{luke2021," in block
    assert "VERSION" not in bibtex(["neurofuse"])
    words = methods_paragraph(cleaned, views_of(cleaned), [summarize(v) for v in views_of(cleaned)])
    assert "Fishburn et al. 2019" in words
    assert "Sherafati et al. 2020" in words


def test_methods_read_as_prose():
    recording = note(make(), "mark_bad", eeg=["Cz"])
    cleaned = note(recording, "clean", model="joint", streams=["eeg", "nirs"])
    found = views_of(cleaned)
    words = methods_paragraph(cleaned, found, [summarize(v) for v in found])
    assert (
        "Motion artifacts were removed from EEG and fNIRS jointly with the model “joint”" in words
    )
    assert "marked bad" in words
    assert not set("{}[]_") & set(words)
    alone = note(make(), "clean", model="nirs", streams=["nirs"])
    words = methods_paragraph(alone, found, [summarize(v) for v in found])
    assert "Motion artifacts were removed from fNIRS with the model “nirs”" in words
    assert "multichannel Wiener" not in words
