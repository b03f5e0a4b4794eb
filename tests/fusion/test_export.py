"""`neurofuse export` from its options to its report."""

import json
import logging

import numpy as np
import pytest
from typer.testing import CliRunner

import neurofuse as nf
from neurofuse.cli.app import app
from neurofuse.fusion.export import COMPARED, export_model
from neurofuse.fusion.methods.registry import SMALL
from neurofuse.fusion.settled import LATER
from neurofuse.io.errors import ParameterError, WriteError
from neurofuse.io.recording import stream_dataset
from neurofuse.models.edge.spec import read_export
from neurofuse.models.export import material, write


@pytest.fixture
def short(monkeypatch):
    """A single short simulated recording in place of all real and simulated ones."""
    monkeypatch.delenv("NEUROFUSE_DATA", raising=False)
    monkeypatch.setattr(material, "SECONDS", 25.0)
    monkeypatch.setattr(material, "SIMULATED", material.SIMULATED[:1])


SIMULATED = ["simulated 1", "simulated 2", "simulated 3"]


def size(folder):
    return sum(part.bytes for part in read_export(folder).spec.files.values())


def size_of_files(method):
    """Of the export of a packaged model in floats, without writing it."""
    given = write.given_model(method)
    return sum(map(len, write.contents(given, write.offline_parts(given)).values()))


def test_a_report_compares_the_export_with_torch(short, tmp_path):
    files = export_model("nirs", tmp_path / "a")
    assert all(path.is_file() for path in files.values())
    rows = json.loads(files["parity.json"].read_text())["rows"]
    assert [row["modality"] for row in rows] == ["nirs"]
    assert abs(rows[0]["model_db"] - rows[0]["export_db"]) < 0.05
    assert rows[0]["gate_close"] > 0.999
    assert f"{rows[0]['model_db']:.3f} dB" in files["parity.md"].read_text()
    assert read_export(tmp_path / "a").spec.calibration_participants == {}
    with pytest.raises(WriteError, match="already"):
        export_model("nirs", tmp_path / "a")


@pytest.mark.slow
def test_eight_bits_are_a_third_of_the_size_and_cost_a_tenth_of_a_decibel(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROFUSE_DATA", raising=False)
    monkeypatch.setattr(material, "SECONDS", 40.0)
    small = tmp_path / "small"
    files = export_model("joint", small, int8=True)
    assert size(small) <= 0.3 * size_of_files("joint")
    assert size(small) <= 500_000
    spec = read_export(small).spec
    assert spec.bits == 8
    assert spec.calibration_participants == dict.fromkeys(("eeg", "nirs"), SIMULATED)
    for row in json.loads(files["parity.json"].read_text())["rows"]:
        assert abs(row["model_db"] - row["export_db"]) <= 0.1


def test_the_student_cleans_as_the_packaged_one_does_with_torch(short, simulated, tmp_path):
    files = export_model("joint", tmp_path / "small", student=True)
    rows = json.loads(files["parity.json"].read_text())["rows"]
    assert {row["modality"] for row in rows} == {"eeg", "nirs"}
    assert all(abs(row["model_db"] - row["export_db"]) <= 0.05 for row in rows)
    assert read_export(tmp_path / "small").spec.name == SMALL
    assert size(tmp_path / "small") < 0.1 * size_of_files("joint")
    one, other = (nf.clean(simulated[1], m) for m in (SMALL, tmp_path / "small"))
    for stream in ("eeg", "nirs"):
        gates = [stream_dataset(cleaned, stream).gate.values for cleaned in (one, other)]
        assert (np.abs(gates[0] - gates[1]) <= 0.01).mean() >= 0.999
        assert (gates[1] > 0.5).any()


def test_a_live_model_is_exported_as_its_weights(short, tmp_path):
    files = export_model("joint-live", tmp_path / "live")
    rows = json.loads(files["parity.json"].read_text())["rows"]
    assert all(row["model_db"] == row["export_db"] for row in rows)
    assert "LiveCleaner" in files["model_card.md"].read_text()
    assert read_export(tmp_path / "live" / LATER).spec.kind == "offline"
    with pytest.raises(ParameterError, match="8 bits"):
        export_model("joint-live", tmp_path / "other", int8=True)


def test_what_cannot_be_exported_is_refused_and_leaves_no_folder(tmp_path):
    with pytest.raises(ParameterError, match="one of"):
        export_model("nothing", tmp_path / "a")
    with pytest.raises(ParameterError, match="a student of 'eeg'"):
        export_model("eeg", tmp_path / "a", student=True)
    assert not (tmp_path / "a").exists()


def test_calibration_and_comparison_move_otherwise():
    made = [next(iter(material.simulated(("nirs",), seed=seed))) for seed in (0, COMPARED)]
    one, other = (stream_dataset(known.contaminated, "nirs").motion.values for known in made)
    assert (one != other).any()


def test_the_command_writes_a_method(short, tmp_path):
    folder = tmp_path / "edge"
    done = CliRunner().invoke(app, ["export", "--method", "eeg", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    assert "spec.json" in done.output
    logging.getLogger("neurofuse").setLevel(logging.WARNING)
    assert nf.get_method(folder).name == "edge"
    assert nf.get_method(str(folder)).streams == ("eeg",)
