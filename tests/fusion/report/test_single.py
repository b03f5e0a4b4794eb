import re
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

from neurofuse.fusion.plot.draw_lanes import envelope
from neurofuse.fusion.plot.draw_spectra import WITH, WITHOUT, spectra
from neurofuse.fusion.report import report
from neurofuse.fusion.report.pictures import traces_section
from neurofuse.fusion.views.before_after import views_of
from neurofuse.fusion.views.changes import (
    amplitude,
    change,
    stretches,
    strongest,
    unchanged_fraction,
)
from neurofuse.fusion.views.cleaning_summary import summarize
from neurofuse.fusion.views.cleaning_text import headline
from neurofuse.io.errors import NeurofuseError, ParameterError, WriteError
from neurofuse.io.recording import note, stream_dataset, with_stream, without_stream
from tests.builders import eeg_node, recording_of, with_masks

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "br", "hr", "img", "link", "input"}
MOVED = (20.0, 24.0)  # s


class Page(HTMLParser):
    """Collects what the tests ask for and fails on tags that do not close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.headings = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [v for n, v in attrs if n in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def make(seconds=60.0, eeg=3, nirs=2, seed=0, names=None):
    """(truth, before, after) with a movement at MOVED, seen by the first channels."""
    rng = np.random.default_rng(seed)
    clean, moved, gates = {}, {}, {}
    for stream, rate, scale, count in (("eeg", 100.0, 1e-5, eeg), ("nirs", 10.0, 0.01, 2 * nirs)):
        time = np.arange(round(seconds * rate)) / rate
        clean[stream] = scale * rng.standard_normal((count, len(time)))
        gates[stream] = (time >= MOVED[0]) & (time < MOVED[1])
        artifact = 10 * scale * np.sin(2 * np.pi * time + 0.3) * gates[stream]
        if stream == "nirs":
            artifact = artifact + 10 * scale * (time >= MOVED[1])  # a level shift stays
        moved[stream] = clean[stream] + artifact

    def recording(values):
        light = 1e3 * np.exp(-values["nirs"].reshape(nirs, 2, -1))
        events = [(5.0, 1.0, EVIL, "", "eeg")]
        return recording_of(eeg_node(values["eeg"], names=names), light, events=events)

    after = with_masks(recording(clean), "gate", **gates)
    return recording(clean), recording(moved), note(after, "clean", model=EVIL)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    truth, before, after = make(names=[EVIL, "$x_1$ & <b>", "Ω脑"])
    path = report(before, after, tmp_path_factory.mktemp("page") / "new" / "s1.html", truth=truth)
    return path, path.read_text("utf-8")


def test_the_page_is_whole_and_needs_no_network(written):
    path, text = written
    page = Page(text)
    wanted = [
        "In numbers",
        "Traces",
        "Motion mask and change",
        "Sensors",
        "Spectra",
        "Responses to events",
    ]
    assert page.headings == [
        *wanted,
        "Channel quality",
        "Alignment",
        "Provenance",
        "Methods paragraph",
    ]
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src 'none'" in text
    assert not any("src" in attrs for tag, attrs in page.tags if tag == "script")
    drawn = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawn) == 5
    assert all(d["role"] == "img" and d["aria-label"] for d in drawn)
    assert path.stat().st_size < 6e6
    assert [p.name for p in path.parent.iterdir()] == ["s1.html"]


def test_text_from_files_is_escaped(written):
    _, text = written
    assert EVIL not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2  # table, provenance
    assert "$x_1$ &amp; &lt;b&gt;" in text
    assert "Ω脑" in text


def test_figures_are_those_of_the_data():
    truth, before, after = make()
    eeg, nirs = views_of(before, after, truth)
    fraction = 4 / 60
    assert unchanged_fraction(eeg) == pytest.approx(1 - fraction, abs=0.001)
    assert unchanged_fraction(nirs) == pytest.approx(1 - fraction, abs=0.002)
    figures = summarize(eeg)
    assert figures.motion_seconds == pytest.approx(4.0)
    assert figures.motion_intervals == 1
    assert figures.rms_elsewhere[0] == figures.rms_elsewhere[1]
    inside = eeg.in_motion
    by_hand = 1e6 * np.sqrt(np.mean((eeg.before - eeg.truth)[:, 0][inside] ** 2))
    assert figures.rms_error == pytest.approx((by_hand, 0.0))
    assert amplitude(eeg, "after", None) == pytest.approx(1e-5, rel=0.02)
    text = " ".join(headline(before, [eeg, nirs], [figures, summarize(nirs)]))
    assert "lasts 1 min 0 s" in text
    assert "for 4.0 s (6.7 % of its time, 1 interval)" in text
    # fNIRS is shown over one reference: the same before the movement, whatever the mean became
    quiet = nirs.time < MOVED[0]
    np.testing.assert_allclose(nirs.after[..., quiet], nirs.before[..., quiet], atol=1e-9)
    start, stop, reason = strongest([eeg, nirs])
    assert start < MOVED[0] < MOVED[1] < stop
    assert reason == "the largest change"


def test_only_eeg_is_counted_and_drawn_as_eeg(tmp_path):
    _, before, after = make(eeg=4, names=["C3", "Cz", "C4", "the heart"])

    def with_ecg(recording):
        node = stream_dataset(recording, "eeg")
        kinds = ("channel", ["eeg", "eeg", "eeg", "ecg"])
        loud = node.eeg * xr.where(node.channel == "the heart", 1e3, 1)
        return with_stream(recording, "eeg", node.assign(eeg=loud).assign_coords(ch_type=kinds))

    text = report(with_ecg(before), with_ecg(after), tmp_path / "a.html").read_text("utf-8")
    assert "EEG (3 channels, 100 Hz)" in text.partition('id="methods"')[2]
    assert "Not EEG, so neither cleaned nor on this page: the heart." in text
    assert text.count("the heart") == 1


def test_lost_stretches_do_not_count_as_rest():
    _, before, after = make()
    node = stream_dataset(after, "eeg")
    lost = (node.time > 50).values & np.ones((3, 1), bool)
    verdict = ("channel", "time"), np.where(lost, 2, 0).astype(np.int8)
    loud = {}
    for name, one in (("before", before), ("after", after)):
        eeg = stream_dataset(one, "eeg")
        loud[name] = with_stream(one, "eeg", eeg.assign(eeg=eeg.eeg + 1e-3 * lost))
    view = views_of(loud["before"], loud["after"])[0]
    assert view.in_motion is not None
    elsewhere = ~view.in_motion
    assert amplitude(view, "before", elsewhere) > 3e-4
    judged = with_stream(loud["after"], "eeg", stream_dataset(loud["after"], "eeg").assign(
        verdict=verdict))  # fmt: skip
    view = views_of(loud["before"], judged)[0]
    assert amplitude(view, "before", elsewhere) == pytest.approx(1e-5, rel=0.05)
    found, usual = spectra(view), spectra(views_of(before, after)[0])
    assert found is not None
    assert usual is not None
    quiet, plain = (one.parts[WITHOUT]["before"] for one in (found, usual))
    assert np.median(quiet / plain) == pytest.approx(1, rel=0.2)
    assert quiet.max() < 10 * plain.max()


def test_spectra_reach_nyquist_and_mark_the_mains():
    from neurofuse.fusion.plot.draw_spectra import draw_spectra

    _, before, after = make()
    result = spectra(views_of(before, after)[0])
    assert result is not None
    assert result.frequency[-1] == 50
    for mains, wanted in ((20.0, [20, 40]), (np.nan, [])):  # 50 Hz is Nyquist itself
        figure = draw_spectra({"eeg": result}, mains)
        ax = next(ax for ax in figure.axes if ax.get_visible())
        marks = [
            np.asarray(line.get_xdata())[0] for line in ax.lines if line.get_linestyle() == ":"
        ]
        assert marks == wanted
        tall = [np.max(line.get_ydata()) for line in ax.lines if line.get_linestyle() != ":"]
        assert ax.get_ylim()[1] >= max(tall)


def test_a_corrected_shift_counts_where_it_shifts():
    _, before, after = make()
    nirs = views_of(before, after)[1]
    where = np.flatnonzero(change(nirs, 0) > 1e-6) / nirs.rate
    assert where.min() >= MOVED[0]
    assert where.max() <= MOVED[1]


@pytest.mark.slow
def test_nothing_changed_is_said(tmp_path):
    _, before, _ = make()
    text = report(before, before, tmp_path / "a.html").read_text("utf-8")
    assert "Nothing was changed: all samples of all modalities are bit-identical." in text
    assert "The middle of the recording" in text
    changed = report(before, make()[2], tmp_path / "b.html").read_text("utf-8")
    assert "Nothing was changed" not in changed


def test_a_bad_channel_that_was_changed_is_reported(tmp_path):
    _, before, after = make()
    for tree, expected in ((before, "passed through unchanged"), (after, "changed nevertheless")):
        node = stream_dataset(tree, "eeg")
        marked = with_stream(tree, "eeg", node.assign_coords(bad=("channel", [True, False, False])))
        found = views_of(before, marked)
        text = " ".join(headline(before, found, [summarize(v) for v in found]))
        assert f"Bad EEG channel: E0; {expected}." in text


@pytest.mark.parametrize("absent", ["eeg", "nirs"])
@pytest.mark.parametrize("side", ["both", "after"])
def test_a_stream_may_be_missing(tmp_path, absent, side):
    _, before, after = make()
    short = without_stream(before, absent) if side == "both" else before
    path = report(short, without_stream(after, absent), tmp_path / "a.html")
    text = path.read_text("utf-8")
    Page(text)
    assert ("the result does not contain this modality" in text) == (side == "after")


def test_without_gate_no_movement_is_claimed(tmp_path):
    _, before, after = make()
    for stream in ("eeg", "nirs"):
        after = with_stream(after, stream, stream_dataset(after, stream).drop_vars("gate"))
    text = report(before, after, tmp_path / "a.html").read_text("utf-8")
    assert "it is not known where motion occurred" in text
    assert "whole recording" in text
    assert "gate >" not in text
    assert "in motion" not in text
    assert "with motion" not in text


@pytest.mark.parametrize(
    ("seconds", "eeg", "nirs"),
    [(60.0, 1, 1), (1.0, 2, 2), (0.1, 2, 2), pytest.param(30.0, 128, 64, marks=pytest.mark.slow)],
)
def test_any_size(tmp_path, seconds, eeg, nirs):
    _, before, after = make(seconds, eeg, nirs)
    path = report(before, after, tmp_path / "a.html")
    Page(path.read_text("utf-8"))
    assert path.stat().st_size < 6e6


@pytest.mark.slow
def test_missing_samples_and_bad_channels(tmp_path):
    _, before, after = make()
    for stream, name in (("eeg", "eeg"), ("nirs", "intensity")):
        node = stream_dataset(before, stream)
        values = node[name].values.copy()
        values[0] = np.nan
        values[1, ..., 100:150] = np.nan
        node = node.assign({name: node[name].copy(data=values)})
        before = with_stream(before, stream, node)
    node = stream_dataset(before, "eeg")
    all_bad = with_stream(before, "eeg", node.assign_coords(bad=("channel", np.ones(3, bool))))
    for number, recording in enumerate((before, all_bad)):
        text = report(recording, after, tmp_path / f"{number}.html").read_text("utf-8")
        Page(text)
        assert not re.search(r"\bnan\b", re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL))


def test_a_measure_beyond_its_limit_is_marked(tmp_path):
    _, before, after = make()
    node = stream_dataset(before, "eeg")
    values = node.eeg.values.copy()
    values[0] *= 1000
    values[1] = 0.0
    before = with_stream(before, "eeg", node.assign(eeg=node.eeg.copy(data=values)))
    text = report(before, after, tmp_path / "a.html").read_text("utf-8")
    table = text[text.index('id="channel-quality"') :].replace("<tr", "\n<tr")
    rows = [line.split("<td>") for line in table.splitlines() if line.startswith("<tr")]
    loud, flat = (next(r for r in rows if f">E{n}<" in r[0]) for n in (0, 1))
    column = rows[0][0].count("<th", 0, rows[0][0].index("deviation")) - 1
    assert loud[column].startswith(tuple("123456789"))
    assert loud[column].endswith("\N{NO-BREAK SPACE}!</td>")
    assert flat[-1].startswith("flat</td>")
    assert "2 of 3 channels usable" in table


@pytest.mark.slow
def test_a_comparison_is_shown_and_another_refused(tmp_path):
    _, before, after = make()
    comparison = xr.Dataset(
        {"value": (("method", "modality", "metric"), [[[-12.5, np.nan]], [[0.0, -np.inf]]])},
        coords={
            "method": ["joint", EVIL],
            "modality": ["eeg"],
            "metric": ["error_db", "clean_change_db"],
            "units": ("metric", ["dB", "dB"]),
            "failure": ("method", ["", f"too {EVIL}"]),
        },
        attrs={"truth": "unknown"},
    )
    text = report(before, after, tmp_path / "a.html", comparison=comparison).read_text("utf-8")
    assert Page(text).headings.count("Comparison") == 1
    for expected in (
        "error [dB]",
        "<dt>error</dt>",
        "<td class=best>−12.5</td>",
        "<td class=best>−inf</td>",
        "Truth unknown",
    ):
        assert expected in text
    assert EVIL not in text
    with pytest.raises(ParameterError, match=r"value. over method"):
        report(before, after, tmp_path / "b.html", comparison=comparison.rename(value="x"))
    assert not (tmp_path / "b.html").exists()


@pytest.mark.slow
def test_an_existing_file_is_kept_unless_overwritten_on_request(tmp_path):
    _, before, after = make()
    path = tmp_path / "a.html"
    path.write_text("mine")
    with pytest.raises(WriteError, match=re.escape(str(path))):
        report(before, after, path)
    assert path.read_text() == "mine"
    report(before, after, path, overwrite=True)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        report(before, after, tmp_path / "file" / "a.html")


def test_other_channels_are_refused():
    _, before, after = make()
    node = stream_dataset(after, "eeg")
    with pytest.raises(ParameterError, match="other channels or times"):
        views_of(before, with_stream(after, "eeg", node.isel(channel=[1, 0, 2])))
    with pytest.raises(ParameterError, match="a modality that both contain"):
        views_of(without_stream(before, "nirs"), without_stream(after, "eeg"))


@pytest.mark.parametrize("name", ["comparison", "contribution", "explanation", "truth"])
def test_results_of_another_type_are_refused(tmp_path, name):
    _, before, after = make()
    with pytest.raises(NeurofuseError, match="a dict; wanted"):
        report(before, after, tmp_path / "a.html", **{name: {}})  # type: ignore[arg-type]


def test_spectra_find_the_movement_only_where_it_is():
    truth, before, after = make()
    found = spectra(views_of(before, after, truth)[0])
    assert found is not None
    line = found.frequency.tolist().index(1.0)
    with_movement, without = found.parts[WITH], found.parts[WITHOUT]
    assert with_movement["before"][line] > 20 * with_movement["truth"][line]
    np.testing.assert_allclose(without["before"], without["truth"])
    # white noise of 10 µV at 100 Hz: 100 µV² spread over 50 Hz
    assert np.median(without["truth"]) == pytest.approx(2.0, rel=0.3)


def test_decimation_keeps_every_peak():
    values = np.zeros(100_000)
    values[[17, 54_321]] = 5.0, -7.0
    values[300:350] = np.nan
    _, drawn = envelope(np.arange(100_000) / 250, values)
    assert len(drawn) == 2000
    assert (np.nanmin(drawn), np.nanmax(drawn)) == (-7.0, 5.0)


def test_bouts_reach_both_ends():
    mask = np.array([True, False, True, True])
    assert stretches(mask, np.arange(4.0), 1.0) == [(0.0, 1.0), (2.0, 4.0)]
    assert stretches(np.zeros(3, bool), np.arange(3.0), 1.0) == []


def test_every_metric_of_a_comparison_is_explained():
    from neurofuse.fusion.metrics import errors as metrics
    from neurofuse.fusion.metrics import no_reference
    from neurofuse.fusion.metrics import preserved as kept
    from neurofuse.fusion.report.metric_words import METRICS

    assert {*metrics.UNITS, *kept.UNITS, *no_reference.UNITS} == set(METRICS)


def test_brain_signals_have_a_table_of_their_own(pair):
    from neurofuse.fusion.compare import compare
    from neurofuse.fusion.report.comparison import comparison_section

    text = comparison_section(compare(pair[1], ["bandpass"], pair[0]))
    errors, _, brain = text.partition("<h4>Preservation of brain signals in EEG</h4>")
    assert "error [dB]" in errors
    assert "alpha peak [Hz]" in brain
    assert "alpha peak" not in errors
    assert "<td>bandpass</td>" in brain or ">bandpass<" in brain


def test_rounding_of_fnirs_is_no_change():
    _, before, _ = make()
    node = stream_dataset(before, "nirs")
    rounded = node.intensity.astype("float32").astype(float)
    after = with_stream(before, "nirs", node.assign(intensity=rounded))
    view = next(v for v in views_of(before, after) if v.stream == "nirs")
    assert np.abs(view.after - view.before).max() > 0
    assert all(change(view, i).max() == 0 for i in range(len(view.channel)))


def test_a_close_up_leaves_out_a_modality_that_was_not_recording():
    eeg = 1e-5 * np.ones((1, 2000))
    rng = np.random.default_rng(0)
    moved = np.exp(0.001 * rng.standard_normal((1, 2, 1000)))
    moved[..., 900:] *= 2
    light = np.exp(0.001 * rng.standard_normal((1, 2, 1000)))
    before, after = (recording_of(eeg, values) for values in (moved, light))
    close = traces_section(before, views_of(before, after)).partition("<h3>Close up</h3>")[2]
    assert 'aria-label="fNIRS, recorded and cleaned, from' in close
    assert "EEG (" not in close
