"""A comparison on a page: its verdict, directions, the best of each column, and what rows mean."""

import numpy as np
import pytest
import xarray as xr

from neurofuse.fusion.compare import ORACLE
from neurofuse.fusion.report.comparison import comparison_section
from neurofuse.fusion.report.comparison_verdict import best_rows, in_order, verdict

METRICS = ["error_db", "correlation", "kept_alpha", "noref_motion_ratio", "noref_quiet_change"]
ROWS = {
    "tddr": [-1.0, 0.6, 1.4, 2.0, -9.0],
    "joint": [-5.0, 0.8, 0.9, -0.5, -20.0],
    "uncorrected": [12.0, 0.1, 3.0, 9.0, -np.inf],
    "zero": [0.0, np.nan, 0.0, np.nan, 0.0],
    ORACLE: [-np.inf, 1.0, 1.0, 0.0, -np.inf],
}


def make(truth="known", **rows):
    rows = ROWS | rows
    return xr.Dataset(
        {"value": (("method", "modality", "metric"), [[row] for row in rows.values()])},
        coords={
            "method": list(rows),
            "modality": ["nirs"],
            "metric": METRICS,
            "units": ("metric", ["dB", "1", "1", "dB", "dB"]),
        },
        attrs={"truth": truth},
    )


def test_the_verdict_names_the_smallest_error():
    assert verdict(make()) == (
        "Smallest error in motion: in fNIRS joint (−5 dB; uncorrected 12 dB, zeros 0 dB)."
    )


def test_methods_that_lose_to_zeros_are_not_called_best():
    found = verdict(make(joint=[3.0, 0.8, 0.9, -0.5, -20.0], tddr=[1.0, 0.6, 1.4, 2.0, -9.0]))
    assert "no method beats an output of zeros (best: tddr, 1 dB)" in found


def test_without_truth_none_is_called_best():
    table = make("unknown").sel(metric=["noref_motion_ratio", "noref_quiet_change"])
    assert verdict(table) == (
        "Truth unknown, so none can be called best: in fNIRS joint left motion most like quiet "
        "parts (−0.5 dB; uncorrected 9 dB) and joint changed quiet parts least (−20 dB)."
    )


@pytest.mark.parametrize(
    ("metric", "best"),
    [("error_db", ["joint"]), ("correlation", ["joint"]), ("kept_alpha", ["joint"])],
)
def test_lower_higher_or_nearest_is_better_as_the_metric_has_it(metric, best):
    value = make(tddr=[-1.0, 0.6, 0.5, 2.0, -9.0]).value.sel(modality="nirs", metric=metric)
    assert best_rows(metric, value) == best


def test_rows_are_in_order_and_controls_last():
    value = make().value.sel(modality="nirs")
    assert in_order(value) == ["joint", "tddr", ORACLE, "zero", "uncorrected"]


def test_the_page_has_directions_bold_and_a_legend():
    text = comparison_section(make())
    assert text.startswith("<p><strong>Smallest error in motion: in fNIRS joint")
    assert "error [dB] ↓" in text
    assert "correlation ↑" in text
    assert "alpha → 1" in text
    assert "<td class=best>−5</td>" in text
    assert "<dt>zero</dt><dd>row: an output of zeros, which a method must beat</dd>" in text
    assert text.index(">joint<") < text.index(">tddr<")
