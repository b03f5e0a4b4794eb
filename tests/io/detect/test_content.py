"""What a file is, whatever it is called."""

import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.detect.content import content_of
from neurofuse.io.detect.format import find_format


@pytest.fixture
def edf(tmp_path, eeg_raw):
    recording = io.from_mne(eeg_raw())
    return io.write_eeg(recording, tmp_path / "session_eeg.edf")


@pytest.fixture
def snirf(tmp_path, nirs_raw):
    return io.write_nirs(io.from_mne(None, nirs_raw()), tmp_path / "session_nirs.snirf")


def test_every_written_format_is_recognised(tmp_path, eeg_raw, edf, snirf):
    recording = io.from_mne(eeg_raw())
    names = {"a.bdf": "BDF", "b.vhdr": "BrainVision", "c_eeg.fif": "FIF", "d.set": "EEGLAB"}
    for name, kind in names.items():
        assert find_format(io.write_eeg(recording, tmp_path / name)) == kind
    assert find_format(edf) == "EDF"
    assert find_format(snirf) == "SNIRF"
    assert find_format(io.write_netcdf(recording, tmp_path / "e.nc")) == "neurofuse netCDF"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.edf", b"time,C3\n0,1\n", ["a text file", "EDF as its name says"]),
        ("a.snirf", b"time,S1\n0,1\n", ["a text file", "SNIRF as its name says"]),
        ("a.edf", b"", ["an empty file", "EDF"]),
        ("a.snirf", b"", ["an empty file", "SNIRF"]),
        ("a.fif", b"\x93NUMPY\x01\x00", ["no known recording format", "FIF"]),
        ("a.set", b"PK\x03\x04\x00", ["whose content is zip", "EEGLAB"]),
        ("a.xyz", b"anything", ["unknown type '.xyz'", "SNIRF"]),
        ("plain", b"anything", ["unknown type '(no suffix)'"]),
        ("a.nirs", b"MATLAB 5.0 MAT-file", ["a cut-off header", "MATLAB 5"]),
        ("a.nirs", b"t,d,s\n0,1,0\n", ["a text file", "Homer as its name says"]),
        ("a.xdf", b"PK\x03\x04\x00", ["whose content is zip", "XDF as its name says"]),
        ("a.xdf", b"XDF:", ["no stream"]),
        ("a.csv", b"time,S1\n0,1\n", ["no recording of a known layout", "a Hitachi ETG export"]),
        ("a.txt", b"time S1\n0 1\n", ["a BOXY text file", "neurofuse.from_mne"]),
        ("a.nir", b"fnirUSB.dll log file", ["unknown type '.nir'", "export SNIRF"]),
        ("a.mat", b"MATLAB 5.0 MAT-file", ["a .mat file may hold anything"]),
        ("a_channels.tsv", b"name\ttype\n", ["a sidecar", "the BIDS folder"]),
        ("a.eeg", b"\x00\x01", ["give the .vhdr file"]),
    ],
)
def test_wrong_content_is_refused(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(io.ReadError) as caught:
        io.read(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_folders_are_recognised_by_their_content(tmp_path, eeg_raw):
    store = io.write_zarr(io.from_mne(eeg_raw()), tmp_path / "a.zarr")
    assert find_format(store) == "neurofuse zarr"
    assert io.streams(io.read(store)) == ("eeg",)
    (tmp_path / "set" / "sub-01" / "ses-2" / "eeg").mkdir(parents=True)
    for inside in ("", "sub-01", "sub-01/ses-2", "sub-01/ses-2/eeg"):
        assert find_format(tmp_path / "set" / inside) == "BIDS"
    (tmp_path / "set" / "sub-01" / "code").mkdir()
    assert content_of(tmp_path / "set" / "sub-01" / "code") == "folder"


def test_another_zarr_store_is_refused(tmp_path):
    store = tmp_path / "other.zarr"
    store.mkdir()
    (store / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}', "utf-8")
    assert content_of(store) == "zarr"
    with pytest.raises(io.ReadError, match=r"the folder .*other\.zarr without"):
        io.read(store)


def test_a_part_of_a_nirx_recording_names_its_folder(tmp_path):
    (tmp_path / "a.hdr").write_text("[GeneralInfo]", "utf-8")
    for name in ("a.wl1", "a.evt", "a_config.txt"):
        (tmp_path / name).write_text("1 2 3", "utf-8")
        with pytest.raises(io.ReadError, match=r"give NIRx's folder or its \.hdr file"):
            io.read(tmp_path / name)


def test_missing_file_and_empty_folder(tmp_path):
    with pytest.raises(io.ReadError, match=r"no file .*absent\.edf.*check the path"):
        io.read(tmp_path / "absent.edf")
    with pytest.raises(io.ReadError, match=r"without a NIRx \.hdr file"):
        io.read(tmp_path)


def test_misnamed_file_is_called_what_it_is(tmp_path, edf, snirf):
    wrong = tmp_path / "wrong.snirf"
    wrong.write_bytes(edf.read_bytes())
    with pytest.raises(io.ReadError, match=r"whose content is EDF.*SNIRF as its name says.*\.edf"):
        io.read(wrong)
    wrong = tmp_path / "wrong.edf"
    wrong.write_bytes(snirf.read_bytes())
    with pytest.raises(
        io.ReadError, match=r"whose content is SNIRF.*EDF as its name says.*\.snirf"
    ):
        io.read(wrong)


def test_reader_of_the_other_stream_refuses(edf, snirf):
    with pytest.raises(io.ReadError, match=r"which is EDF \(EEG\); wanted an fNIRS file"):
        io.read_nirs_raw(edf)
    with pytest.raises(io.ReadError, match=r"which is SNIRF \(fNIRS\); wanted an EEG file"):
        io.read_eeg_raw(snirf)


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
@pytest.mark.parametrize("keep", [100, 700, 0.5, 0.98])
def test_cut_off_edf_is_refused(tmp_path, eeg_raw, suffix, keep):
    whole = io.write_eeg(io.from_mne(eeg_raw()), tmp_path / f"whole{suffix}").read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    with pytest.raises(io.ReadError, match=r"cut[ -]off.*; wanted .*whole EDF or BDF file"):
        io.read(cut)


def test_edf_that_was_never_closed_is_read(edf):
    content = bytearray(edf.read_bytes())
    content[236:244] = b"-1      "
    edf.write_bytes(content)
    assert io.read(edf)["eeg"].sizes["time"] == 2500


@pytest.mark.parametrize("keep", [20, 600, 0.3, 0.7, 0.99])
def test_cut_off_snirf_is_refused(snirf, keep):
    whole = snirf.read_bytes()
    snirf.write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    with pytest.raises(io.ReadError) as caught:
        io.read(snirf)
    assert str(snirf) in str(caught.value)


@pytest.mark.parametrize("name", ["a_eeg.fif", "a.set", "a.nc"])
@pytest.mark.parametrize("keep", [0.1, 0.6, 0.98])
def test_other_cut_off_files_are_refused(tmp_path, eeg_raw, name, keep):
    recording = io.from_mne(eeg_raw())
    write = io.write_netcdf if name.endswith(".nc") else io.write_eeg
    path = write(recording, tmp_path / name)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(io.ReadError) as caught:
        io.read(path)
    assert str(path) in str(caught.value)


def test_cut_off_brainvision_is_refused(tmp_path, eeg_raw):
    path = io.write_eeg(io.from_mne(eeg_raw()), tmp_path / "a.vhdr")
    samples = path.with_suffix(".eeg")
    whole = samples.read_bytes()
    samples.write_bytes(whole[:10001])  # not a whole number of samples
    with pytest.raises(io.ReadError, match=r"a\.eeg, cut off"):
        io.read(path)
    samples.write_bytes(whole[:12000])
    text = path.read_text(encoding="utf-8")
    announced = text.replace("NumberOfChannels=3", "NumberOfChannels=3\nDataPoints=2500")
    path.write_text(announced, encoding="utf-8")
    with pytest.raises(io.ReadError, match=r"a\.eeg, cut off: 1000 of 2500 samples"):
        io.read(path)


def test_brainvision_without_its_samples(tmp_path, eeg_raw):
    path = io.write_eeg(io.from_mne(eeg_raw()), tmp_path / "a.vhdr")
    path.with_suffix(".eeg").unlink()
    with pytest.raises(io.ReadError, match=r"a\.vhdr, which cannot be read"):
        io.read(path)


def test_content_ignores_the_name(tmp_path, edf):
    renamed = tmp_path / "renamed.bin"
    renamed.write_bytes(edf.read_bytes())
    assert content_of(renamed) == "EDF"
    assert np.isfinite(io.read(edf)["eeg"].eeg.values).all()
