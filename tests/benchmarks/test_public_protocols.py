"""Loaders and figures of public protocols, on small files of the same format made here."""

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from benchmarks.protocols import eegdenoisenet, sweeney
from benchmarks.protocols import public_data as data
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import quiet


@pytest.fixture
def wfdb():
    return pytest.importorskip("wfdb", reason="the package wfdb is not installed")


def test_where_files_are_looked_for(tmp_path, monkeypatch):
    with pytest.raises(ReadError, match=r"without \*\.hea.*Sweeney.*--fetch.*physionet"):
        data.located("motion-artifact", tmp_path)
    monkeypatch.setenv("NEUROFUSE_PUBLIC", str(tmp_path))
    with pytest.raises(ReadError, match=r"eegdenoisenet without EEG_all_epochs.npy.*Zhang"):
        data.located("eegdenoisenet")
    (tmp_path / "eegdenoisenet").mkdir()
    for name in data.SETS["eegdenoisenet"].needed:
        np.save(tmp_path / "eegdenoisenet" / name, np.zeros((2, 4)))
    assert data.located("eegdenoisenet") == tmp_path / "eegdenoisenet"
    with pytest.raises(ReadError, match="no way to fetch shin-2018"):
        data.fetch("shin-2018")


def test_files_are_fetched_by_their_checksums(tmp_path, monkeypatch):
    """From a folder that stands in for the publisher; a file that was changed is refused."""
    there = tmp_path / "publisher"
    there.mkdir()
    for ending in ("hea", "dat", "trigger"):
        (there / f"eeg_1.{ending}").write_text(ending)
    rows = [f"{sha256(p.read_bytes()).hexdigest()}  {p.name}" for p in sorted(there.iterdir())]
    (there / "SHA256SUMS.txt").write_text("\n".join(rows))
    with served(there) as address:
        one = replace(data.SETS["motion-artifact"], base=address)
        monkeypatch.setitem(data.SETS, "motion-artifact", one)
        monkeypatch.setattr(data, "cache", lambda name: tmp_path / "cache" / name)
        place = data.fetch("motion-artifact")
        assert data.located("motion-artifact", place) == place
        assert (place / "eeg_1.dat").read_text() == "dat"
        (place / "eeg_1.dat").unlink()
        (there / "eeg_1.dat").write_text("another")
        with pytest.raises(ReadError, match=r"no whole copy.*as published.*physionet"):
            data.fetch("motion-artifact")
    monkeypatch.setattr(data, "cache", lambda name: tmp_path / "empty" / name)
    with pytest.raises(ReadError, match=r"no whole copy.*a network.*by hand"):
        data.fetch("motion-artifact")  # it is not served any more


@contextmanager
def served(folder):
    """The address at which a folder's files are served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def write_sweeney(wfdb, folder):
    """One EEG and one fNIRS record with the marks of one movement."""
    with quiet():
        return _write_sweeney(wfdb, folder)


def _write_sweeney(wfdb, folder):
    rng = np.random.default_rng(0)
    time = np.arange(20 * 2048) / 2048
    brain = 0.02 * np.sin(2 * np.pi * 10 * time) + 0.005 * rng.standard_normal(time.size)
    motion = (time > 8) & (time < 12)
    moved = brain + 0.2 * motion * np.sin(2 * np.pi * 2 * time)
    wfdb.wrsamp(
        "eeg_1", 2048, ["mV", "mV"], ["EEG1", "EEG2"], np.stack([brain, moved], 1),
        fmt=["16", "16"], write_dir=str(folder),
    )  # fmt: skip
    wfdb.wrann(
        "eeg_1", "trigger", np.array([8 * 2048, 12 * 2048]), ["F", "R"], write_dir=str(folder)
    )
    slow = np.arange(20 * 200) / 200
    light = 2 + 0.02 * np.sin(2 * np.pi * 1.1 * slow)
    shift = 0.3 * ((slow > 8) & (slow < 12))
    columns = [light, light + 0.1, light * np.exp(-shift), (light + 0.1) * np.exp(-shift)]
    wfdb.wrsamp(
        "fnirs_1", 200, ["mV"] * 4, ["690A", "830A", "690B", "830B"], np.stack(columns, 1),
        fmt=["16"] * 4, write_dir=str(folder),
    )  # fmt: skip
    wfdb.wrann(
        "fnirs_1", "trigger", np.array([8 * 200, 12 * 200]), ["F", "R"], write_dir=str(folder)
    )
    return brain, moved


def test_a_record_of_sweeneys_set_is_read(wfdb, tmp_path):
    brain, moved = write_sweeney(wfdb, tmp_path)
    found = {pair.stream: pair for pair in sweeney.pairs(tmp_path)}
    eeg, nirs = found["eeg"], found["nirs"]
    assert eeg.rate == 256
    assert eeg.motion.sum() == pytest.approx(4 * 256, abs=2)
    middle = slice(256, -256)
    np.testing.assert_allclose(1e3 * eeg.contaminated[middle], moved[::8][middle], atol=0.02)
    assert np.corrcoef(eeg.reference[middle], brain[::8][middle])[0, 1] > 0.93
    assert nirs.reference.shape == (2, 20 * 25)
    inside, outside = (
        nirs.contaminated[0, 9 * 25 : 11 * 25].mean(),
        nirs.contaminated[0, :100].mean(),
    )
    assert inside - outside == pytest.approx(0.3, abs=0.01)
    assert nirs.recording()["nirs"].sizes["wavelength"] == 2


def test_figures_of_sweeneys_set_by_hand():
    time = np.arange(30 * 256) / 256
    brain = 1e-5 * np.sin(2 * np.pi * 10 * time)
    artifact = 1e-4 * np.sin(2 * np.pi * 3 * time)
    motion = (time > 10) & (time < 20)
    pair = sweeney.Pair("x", "eeg", 256.0, brain, brain + artifact * motion, motion)
    half = sweeney.figures(pair, brain + 0.1 * artifact * motion)
    assert half["SNR before"] == pytest.approx(-20, abs=0.2)
    assert half["ΔSNR"] == pytest.approx(20, abs=0.2)
    zero = sweeney.figures(pair, np.zeros_like(brain))
    assert zero["SNR after"] == pytest.approx(0, abs=0.01)
    assert zero["ΔSNR"] == pytest.approx(20, abs=0.2)  # silence gains as much
    assert zero["η"] < 0
    assert sweeney.figures(pair, brain)["η"] == pytest.approx(100)


def test_the_table_holds_references_and_what_cannot_run(wfdb, tmp_path, monkeypatch):
    write_sweeney(wfdb, tmp_path)
    monkeypatch.setattr(sweeney, "names", lambda: ("zero", "bandpass", "asr", "tddr"))
    rows = sweeney.table(tmp_path).markdown().splitlines()
    assert any(r.startswith("| EEG | zero | 1 |") for r in rows)
    assert any(r.startswith("| EEG | bandpass | 1 |") for r in rows)
    assert any(r.startswith("| fNIRS | tddr | 1 |") for r in rows)
    assert any("| EEG | asr | did not run: found 1 usable EEG channel" in r for r in rows)


def test_mixing_is_in_decibels_of_amplitude(tmp_path):
    """The correlation of the uncorrected input over -7 to 2 dB is the protocol's 0.505."""
    rng = np.random.default_rng(0)
    for name, count, length in (("EEG", 4514, 512), ("EOG", 3400, 512), ("EMG", 5598, 1024)):
        np.save(tmp_path / f"{name}_all_epochs.npy", rng.standard_normal((count, length)))
    for kind, count in (("EOG", 400), ("EMG", 598)):
        grid = list(eegdenoisenet.held_out(tmp_path, kind))
        assert [level for level, *_ in grid] == list(range(-7, 3))
        found = [eegdenoisenet.figures(clear, both) for _, _, clear, both in grid]
        assert np.mean([f["correlation"] for f in found]) == pytest.approx(
            eegdenoisenet.CHECK, abs=0.01
        )
        assert np.mean([f["RRMSE time"] for f in found]) == pytest.approx(2.193, abs=0.02)
        assert all(len(clear) == count for _, _, clear, _ in grid)


def test_segments_of_another_length_are_refused(tmp_path):
    np.save(tmp_path / "EEG_all_epochs.npy", np.zeros((9, 512)))
    np.save(tmp_path / "EOG_all_epochs.npy", np.zeros((9, 300)))
    with pytest.raises(ReadError, match="EOG segments of 300 samples beside EEG of 512"):
        next(eegdenoisenet.held_out(tmp_path, "EOG"))


def test_a_segment_is_cleaned_at_any_scale():
    row = np.random.default_rng(0).standard_normal((1, 512)).cumsum(-1)
    one, other = (eegdenoisenet.cleaned_by("bandpass", k * row, 256.0) for k in (1.0, 1e4))
    np.testing.assert_allclose(other, 1e4 * one, rtol=1e-6, atol=1e-6)
