"""What a group page needs of a recording: true figures, as JSON that another machine repeats."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
from neurofuse.cli.study.group import group
from neurofuse.cli.study.rows import rows_of
from neurofuse.cli.study.summary import SUFFIX, summary, write_summary
from neurofuse.cli.study.tasks import Task
from neurofuse.fusion.report import cohort_row
from neurofuse.fusion.self_test import SelfTest
from neurofuse.fusion.self_test.result import Movements
from neurofuse.io.recording import stream_dataset, with_stream
from tests.builders import eeg_node, recording_of

TASK = Task({"sub": "01", "ses": "a", "task": "rest"}, {}, site="here", device="this")


@pytest.fixture(scope="module")
def pair():
    _, recording = nf.simulate(40.0, seed=3)
    node = stream_dataset(recording, "eeg")
    bad = np.arange(node.channel.size) == 2
    recording = with_stream(recording, "eeg", node.assign_coords(bad=("channel", bad)))
    return recording, nf.clean(recording)


def test_the_figures_are_those_of_the_recording(pair):
    facts = summary(TASK, *pair)
    row = cohort_row("a", *pair)
    assert list(facts["streams"]) == ["eeg", "nirs"]
    for stream, of in row.streams.items():
        found = facts["streams"][stream]
        assert (found["channels"], found["usable"]) == (of.channels, of.usable)
        for key, value in (("unchanged", of.summary.unchanged), ("moving", of.motion)):
            assert found[key] == pytest.approx(value, rel=1e-3)
        assert len(found["before"]) == len(found["after"]) == 40
        assert max(found["before"]) == pytest.approx(of.before.max(), rel=1e-3)
    eeg = facts["streams"]["eeg"]
    assert (eeg["bad"], eeg["rate"], eeg["seconds"]) == (1, 250.0, 40.0)
    assert eeg["movements"] == sum(
        m.verdict == "repaired" for m in nf.movements(*pair) if m.modality == "eeg"
    )
    verdict = stream_dataset(pair[1], "eeg").verdict.transpose("channel", "time").values
    bad = pair[1]["eeg"].bad.values
    assert eeg["lost"] == pytest.approx((verdict[~bad] == 2).mean(), abs=1e-4)
    assert (facts["method"], facts["site"], facts["device"]) == ("joint", "here", "this")


def test_counts_that_are_known_are_not_made_again(pair, monkeypatch):
    monkeypatch.setattr("neurofuse.fusion.movements.movements", None)
    facts = summary(TASK, *pair, repaired={"eeg": 7, "nirs": 8})
    assert [of["movements"] for of in facts["streams"].values()] == [7, 8]


def test_the_page_reads_what_was_written(pair, tmp_path):
    value = xr.DataArray(
        [[[-3.0], [np.nan]], [[-1.5], [np.inf]]],
        {"method": ["asr", "uncorrected"], "modality": ["eeg", "nirs"], "metric": ["error_db"]},
        ("method", "modality", "metric"),
    )
    table = xr.Dataset({"value": value})
    test = SelfTest(table, {"eeg": Movements(1, 1e-4, 0.1, 0.8, 0, 0.5)}, {"nirs": "no quiet"})
    path = tmp_path / TASK.folder / f"{TASK.name}{SUFFIX}"
    path.parent.mkdir(parents=True)
    recording, cleaned = pair
    write_summary(summary(TASK, recording, cleaned, test), path)
    first = path.read_bytes()
    write_summary(summary(TASK, recording, cleaned, test), path)
    assert path.read_bytes() == first
    assert str(Path.home()).encode() not in first
    (row,), _ = rows_of(tmp_path)
    assert (row.name, row.state, row.participant) == (TASK.name, "done", "01")
    assert row.errors == {"eeg": {"asr": -3.0, "uncorrected": -1.5}}
    assert row.best == {"eeg": "asr"}
    assert group(tmp_path).stat().st_size > 10_000


def test_a_flat_recording_has_a_summary_too(tmp_path):
    flat = recording_of(eeg_node(np.zeros((2, 1000))), np.ones((1, 2, 100)))
    facts = summary(TASK, flat, flat)
    assert facts["streams"]["eeg"]["usable"] == 0
    text = write_summary(facts, tmp_path / f"sub-01_ses-a_task-rest{SUFFIX}").read_text("utf-8")
    assert "NaN" not in text
    assert json.loads(text) == facts
