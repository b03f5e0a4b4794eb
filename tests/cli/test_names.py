from pathlib import Path

import pytest

from neurofuse.cli.names import companions, eeg_suffix, stem


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
    ],
)
def test_stem_is_the_eeg_name_without_its_modality(paths, expected):
    assert stem([Path(path) for path in paths]) == expected


def test_a_nirx_folder_lends_its_whole_name(tmp_path):
    folder = tmp_path / "2021-05-05.run"
    folder.mkdir()
    assert stem([folder]) == "2021-05-05.run"
    assert stem([folder, Path("x_eeg.edf")]) == "x"


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
