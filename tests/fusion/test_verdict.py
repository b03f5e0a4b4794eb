"""Every cleaned sample has a verdict; what is lost comes back as recorded and is marked."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.verdict import with_verdicts
from neurofuse.io import read, stream_dataset, streams, with_stream, without_stream, write_eeg
from neurofuse.io.lazy import blocks_of
from neurofuse.io.recording import provenance

LOST_MARK = "BAD_lost"


def saturated(recording, row=3, start=10.0, stop=19.0):
    """The recording with one electrode at 5 mV and one optode without light for nine seconds."""
    eeg, nirs = (stream_dataset(recording, s) for s in ("eeg", "nirs"))
    samples, light = eeg.eeg.values.copy(), nirs.intensity.values.copy()
    for node, values, level in ((eeg, samples, 5e-3), (nirs, light, 1e-9)):
        start_, stop_ = (round(t * node.attrs["rate"]) for t in (start, stop))
        values[row, ..., start_:stop_] = level
    recording = with_stream(recording, "eeg", eeg.assign(eeg=(eeg.eeg.dims, samples)))
    return with_stream(recording, "nirs", nirs.assign(intensity=(nirs.intensity.dims, light)))


@pytest.fixture(scope="module")
def recording():
    return saturated(nf.simulate(40.0, seed=1)[1])


@pytest.fixture(scope="module")
def cleaned(recording):
    return nf.clean(recording)


@pytest.mark.parametrize("method", ["joint", "asr", "tddr", "eeg", "nirs"])
def test_every_method_gives_verdicts_and_leaves_lost_samples_as_recorded(recording, method):
    cleaned = nf.clean(recording, method)
    for stream, name in (("eeg", "eeg"), ("nirs", "intensity")):
        before, after = (stream_dataset(r, stream) for r in (recording, cleaned))
        verdict = after.verdict.values
        assert after.verdict.dtype == np.int8
        rate = after.attrs["rate"]
        inside = slice(round(10.5 * rate), round(18.5 * rate))
        assert (verdict[3, inside] == 2).mean() >= 0.95
        assert (np.delete(verdict, 3, 0) == 2).mean() < 0.005
        lost = verdict == 2 if stream == "eeg" else np.repeat((verdict == 2)[:, None], 2, 1)
        given = before[name].values
        np.testing.assert_array_equal(after[name].values[lost], given[lost])


def test_repaired_is_where_the_motion_mask_is_open(cleaned):
    for stream in streams(cleaned):
        node = stream_dataset(cleaned, stream)
        verdict, gate = node.verdict.values, node.gate.values
        known = verdict != 2
        np.testing.assert_array_equal((verdict == 1)[known], (gate > 0)[known])
        assert (verdict == 1).any()


@pytest.mark.parametrize(("seconds", "lost"), [(50.0, False), (65.0, True)])
def test_fnirs_masked_for_too_long_is_lost_and_comes_back_as_recorded(seconds, lost):
    recording = without_stream(nf.simulate(90.0, seed=1)[0], "eeg")
    node = stream_dataset(recording, "nirs")
    gate = np.zeros((node.sizes["channel"], node.sizes["time"]))
    first, last = (round(t * node.attrs["rate"]) for t in (10.0, 10.0 + seconds))
    gate[0, first:last] = 1.0
    gate[0, (first + last) // 2] = 0.0
    changed = node.intensity.copy()
    changed[0] = changed[0] * 1.01
    cleaned = with_stream(
        recording,
        "nirs",
        node.assign(intensity=changed, gate=(("channel", "time"), gate)),
    )
    judged = stream_dataset(with_verdicts(recording, cleaned), "nirs")
    inside = judged.verdict.values[0, first + 1 : last - 1]
    assert (inside == 2).mean() == (pytest.approx(1, abs=0.02) if lost else 0)
    assert not (judged.verdict.values[1:] == 2).any()
    same = (judged.intensity == node.intensity).values[0].all(0)
    assert same[first + 1] == lost
    assert not same[first - 1]


def test_fnirs_shorter_than_what_is_masked_for_too_long(recording):
    part = recording.sel(time=slice(20, 26))
    assert "verdict" in stream_dataset(nf.clean(part), "nirs")


def test_the_provenance_tells_the_shares(cleaned):
    facts = provenance(cleaned)[-1]["parameters"]["verdict"]
    for stream in streams(cleaned):
        shares = facts[stream]
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
        assert 0 < shares["lost"] < 0.1


def test_missing_samples_and_bad_channels_are_lost():
    recording = without_stream(nf.simulate(40.0, seed=2)[1], "nirs")
    node = stream_dataset(recording, "eeg")
    samples = node.eeg.values.copy()
    samples[1, 1000:1010] = np.nan
    bad = np.arange(len(samples)) == 2
    node = node.assign(eeg=(node.eeg.dims, samples)).assign_coords(bad=("channel", bad))
    verdict = stream_dataset(nf.clean(with_stream(recording, "eeg", node)), "eeg").verdict.values
    assert (verdict[2] == 2).all()
    assert (verdict[1, 1000:1010] == 2).all()
    assert (verdict[1] == 2).sum() == 10


def test_eeg_in_a_file_gets_the_same_verdicts(recording, cleaned):
    node = stream_dataset(recording, "eeg")
    lazy = node.assign(eeg=(node.eeg.dims, blocks_of(node.eeg.values, node.attrs["rate"])))
    again = stream_dataset(nf.clean(with_stream(recording, "eeg", lazy)), "eeg")
    assert again.verdict.chunks is not None
    once = stream_dataset(cleaned, "eeg")
    np.testing.assert_array_equal(again.verdict.values, once.verdict.values)
    np.testing.assert_allclose(again.eeg.values, once.eeg.values, atol=1e-9)


def test_lost_stretches_are_marked_with_their_channels_in_files(cleaned, tmp_path):
    raw_eeg, raw_nirs = nf.to_mne(cleaned)
    assert raw_eeg is not None
    assert raw_nirs is not None
    name = raw_eeg.ch_names[3]
    for raw in (raw_eeg, raw_nirs):
        marks = [m for m in raw.annotations if m["description"] == LOST_MARK]
        assert len(marks) == 1
        assert marks[0]["onset"] == pytest.approx(10.0, abs=1.0)
        # a movement that follows hides the pulse
        assert marks[0]["duration"] == pytest.approx(12.0, abs=4.0)
        assert marks[0]["ch_names"]
    nf.write(cleaned, tmp_path, stem="a")
    for file in ("a_eeg.fif", "a_nirs.snirf"):
        events = read(tmp_path / file)["events"].to_dataset()
        assert LOST_MARK in events.description.values
    assert events.channel.values[list(events.description.values).index(LOST_MARK)]
    for suffix in ("edf", "vhdr", "set", "bdf"):
        path = write_eeg(cleaned, tmp_path / f"b.{suffix}")
        descriptions = read(path)["events"].description.values
        assert any(str(text).endswith(LOST_MARK) for text in descriptions)
    again, _ = nf.to_mne(nf.clean(read(tmp_path / "a_eeg.fif")))
    assert again is not None
    marks = [m for m in again.annotations if m["description"] == LOST_MARK]
    assert len(marks) == 1
    assert marks[0]["ch_names"] == (name,)


def test_the_netcdf_keeps_the_verdicts(cleaned, tmp_path):
    again = nf.io.read_netcdf(nf.io.write_netcdf(cleaned, tmp_path / "a.nc"))
    np.testing.assert_array_equal(again["eeg"].verdict.values, cleaned["eeg"].verdict.values)
