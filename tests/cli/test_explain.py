"""`neurofuse clean --explain`: table and report say why stretches were taken for movement."""

import pytest

import neurofuse as nf
from neurofuse.cli.clean import clean_files
from neurofuse.io.errors import ParameterError


def test_clean_explains_on_request(tmp_path):
    options = {"eeg_montage": ["C3", "C4"], "nirs_montage": None, "bouts_per_minute": 9}
    _, recording = nf.simulate(20.0, seed=6, **options)
    source = tmp_path / "moving.nc"
    nf.io.write_netcdf(recording, source)
    files = clean_files([source], tmp_path / "out", explain=True)
    head, *rows = (line.split("\t") for line in files["movements"].read_text().splitlines())
    assert rows
    repaired = [row for row in rows if row[head.index("verdict")] == "repaired"]
    # nobody else was there
    assert {row[head.index("from_partner")] for row in repaired} <= {"0.0", "n/a"}
    page = files["report"].read_text(encoding="utf-8")
    assert "Why movement" in page
    assert "It came from EEG 100.0 %" in page


def test_what_cannot_be_explained_is_refused_at_once(tmp_path):
    with pytest.raises(ParameterError, match="explanation of 'tddr'"):
        clean_files([tmp_path / "missing.nc"], tmp_path, method="tddr", explain=True)
