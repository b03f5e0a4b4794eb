"""What identifies somebody leaves `neurofuse clean` only on request, and never into BIDS."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import h5py
import mne
import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.cli.clean import clean_files
from neurofuse.io.identity import without_identity

MARKED = (
    "XXCODE", "XXLAST", "XXFIRST", "XXMIDDLE", "XXOPERATOR", "XXSERIAL", "XXSITE", "XXPROJECT",
    "XXCOMMENT", "XXINSTITUTE", "XXADMIN", "XXPATIENT", "XXFREE", "1901-02-03", "03-FEB-1901",
)  # fmt: skip
KEPT = ("MAKER", "MODELNAME", "CapTrak")


def texts(path: Path) -> str:
    """All bytes of a file as text, and all values and attributes of an HDF5 file."""
    found = [path.read_bytes().decode("latin-1")]
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:

            def look(name, node):
                found.extend([name, *(f"{k}={v}" for k, v in node.attrs.items())])
                if isinstance(node, h5py.Dataset) and node.dtype.kind in "OSU":
                    found.append(str(node[()]))

            look("/", file)
            file.visititems(look)
    return "\n".join(found)


def marks_in(folder: Path) -> dict[str, list[str]]:
    """Which marks each file below a folder holds; a date in FIF is a number of days."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {p.name: [m for m in MARKED if m in texts(p)] for p in files}
    return {name: marks for name, marks in found.items() if marks}


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """An EDF, a FIF and a SNIRF file whose headers are full of marks."""
    folder = tmp_path_factory.mktemp("marked")
    raw, light = nf.to_mne(nf.simulate(duration=20, seed=1)[1])
    assert raw is not None
    assert light is not None
    person = {
        "his_id": "XXCODE", "last_name": "XXLAST", "first_name": "XXFIRST",
        "middle_name": "XXMIDDLE", "birthday": date(1901, 2, 3), "sex": 1, "hand": 1,
    }  # fmt: skip
    for one in (raw, light):
        one.info["subject_info"] = person
        one.info["experimenter"] = "XXOPERATOR"
        one.info["description"] = "XXCOMMENT"
        one.info["proj_name"] = "XXPROJECT"
        one.info["device_info"] = {"type": "MAKER", "serial": "XXSERIAL", "site": "XXSITE"}
        one.set_meas_date(datetime(2024, 5, 17, tzinfo=UTC))
    both = io.from_mne(raw, light, offset=0)
    files = {
        "edf": io.write_eeg(both, folder / "sub-01_task-rest_eeg.edf", keep_identity=True),
        "fif": io.write_eeg(both, folder / "sub-01_task-rest_eeg.fif", keep_identity=True),
        "snirf": io.write_nirs(both, folder / "sub-01_task-rest_nirs.snirf", keep_identity=True),
    }
    with h5py.File(files["snirf"], "r+") as file:
        tags = file["nirs/metaDataTags"]
        said = {
            "Operator": "XXOPERATOR", "DeviceSerialNumber": "XXSERIAL", "PatientName": "XXPATIENT",
            "InstituteName": "XXINSTITUTE", "AdminCode": "XXADMIN", "Comment": "XXCOMMENT",
            "anything": "XXFREE", "ManufacturerName": "MAKER", "Model": "MODELNAME",
        }  # fmt: skip
        for name, value in said.items():
            tags[name] = value  # pyright: ignore
        file["nirs/probe/coordinateSystem"] = "CapTrak"
    return files


@pytest.mark.slow
@pytest.mark.parametrize("eeg", ["edf", "fif"])
@pytest.mark.parametrize("bids", [True, False])
def test_no_output_identifies_anybody(marked, tmp_path, eeg, bids):
    assert marks_in(marked["edf"].parent)
    paths = [marked[eeg], marked["snirf"]]
    clean_files(paths, tmp_path, method="uncorrected", offset=0, bids=bids)
    assert marks_in(tmp_path) == {}
    light = next(tmp_path.rglob("*.snirf"))
    assert all(kept in texts(light) for kept in KEPT)
    assert ("sub-01" if bids else "unknown") in texts(light)


def test_identity_is_kept_on_request(marked, tmp_path):
    paths = [marked["fif"], marked["snirf"]]
    files = clean_files(
        paths, tmp_path, method="uncorrected", offset=0, keep_identity=True, report=False
    )
    again = mne.io.read_raw(files["eeg"], verbose="error").info
    assert again["subject_info"]["last_name"] == "XXLAST"
    assert again["subject_info"]["birthday"] == date(1901, 2, 3)
    assert again["experimenter"] == "XXOPERATOR"
    stored = texts(files["nirs"])
    assert all(mark in stored for mark in ("XXSERIAL", "XXINSTITUTE", "XXADMIN", "XXFREE"))
    assert "provenance.json" not in "".join(marks_in(tmp_path))


def test_identity_cannot_be_asked_into_bids(marked, tmp_path):
    with pytest.raises(io.NeurofuseError, match=r"--keep-identity with --bids"):
        clean_files([marked["edf"]], tmp_path / "out", bids=True, keep_identity=True)
    assert not (tmp_path / "out").exists()


def test_writers_keep_identity_on_request_only(marked, tmp_path):
    recording = nf.read(marked["fif"], marked["snirf"], offset=0)
    io.write_bids(recording, tmp_path / "bids", subject="02", task="rest")
    nf.write(recording, tmp_path / "plain")
    io.write_eeg(recording, tmp_path / "one" / "a.fif")
    io.write_nirs(recording, tmp_path / "one" / "a.snirf")
    assert marks_in(tmp_path) == {}
    nf.write(recording, tmp_path / "kept", keep_identity=True)
    assert {re.sub(r".*_", "", name) for name in marks_in(tmp_path / "kept")} == {
        "eeg.fif", "nirs.snirf", "recording.nc",
    }  # fmt: skip


def test_all_but_identity_stays(marked):
    recording = nf.read(marked["fif"], marked["snirf"], offset=0)
    public = without_identity(recording)
    np.testing.assert_array_equal(public["eeg"].eeg, recording["eeg"].eeg)
    eeg: Any
    light: Any
    eeg, light = nf.to_mne(public)
    assert eeg.info["subject_info"] == {"his_id": "unknown", "sex": 1, "hand": 1}
    assert eeg.info["device_info"] == {"type": "MAKER"}
    assert light.info["meas_date"] == datetime(2024, 5, 17, tzinfo=UTC)
    assert recording["eeg"].attrs["subject"] == "XXCODE"
