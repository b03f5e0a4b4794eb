"""Recordings of several files: parts that are cut off, missing or of another recording."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

import neurofuse as nf
from neurofuse.io.errors import ReadError
from neurofuse.io.integrity.nirx import check_nirx

# FIF


def test_parts_of_a_fif_file_that_form_a_circle(tmp_path, eeg_raw):
    raw = eeg_raw(rate=1000.0, seconds=400.0)
    raw.save(tmp_path / "a_raw.fif", split_size="2MB", buffer_size_sec=1.0, verbose="error")
    last = max(tmp_path.glob("a_raw-*.fif"))
    assert nf.read(tmp_path / "a_raw.fif")["eeg"].sizes["time"] == 400_000
    shutil.copyfile(tmp_path / "a_raw.fif", last)
    with pytest.raises(ReadError, match=rf"form a circle: {last.name} leads to a_raw-1\.fif"):
        nf.read(tmp_path / "a_raw.fif")


# BrainVision: samples as text


@pytest.fixture
def text(tmp_path) -> Path:
    """Ten samples of two channels as text, and a header that announces them."""
    (tmp_path / "a.eeg").write_text("C3 C4\n" + "".join(f"{i}.25 -{i}.5\n" for i in range(10)))
    (tmp_path / "a.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=a.eeg\n"
        "DataFormat=ASCII\nDataOrientation=MULTIPLEXED\nDataPoints=10\nNumberOfChannels=2\n"
        "SamplingInterval=10000\n[ASCII Infos]\nDecimalSymbol=.\nSkipLines=1\nSkipColumns=0\n"
        "[Channel Infos]\nCh1=C3,,1,µV\nCh2=C4,,1,µV\n",
        encoding="utf-8",
    )
    return tmp_path / "a.vhdr"


def test_samples_as_text(text):
    np.testing.assert_allclose(nf.read(text)["eeg"].eeg[0], 1e-6 * (np.arange(10) + 0.25))


@pytest.mark.parametrize("count", [1, 3, 8, 30])
def test_samples_as_text_cut_off(text, count):
    samples = text.with_suffix(".eeg")
    samples.write_bytes(samples.read_bytes()[:-count])
    with pytest.raises(ReadError, match=r"a\.eeg, cut off: \d of 10 samples"):
        nf.read(text)


def test_more_samples_than_announced(text, caplog):
    samples = text.with_suffix(".eeg")
    samples.write_text(samples.read_text() + "1.0 2.0\n")
    nf.read(text)
    assert "a.eeg: 11 samples; a.vhdr announces 10" in caplog.text


def test_a_header_cut_off_in_its_last_line(text, caplog):
    nf.read(text)
    assert "no end" not in caplog.text
    text.write_bytes(text.read_bytes()[:-3])
    nf.read(text)
    assert "a.vhdr: its last line has no end" in caplog.text


@pytest.mark.parametrize("count", [8, 12, 800])  # bytes of one, one and a half, 100 samples
def test_samples_that_neurofuse_wrote_cut_off(tmp_path, eeg_raw, count):
    path = nf.io.write_eeg(nf.from_mne(eeg_raw(("C3", "C4"), rate=100.0)), tmp_path / "a.vhdr")
    samples = path.with_suffix(".eeg")
    samples.write_bytes(samples.read_bytes()[:-count])
    with pytest.raises(ReadError, match=r"cut off: \d+ of 1000 samples"):
        nf.read(path)


def test_a_name_of_a_part_that_no_file_can_have(text):
    text.write_bytes(text.read_bytes().replace(b"DataFile=a.eeg", b"DataFile=a\0.eeg"))
    with pytest.raises(ReadError):
        nf.read(text)


# EEGLAB


@pytest.fixture
def pair(tmp_path) -> Path:
    """A .set file that announces 50 samples of two channels, and the .fdt file that has them."""
    np.arange(100, dtype="<f4").tofile(tmp_path / "a.fdt")
    chanlocs = np.array([("C3",), ("C4",)], dtype=[("labels", object)])
    content = {"nbchan": 2, "pnts": 50, "trials": 1, "srate": 100.0, "data": "a.fdt"}
    content |= {"chanlocs": chanlocs, "event": np.zeros(0), "xmin": 0.0, "setname": "a"}
    savemat(tmp_path / "a.set", {"EEG": content})
    return tmp_path / "a.set"


def test_samples_beside_a_set_file(pair):
    np.testing.assert_allclose(nf.read(pair)["eeg"].eeg[1], 1e-6 * np.arange(1, 100, 2))


def test_samples_beside_a_set_file_cut_off(pair):
    samples = pair.with_suffix(".fdt")
    samples.write_bytes(samples.read_bytes()[:-4])
    with pytest.raises(ReadError, match=r"a\.fdt, cut off: 49\.5 of 50 samples of 2 channels"):
        nf.read(pair)


def test_samples_of_another_set_file(pair, caplog):
    np.arange(120, dtype="<f4").tofile(pair.with_suffix(".fdt"))
    assert nf.read(pair)["eeg"].sizes["time"] == 50
    assert "a.fdt: 60.0 samples; a.set announces 50" in caplog.text


# NIRx


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        ('[DataStructure]\nS-D-Key="1-1:1,1-2:2,2-1:3,"\n', '[DataStructure]\nS-D-Key="1-1:1,1-2'),
        ("Channel indices=\n0-0, 0-1, 1-1\n", "Channel indices=\n0-0, 0-1\n"),
    ],
    ids=["NIRStar", "Aurora"],
)
def test_a_nirx_header_that_lists_fewer_pairs_than_there_are_columns(tmp_path, header, rest):
    for wave in ("wl1", "wl2"):
        (tmp_path / f"a.{wave}").write_text("1.0 2.0 3.0\n" * 9)
    (tmp_path / "a.hdr").write_text(header)
    check_nirx(tmp_path)
    (tmp_path / "a.hdr").write_text(rest)
    with pytest.raises(ReadError, match=r"lists \d pairs.* a\.wl1 has 3 columns"):
        check_nirx(tmp_path)


# BIDS


@pytest.mark.parametrize(("lost", "left"), [("nirs", "EEG"), ("eeg", "fNIRS")])
def test_sidecars_of_a_bids_run_whose_recording_is_missing(
    tmp_path, eeg_raw, nirs_raw, caplog, lost, left
):
    recording = nf.from_mne(eeg_raw(), nirs_raw(), offset=0.0)
    files = nf.io.write_bids(recording, tmp_path, subject="01", task="rest")
    files[lost].unlink()
    (stream,) = nf.io.streams(nf.read(tmp_path / "sub-01"))
    assert stream != lost
    assert f"only {left} is read: no recording lies beside" in caplog.text
