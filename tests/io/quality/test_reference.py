"""An average reference is found in the samples, and its loss is put on record."""

import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.quality.reference import average_referenced, note_reference


def averaged(recording, bad=()):
    """The Recording with its EEG referenced to the average of the good channels."""
    node = io.stream_dataset(recording, "eeg")
    node = node.assign_coords(bad=("channel", np.isin(node.channel.values, bad)))
    rows = (node.ch_type == "eeg").values & ~node.bad.values
    samples = node.eeg.values.copy()
    samples[rows] -= samples[rows].mean(axis=0)
    return io.with_stream(recording, "eeg", node.assign(eeg=(node.eeg.dims, samples)))


@pytest.fixture(scope="module")
def moving():
    return nf.simulate(duration=30, seed=4, bouts_per_minute=6)[1]


@pytest.mark.parametrize("bad", [(), ("Cz",)])
def test_it_is_found_in_the_samples(moving, bad):
    assert not average_referenced(io.stream_dataset(moving, "eeg"))
    assert average_referenced(io.stream_dataset(averaged(moving, bad), "eeg"))


def test_a_file_of_16_bits_is_still_recognised(moving, tmp_path):
    recording = io.read(io.write_eeg(averaged(moving), tmp_path / "a.edf"))
    assert average_referenced(io.stream_dataset(recording, "eeg"))


def test_cleaning_says_that_it_is_lost_and_leaves_closed_masks_alone(moving, caplog):
    recording = averaged(moving)
    cleaned = nf.clean(recording)
    assert [step["step"] for step in io.provenance(cleaned)][-2:] == ["clean", "average_reference"]
    assert io.provenance(cleaned)[-1]["parameters"] == {"before": True, "after": False}
    assert "no longer is where it was cleaned" in caplog.text
    shut = (cleaned["eeg"].gate == 0).values
    assert 0 < shut.mean() < 1
    np.testing.assert_array_equal(
        cleaned["eeg"].eeg.values[shut], recording["eeg"].eeg.values[shut]
    )


def test_nothing_is_said_where_nothing_is_lost(moving):
    recording = averaged(moving)
    for before, after in ((moving, moving), (recording, recording)):
        assert note_reference(before, after) is after
    assert io.provenance(nf.clean(moving))[-1]["step"] == "clean"


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
@pytest.mark.parametrize("at", [1, 50])
def test_times_in_memory_must_increase_as_those_of_files(moving, stream, at, tmp_path):
    node = io.stream_dataset(moving, stream)
    time = node.time.values.copy()
    time[at] = time[at - 1]
    wrong = io.with_stream(moving, stream, node.assign_coords(time=time))
    with pytest.raises(
        io.SchemaError, match=f"/{stream} whose time does not increase at sample {at}"
    ):
        nf.clean(wrong)
    with pytest.raises(io.SchemaError, match="does not increase"):
        nf.write(wrong, tmp_path / "out")
