"""Pauses of a recorder take their time: EDF+D, BrainVision segments, EEGLAB boundaries."""

import json
from datetime import datetime, timedelta
from typing import Any

import dask.array
import mne
import numpy as np
import pytest
from scipy.io import savemat

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io import lazy
from neurofuse.io.formats.edf import read_records
from neurofuse.io.mne_objects.pauses import Pause, with_pauses

RATE = 100
BEGAN = datetime(2024, 5, 17, 9, 30, 12)


def events(recording) -> dict[str, tuple[float, float]]:
    """Onset and duration [s] by name."""
    node = recording["events"].to_dataset()
    rows = zip(node.description.values, node.onset.values, node.duration.values, strict=True)
    return {str(name): (round(float(at), 6), round(float(long), 6)) for name, at, long in rows}


def samples(count: int, channels: int = 2) -> np.ndarray:
    """Whole microvolts (channel, time)."""
    return np.random.default_rng(7).integers(-500, 500, (channels, count))


def edf_bytes(onsets, marks=(), *, kind="EDF+D", data=None, width=2, seconds=1.0) -> bytes:
    """EDF+ or BDF+ of one-second records that begin at `onsets`; marks are (onset, text)."""
    count = round(RATE * seconds)
    data = samples(len(onsets) * count) if data is None else data
    form, space = ("EDF", 60) if width == 2 else ("BDF", 40)
    low, high = (-32768, 32767) if width == 2 else (-8388608, 8388607)
    labels = ["C3", "C4", f"{form} Annotations"]
    columns = [
        (16, labels),
        (80, [""] * 3),
        (8, ["uV", "uV", ""]),
        (8, [low, low, -1]),
        (8, [high, high, 1]),
        (8, [low] * 3),
        (8, [high] * 3),
        (80, [""] * 3),
        (8, [count, count, space]),
        (32, [""] * 3),
    ]
    head = "0".ljust(8).encode() if width == 2 else b"\xffBIOSEMI"
    head += "X X X X".ljust(80).encode() + f"Startdate {BEGAN:%d-%b-%Y} X X X".ljust(80).encode()
    head += f"{BEGAN:%d.%m.%y%H.%M.%S}".encode() + str(256 * 4).ljust(8).encode()
    head += kind.ljust(44).encode() + str(len(onsets)).ljust(8).encode()
    head += f"{seconds:g}".ljust(8).encode() + b"3".ljust(4)
    for size, values in columns:
        head += "".join(str(value).ljust(size)[:size] for value in values).encode()
    body = b""
    for number, onset in enumerate(onsets):
        tal = b"" if onset is None else f"+{onset:g}\x14\x14\0".encode()
        if number == 0:
            tal += b"".join(f"+{at:g}\x14{text}\x14\0".encode() for at, text in marks)
        part = data[:, number * count : (number + 1) * count].astype("<i4")
        for row in part:
            body += row.tobytes() if width == 4 else b"".join(v.tobytes()[:width] for v in row)
        body += tal.ljust(space * width, b"\0")
    return head + body


@pytest.fixture
def edf(tmp_path):
    """A function that writes such a file."""

    def make(*args, **kwargs):
        path = tmp_path / ("a.bdf" if kwargs.get("width") == 3 else "a.edf")
        path.write_bytes(edf_bytes(*args, **kwargs))
        return path

    return make


PAUSED = [*range(4), *range(34, 38)]  # 4 s, 30 s of pause, 4 s


@pytest.mark.parametrize("kind", ["EDF+D", "EDF+C"])
@pytest.mark.parametrize("width", [2, 3])
def test_time_between_records_is_time(edf, kind, width, caplog):
    kind = kind.replace("EDF", "EDF" if width == 2 else "BDF")
    data = samples(800)
    path = edf(PAUSED, [(1, "go"), (35.5, "stop")], kind=kind, width=width, data=data)
    node = (recording := nf.read(path))["eeg"].to_dataset()
    assert float(node.time[-1]) == pytest.approx(37.99)
    assert events(recording) == {
        "go": (1.0, 0.0),
        "BAD_gap": (3.99, 30.01),
        "stop": (35.5, 0.0),
    }
    np.testing.assert_allclose(node.eeg.values[:, :400], data[:, :400] * 1e-6, atol=1e-10)
    np.testing.assert_allclose(node.eeg.values[:, 3400:], data[:, 400:] * 1e-6, atol=1e-10)
    line = np.linspace(data[0, 399], data[0, 400], 3002) * 1e-6
    np.testing.assert_allclose(node.eeg.values[0, 399:3401], line, atol=1e-10)
    assert "1 pause (30 s in total)" in caplog.text


def test_several_pauses_are_rounded_once_each(edf):
    onsets = np.arange(12) + 0.2533 * np.repeat(np.arange(4), 3)
    recording = nf.read(edf([float(f"{at:.4f}") for at in onsets]))
    assert recording["eeg"].sizes["time"] == 1200 + round(3 * 25.33)


@pytest.mark.parametrize(
    "onsets",
    [
        [n * 1.0001 for n in range(8)],  # a clock that drifts
        [0.25 + n for n in range(8)],  # a start between two seconds
        [0, 1, 2, None, 4, 5, 6, 7],
        [n + 0.004 * (n % 2) for n in range(8)],  # rounding, made up for by the next record
    ],
)
def test_records_without_time_between_them_stay_as_they_are(edf, onsets, caplog):
    recording = nf.read(edf(onsets, [(onsets[0] + 1, "go")]))
    assert recording["eeg"].sizes["time"] == 800
    assert events(recording) == {"go": (1.0, 0.0)}
    assert caplog.text == ""


def test_records_that_go_back_in_time_are_refused_unless_the_header_says_contiguous(edf, caplog):
    with pytest.raises(io.ReadError, match=r"data record 5 begins at 1 s, before its turn"):
        nf.read(edf([0, 1, 2, 3, 1, 2, 3, 4]))
    assert nf.read(edf([0] * 8, kind="EDF+C"))["eeg"].sizes["time"] == 800
    assert "taken for contiguous" in caplog.text


def test_pauses_much_longer_than_the_samples_are_refused(edf):
    with pytest.raises(io.ReadError, match=r"samples of 8 s and pauses of 1e\+03 s.*split"):
        nf.read(edf([0, 1, 2, 3, 1004, 1005, 1006, 1007]))


def test_large_files_with_pauses_stay_in_their_file(edf, monkeypatch, tmp_path):
    path = edf(PAUSED, [(35.5, "stop")])
    now = nf.read(path)["eeg"].to_dataset()
    monkeypatch.setattr(lazy, "LARGE", 0)
    monkeypatch.setattr(lazy, "BLOCK", 2.0)
    later = nf.read(path)
    assert isinstance(later["eeg"].eeg.data, dask.array.Array)
    np.testing.assert_array_equal(later["eeg"].eeg.values, now.eeg.values)
    part = later.sel(time=slice(2.5, 5.0))["eeg"].eeg.sel(channel=["C4"])
    np.testing.assert_array_equal(part.values, now.eeg.values[1:, 250:501])
    again = nf.read(io.write_eeg(later, tmp_path / "again.fif"))
    np.testing.assert_allclose(again["eeg"].eeg.values, now.eeg.values, atol=1e-10)
    assert events(again) == events(later)


@pytest.mark.parametrize("suffix", [".fif", ".edf", ".vhdr"])
def test_a_gap_once_filled_is_not_counted_again(edf, tmp_path, suffix):
    recording = nf.read(edf(PAUSED, [(35.5, "stop")]))
    again = nf.read(io.write_eeg(recording, tmp_path / f"again{suffix}"))
    assert again["eeg"].sizes["time"] == recording["eeg"].sizes["time"]
    mark = {name.removeprefix("Comment/"): at for name, (at, _) in events(again).items()}
    assert mark == {"BAD_gap": 3.99, "stop": 35.5}


def test_starts_of_records_are_read_where_they_are(edf):
    records = read_records(edf([0.5, 1.5, None, 9]))
    np.testing.assert_array_equal(records.onset, [0.5, 1.5, np.nan, 9])
    assert records.interrupted
    np.testing.assert_allclose(records.lateness(), [0, 0, 0, 5.5])


@pytest.mark.parametrize("announced", [8, 5, -1])
def test_records_beyond_those_announced_count_with_their_times(edf, announced, caplog):
    path = edf(PAUSED, [(1, "go"), (35.5, "stop")])
    whole = path.read_bytes()
    path.write_bytes(whole[:236] + str(announced).ljust(8).encode() + whole[244:])
    assert len(read_records(path).onset) == 8
    recording = nf.read(path)
    assert float(recording["eeg"].time[-1]) == pytest.approx(37.99)
    assert events(recording) == {"go": (1, 0), "BAD_gap": (3.99, 30.01), "stop": (35.5, 0)}
    assert ("3 further records" in caplog.text) == (announced == 5)


def brainvision(folder, segments, marks=(), count=800):
    """Three files; segments are (sample from 1, date or ""), marks (sample from 1, text)."""
    samples(count).T.astype("<f4").tofile(folder / "a.eeg")
    (folder / "a.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        "DataFile=a.eeg\nMarkerFile=a.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels=2\nSamplingInterval={1e6 / RATE:g}\n\n[Binary Infos]\n"
        "BinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\nCh1=C3,,1,µV\nCh2=C4,,1,µV\n",
        "utf-8",
    )
    rows = [(at, f"New Segment,,{at},1,0{',' + date if date else ''}") for at, date in segments]
    rows += [(at, f"Stimulus,{text},{at},1,0") for at, text in marks]
    lines = [f"Mk{i}={row}" for i, (_, row) in enumerate(sorted(rows), 1)]
    head = "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
    text = f"{head}DataFile=a.eeg\n\n[Marker Infos]\n"
    (folder / "a.vmrk").write_text(text + "\n".join(lines) + "\n", "utf-8")
    return folder / "a.vhdr"


def dated(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%S%f")


def test_dates_of_segments_give_the_length_of_pauses(tmp_path):
    segments = [(1, dated(0)), (401, dated(64))]
    path = brainvision(tmp_path, segments, [(101, "S  1"), (501, "S  2")])
    recording = nf.read(path)
    assert float(recording["eeg"].time[-1]) == pytest.approx(67.99)
    assert events(recording) == {
        "Stimulus/S  1": (1.0, 0.01),
        "BAD_gap": (3.99, 60.01),
        "Stimulus/S  2": (65.0, 0.01),
    }


def test_a_segment_that_follows_at_once_is_no_pause(tmp_path, caplog):
    recording = nf.read(brainvision(tmp_path, [(1, dated(0)), (401, dated(4.003))]))
    assert recording["eeg"].sizes["time"] == 800
    assert events(recording) == {}
    assert caplog.text == ""


@pytest.mark.parametrize("date", ["", dated(1)])
def test_a_segment_without_a_true_date_cannot_be_joined(tmp_path, date, nirs_raw, caplog):
    path = brainvision(tmp_path, [(1, dated(0)), (401, date)])
    recording = nf.read(path)
    assert recording["eeg"].sizes["time"] == 800
    assert "pauses of unknown length" in caplog.text
    snirf = io.write_nirs(io.from_mne(None, nirs_raw()), tmp_path / "a.snirf")
    with pytest.raises(io.AlignmentError, match=r"seams at 4 s\).*give the recording as the dev"):
        nf.read(path, snirf, offset=0.5)


def eeglab(path, boundary, marks, count=800):
    """A .set file; boundary is (latency, duration) in samples from 1, marks (latency, type)."""
    rows = [(at, "boundary", length) for at, length in boundary]
    rows = sorted([*rows, *((at, text, 0.0) for at, text in marks)])
    kinds = [("latency", object), ("type", object), ("duration", object)]
    table = np.array([(float(at), text, float(long)) for at, text, long in rows], dtype=kinds)
    places = np.array([("C3",), ("C4",)], dtype=[("labels", object)])
    eeg = {
        "setname": "a", "nbchan": 2.0, "trials": 1.0, "pnts": float(count), "srate": float(RATE),
        "xmin": 0.0, "xmax": (count - 1) / RATE, "data": samples(count).astype("f4"),
        "chanlocs": places, "event": table, "icaweights": [], "icawinv": [], "icasphere": [],
        "epoch": [],
    }  # fmt: skip
    savemat(path, {"EEG": eeg}, appendmat=False)
    return path


def test_what_was_cut_out_in_eeglab_took_its_time(tmp_path):
    marks = [(101, "go"), (501, "stop")]
    recording = nf.read(eeglab(tmp_path / "a.set", [(0.5, 300), (400.5, 3000)], marks))
    assert float(recording["eeg"].time[-1]) == pytest.approx(37.99)
    found = events(recording)
    assert {n: found[n][0] for n in ("go", "BAD_gap", "stop")} == {
        "go": 1.0,
        "BAD_gap": 3.99,
        "stop": 35.0,
    }


@pytest.mark.parametrize("length", [0.0, np.nan])
def test_a_boundary_without_a_length_cannot_be_joined(tmp_path, length, nirs_raw, caplog):
    path = eeglab(tmp_path / "a.set", [(400.5, length)], [(101, "go")])
    assert nf.read(path)["eeg"].sizes["time"] == 800
    assert "pauses of unknown length" in caplog.text
    snirf = io.write_nirs(io.from_mne(None, nirs_raw()), tmp_path / "a.snirf")
    with pytest.raises(io.AlignmentError, match="put together of pieces"):
        nf.read(path, snirf, offset=0.0)


def test_a_concatenated_fif_cannot_be_joined(tmp_path, eeg_raw, nirs_raw, caplog):
    raw: Any = mne.concatenate_raws([eeg_raw(), eeg_raw(seed=3)], verbose="error")
    raw.save(tmp_path / "a_raw.fif", verbose="error")
    assert nf.read(tmp_path / "a_raw.fif")["eeg"].sizes["time"] == 5000
    assert "1 seam, the first at 10 s" in caplog.text
    snirf = io.write_nirs(io.from_mne(None, nirs_raw()), tmp_path / "a.snirf")
    with pytest.raises(io.AlignmentError, match=r"EEG that was put together .*seams at 10 s"):
        nf.read(tmp_path / "a_raw.fif", snirf)


def test_events_of_a_bids_run_with_pauses_are_those_of_its_file(edf, tmp_path, caplog):
    folder = tmp_path / "set" / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    path = edf(PAUSED, [(1, "go"), (35.5, "stop")]).rename(folder / "sub-01_task-rest_eeg.edf")
    facts = {"TaskName": "rest", "SamplingFrequency": 100, "PowerLineFrequency": 50}
    path.with_suffix(".json").write_text(json.dumps(facts))
    table = "onset\tduration\ttrial_type\n1.0\t0\tgo\n5.5\t0\tstop\n"
    (folder / "sub-01_task-rest_events.tsv").write_text(table)
    assert events(nf.read(tmp_path / "set")) == {
        "go": (1.0, 0.0),
        "BAD_gap": (3.99, 30.01),
        "stop": (35.5, 0.0),
    }
    assert "events.tsv does not say whether its times count them" in caplog.text


def test_a_part_cut_out_of_a_longer_file_begins_later(edf):
    recording = nf.read(edf([30.25 + n for n in range(8)], [(31.25, "go")]))
    begun = datetime.fromisoformat(recording.attrs["measured_at"]).replace(tzinfo=None)
    assert begun == BEGAN + timedelta(seconds=30.25)
    assert events(recording) == {"go": (1.0, 0.0)}


@pytest.mark.skipif(not hasattr(mne.Annotations, "extras"), reason="MNE before 1.11")
def test_pauses_leave_the_extras_of_annotations(eeg_raw):
    raw = eeg_raw(marks=[(1.0, "go"), (5.0, "stop")])
    raw.annotations.extras = [{"effort": 0.5}, {"effort": 2.0, "said": "late"}]
    filled = with_pauses(raw, [Pause(500, 3.0)], "a")
    rows = zip(filled.annotations.description, filled.annotations.extras, strict=True)
    assert {str(name): dict(extra) for name, extra in rows} == {
        "go": {"effort": 0.5},
        "BAD_gap": {},
        "stop": {"effort": 2.0, "said": "late"},
    }
    events_of = io.from_mne(filled)["events"].to_dataset().set_index(event="description")
    assert events_of.effort.sel(event="stop") == 2.0


def test_marks_behind_the_samples_are_said(tmp_path, edf, caplog):
    """They say that samples are missing; MNE leaves them out."""
    marks = [(101, "S  1"), (800, "S  2"), (901, "S  3"), (5001, "S  4")]
    assert len(events(nf.read(brainvision(tmp_path, [(1, dated(0))], marks)))) == 2
    assert (
        "2 of 5 marks lie behind the samples of 8 s, the first (Stimulus/S  3) at 9 s"
        in caplog.text
    )
    caplog.clear()
    assert len(events(nf.read(edf(range(8), [(1, "go"), (8, "end"), (9.5, "lost")])))) == 2
    assert "1 of 3 marks lie behind the samples of 8 s, the first (lost) at 9.5 s" in caplog.text
    caplog.clear()
    assert len(events(nf.read(edf(PAUSED, [(1, "go"), (37, "stop"), (50, "lost")])))) == 3
    assert "1 of 3 marks lie behind the samples of 38 s, the first (lost) at 50 s" in caplog.text


def test_marks_before_the_samples_are_said(tmp_path, caplog):
    path = brainvision(tmp_path, [], [(-49, "S  1"), (101, "S  2")])
    assert list(events(nf.read(path))) == ["Stimulus/S  2"]
    assert "1 of 2 marks lie before the first sample, the first (Stimulus/S  1)" in caplog.text


@pytest.mark.parametrize("begun", [0.25, 30.25])
def test_marks_of_a_part_are_counted_from_its_first_sample(edf, begun, caplog):
    path = edf([begun + n for n in range(8)], [(begun + 8, "end"), (begun + 8.01, "lost")])
    assert list(events(nf.read(path))) == ["end"]
    assert "1 of 2 marks lie behind the samples of 8 s, the first (lost) at 8.01 s" in caplog.text
