"""The table of movements: what it names, and what it leaves open."""

from dataclasses import replace

from neurofuse.fusion.movements import Movement
from neurofuse.fusion.report.movements import movements_section

ONE = Movement(1.0, 2.0, "eeg", ("C3", "<b>"), 1.4642e-3, 6e-5, "repaired")


def test_kinds_are_named_only_where_they_are_likely():
    likely = replace(ONE, kind="jaw", kind_probability=0.82)
    guess = replace(ONE, kind="nod", kind_probability=0.27)
    lost = replace(ONE, verdict="lost", kind=None)
    text = movements_section([likely, guess, lost])
    assert "<td>jaw (82 %)</td>" in text
    assert "<td>unclear</td>" in text
    assert "nod" not in text
    assert text.count('class="poor"') == 1
    assert "Looks like" not in movements_section([guess, lost])


def test_sizes_and_names_are_readable():
    text = movements_section([ONE])
    assert "<td>1460\N{NO-BREAK SPACE}µV</td>" in text
    assert "C3, &lt;b&gt;" in text
    assert movements_section([]) == ""
