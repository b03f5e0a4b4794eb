from pathlib import Path

import pytest

from neurofuse.cli.names import bids_outputs, companions, eeg_suffix, report_of, stem
from neurofuse.io.errors import ReadError


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["sub-01_eeg.edf", "other.snirf"], "sub-01"),
        (["other.snirf", "sub-01-eeg.bdf"], "sub-01"),
        (["a.b_eeg.vhdr"], "a.b"),
        (["sub-01_raw.fif.gz"], "sub-01"),
        (["sub-01_NIRS.snirf"], "sub-01"),
        (["simulated_recording.nc"], "simulated"),
        (["greeeg.edf"], "greeeg"),
        (["_eeg.edf"], "_eeg"),
        (["sub-03_task-x_recording.xdf"], "sub-03_task-x"),
        (["tap_nirs.nirs", "other_eeg.set"], "other"),
        (["etg_nirs.csv", "other_eeg.set"], "other"),
    ],
)
def test_stem_is_the_eeg_name_without_its_modality(paths, expected):
    assert stem([Path(path) for path in paths]) == expected


def test_outputs_have_the_whole_name_of_a_nirx_folder(tmp_path):
    folder = tmp_path / "2021-05-05.run"
    folder.mkdir()
    assert stem([folder]) == "2021-05-05.run"
    assert stem([folder, Path("x_eeg.edf")]) == "x"


@pytest.fixture
def bids(tmp_path):
    """The folders and (empty) files of two sessions, one with EEG and fNIRS."""
    for name in (
        "sub-01/eeg/sub-01_task-rest_run-2_eeg.bdf",
        "sub-01/nirs/sub-01_task-rest_run-2_nirs.snirf",
        "sub-02/nirs/sub-02_task-rest_nirs.snirf",
    ):
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True)
        file.touch()
    return tmp_path / "set"


def test_outputs_have_the_entities_of_a_bids_session(bids):
    assert stem([bids]) == stem([bids / "sub-01"]) == "sub-01_task-rest_run-2"
    assert stem([bids / "sub-02"]) == "sub-02_task-rest"
    assert eeg_suffix([bids]) == ".bdf"
    assert eeg_suffix([bids / "sub-02"]) == ".fif"


def test_a_bids_folder_of_several_sessions_is_refused(bids):
    (bids / "sub-02" / "eeg").mkdir()
    (bids / "sub-02" / "eeg" / "sub-02_task-rest_eeg.edf").touch()
    with pytest.raises(ReadError, match=r"2 sessions in .*give the EEG and the fNIRS file"):
        stem([bids])


def test_outputs_have_the_stem_of_a_zarr_store(tmp_path):
    store = tmp_path / "sub-01_recording.zarr"
    store.mkdir()
    assert stem([store]) == "sub-01"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.EDF", ".edf"),
        ("a.set", ".set"),
        ("a.nc", ".fif"),
        ("a.fif.gz", ".fif"),
        ("a.snirf", ".fif"),
    ],
)
def test_eeg_goes_back_to_its_format_where_that_can_be_written(path, expected):
    assert eeg_suffix([Path(path)]) == expected


def test_brainvision_is_three_files():
    assert companions("x_eeg.vhdr") == ["x_eeg.vhdr", "x_eeg.vmrk", "x_eeg.eeg"]
    assert companions("x_eeg.edf") == ["x_eeg.edf"]


def test_the_report_of_a_derivative_is_among_the_figures_of_its_participant(tmp_path):
    names = bids_outputs({"sub": "1", "ses": "a", "task": "rest", "run": "2", "desc": "clean"})
    for name in names.values():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    cleaned = tmp_path / names["recording"]
    assert cleaned.parent.relative_to(tmp_path).as_posix() == "sub-1/ses-a"
    assert report_of(cleaned) == tmp_path / names["report"]
    beside = cleaned.with_name(cleaned.name.replace("_recording.nc", "_report.html"))
    beside.touch()
    assert report_of(cleaned) == beside
    (tmp_path / "other_recording.nc").touch()
    assert report_of(tmp_path / "other_recording.nc") is None
