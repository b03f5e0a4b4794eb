"""The page of many recordings: its rows are the recordings, its links lead to their reports."""

import re
from urllib.parse import unquote

import numpy as np
import pytest

from neurofuse.fusion.report import cohort_report, cohort_row
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.recording import without_stream
from tests.builders import recording_of, with_masks

EVIL = "<script>alert(1)</script>"


def make(push=1e-3, flat=0, gate=True, seed=0):
    """(before, after) of 60 s: a push of 6 s in EEG; all of it is taken out but a tenth."""
    rng = np.random.default_rng(seed)
    time = np.arange(60 * 100) / 100
    moved = (time >= 20) & (time < 26)
    quiet = 1e-6 * rng.standard_normal((5, len(time)))
    quiet[:flat] = 0.0
    light = np.exp(0.01 * rng.standard_normal((2, 2, 600)))
    made = []
    for rest in (1.0, 0.1):
        samples = quiet + rest * push * moved * np.sin(6 * time) * (np.arange(5)[:, None] >= flat)
        made.append(recording_of(samples, light))
    before, after = made
    return before, with_masks(after, "gate", eeg=moved) if gate else after


def cells(text):
    """The rows of the table, each a list of (sorting value, text)."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr.*?>(.*?)</tr>", body)
    return [re.findall(r'<td data-value="(.*?)">(.*?)</td>', row) for row in rows]


def test_a_row_holds_the_figures_of_its_recording(tmp_path):
    before, after = make()
    before.attrs["measured_at"] = "2026-03-04T05:06:07+00:00"
    row = cohort_row("sub-01", before, after)
    assert row.seconds == 60
    eeg, nirs = row.streams["eeg"], row.streams["nirs"]
    assert eeg.motion == pytest.approx(0.1)
    assert nirs.motion is None
    assert eeg.summary.unchanged == pytest.approx(0.9, abs=0.01)
    # bins of half a second; the push is in those from 20 to 26 s
    assert np.flatnonzero(eeg.before > 1e-4).tolist() == list(range(40, 52))
    np.testing.assert_allclose(eeg.after[45], eeg.before[45] / 10, rtol=0.05)
    text = cohort_report([row], tmp_path / "index.html").read_text("utf-8")
    (found,) = cells(text)
    assert found[0] == ("2026-03-04T05:06:07+00:00", "2026-03-04")
    assert found[1] == ("60.0", "1 min 0 s")
    assert found[2][1] == "5 of 5"
    assert found[3][1] == "10.0 %"
    assert float(found[5][0]) == pytest.approx(20, abs=0.1)  # a tenth is left
    assert [text for _, text in found[-3:]] == ["–", "100 %", "0.0"]  # fNIRS was not touched
    assert text.count('class="small"') == 2


def test_links_are_relative_and_names_are_text(tmp_path):
    page = tmp_path / "single" / "sub 1 & 2.html"
    pair = make()
    rows = [cohort_row(EVIL, *pair, page=page), cohort_row("b", *make())]
    text = cohort_report(rows, tmp_path / "all" / "index.html").read_text("utf-8")
    (link,) = re.findall(r'<a href="(.*?)"', text)
    assert (tmp_path / "all" / unquote(link)).resolve() == page.resolve()
    assert EVIL not in text
    assert text.count("&lt;script&gt;") == 3  # the name, and two small pictures


def test_streams_may_differ_and_poor_rows_stand_out(tmp_path):
    before, after = (without_stream(r, "nirs") for r in make())
    rows = [
        cohort_row("a", before, after),
        cohort_row("poor", *make(flat=2)),
        cohort_row("c", *make()),
    ]
    text = cohort_report(rows, tmp_path / "index.html").read_text("utf-8")
    assert "fNIRS, 2 of 3 recordings" in text
    assert [len(row) for row in cells(text)] == [11, 10, 10]
    marked = re.findall(r"<tr class=poor>.*?</tr>", text)
    assert len(marked) == 1
    assert ">poor<" in marked[0]
    assert "3 of 5" in marked[0]
    assert not any("nan" in part for row in cells(text) for cell in row for part in cell)


def test_nothing_and_existing_files_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="cohort_row"):
        cohort_report([], tmp_path / "a.html")
    row = cohort_row("a", *make(gate=False))
    path = cohort_report([row], tmp_path / "a.html")
    with pytest.raises(WriteError, match="existing"):
        cohort_report([row], path)
    assert (
        cohort_report([row], path, overwrite=True, title="B & B")
        .read_text("utf-8")
        .count("B &amp; B")
    )
