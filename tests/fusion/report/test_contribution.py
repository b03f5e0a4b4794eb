"""What each modality contributed: exact with a known cleaner, and with the packaged model."""

import numpy as np
import pytest
import xarray as xr

from neurofuse.fusion import contribution as module
from neurofuse.fusion.contribution import contribution, shifted
from neurofuse.fusion.report import report
from neurofuse.fusion.report.contribution import (
    contribution_section,
    draw_contribution,
    sentences_of,
)
from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import stream_dataset, streams, with_stream, without_stream
from tests.builders import recording_of, with_masks

GATE = (30.0, 34.0)  # s


def make():
    """(truth, contaminated) of 60 s: both streams are pushed within GATE."""
    time, slow = np.arange(6000) / 100, np.arange(600) / 10
    pushed, slowly = ((t >= GATE[0]) & (t < GATE[1]) for t in (time, slow))
    recordings = []
    for push in (0.0, 1.0):
        eeg = 1e-5 * np.sin(time) + push * 1e-4 * pushed * np.sin(10 * time)
        od = 0.01 * np.sin(slow) + push * 0.1 * slowly * np.sin(slow)
        recordings.append(recording_of(np.stack([eeg, eeg]), np.exp(-np.tile(od, (2, 2, 1)))))
    return recordings[0], with_masks(recordings[1], "motion", eeg=pushed, nirs=slowly)


def cleaner(truth, contaminated):
    """Takes all out beside the true partner, and half of it alone or beside another one."""

    def clean(recording, method):
        given = recording
        for stream in streams(given):
            other = MODALITIES[stream].other.name
            name = {"eeg": "eeg", "nirs": "intensity"}[stream]
            true = other in streams(given) and stream_dataset(given, other).equals(
                stream_dataset(contaminated, other)
            )
            node = stream_dataset(recording, stream)
            if not node[name].equals(stream_dataset(contaminated, stream)[name]):
                continue  # the partner of another time
            before, wanted = node[name], stream_dataset(truth, stream)[name]
            share = 1.0 if true else 0.5
            if stream == "eeg":
                after = before + share * (wanted - before)
            else:
                after = before * (wanted / before) ** share
            gate = np.tile(np.isclose(node.time % 60, 31.0), (2, 1)).astype(np.float32)
            after = node.assign({name: after, "gate": (("channel", "time"), gate)})
            recording = with_stream(recording, stream, after)
        return recording

    return clean


@pytest.fixture
def found(monkeypatch):
    truth, contaminated = make()
    monkeypatch.setattr(module, "clean", cleaner(truth, contaminated))
    runs = []
    result = contribution(contaminated, truth=truth, progress=runs.append)
    assert runs == [
        "joint",
        *(
            "eeg: nirs withheld",
            "eeg: nirs mismatched",
            "nirs: eeg withheld",
            "nirs: eeg mismatched",
        ),
    ]
    return result


def test_the_contribution_is_that_of_the_partner(found):
    wanted = np.array([[0.25, 0.0, 0.0]] * 2)  # half of the amplitude is a quarter of the energy
    np.testing.assert_allclose(found.from_partner, wanted, atol=1e-9)
    halves = found.changed.sel(run="withheld") / found.changed.sel(run="joint")
    np.testing.assert_allclose(halves, 0.5, rtol=1e-6)
    # half of the error is left without the partner: -6 dB
    np.testing.assert_allclose(found.error_db.sel(run="withheld"), -6.02, atol=0.01)
    np.testing.assert_allclose(found.error_db.sel(run="mismatched"), -6.02, atol=0.01)
    late = found.course.sel(run="joint").where(found.second > GATE[1] + 1, drop=True)
    assert float(late.max()) < 1e-9
    assert float(found.difference.sel(run="joint", second=31.5).min()) > 1e-3 * 1e-3


@pytest.mark.slow
def test_the_page_says_so(found, tmp_path):
    eeg = sentences_of(found)[0]
    assert "25 % of the correction's energy came from fNIRS" in eeg
    assert "mismatched partner (from another time of this recording) changed it by 0 %" in eeg
    text = contribution_section(found)
    assert text.count("<tr>") == 2 * 4
    assert "<td>−6.02</td>" in text
    truth, contaminated = make()
    page = report(contaminated, truth, tmp_path / "a.html", contribution=found).read_text("utf-8")
    assert '<h2 id="what-each-modality-contributed-title">' in page
    with pytest.raises(ParameterError, match="from_partner"):
        report(contaminated, truth, tmp_path / "b.html", contribution=xr.Dataset())


def test_what_changes_nothing_contributes_nothing(monkeypatch):
    monkeypatch.setattr(module, "clean", lambda recording, method: recording)
    result = contribution(make()[1])
    assert result.from_partner.isnull().all()
    assert "nothing was removed" in sentences_of(result)[0]
    assert "error_db" not in result
    contribution_section(result)


def test_one_stream_is_refused():
    for stream in ("eeg", "nirs"):
        with pytest.raises(ParameterError, match="EEG and fNIRS in both"):
            contribution(without_stream(make()[1], stream))


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_a_shifted_partner_has_no_step_and_the_same_changes(stream):
    recording = make()[1]
    name = {"eeg": "eeg", "nirs": "intensity"}[stream]
    moved = stream_dataset(shifted(recording, stream), stream)[name].values
    own = stream_dataset(recording, stream)[name].values
    if stream == "nirs":
        moved, own = -np.log(moved), -np.log(own)
    half = own.shape[-1] // 2
    steps, before = np.diff(moved), np.diff(own)
    np.testing.assert_allclose(steps[..., : half - 1], before[..., half:], atol=1e-12)
    np.testing.assert_allclose(steps[..., half - 1], 0, atol=1e-12)
    np.testing.assert_allclose(steps[..., half:], before[..., : half - 1], atol=1e-12)
    other = MODALITIES[stream].other.name
    kept = stream_dataset(shifted(recording, stream), other)
    assert kept.equals(stream_dataset(recording, other))


def test_with_the_packaged_model(pair):
    truth, contaminated = pair
    result = contribution(contaminated, truth=truth, mismatched=truth)
    assert (result.from_partner.sel(run="withheld") == 0).all()
    assert (result.from_partner.sel(run="joint") < 1).all()
    assert (result.motion_fraction > 0).all()
    assert (result.error_db < 0).all()
    assert result.attrs["mismatched"] == "another recording"


def test_streams_that_begin_apart_share_whole_seconds(monkeypatch):
    truth, contaminated = make()
    late = []
    for recording in (truth, contaminated):
        node = stream_dataset(recording, "nirs")
        late.append(with_stream(recording, "nirs", node.assign_coords(time=node.time + 0.21)))
    monkeypatch.setattr(module, "clean", cleaner(*late))
    found = contribution(late[1], truth=late[0])
    np.testing.assert_allclose(found.second % 1, 0.5)
    inside = found.course.sel(second=slice(1, 59))
    assert inside.notnull().all()
    drawn = draw_contribution(found)
    for ax in drawn.axes:
        for line in ax.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), float)).sum() > 55


def test_former_names_of_arguments_still_work(monkeypatch):
    truth, contaminated = make()
    monkeypatch.setattr(module, "clean", cleaner(truth, contaminated))
    new = contribution(contaminated, "joint", mismatched=truth)
    with pytest.warns(
        FutureWarning, match=r"contribution\(model=\) is now contribution\(method=\)"
    ):
        old = contribution(contaminated, model="joint", mismatched=truth)
    assert new.identical(old)
    with pytest.warns(FutureWarning, match=r"stranger=\) is now contribution\(mismatched=\)"):
        old = contribution(contaminated, stranger=truth)
    assert new.identical(old)
