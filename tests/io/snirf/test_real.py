"""Real files read as MNE's reader reads them, where that one is right."""

import os
from datetime import timedelta
from pathlib import Path

import h5py
import mne
import numpy as np
import pytest

from neurofuse.io.logs import quiet
from neurofuse.io.snirf.read import read_snirf_raw

DATA = Path(os.environ.get("NEUROFUSE_DATA") or Path(__file__).parents[4] / "shared" / "data")
REAL = sorted(DATA.rglob("*.snirf"))


@pytest.mark.parametrize("path", REAL, ids=[p.stem for p in REAL])
def test_real_files_read_as_mne_reads_them_where_it_is_right(path):
    ours = read_snirf_raw(path)
    with quiet():
        theirs = mne.io.read_raw_snirf(path, preload=True)
    assert ours.ch_names == theirs.ch_names
    assert ours.get_channel_types() == theirs.get_channel_types()
    gaps = ours.annotations.description == "BAD_gap"
    bridged = "own_zero" in str(path) or "notworn" in str(path)
    assert gaps.any() == (bridged or "aligned" in path.name)
    if not bridged:  # MNE closes holes up
        np.testing.assert_array_equal(ours.get_data(), theirs.get_data())
        assert ours.info["sfreq"] == pytest.approx(theirs.info["sfreq"], rel=1e-12)
        start = _first_time(path)  # MNE counts events from the file's zero
        stored = theirs.annotations
        rows = zip(stored.onset - start, stored.duration, stored.description, strict=True)
        expected = sorted(dict.fromkeys(rows))  # doubles once
        found = ours.annotations
        np.testing.assert_allclose(found.onset, [row[0] for row in expected], atol=1e-9)
        assert list(zip(found.duration, found.description, strict=True)) == [
            row[1:] for row in expected
        ]
        if ours.info["meas_date"]:
            late = timedelta(seconds=start)
            assert ours.info["meas_date"] == theirs.info["meas_date"] + late
    places = [np.array([c["loc"][:10] for c in r.info["chs"]]) for r in (ours, theirs)]
    wrong = path.parent.name in ("homer3_twni", "1.0.3") and path.stem != "2021-05-05_001"
    scale = np.r_[np.full(9, 10.0 if wrong else 1.0), 1.0]  # cm that the file calls mm
    np.testing.assert_allclose(places[0], places[1] * scale, rtol=1e-14)


def _first_time(path):
    with h5py.File(path) as file:
        return float(file["nirs/data1/time"][0])  # pyright: ignore
