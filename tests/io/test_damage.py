"""Damage and things that are no files: refused or named at once, never read in part in silence."""

import gzip
import logging
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import mne
import numpy as np
import pytest

import neurofuse as nf
from neurofuse.io.detect.format import SUFFIXES
from neurofuse.io.errors import ReadError
from neurofuse.io.integrity.fif import HEADER

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names, no holes")
END = -1


# FIF


@pytest.fixture
def fif(tmp_path, eeg_raw) -> Path:
    """Ten buffers of 100 samples."""
    path = tmp_path / "a_raw.fif"
    eeg_raw(rate=100.0).save(path, buffer_size_sec=1.0, verbose="error")
    return path


def tags(path: Path) -> list[tuple[int, int]]:
    """Place and kind of each tag."""
    data, at, found = path.read_bytes(), 0, []
    while at + HEADER.size <= len(data):
        kind, _, size, following = HEADER.unpack_from(data, at)
        found.append((at, kind))
        if following == END:
            break
        at = following or at + HEADER.size + size
    return found


def changed(path: Path, at: int, value: int) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into(">i", data, at, value)
    path.write_bytes(data)
    return path


def buffers(path: Path) -> list[int]:
    return [at for at, kind in tags(path) if kind == 300]


def test_whole_fif_files_are_read(fif):
    assert nf.read(fif)["eeg"].sizes["time"] == 1000


@pytest.mark.parametrize("which", [0, 4, -1])
def test_a_chain_of_tags_that_ends_early(fif, which):
    with pytest.raises(ReadError, match=r"its last tag.* in the middle"):
        nf.read(changed(fif, buffers(fif)[which] + 12, END))


def test_a_chain_of_tags_that_leaves_some_out(fif):
    first, *_, last = buffers(fif)
    with pytest.raises(ReadError, match=f"the tag at {first} leads to {last}"):
        nf.read(changed(fif, first + 12, last))


@pytest.mark.parametrize("kind", [16777216, 0, 301, 108, 299, -5])
def test_a_buffer_of_another_kind(fif, kind):
    with pytest.raises(ReadError, match=rf"bytes of kind {kind} among the samples"):
        nf.read(changed(fif, buffers(fif)[3], kind))


@pytest.mark.parametrize("kind", [104, 105, 200])
def test_a_buffer_that_says_it_is_structure(fif, kind):
    with pytest.raises(ReadError, match="bytes for a number"):
        nf.read(changed(fif, buffers(fif)[3], kind))


@pytest.mark.parametrize("kind", [2, 3, 5, 10, 21])
def test_a_buffer_of_another_type(fif, kind):
    with pytest.raises(ReadError, match="samples of another type"):
        nf.read(changed(fif, buffers(fif)[3] + 4, kind))


def test_a_fif_file_cut_off_between_two_tags(fif):
    fif.write_bytes(fif.read_bytes()[: buffers(fif)[5]])
    with pytest.raises(ReadError, match="in the middle"):
        nf.read(fif)


def test_bytes_behind_a_fif_file(fif, caplog):
    fif.write_bytes(fif.read_bytes() + bytes(100))
    assert nf.read(fif)["eeg"].sizes["time"] == 1000
    assert "100 bytes behind its last tag" in caplog.text


def test_a_fif_file_whose_second_part_is_damaged(tmp_path, eeg_raw):
    raw = eeg_raw(rate=1000.0, seconds=200.0)
    raw.save(tmp_path / "a_raw.fif", split_size="2MB", buffer_size_sec=1.0, verbose="error")
    part = tmp_path / "a_raw-1.fif"
    assert nf.read(tmp_path / "a_raw.fif")["eeg"].sizes["time"] == 200_000
    changed(part, buffers(part)[3], 16777216)
    with pytest.raises(ReadError, match=r"a_raw-1\.fif.*among the samples"):
        nf.read(tmp_path / "a_raw.fif")


def test_a_packed_fif_file(fif):
    packed = fif.with_suffix(".fif.gz")
    data = gzip.compress(fif.read_bytes())
    packed.write_bytes(data)
    np.testing.assert_array_equal(nf.read(packed)["eeg"].eeg, nf.read(fif)["eeg"].eeg)
    for share in (0.3, 0.9):
        packed.write_bytes(data[: int(share * len(data))])
        with pytest.raises(ReadError, match="damaged or cut off"):
            nf.read(packed)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0, 8])  # MB that cannot be packed
def test_a_packed_fif_file_of_gigabytes(fif, noise):
    packer = zlib.compressobj(wbits=31)
    head = fif.read_bytes() + np.random.default_rng(0).bytes(noise * 2**20)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = fif.with_suffix(".fif.gz")
    packed.write_bytes(start + zeros * 4096)
    (line,) = refused(packed)
    assert ("unpack it first (gunzip a_raw.fif.gz)" in line) == bool(noise)
    assert "unpack" in line


@pytest.mark.parametrize("suffix", [".set", ".nirs"])
def test_a_matlab_file_of_gigabytes(tmp_path, suffix):
    count = 2**29
    parts = [(6, struct.pack("<II", 7, 0)), (5, struct.pack("<ii", 1, count)), (1, b"data")]
    head = b"".join(struct.pack("<II", k, len(d)) + d + bytes(-len(d) % 8) for k, d in parts)
    inner = head + struct.pack("<II", 7, 4 * count)
    packer = zlib.compressobj()
    start = packer.compress(struct.pack("<II", 14, len(inner) + 4 * count) + inner)
    start += packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = start + zeros * (4 * count // 2**20)
    whole = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / f"a{suffix}").write_bytes(whole + struct.pack("<II", 15, len(packed)) + packed)
    (line,) = refused(tmp_path / f"a{suffix}")
    assert "bytes announced" in line


# netCDF


@pytest.mark.parametrize("kind", ["soft", "root", "group"])
def test_groups_of_a_netcdf_file_that_form_a_circle(tmp_path, eeg_raw, kind):
    import h5py

    path = nf.io.write_netcdf(nf.from_mne(eeg_raw()), tmp_path / "a.nc")
    assert nf.read(path)["eeg"].sizes["time"] == 2500
    with h5py.File(path, "r+") as file:
        if kind == "soft":
            file["clock/again"] = h5py.SoftLink("/")
        else:
            file["clock/again"] = file["/" if kind == "root" else "clock"]
    with pytest.raises(ReadError, match="leads to another place"):
        nf.read(path)


# EDF, BDF


@pytest.fixture(params=[".edf", ".bdf"])
def edf(request, tmp_path, eeg_raw) -> Path:
    path = tmp_path / f"a{request.param}"
    mne.export.export_raw(path, eeg_raw(rate=100.0), verbose="error")
    return path


@pytest.mark.parametrize("count", [1, 7, 5000])
def test_bytes_behind_data_records(edf, caplog, count):
    before = nf.read(edf)["eeg"].eeg.values
    edf.write_bytes(edf.read_bytes() + bytes(count))
    with caplog.at_level(logging.WARNING, "neurofuse"):
        after = nf.read(edf)["eeg"].eeg.values
    assert f"{count} bytes behind the data records" in caplog.text
    np.testing.assert_array_equal(after[:, :1000], before)


def test_an_incomplete_record_of_a_recording_that_was_never_closed(edf, caplog):
    data = bytearray(edf.read_bytes())
    data[236:244] = b"-1      "
    edf.write_bytes(data[:-10])
    assert nf.read(edf)["eeg"].sizes["time"] == 900
    assert "no whole record, are left out" in caplog.text


def test_two_recordings_in_one_file(edf):
    edf.write_bytes(edf.read_bytes() * 2)
    with pytest.raises(ReadError, match="a second recording"):
        nf.read(edf)


# Folders of several files


@pytest.fixture
def nirx(data_dir, tmp_path) -> Path:
    source = data_dir / "formats/mne_testing_data/NIRx/nirscout"
    header = next(iter(sorted(source.rglob("*.hdr"))), None)
    if header is None:
        pytest.skip("no NIRx folder among the real recordings")
    folder = tmp_path / "nirx"
    folder.mkdir()
    for file in header.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.mark.parametrize("wave", ["wl1", "wl2"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_nirx_light_cut_short(nirx, wave, share):
    (table,) = nirx.glob(f"*.{wave}")
    nf.read(nirx)
    table.write_bytes(table.read_bytes()[: int(share * table.stat().st_size)])
    with pytest.raises(ReadError, match=r"cut off: |values of sample"):
        nf.read(nirx)
    with pytest.raises(ReadError):
        nf.read(next(nirx.glob("*.hdr")))


# One sample


@pytest.mark.parametrize("suffix", ["_raw.fif", ".edf", ".set", ".vhdr"])
def test_one_sample_of_eeg_is_no_recording(tmp_path, eeg_raw, suffix):
    path = tmp_path / f"a{suffix}"
    raw = eeg_raw(rate=1.0, seconds=1.0)
    if suffix == "_raw.fif":
        raw.save(path, verbose="error")
    else:
        mne.export.export_raw(path, raw, verbose="error")
    with pytest.raises(ReadError, match="one sample"):
        nf.read(path)


@pytest.mark.parametrize("count", [2, 3, 20])
def test_a_few_samples_are_cleaned_to_themselves(run_clean, tmp_path, eeg_raw, count):
    raw = eeg_raw(rate=100.0, seconds=count / 100)
    raw.save(tmp_path / "a_raw.fif", verbose="error")
    run_clean(tmp_path / "a_raw.fif")


@pytest.fixture
def run_clean(tmp_path):
    from typer.testing import CliRunner

    from neurofuse.cli import app

    def clean(*paths):
        args = ["clean", *map(str, paths), "--out", str(tmp_path / "out"), "--no-report"]
        done = CliRunner().invoke(app, args)
        assert done.exit_code in (0, 2), done.output
        assert "Traceback" not in done.output

    return clean


# What is no file

LIMITED = """
import sys
from pathlib import Path
import neurofuse as nf
import mne, h5py, scipy.io  # so that their own size is part of what is there before
import resource
before = resource.getrusage(resource.RUSAGE_SELF)
for path in sys.argv[1:]:
    try:
        nf.read(path)
    except nf.NeurofuseError as error:
        print("refused:", error)
    else:
        print("read:", path)
after = resource.getrusage(resource.RUSAGE_SELF)
memory = after.ru_maxrss
status = Path("/proc/self/status")
if status.exists():  # on Linux ru_maxrss begins with the size of the process that forked this one
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    memory = int(fields["VmHWM"].split()[0])
print(memory, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""
GIB = 2**30


def refused(*paths: Path) -> list[str]:
    """The lines by which a process refuses paths, in 5 s and 1 GiB each and all."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + 5 * len(paths),
    )
    assert done.returncode == 0, done.stderr
    *lines, figures = done.stdout.splitlines()
    memory, seconds = (float(text) for text in figures.split())
    assert memory < GIB / 1024, f"{memory / 1024:.0f} MiB"
    assert seconds < 5 * len(paths)
    assert len(lines) == len(paths)
    assert all(line.startswith("refused: found ") for line in lines), lines
    return lines


NAMES = [f"a{suffix}" for suffix in (*SUFFIXES, ".zarr", ".mat", ".tsv", "")]


def test_pipes_devices_and_link_loops_of_every_suffix(tmp_path):
    kinds = {
        "a pipe": os.mkfifo,
        "a device": lambda path: path.symlink_to("/dev/zero"),
        "a link that leads to itself": lambda path: path.symlink_to(path.name),
    }
    made = []
    for kind, make in kinds.items():
        folder = tmp_path / kind
        folder.mkdir()
        for name in NAMES:
            make(folder / name)
            made.append((kind, folder / name))
    lines = refused(*(path for _, path in made))
    for (kind, path), line in zip(made, lines, strict=True):
        assert str(path) in line
        assert kind in line.removeprefix(f"refused: found {path}")


HEADS = {
    "a.vhdr": b"Brain Vision Data Exchange Header File Version 1.0\r\n[Common Infos]\r\n",
    "a.edf": b"0       ",
    "a.bdf": b"\xffBIOSEMI",
    "a.fif": b"\x00\x00\x00\x64\x00\x00\x00\x1f\x00\x00\x00\x14\x00\x00\x00\x00",
    "a.set": b"MATLAB 5.0 MAT-file",
    "a.nirs": b"MATLAB 5.0 MAT-file",
    "a.snirf": b"\x89HDF\r\n\x1a\n",
    "a.nc": b"\x89HDF\r\n\x1a\n",
    "a.xdf": b"XDF:",
    "a.csv": b"Header\nAnalyzeMode,Continuous\n",
    "a.txt": b"BOXY.EXE: 0.40\n",
    "a.hdr": b"[GeneralInfo]\n",
    "a.fif.gz": b"\x1f\x8b",
}


def test_gigabytes_that_were_never_written(tmp_path):
    assert {name.removeprefix("a") for name in HEADS} == set(SUFFIXES)
    for name, head in HEADS.items():
        (tmp_path / name).write_bytes(head)
        os.truncate(tmp_path / name, 6 * GIB)
    lines = refused(*(tmp_path / name for name in HEADS))
    assert all("were ever written" in line for line in lines)


def test_pipes_and_holes_beside_a_recording(tmp_path, eeg_raw):
    raw = eeg_raw()
    mne.export.export_raw(tmp_path / "a.vhdr", raw, verbose="error")
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    folders = {name: tmp_path / name.replace(".", "") for name in ("a.eeg", "a.vmrk", "hole")}
    for name, folder in folders.items():
        folder.mkdir()
        for path, data in whole.items():
            (folder / path.name).write_bytes(data)
        if name != "hole":
            (folder / name).unlink()
            os.mkfifo(folder / name)
    os.truncate(folders["hole"] / "a.eeg", 6 * GIB)
    session = tmp_path / "sub-01" / "eeg"
    session.mkdir(parents=True)
    os.mkfifo(session / "sub-01_events.tsv")
    paths = [folder / "a.vhdr" for folder in folders.values()]
    lines = refused(*paths, tmp_path / "sub-01")
    assert "a.eeg, which is a pipe" in lines[0]
    assert "a.vmrk, which is a pipe" in lines[1]
    assert "a.eeg, of whose" in lines[2]
    assert "events.tsv, which is a pipe" in lines[3]


BOXY = """BOXY.EXE: 0.40
{detectors} Detector Channels
{sources} External MUX Channels
{rate} Update Rate (Hz)
#DATA BEGINS
time A-DC B-DC exmux
0
1 2 3 4
#DATA ENDS
"""


def test_boxy_headers_with_absurd_numbers(tmp_path):
    absurd = [(10**9, 4), (4, 10**9), (26, 20_000), (0, 4), ("9" * 5000, 4)]
    for number, (detectors, sources) in enumerate(absurd):
        text = BOXY.format(rate=10, detectors=detectors, sources=sources)
        (tmp_path / f"{number}.txt").write_text(text)
    (tmp_path / "line.txt").write_bytes(b"BOXY.EXE: 0.40\n" + b"1" * 3_000_000)
    *lines, endless = refused(*sorted(tmp_path.iterdir()))
    assert all("detectors and" in line for line in lines)
    assert "a line of no end" in endless
