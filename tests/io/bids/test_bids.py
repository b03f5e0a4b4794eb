"""A BIDS data set: which runs belong together, and what the sidecars say of them."""

import json

import h5py
import mne
import mne_bids
import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.bids.read import bids_stem, find_session
from neurofuse.io.logs import quiet

MARKS = [(1.0, "go"), (2.5, "go"), (6.1, "stop"), (8.2, "go")]


@pytest.fixture
def add(tmp_path, eeg_raw, nirs_raw):
    """A function that puts a run into the data set at tmp_path/set; returns its file."""

    def make(stream, raw=None, **entities):
        entities = {"subject": "01", "task": "rest"} | entities
        where = mne_bids.BIDSPath(root=tmp_path / "set", datatype=stream).update(**entities)
        raw = raw or (eeg_raw if stream == "eeg" else nirs_raw)(marks=MARKS)
        raw.info["line_freq"] = 50
        plain = tmp_path / ("plain.edf" if stream == "eeg" else "plain.snirf")
        recording = io.from_mne(raw) if stream == "eeg" else io.from_mne(None, raw)
        write = io.write_eeg if stream == "eeg" else io.write_nirs
        write(recording, plain, overwrite=True)
        opened = mne.io.read_raw(plain, verbose="error")
        opened.info["line_freq"] = 50
        opened.info["bads"] = raw.info["bads"]
        with quiet():
            written = mne_bids.write_raw_bids(opened, where, overwrite=True, verbose="error")
        return written.fpath

    return make


@pytest.fixture
def pair(tmp_path, add):
    add("eeg")
    add("nirs")
    return tmp_path / "set"


@pytest.mark.parametrize("inside", ["", "sub-01"])
def test_eeg_and_fnirs_of_a_session_are_joined(pair, inside):
    recording = nf.read(pair / inside)
    assert io.streams(recording) == ("eeg", "nirs")
    assert recording["eeg"].attrs["file"] == "sub-01_task-rest_eeg.edf"
    assert recording["eeg"].attrs["subject"] == "sub-01"
    assert abs(recording["clock"].offset.sel(stream="nirs").item()) < 0.02
    assert recording["clock"].method.sel(stream="nirs") == "events"
    assert io.stem_of(recording) == bids_stem(pair / inside) == "sub-01_task-rest"


def test_offset_goes_to_the_join(pair):
    recording = nf.read(pair, offset=2.0)
    assert recording["nirs"].time.values[0] == 2.0


def test_bids_path_picks_one_of_several_sessions(pair, add):
    add("eeg", task="tapping", session=None)
    add("nirs", task="tapping", session=None)
    with pytest.raises(io.ReadError, match=r"2 sessions in .*sub-01_task-rest .*task-tapping") as e:
        nf.read(pair)
    assert "BIDSPath(root=…, subject=…" in str(e.value)
    where = mne_bids.BIDSPath(root=pair, subject="01", task="tapping")
    recording = nf.read(where)
    assert io.streams(recording) == ("eeg", "nirs")
    assert recording["nirs"].attrs["file"] == "sub-01_task-tapping_nirs.snirf"
    assert bids_stem(where) == "sub-01_task-tapping"
    only = nf.read(mne_bids.BIDSPath(root=pair, subject="01", task="tapping", datatype="nirs"))
    assert io.streams(only) == ("nirs",)
    with pytest.raises(io.ReadError, match=r"no EEG or fNIRS run in .* with sub=02"):
        nf.read(mne_bids.BIDSPath(root=pair, subject="02"))
    with pytest.raises(io.ReadError, match=r"a BIDSPath without root"):
        nf.read(mne_bids.BIDSPath(subject="02"))


def test_the_only_pair_wins_over_single_runs(pair, add):
    add("eeg", task="sleep")
    recording = nf.read(pair)
    assert recording["eeg"].attrs["file"] == "sub-01_task-rest_eeg.edf"


def test_single_run_is_read_alone(tmp_path, add):
    add("nirs", session="a")
    for inside in ("", "sub-01/ses-a", "sub-01/ses-a/nirs"):
        assert io.streams(nf.read(tmp_path / "set" / inside)) == ("nirs",)


def test_two_files_of_one_kind_are_not_guessed_about(tmp_path, add):
    add("eeg", acquisition="dry")
    add("eeg", acquisition="gel")
    with pytest.raises(io.ReadError, match=r"several files of one kind .*acq-dry.*acq-gel"):
        nf.read(tmp_path / "set")
    chosen = mne_bids.BIDSPath(root=tmp_path / "set", acquisition="gel")
    assert find_session(chosen).files["eeg"][0].name == "sub-01_task-rest_acq-gel_eeg.edf"


def test_folder_without_runs(tmp_path):
    (tmp_path / "sub-01" / "anat").mkdir(parents=True)
    with pytest.raises(io.ReadError, match=r"no EEG or fNIRS run in"):
        nf.read(tmp_path)


def test_a_file_in_a_data_set_is_read_as_that_file(pair):
    recording = nf.read(pair / "sub-01" / "eeg" / "sub-01_task-rest_eeg.edf")
    assert io.streams(recording) == ("eeg",)


def test_sidecars_count(pair):
    eeg, nirs = pair / "sub-01" / "eeg", pair / "sub-01" / "nirs"
    edit(eeg / "sub-01_task-rest_channels.tsv", "Cz", {"status": "bad"})
    edit(eeg / "sub-01_task-rest_channels.tsv", "C3", {"type": "EOG"})
    edit(nirs / "sub-01_task-rest_channels.tsv", "S1_D2 760", {"status": "bad"})
    events = eeg / "sub-01_task-rest_events.tsv"
    events.write_text(events.read_text("utf-8").replace("stop", "halt"), "utf-8")
    recording = nf.read(pair)
    node = recording["eeg"].to_dataset()
    assert node.channel.values[node.bad.values].tolist() == ["Cz"]
    assert node.ch_type.sel(channel="C3") == "eog"
    light = recording["nirs"].to_dataset()
    assert light.channel.values[light.bad.values].tolist() == ["S1-D2"]
    marks = recording["events"].to_dataset()
    words = {
        s: marks.description.values[marks.stream.values == s].tolist() for s in ("eeg", "nirs")
    }
    assert words == {"eeg": ["go", "go", "halt", "go"], "nirs": ["go", "go", "stop", "go"]}
    ours = np.sort(marks.onset.values[marks.stream.values == "eeg"])
    np.testing.assert_allclose(ours, [1.0, 2.5, 6.1, 8.2], atol=0.005)


def test_samples_are_those_of_the_files(pair):
    recording = nf.read(pair)
    eeg = nf.read(pair / "sub-01" / "eeg" / "sub-01_task-rest_eeg.edf")
    nirs = nf.read(pair / "sub-01" / "nirs" / "sub-01_task-rest_nirs.snirf")
    np.testing.assert_array_equal(recording["eeg"].eeg.values, eeg["eeg"].eeg.values)
    np.testing.assert_array_equal(recording["nirs"].intensity.values, nirs["nirs"].intensity.values)


def test_sidecars_that_do_not_fit_are_left_out_with_a_warning(pair, caplog):
    table = pair / "sub-01" / "eeg" / "sub-01_task-rest_channels.tsv"
    table.write_text(table.read_text("utf-8").replace("Cz", "Pz"), "utf-8")
    recording = nf.read(pair)
    assert "Cz" in recording["eeg"].channel.values
    assert "sub-01_task-rest_eeg.edf: sidecars not applied" in caplog.text


def test_dates_of_scans_align_runs_without_events(tmp_path, add, eeg_raw, nirs_raw):
    add("eeg", eeg_raw())
    add("nirs", nirs_raw())
    table = tmp_path / "set" / "sub-01" / "sub-01_scans.tsv"
    lines = table.read_text("utf-8").splitlines()
    dates = {"eeg": "2024-05-17T09:30:12.250000Z", "nirs": "2024-05-17T09:30:15.250000Z"}
    rows = [f"{line.split(chr(9))[0]}\t{dates[line.split('/')[0]]}" for line in lines[1:]]
    lines = "\n".join(["filename\tacq_time", *sorted(rows)]) + "\n"
    table.write_text(lines, "utf-8")
    recording = nf.read(tmp_path / "set")
    assert recording["clock"].method.sel(stream="nirs") == "clock"
    assert recording["nirs"].time.values[0] == pytest.approx(3.0, abs=1e-6)


def test_electrodes_come_from_the_sidecar(tmp_path, add, eeg_raw):
    raw = eeg_raw(names=("A1x", "B2x"))
    places = {"A1x": [0.01, 0.02, 0.09], "B2x": [-0.03, 0.01, 0.08]}
    montage = mne.channels.make_dig_montage(
        places, nasion=[0, 0.1, 0], lpa=[-0.08, 0, 0], rpa=[0.08, 0, 0], coord_frame="head"
    )
    file = add("eeg", raw)
    with quiet():
        opened = mne.io.read_raw_edf(file, verbose="error")
        opened.set_montage(montage)
        opened.info["line_freq"] = 50
        where = mne_bids.BIDSPath(root=tmp_path / "new", subject="01", task="rest", datatype="eeg")
        mne_bids.write_raw_bids(opened, where, overwrite=True, verbose="error")
    node = nf.read(tmp_path / "new")["eeg"].to_dataset()
    np.testing.assert_allclose(node.position.sel(channel="A1x"), places["A1x"], atol=1e-4)
    assert node.attrs["positions"] == "file"


def test_real_recordings_in_a_bids_tree(tmp_path, data_dir):
    for stream, source in (
        ("eeg", "eeg_clean/sub-01_task-rest_eeg.edf"),
        ("nirs", "fnirs_clean/finemi/sub-01_block-6_nirs.snirf"),
    ):
        raw = mne.io.read_raw(data_dir / source, verbose="error")
        raw.set_annotations(None)
        raw.info["line_freq"] = 50
        where = mne_bids.BIDSPath(root=tmp_path, subject="01", task="rest", datatype=stream)
        with quiet():
            mne_bids.write_raw_bids(raw, where, verbose="error")
    recording = nf.read(tmp_path, offset=1.5)
    assert recording["eeg"].sizes["channel"] == 21
    assert recording["nirs"].sizes["channel"] == 24
    assert recording["nirs"].time.values[0] == 1.5
    assert io.stem_of(recording) == "sub-01_task-rest"


def edit(table, row, changes):
    """Change fields of the row whose first column is `row` in a sidecar table."""
    lines = [line.split("\t") for line in table.read_text("utf-8-sig").splitlines()]
    place = {name: i for i, name in enumerate(lines[0])}
    found = [line for line in lines if line[0] == row]
    assert len(found) == 1
    for name, value in changes.items():
        found[0][place[name]] = value
    table.write_text("\n".join("\t".join(line) for line in lines) + "\n", "utf-8")


def nirs_file(folder, name):
    return folder / "sub-01" / "nirs" / f"sub-01_{name}"


def without_positions(path):
    with h5py.File(path, "r+") as file:
        for kind in ("source", "detector"):
            del file[f"nirs/probe/{kind}Pos3D"]  # pyright: ignore


def test_fnirs_channels_are_matched_by_source_detector_and_wavelength(pair):
    table = nirs_file(pair, "task-rest_channels.tsv")
    order = [(s, d, w) for w in (850, 760) for s, d in ((2, 2), (1, 2), (1, 1))]
    rows = [
        f"c{i}\tNIRSCWAMPLITUDE\tS{s}\tD{d}\t{w}\tV\t{'bad' if i == 1 else 'good'}"
        for i, (s, d, w) in enumerate(order)
    ]
    head = "name\ttype\tsource\tdetector\twavelength_nominal\tunits\tstatus"
    table.write_text("\n".join([head, *rows, "acc\tACC\tn/a\tn/a\tn/a\tg\tgood"]) + "\n", "utf-8")
    light = nf.read(pair)["nirs"].to_dataset()
    assert light.channel.values.tolist() == ["S1-D1", "S1-D2", "S2-D2"]
    assert light.channel.values[light.bad.values].tolist() == ["S1-D2"]


def test_rows_of_channels_that_the_file_lacks_are_named(pair, caplog):
    table = nirs_file(pair, "task-rest_channels.tsv")
    edit(table, "S1_D2 760", {"detector": "D9", "status": "bad"})
    light = nf.read(pair)["nirs"].to_dataset()
    assert not light.bad.any()
    assert "channels.tsv lists S1_D2 760, which it lacks" in caplog.text


@pytest.mark.parametrize("unit", ["mm", "cm", "m", "n/a"])
def test_optodes_and_bads_serve_a_file_without_positions(pair, unit, tmp_path):
    expected = nf.read(pair)["nirs"].distance.values
    table = nirs_file(pair, "optodes.tsv")
    assert table.exists()
    scale = {"mm": 1e3, "cm": 1e2, "m": 1.0, "n/a": 1e3}[unit]
    lines = [line.split("\t") for line in table.read_text("utf-8-sig").splitlines()]
    at = [lines[0].index(axis) for axis in "xyz"]
    for line in lines[1:]:
        for i in at:
            line[i] = str(scale * float(line[i]))
    table.write_text("\n".join("\t".join(line) for line in lines) + "\n", "utf-8")
    system = nirs_file(pair, "coordsystem.json")
    facts = json.loads(system.read_text("utf-8-sig")) | {"NIRSCoordinateUnits": unit}
    system.write_text(json.dumps(facts), "utf-8-sig")
    edit(nirs_file(pair, "task-rest_channels.tsv"), "S1_D2 760", {"status": "bad"})
    without_positions(nirs_file(pair, "task-rest_nirs.snirf"))
    light = nf.read(pair)["nirs"].to_dataset()
    np.testing.assert_allclose(light.distance, expected, rtol=1e-4)
    assert light.channel.values[light.bad.values].tolist() == ["S1-D2"]


def test_a_byte_order_mark_changes_nothing(pair):
    edit(pair / "sub-01" / "eeg" / "sub-01_task-rest_channels.tsv", "Cz", {"status": "bad"})
    edit(pair / "sub-01" / "eeg" / "sub-01_task-rest_channels.tsv", "C3", {"type": "EOG"})
    plain = nf.read(pair)
    for file in pair.rglob("*"):
        if file.suffix in (".json", ".tsv"):
            file.write_text(file.read_text("utf-8-sig"), "utf-8-sig")
    marked = nf.read(pair)
    assert marked["eeg"].bad.values.tolist() == [False, False, True]
    for node in ("eeg", "nirs", "events"):
        xr.testing.assert_identical(marked[node].to_dataset(), plain[node].to_dataset())


def test_channels_of_eeg_may_stand_in_another_order(pair):
    table = pair / "sub-01" / "eeg" / "sub-01_task-rest_channels.tsv"
    edit(table, "C4", {"status": "bad"})
    head, *rows = table.read_text("utf-8-sig").splitlines()
    table.write_text("\n".join([head, *rows[::-1]]) + "\n", "utf-8")
    node = nf.read(pair)["eeg"].to_dataset()
    assert node.channel.values.tolist() == ["C3", "C4", "Cz"]
    assert node.channel.values[node.bad.values].tolist() == ["C4"]


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e3])
def test_electrodes_without_a_unit_lie_on_a_head(pair, scale):
    places = np.array([[-0.03, 0.08, 0.03], [0.03, 0.08, 0.03], [0, 0, 0.1]])
    rows = [
        "\t".join([name, *(str(scale * x) for x in place)])
        for name, place in zip(("C3", "C4", "Cz"), places, strict=True)
    ]
    folder = pair / "sub-01" / "eeg"
    (folder / "sub-01_electrodes.tsv").write_text(
        "\n".join(["name\tx\ty\tz", *rows]) + "\n", "utf-8"
    )
    facts = {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "n/a"}
    (folder / "sub-01_coordsystem.json").write_text(json.dumps(facts), "utf-8")
    node = nf.read(folder)["eeg"].to_dataset()
    np.testing.assert_allclose(node.position, places, atol=1e-6)


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_an_impossible_event_costs_itself_only(add, tmp_path, caplog, stream):
    """A duration below 0 becomes 0, an onset that is no number is left out; all else counts."""
    file = add(stream)
    table = file.with_name("sub-01_task-rest_events.tsv")
    rows = ["1.0\t0.5\tgo", "2.5\t-1\tgo", "soon\t0\tgo", "n/a\t0\tgo", "6.1\tlong\tstop"]
    table.write_text("\n".join(["onset\tduration\ttrial_type", *rows, "8.2\tn/a\tgo", ""]))
    channels = file.with_name("sub-01_task-rest_channels.tsv")
    channels.write_text(channels.read_text().replace("good", "bad", 1))
    recording = nf.read(file.parents[2])
    events = recording["events"]
    np.testing.assert_allclose(events.onset, [1.0, 2.5, 6.1, 8.2])
    np.testing.assert_allclose(events.duration, [0.5, 0.0, 0.0, 0.0])
    assert "2 events of negative or unreadable duration" in caplog.text
    assert "1 events whose onset is no number" in caplog.text
    assert recording[stream].bad.values.any()  # the other sidecars count too


def test_events_without_onsets_are_no_events(add, caplog):
    file = add("nirs")
    file.with_name("sub-01_task-rest_events.tsv").write_text("trial_type\tduration\ngo\t1\n")
    recording = nf.read(file.parents[2])
    assert "no column onset" in caplog.text
    assert recording["events"].description.values.tolist() == ["go", "go", "stop", "go"]


PLACES = {"C3": [-0.06, 0.0, 0.08], "C4": [0.06, 0.0, 0.08], "Cz": [0.0, 0.0, 0.1]}
EARS = {"NAS": [0, 0.1, 0], "LPA": [-0.08, 0, 0], "RPA": [0.08, 0, 0]}
TURNED = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # another frame: axes and origin
ORIGIN = np.array([0.01, -0.02, 0.03])


@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])  # read by mne-bids, and by tables
@pytest.mark.parametrize(("system", "unit"), [("CapTrak", "m"), ("Other", "mm"), ("Other", "n/a")])
def test_landmarks_of_the_electrodes_define_the_head(add, system, unit, mark):
    """In a system of its own, they say where the head is; elsewhere they are its frame."""
    folder = add("eeg").parent
    scale = 1.0 if unit == "m" else 1e3

    def stated(place):
        turned = place if system == "CapTrak" else TURNED @ np.array(place) + ORIGIN
        return (scale * np.asarray(turned, float)).tolist()

    rows = ["\t".join([name, *map(str, stated(place))]) for name, place in PLACES.items()]
    (folder / "sub-01_electrodes.tsv").write_text("\n".join(["name\tx\ty\tz", *rows, ""]), mark)
    facts = {
        "EEGCoordinateSystem": system,
        "EEGCoordinateUnits": unit,
        "EEGCoordinateSystemDescription": "as in the device's file",
        "AnatomicalLandmarkCoordinates": {name: stated(place) for name, place in EARS.items()},
        "AnatomicalLandmarkCoordinateSystem": system,
        "AnatomicalLandmarkCoordinateUnits": unit,
    }
    (folder / "sub-01_coordsystem.json").write_text(json.dumps(facts), mark)
    node = nf.read(folder)["eeg"].to_dataset()
    close = 1e-6 if unit != "n/a" else 0.02  # without a unit, to the nearest power of ten
    np.testing.assert_allclose(
        np.reshape(node.attrs["landmarks"], (3, 3)), list(EARS.values()), atol=close
    )
    np.testing.assert_allclose(
        node.position.sel(channel=list(PLACES)), list(PLACES.values()), atol=close
    )


def test_landmarks_of_another_system_are_left_out(add):
    folder = add("eeg").parent
    rows = ["\t".join([name, *map(str, place)]) for name, place in PLACES.items()]
    (folder / "sub-01_electrodes.tsv").write_text("\n".join(["name\tx\ty\tz", *rows, ""]))
    facts = {
        "EEGCoordinateSystem": "Other",
        "EEGCoordinateUnits": "m",
        "AnatomicalLandmarkCoordinates": EARS,
        "AnatomicalLandmarkCoordinateSystem": "CTF",
    }
    (folder / "sub-01_coordsystem.json").write_text(json.dumps(facts))
    node = nf.read(folder)["eeg"].to_dataset()
    assert "landmarks" not in node.attrs
    np.testing.assert_allclose(node.position.sel(channel="C3"), PLACES["C3"], atol=1e-6)


def test_landmarks_come_with_the_optodes_of_tables(pair):
    system = nirs_file(pair, "coordsystem.json")
    facts = json.loads(system.read_text("utf-8-sig"))
    facts |= {"AnatomicalLandmarkCoordinates": {n: [1e3 * x for x in p] for n, p in EARS.items()}}
    facts |= {"AnatomicalLandmarkCoordinateUnits": "mm"}
    system.write_text(json.dumps(facts))
    without_positions(nirs_file(pair, "task-rest_nirs.snirf"))
    light = nf.read(pair)["nirs"]
    np.testing.assert_allclose(np.reshape(light.attrs["landmarks"], (3, 3)), list(EARS.values()))


@pytest.mark.parametrize("places", [True, False])
def test_channels_are_short_as_declared(pair, places, caplog):
    file = nirs_file(pair, "task-rest_channels.tsv")
    head, *rows = file.read_text("utf-8-sig").splitlines()
    said = {"S1_D1": "false", "S1_D2": "true"}  # not of S2-D2
    rows = [f"{row}\t{said.get(row.split()[0], 'n/a')}" for row in rows]
    file.write_text("\n".join([f"{head}\tshort_channel", *rows, ""]), "utf-8")
    if not places:
        nirs_file(pair, "optodes.tsv").unlink()
        without_positions(nirs_file(pair, "task-rest_nirs.snirf"))
    light = nf.read(pair)["nirs"].to_dataset()
    assert light.channel.values[light.short.values].tolist() == ["S1-D2"]
    assert ("S1-D2 is declared a short channel at a distance of" in caplog.text) == places
