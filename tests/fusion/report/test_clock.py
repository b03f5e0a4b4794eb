"""The report's table of clocks: intervals where they are known, "not known" where not."""

import re

import numpy as np

from neurofuse.fusion.report import report
from neurofuse.io import ClockModel, build, clock_dataset
from tests.builders import eeg_node, recording_of


def cells(path):
    """The rows of the table under "Alignment"."""
    section = path.read_text("utf-8").split('id="alignment-title"')[1].split("</section>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", section, re.S)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]


def test_intervals_of_offset_and_drift_are_shown(tmp_path):
    noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500))
    found = ClockModel(2.0, 81.5, 0.004, 16, "events", (1.998, 2.0021), (79.25, 83.75))
    recording = recording_of(noise, clock={"eeg": ClockModel(), "nirs": found})
    head, eeg, nirs = cells(report(recording, recording, tmp_path / "page.html"))
    assert head[2:6] == ["Offset [s]", "95 % interval", "Drift [ppm]", "95 % interval"]
    assert eeg[2:6] == ["+0.0000", "not known", "+0.00", "not known"]
    assert nirs[2:] == [
        "+2.0000",
        "+1.9980 to +2.0021",
        "+81.50",
        "+79.25 to +83.75",
        "16",
        "4.00",
    ]


def test_a_recording_of_an_older_release_has_no_intervals(tmp_path):
    node = eeg_node(np.random.default_rng(0).normal(scale=1e-5, size=(2, 2500)))
    old = clock_dataset({"eeg": ClockModel()}).drop_vars(["offset_interval", "drift_interval"])
    recording = build(node, clock=old)
    assert cells(report(recording, recording, tmp_path / "page.html"))[1][3] == "not known"
