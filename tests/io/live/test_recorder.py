"""Files of live sessions: whole after every chunk."""

import numpy as np
import pytest
from pyxdf import load_xdf

import neurofuse as nf
from neurofuse.io.errors import WriteError
from neurofuse.io.live.recorder import BOUND_EVERY, Recorder, XdfWriter
from neurofuse.io.xdf.chunks import BOUNDARY

HEADER = (
    "<info><name>amp</name><type>EEG</type><channel_count>2</channel_count><nominal_srate>100"
    "</nominal_srate><channel_format>{}</channel_format><hostname>lab</hostname><desc><channels>"
    "<channel><label>C3</label></channel><channel><label>C4</label></channel></channels></desc>"
    "</info>"
)


def filled(path, form="float32", chunks=20):
    """A writer after some chunks of ten samples, not closed."""
    writer = XdfWriter(path)
    number = writer.add(HEADER.format(form))
    for first in range(0, 10 * chunks, 10):
        counted = np.arange(first, first + 10)
        writer.samples(number, np.stack([counted, -counted], axis=1), 50 + counted / 100)
        writer.offset(number, 50 + first / 100, 2.0)
    return writer


@pytest.mark.parametrize("form", ["float32", "double64", "int16", "int32"])
def test_what_is_written_is_read(tmp_path, form):
    filled(tmp_path / "a.xdf", form).close()
    (stream,), _ = load_xdf(tmp_path / "a.xdf", dejitter_timestamps=False)
    np.testing.assert_array_equal(stream["time_series"][:, 0], np.arange(200))
    np.testing.assert_allclose(stream["time_stamps"], 52 + np.arange(200) / 100)
    assert stream["footer"]["info"]["sample_count"] == ["200"]


def test_a_file_that_was_never_ended_is_read_up_to_its_last_whole_chunk(tmp_path):
    writer = filled(tmp_path / "a.xdf")
    whole = nf.read(tmp_path / "a.xdf")
    assert whole["eeg"].sizes["time"] == 200
    with (tmp_path / "a.xdf").open("rb+") as file:
        file.truncate((tmp_path / "a.xdf").stat().st_size - 100)
    assert nf.read(tmp_path / "a.xdf")["eeg"].sizes["time"] == 190
    writer.close()


def test_long_files_have_marks(tmp_path):
    writer = filled(tmp_path / "a.xdf", chunks=0)
    for _ in range(5):
        writer.samples(1, np.zeros((30_000, 2)), 60 + np.arange(30_000) / 100)
    writer.close()
    content = (tmp_path / "a.xdf").read_bytes()
    assert 1 <= content.count(BOUNDARY) <= len(content) // BOUND_EVERY
    (stream,), _ = load_xdf(tmp_path / "a.xdf", dejitter_timestamps=False)
    assert len(stream["time_stamps"]) == 150_000


def test_two_files_one_session(tmp_path):
    headers = {"eeg": HEADER.format("float32")}
    recorder = Recorder(tmp_path / "night", headers, {"cleaned": headers})
    recorder.write("eeg", np.zeros((5, 2)), np.arange(5.0))
    recorder.offset("eeg", 3.0, 0.5)
    recorder.write("eeg", np.ones((4, 2)), np.arange(4.0), "cleaned")
    recorder.close()
    counts = [len(load_xdf(p)[0][0]["time_stamps"]) for p in recorder.paths.values()]
    assert [p.name for p in recorder.paths.values()] == ["night.xdf", "night_cleaned.xdf"]
    assert counts == [5, 4]
    with pytest.raises(WriteError, match=r"night\.xdf already"):
        Recorder(tmp_path / "night.xdf", headers, {})


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WriteError, match="a file that can be made"):
        XdfWriter(tmp_path / "absent" / "a.xdf")


def test_a_full_disk_ends_the_recording_only(tmp_path, monkeypatch, caplog):
    headers = {"eeg": HEADER.format("float32")}
    recorder = Recorder(tmp_path / "a.xdf", headers, {"cleaned": headers})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(XdfWriter, "samples", full)
    for _ in range(3):
        recorder.write("eeg", np.zeros((5, 2)), np.arange(5.0))
    recorder.close()
    assert "No space left on device" in recorder.failed
    assert len(caplog.records) == 1
