"""BIDS derivatives: names, sidecars, and what mne-bids reads back."""

import json
import re
import warnings
from datetime import date
from typing import Any

import mne
import mne_bids
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.bids.write import write_bids


@pytest.fixture
def recording(eeg_raw, nirs_raw):
    """Both streams of sub-01, task rest, run 2: bad channels, positions, annotations, a subject."""
    eeg = eeg_raw(["C3", "C4", "ECG", "odd, name"], marks=[(1.0, "go"), (6.5, "tåp")])
    eeg.set_montage(montage(), on_missing="ignore")
    eeg.annotations.append(4.0, 0.5, "BAD_jump", [("C4",)])
    eeg.info["bads"] = ["C4"]
    eeg.info["line_freq"] = 50.0
    eeg.info["subject_info"] = {
        "his_id": "jd", "first_name": "Jane", "last_name": "Doe", "sex": 2,
        "birthday": date(1990, 1, 2),
    }  # fmt: skip
    nirs = nirs_raw(pairs=((2, 2), (1, 1), (1, 2)), marks=[(1.0, "go")])
    nirs = nirs.reorder_channels([nirs.ch_names[i] for i in (3, 0, 5, 1, 4, 2)])
    nirs.info["bads"] = ["S1_D2 760", "S1_D2 850"]
    nirs.info["subject_info"] = eeg.info["subject_info"]
    made = io.from_mne(eeg.crop(0.4), nirs, offset=-0.25)
    made = io.note(made, "mark_bad", nirs={"S1-D2": "dark"})
    made = io.note(made, "clean", model="joint", streams=["eeg", "nirs"])
    for stream, name in (("eeg", "sub-01_task-rest_run-2_eeg.edf"), ("nirs", "optics.snirf")):
        node = made[stream].to_dataset().assign_attrs(file=name)
        made = io.with_stream(made, stream, node)
    return made


def montage():
    """Two electrodes and the landmarks of a head."""
    places = {"C3": [-0.06, 0.0, 0.08], "C4": [0.06, 0.0, 0.08]}
    ears = {"nasion": [0, 0.1, 0], "lpa": [-0.08, 0, 0], "rpa": [0.08, 0, 0]}
    return mne.channels.make_dig_montage(places, **ears, coord_frame="head")


def read_back(path) -> Any:
    """The Raw by mne-bids, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return mne_bids.read_raw_bids(mne_bids.get_bids_path_from_fname(path), verbose="error")


def everything(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def table(path):
    head, *rows = (line.split("\t") for line in path.read_text().splitlines())
    return {name: [row[i] for row in rows] for i, name in enumerate(head)}


def test_names_are_those_of_bids(recording, tmp_path):
    paths = write_bids(recording, tmp_path)
    stem = "sub-01_task-rest_run-2_desc-clean"
    names = ("channels.tsv", "events.tsv", "events.json")
    assert everything(tmp_path) == {
        "dataset_description.json",
        "participants.tsv",
        "README",
        ".bidsignore",
        *(f"sub-01/eeg/{stem}_eeg.{end}" for end in ("vhdr", "vmrk", "eeg", "json")),
        *(f"sub-01/eeg/{stem}_{name}" for name in names),
        "sub-01/eeg/sub-01_electrodes.tsv",
        "sub-01/eeg/sub-01_coordsystem.json",
        *(f"sub-01/nirs/{stem}_nirs.{end}" for end in ("snirf", "json")),
        *(f"sub-01/nirs/{stem}_{name}" for name in names),
        "sub-01/nirs/sub-01_optodes.tsv",
        "sub-01/nirs/sub-01_coordsystem.json",
    }
    assert paths["eeg"] == tmp_path / f"sub-01/eeg/{stem}_eeg.vhdr"
    for kind, path in paths.items():
        stored = mne_bids.get_bids_path_from_fname(path, check=True)
        assert (stored.subject, stored.task, stored.run, stored.description) == (
            "01",
            "rest",
            "2",
            "clean",
        )
        assert stored.datatype == kind
    described = json.loads((tmp_path / "dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    assert described["GeneratedBy"][0]["Name"] == "neurofuse"
    assert (tmp_path / "participants.tsv").read_text() == "participant_id\nsub-01\n"


def test_mne_bids_reads_the_eeg_back(recording, tmp_path):
    raw = read_back(write_bids(recording, tmp_path)["eeg"])
    node = recording["eeg"]
    np.testing.assert_allclose(raw.get_data(), node.eeg, rtol=1e-7)
    assert raw.ch_names == ["C3", "C4", "ECG", "odd, name"]
    assert raw.get_channel_types() == ["eeg", "eeg", "ecg", "eeg"]
    assert raw.info["bads"] == ["C4"]
    assert raw.info["line_freq"] == 50.0
    assert raw.annotations.description.tolist() == ["go", "BAD_jump", "tåp"]
    np.testing.assert_allclose(raw.annotations.onset, [0.6, 3.6, 6.1], atol=1e-9)
    assert [e["channel"] for e in raw.annotations.extras] == ["n/a", "C4", "n/a"]
    places = raw.get_montage().get_positions()
    np.testing.assert_allclose(places["ch_pos"]["C3"], [-0.06, 0, 0.08], atol=1e-7)
    np.testing.assert_allclose(places["nasion"], [0, 0.1, 0], atol=1e-7)


def test_mne_bids_reads_the_fnirs_back(recording, tmp_path):
    raw = read_back(write_bids(recording, tmp_path)["nirs"])
    ours: Any = io.to_mne(recording)[1]
    assert set(raw.ch_names) == set(ours.ch_names)
    np.testing.assert_array_equal(raw.get_data(picks=ours.ch_names), ours.get_data())
    assert set(raw.info["bads"]) == {"S1_D2 760", "S1_D2 850"}
    assert raw.get_channel_types(unique=True) == ["fnirs_cw_amplitude"]
    assert raw.annotations.description.tolist() == ["go"]
    eeg_start = recording["eeg"].attrs["measured_at"]
    assert eeg_start.endswith("12.650000+00:00")
    assert raw.info["meas_date"].isoformat().endswith("12.400000+00:00")


def test_neurofuse_reads_the_pair_back(recording, tmp_path):
    write_bids(recording, tmp_path)
    again = io.read(tmp_path)
    np.testing.assert_allclose(again["eeg"].eeg, recording["eeg"].eeg, rtol=1e-7)
    ours, theirs = (r["nirs"].intensity for r in (again, recording))
    np.testing.assert_array_equal(ours.sel(channel=theirs.channel), theirs)
    assert float(again["nirs"].time[0]) == pytest.approx(-0.25, abs=1e-6)  # by the dates
    assert again["eeg"].bad.values.tolist() == [False, True, False, False]


def test_sidecars_state_what_was_done(recording, tmp_path):
    paths = write_bids(recording, tmp_path, source=tmp_path.parent)
    eeg = json.loads(paths["eeg"].with_suffix(".json").read_text())
    assert eeg["TaskName"] == "rest"
    assert eeg["SamplingFrequency"] == 250.0
    assert eeg["PowerLineFrequency"] == 50.0
    assert eeg["RecordingDuration"] == pytest.approx(9.6)
    assert (eeg["EEGChannelCount"], eeg["ECGChannelCount"]) == (3, 1)
    (filtered,) = eeg["SoftwareFilters"].values()
    assert filtered == {"model": "joint", "streams": ["eeg", "nirs"]}
    assert [s["step"] for s in eeg["neurofuse"]["provenance"]][-2:] == ["mark_bad", "clean"]
    nirs = json.loads(paths["nirs"].with_suffix(".json").read_text())
    assert nirs["NIRSChannelCount"] == 6
    assert (nirs["NIRSSourceOptodeCount"], nirs["NIRSDetectorOptodeCount"]) == (2, 2)
    assert nirs["PowerLineFrequency"] == "n/a"
    assert nirs["neurofuse"]["start"] == -0.25
    channels = table(paths["nirs"].with_name(paths["nirs"].name[:-10] + "channels.tsv"))
    stored = dict(zip(channels["name"], channels["status_description"], strict=True))
    assert stored["S1_D2 850"] == "dark"
    assert stored["S1_D1 850"] == "n/a"
    assert channels["status"].count("bad") == 2
    assert list(channels)[:6] == [
        "name", "type", "source", "detector", "wavelength_nominal", "units",
    ]  # fmt: skip
    optodes = table(paths["nirs"].with_name("sub-01_optodes.tsv"))
    assert optodes["name"] == ["S1", "S2", "D1", "D2"]
    assert optodes["type"] == ["source", "source", "detector", "detector"]
    assert [float(optodes[axis][1]) for axis in "xyz"] == [0.06, 0.01, 0.09]
    described = json.loads((tmp_path / "dataset_description.json").read_text())
    assert described["SourceDatasets"] == [{"URL": ".."}]


def test_no_participant_is_named(recording, tmp_path):
    write_bids(recording, tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not re.search(rb"Jane|Doe|1990-01-02|jd\b", path.read_bytes()), path


def test_one_stream_without_positions_events_and_bids_name(eeg_raw, nirs_raw, tmp_path):
    one = io.from_mne(eeg_raw(["C3", "C4"]))  # positions of a template are not measured
    paths = write_bids(one, tmp_path, subject="x", session="b", task="t", run="3", desc="raw")
    assert paths == {"eeg": tmp_path / "sub-x/ses-b/eeg/sub-x_ses-b_task-t_run-3_desc-raw_eeg.vhdr"}
    assert not any("electrodes" in n or "events" in n for n in everything(tmp_path))
    stored = json.loads(paths["eeg"].with_suffix(".json").read_text())
    assert stored["SoftwareFilters"] == "n/a"
    other = io.to_optical_density(io.from_mne(None, nirs_raw(waves=(690, 760, 850))))
    path = write_bids(other, tmp_path, subject="x", session="b", task="t")["nirs"]
    channels = table(path.with_name(path.name.replace("nirs.snirf", "channels.tsv")))
    assert set(channels["type"]) == {"NIRSCWOPTICALDENSITY"}  # which mne-bids does not know
    raw = mne.io.read_raw_snirf(path, verbose="error")
    assert channels["name"] == raw.ch_names
    assert channels["wavelength_nominal"][:3] == ["690.0", "760.0", "850.0"]


def test_a_data_set_is_filled_bit_by_bit(recording, tmp_path):
    write_bids(recording, tmp_path)
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t20\n")
    write_bids(recording, tmp_path, run="3")
    write_bids(io.without_stream(recording, "nirs"), tmp_path, subject="02")
    text = (tmp_path / "participants.tsv").read_text()
    assert text == "participant_id\tage\nsub-01\t20\nsub-02\tn/a\n"
    assert len(list((tmp_path / "sub-01" / "eeg").glob("*_desc-clean_eeg.vhdr"))) == 2
    before = {p: (tmp_path / p).read_bytes() for p in everything(tmp_path)}
    with pytest.raises(io.WriteError, match=r"sub-01_task-rest_run-2_desc-clean_eeg\.vhdr.*alre"):
        write_bids(recording, tmp_path)
    moved = recording["nirs"].to_dataset()
    moved = moved.assign_coords(source_position=moved.source_position + 0.001)
    with pytest.raises(io.WriteError, match="other positions for this subject and session"):
        write_bids(io.with_stream(recording, "nirs", moved), tmp_path, run="4")
    assert {p: (tmp_path / p).read_bytes() for p in everything(tmp_path)} == before
    write_bids(io.with_stream(recording, "nirs", moved), tmp_path, overwrite=True)
    assert (tmp_path / "participants.tsv").read_text() == text


def test_what_cannot_be_named_is_refused(recording, eeg_raw, tmp_path):
    nameless = io.from_mne(eeg_raw())
    with pytest.raises(io.ParameterError, match=r"no subject and no task .*sub-01_task-rest_eeg"):
        write_bids(nameless, tmp_path)
    with pytest.raises(io.ParameterError, match="no task for"):
        write_bids(nameless, tmp_path, subject="01")
    wrong: list[dict[str, Any]] = [{"subject": "ä b"}, {"task": "x-y"}, {"run": "x"}, {"desc": "_"}]
    for given in wrong:
        ((key, value),) = given.items()
        with pytest.raises(io.ParameterError, match=rf"label {key[:3]}\w*-{value}; .* only"):
            write_bids(recording, tmp_path, **given)
    assert everything(tmp_path) == set()


@pytest.mark.parametrize(
    ("description", "found"),
    [
        ('{"Name": "study", "BIDSVersion": "1.8.0"}', "another BIDS data set"),
        ('{"DatasetType": "derivative", "GeneratedBy": [{"Name": "x"}]}', "another BIDS data set"),
        ("[]", "no JSON of BIDS"),
        ("{", "no JSON of BIDS"),
    ],
)
def test_another_data_set_is_left_alone(recording, tmp_path, description, found):
    (tmp_path / "dataset_description.json").write_text(description)
    with pytest.raises(io.WriteError, match=found):
        write_bids(recording, tmp_path, overwrite=True)
    assert everything(tmp_path) == {"dataset_description.json"}


def test_a_failure_leaves_nothing_behind(recording, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("neurofuse.io.bids.write.write_snirf", full)
    with pytest.raises(io.WriteError, match="No space left"):
        write_bids(recording, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(mne.Annotations, "extras"), reason="MNE before 1.11")
def test_every_column_of_events_is_described(nirs_raw, tmp_path):
    raw = nirs_raw(marks=[(1.0, "load"), (2.0, "load")])
    raw.annotations.extras = [{"amplitude": 2.0, "RT": 0.4}, {"amplitude": 3.0, "state": -1}]
    write_bids(io.from_mne(None, raw), tmp_path, subject="01", task="rest")
    table = next(tmp_path.rglob("*_events.tsv")).read_text().splitlines()
    facts = json.loads(next(tmp_path.rglob("*_events.json")).read_text())
    head = ["onset", "duration", "trial_type", "channel", "amplitude", "RT", "state"]
    assert table[0].split("\t") == list(facts) == head
    assert "amplitude of the stimulus" in facts["amplitude"]["Description"]
    assert '"RT"' in facts["RT"]["Description"]
    assert "excluded" in facts["state"]["Description"]
