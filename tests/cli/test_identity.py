"""What identifies somebody leaves `neurofuse clean` only on request, and never into BIDS."""

import json
import os
import re
import shutil
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
from neurofuse.cli.cohort import cohort_files
from neurofuse.cli.inputs import read_inputs
from neurofuse.cli.names import stem as stem_of
from neurofuse.io.identity import without_identity
from tests.io.xdf.test_xdf import ZERO, Writer, channels, eeg_channels, even

MARKED = (
    "XXCODE", "XXLAST", "XXFIRST", "XXMIDDLE", "XXOPERATOR", "XXSERIAL", "XXSITE", "XXPROJECT",
    "XXCOMMENT", "XXINSTITUTE", "XXADMIN", "XXPATIENT", "XXFREE", "1901-02-03", "03-FEB-1901",
    "XXFOLDER", "XXNAME", "XXSTREAM",
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


@pytest.mark.slow
def test_neither_pages_nor_messages_identify_anybody(marked, tmp_path, caplog):
    """The page of a cohort, the report made later, and whatever is logged on the way."""
    caplog.set_level("INFO", "neurofuse")
    paths = [marked["fif"], marked["snirf"]]
    clean_files(paths, tmp_path / "out", method="uncorrected", offset=0, report=False)
    cohort_files([tmp_path / "out"], tmp_path / "index.html")
    nf.report(nf.read(*paths, offset=0), nf.read(*paths, offset=0), tmp_path / "page.html")
    assert marks_in(tmp_path) == {}
    assert [mark for mark in MARKED if mark in caplog.text] == []


@pytest.mark.slow
def test_a_cohort_page_shows_no_folders_of_what_it_lacks(marked, tmp_path):
    folder = tmp_path / "XXFOLDER of one"
    folder.mkdir()
    paths = [
        Path(shutil.copy(marked[kind], folder / marked[kind].name)) for kind in ("fif", "snirf")
    ]
    for number, stem in enumerate(paths):
        clean_files([stem], tmp_path / f"out{number}", method="uncorrected", report=False)
    paths[0].unlink()
    rows = cohort_files([tmp_path / "out0", tmp_path / "out1"], tmp_path / "pages" / "index.html")
    assert "sub-01_task-rest_eeg.fif" in rows[0].failure
    assert marks_in(tmp_path / "pages") == {}


@pytest.fixture(scope="module")
def xdf(tmp_path_factory):
    """An XDF file whose streams are called after their devices; of one, labels are missing."""
    rng, writer = np.random.default_rng(0), Writer()
    eeg, moves = 20 * rng.standard_normal((5000, 2)), rng.standard_normal((1040, 3))
    writer.stream(
        "XXSTREAM-1", "EEG", even(5000, 250), eeg, rate=250, desc=eeg_channels("C3", "Cz")
    )
    for name in ("XXSTREAM-2", "XXSTREAM-3"):
        writer.stream(name, "Motion", even(1040, 52), moves, rate=52)
    sensors = [{"label": f"ACC_{a}", "unit": "g"} for a in "XYZ"]
    writer.stream("XXSTREAM-4", "", even(1040, 52), moves, rate=52, desc=channels(*sensors))
    trigger = np.zeros((1040, 1))
    trigger[500:510] = 3
    writer.stream("XXSTREAM-5", "Trigger", even(1040, 52), trigger, rate=52)
    writer.stream("XXSTREAM-6", "Markers", ZERO + np.array([1.0]), [["go"]], form="string")
    return writer.save(tmp_path_factory.mktemp("xdf") / "sub-01_task-rest_eeg.xdf")


@pytest.mark.slow
@pytest.mark.parametrize("bids", [True, False])
def test_streams_of_xdf_are_called_by_their_kind(xdf, tmp_path, bids, caplog):
    caplog.set_level("INFO", "neurofuse")
    assert marks_in(xdf.parent)
    assert "XXSTREAM-2" in nf.read(xdf)["aux"].children  # in memory, under its own name
    files = clean_files([xdf], tmp_path, method="uncorrected", bids=bids)
    assert marks_in(tmp_path) == {}
    assert "XXSTREAM" not in caplog.text
    kept = nf.read(files["recording"])
    assert set(kept["aux"].children) == {"Motion", "Motion 2", "sensor", "Trigger"}
    np.testing.assert_array_equal(
        kept["aux"]["Motion 2"]["Motion 2"].values,
        nf.read(xdf)["aux"]["XXSTREAM-3"]["XXSTREAM-3"].values,
    )
    assert {"aux/Motion", "aux/sensor"} <= set(kept["clock"].stream.values)
    assert kept["events"].description.values.tolist() == ["go", "3"]


@pytest.mark.slow
def test_names_of_files_reach_bids_only_if_they_are_its_own(marked, tmp_path):
    """And no folders at all; elsewhere a name is the user's own label."""
    folder = tmp_path / "XXFOLDER"
    folder.mkdir()
    eeg = Path(shutil.copy(marked["edf"], folder / marked["edf"].name))
    light = Path(shutil.copy(marked["snirf"], folder / "XXNAME_nirs.snirf"))
    files = clean_files([eeg, light], tmp_path / "out", method="uncorrected", offset=0, bids=True)
    assert marks_in(tmp_path / "out") == {}
    stated = json.loads(files["provenance"].read_text())["inputs"]
    assert [(one["name"], one["path"]) for one in stated] == [(eeg.name, ""), ("*.snirf", "")]
    assert io.streams(read_inputs(files["provenance"], tmp_path)) == ("eeg", "nirs")  # by content
    with pytest.raises(io.ReadError, match=r"no sub-01_task-rest_eeg\.edf where it was"):
        read_inputs(files["provenance"])
    plain = clean_files([light], tmp_path / "plain", method="uncorrected", report=False)
    assert "XXNAME" in plain["provenance"].read_text()


def test_sources_within_a_data_set_are_bids_uris(marked, tmp_path):
    root = tmp_path / "study"
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "a", "BIDSVersion": "1.10.0"}')
    paths = []
    for kind, stream in (("edf", "eeg"), ("snirf", "nirs")):
        (root / "sub-01" / stream).mkdir(parents=True)
        paths.append(Path(shutil.copy(marked[kind], root / "sub-01" / stream / marked[kind].name)))
    out = root / "derivatives" / "neurofuse"
    files = clean_files(paths, out, method="uncorrected", offset=0, bids=True, report=False)
    uris = [f"bids:source:sub-01/{p.parent.name}/{p.name}" for p in paths]
    described = json.loads((out / "dataset_description.json").read_text())
    assert described["DatasetLinks"] == {"source": "../.."}
    for sidecar in (*out.rglob("*_eeg.json"), *out.rglob("*_nirs.json")):
        assert json.loads(sidecar.read_text())["Sources"] == uris
    stated = json.loads(files["provenance"].read_text())["inputs"]
    assert [one["path"] for one in stated] == uris
    assert io.streams(read_inputs(files["provenance"])) == ("eeg", "nirs")


def test_linked_files_keep_their_names_whatever_the_store_calls_them(marked, tmp_path):
    """As git-annex and DataLad keep them: each file is a link to its content."""
    root, paths = tmp_path / "study", []
    for kind, stream in (("edf", "eeg"), ("snirf", "nirs")):
        key = f"MD5E-s1--0123.{kind}"
        stored, link = root / ".git/annex" / key, root / "sub-01" / stream / marked[kind].name
        for folder in (stored.parent, link.parent):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(marked[kind], stored)
        link.symlink_to(os.path.relpath(stored, link.parent))
        paths.append(link)
    (root / "dataset_description.json").write_text('{"Name": "a", "BIDSVersion": "1.10.0"}')
    out = root / "derivatives" / "neurofuse"
    files = clean_files(paths, out, method="uncorrected", offset=0, bids=True, report=False)
    assert stem_of(paths) == stem_of([marked["edf"]])
    stated = json.loads(files["provenance"].read_text())["inputs"]
    assert [one["name"] for one in stated] == [path.name for path in paths]
    uris = [f"bids:source:sub-01/{path.parent.name}/{path.name}" for path in paths]
    assert [one["path"] for one in stated] == uris
    for sidecar in (*out.rglob("*_eeg.json"), *out.rglob("*_nirs.json")):
        assert json.loads(sidecar.read_text())["Sources"] == uris
    assert io.streams(read_inputs(files["provenance"])) == ("eeg", "nirs")
