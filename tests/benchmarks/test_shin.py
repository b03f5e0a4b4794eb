"""Shin's recordings, on small files of the same layout made here."""

import numpy as np
import pytest
from scipy.io import savemat

from benchmarks.protocols import shin
from neurofuse.io.errors import ReadError

PAIRS = ("AF7Fp1", "C5hCCP5h", "POO1Iz")
CLAB = ("F3", "Cz", "P4", "VEOG")
TRIALS = 10


def written(folder, ending, signals, marks):
    folder.mkdir(parents=True)
    for kind, items in (("cnt", signals), ("mrk", marks)):
        held = np.empty(len(items), object)
        held[:] = items
        savemat(
            folder / f"{kind}{ending}.mat", {kind + ending: held if len(items) > 1 else items[0]}
        )


def marks(onset):
    label = np.arange(TRIALS) % 2
    return {"time": 1e3 * onset, "y": np.stack([1 - label, label]).astype(float)}


def course(onset, label, rate, seconds, seed):
    """Alpha in tasks of the first kind, a response in those of the second."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    alpha, response = np.zeros_like(time), np.zeros_like(time)
    for start, kind in zip(onset, label, strict=True):
        inside = (time > start) & (time < start + 10)
        alpha[inside & (kind == 0)] = 1
        response += kind * np.exp(-0.5 * ((time - start - 9) / 3) ** 2)
    noise = rng.standard_normal((time.size, 4))
    return 20 * (alpha * np.sin(2 * np.pi * 10 * time))[:, None] + 5 * noise, response


@pytest.fixture
def files_2017(tmp_path):
    onset = 15.0 + 25.0 * np.arange(TRIALS)
    seconds = onset[-1] + 30
    label = np.arange(TRIALS) % 2
    eeg, _ = course(onset, label, 200.0, seconds, 0)
    _, response = course(onset, label, 10.0, seconds, 1)
    light = [1 - 0.01 * response, 1 - 0.03 * response]
    columns = [column for column in light for _ in PAIRS]  # all low, then all high wavelengths
    noise = 1e-4 * np.random.default_rng(2).standard_normal((response.size, len(columns)))
    names = [f"{p}{w}" for w in ("lowWL", "highWL") for p in PAIRS]
    nirs = {"x": np.stack(columns, 1) + noise, "clab": np.array(names, object), "fs": 10.0}
    brain = {"x": eeg, "clab": np.array(CLAB, object), "fs": 200.0}
    written(tmp_path / "EEG/subject 01/with occular artifact", "", [brain] * 6, [marks(onset)] * 6)
    written(tmp_path / "NIRS/subject 01", "", [nirs] * 6, [marks(onset - 2.0)] * 6)
    return tmp_path


def test_sessions_of_2017_are_aligned_by_their_marks(files_2017):
    ((who, found),) = shin.sessions(files_2017, "shin-2017", "imagery")
    assert who == "subject 01"
    assert len(found) == 3
    recording = found[0].recording
    assert recording["nirs"].time.values[0] == pytest.approx(2.0)  # its clock began 2 s later
    assert recording["eeg"].ch_type.values.tolist() == ["eeg"] * 3 + ["eog"]
    assert recording["nirs"].source.values.tolist() == ["AF7", "C5h", "POO1"]
    np.testing.assert_allclose(recording["nirs"].distance, 0.03, rtol=1e-6)
    assert float(recording["eeg"].eeg.std()) < 1e-4  # V
    low, high = recording["nirs"].intensity.values[0]
    assert np.ptp(high) > 2 * np.ptp(low)


def test_tasks_are_decoded_from_either_stream(files_2017):
    ((_, found),) = shin.sessions(files_2017, "shin-2017", "arithmetic")
    accuracy = shin.accuracy(found, lambda recording: recording)
    assert min(accuracy.values()) > 0.9


def test_nothing_is_decoded_from_zeros(files_2017):
    from neurofuse.fusion.methods.registry import get_method

    ((_, found),) = shin.sessions(files_2017, "shin-2017", "arithmetic")
    accuracy = shin.accuracy(found, get_method("zero").transform)
    assert all(value == pytest.approx(0.5, abs=0.1) for value in accuracy.values())


def test_concentrations_of_2018_come_back(tmp_path):
    from neurofuse.io import stream_dataset, to_haemoglobin

    onset = 15.0 + 25.0 * np.arange(TRIALS)
    _, response = course(onset, np.arange(TRIALS) % 2, 10.0, onset[-1] + 30, 1)
    response += 0.01 * np.random.default_rng(3).standard_normal(response.size)
    eeg, _ = course(onset, np.arange(TRIALS) % 2, 200.0, onset[-1] + 30, 0)
    parts = {
        kind: {
            "x": np.stack([size * response] * 3, 1),
            "clab": np.array([p + kind for p in PAIRS], object),
            "fs": 10.0,
        }
        for kind, size in (("oxy", 1e-3), ("deoxy", -4e-4))
    }
    brain = {"x": eeg, "clab": np.array(CLAB, object), "fs": 200.0}
    written(tmp_path / "VP001-EEG", "_wg", [brain], [marks(onset)])
    written(tmp_path / "VP001-NIRS", "_wg", [parts], [marks(onset)])
    ((who, (one,)),) = shin.sessions(tmp_path, "shin-2018", "words")
    assert who == "VP001"
    node = stream_dataset(to_haemoglobin(one.recording), "nirs")
    for variable, size in (("hbo", 1e-6), ("hbr", -4e-7)):  # mol/L
        found = node[variable].values[0]
        np.testing.assert_allclose(found - found[0], size * (response - response[0]), atol=1e-9)


def test_marks_that_do_not_match_and_files_that_are_none(files_2017):
    nirs = files_2017 / "NIRS/subject 01"
    (nirs / "cnt.mat").write_bytes(b"no MATLAB file")
    with pytest.raises(ReadError, match=r"cnt\.mat"):
        list(shin.sessions(files_2017, "shin-2017", "imagery"))


def test_a_channel_that_is_no_pair_is_refused():
    with pytest.raises(ReadError, match="10-05"):
        shin._ends("S1D1")
