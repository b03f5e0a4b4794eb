"""Small whole recordings, one or more a format, for fuzz_files.py to damage.

All are made here, but NIRx's, which are cut from the shared real recordings.
"""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import xarray as xr

import neurofuse.io as io
from benchmarks.common.paths import ROOT
from neurofuse.io.clock.joining import join

Seed = tuple[Path, str]  # a folder, and what to read in it ("." for the folder itself)
RATE, SECONDS, CHANNELS = 64.0, 6, ["Fp1", "C3", "ECG"]
DATA = ROOT.parent / "shared" / "data" / "formats" / "mne_testing_data"


def eeg_recording() -> xr.DataTree:
    rng = np.random.default_rng(0)
    samples = 2e-5 * rng.standard_normal((len(CHANNELS), int(RATE * SECONDS)))
    node = io.eeg_dataset(samples, RATE, CHANNELS, ch_type=["eeg", "eeg", "ecg"])
    node.attrs.update(measured_at="2024-05-17T09:30:12+00:00", file="", positions="none")
    return io.build(node, events=_events("eeg"), measured_at="2024-05-17T09:30:12+00:00")


def nirs_recording(waves: tuple[int, ...] = (760, 850)) -> xr.DataTree:
    rng = np.random.default_rng(1)
    samples = np.exp(0.05 * rng.standard_normal((3, len(waves), 60)))
    node = io.nirs_dataset(
        samples,
        10.0,
        waves,
        ["S1", "S1", "S2"],
        ["D1", "D2", "D2"],
        source_position=np.array([[0.0, 0, 0.09], [0, 0, 0.09], [0.03, 0.03, 0.09]]),
        detector_position=np.array([[0.03, 0, 0.09], [0, 0.03, 0.09], [0, 0.03, 0.09]]),
    )
    node.attrs.update(measured_at="2024-05-17T09:30:12+00:00", file="", frame="head")
    sensor = xr.Dataset(
        {"acc": (("channel", "time"), rng.standard_normal((3, 120)), {"units": "g"})},
        coords={"channel": ["x", "y", "z"], "time": np.arange(120) / 20.0},
        attrs={"rate": 20.0},
    )
    return io.build(
        nirs=node,
        aux={"acc": sensor},
        events=_events("nirs"),
        measured_at="2024-05-17T09:30:12+00:00",
    )


def _events(stream: str) -> xr.Dataset:
    rows = [(1.0, 0.5, "go", "", stream), (2.5, 1.0, "BAD_motion", "", stream)]
    return io.events_dataset(rows)


def eeg_files(suffix: str) -> Callable[[Path], list[Seed]]:
    def make(folder: Path) -> list[Seed]:
        folder.mkdir(parents=True)
        io.write_eeg(eeg_recording(), folder / f"a{suffix}")
        return [(folder, f"a{suffix}")]

    return make


def snirf_files(folder: Path) -> list[Seed]:
    """Chunked as mne-nirs writes it, and three wavelengths with a sensor in one plain file."""
    import h5py

    seeds = []
    for name, waves in (("two", (760, 850)), ("three", (690, 785, 830))):
        (folder / name).mkdir(parents=True)
        path = io.write_nirs(nirs_recording(waves), folder / name / "a.snirf")
        with h5py.File(path, "r+") as file:
            if name == "three" and "nirs/aux1" not in file:
                sensor = file.create_group("nirs/aux1")
                sensor["name"], sensor["dataUnit"] = "acc", "g"
                sensor["dataTimeSeries"] = np.random.default_rng(2).standard_normal((120, 3))
                sensor["time"] = np.arange(120) / 20.0
        seeds.append((folder / name, "a.snirf"))
    return seeds


def netcdf_files(folder: Path) -> list[Seed]:
    folder.mkdir(parents=True)
    recording = join(eeg_recording(), nirs_recording(), offset=0.25)
    io.write_netcdf(recording, folder / "a.nc")
    return [(folder, "a.nc")]


def zarr_store(folder: Path) -> list[Seed]:
    folder.mkdir(parents=True)
    recording = join(eeg_recording(), nirs_recording(), offset=0.25)
    write = getattr(io, "write_zarr", None)
    if write is None:
        return []
    write(recording, folder / "a.zarr")
    return [(folder, "a.zarr")]


def nirx_folders(folder: Path) -> list[Seed]:
    """Short cuts of one NIRScout and one Aurora recording: their probe files are MATLAB's."""
    seeds = []
    for place in ("nirscout/nirx_15_3_recording", "nirsport_v2/aurora_recording _w_short_and_acc"):
        source = DATA / "NIRx" / place
        if not source.is_dir():
            continue
        copy = folder / source.name
        copy.mkdir(parents=True)
        for path in source.iterdir():
            if path.suffix in (".wl1", ".wl2", ".dat"):
                lines = path.read_bytes().splitlines(keepends=True)[:60]
                (copy / path.name).write_bytes(b"".join(lines))
            else:
                shutil.copyfile(path, copy / path.name)
        seeds.append((copy, "."))
    return seeds


def xdf_file(folder: Path) -> list[Seed]:
    """EEG, optics, accelerometer and markers on one LSL clock, as LabRecorder writes them."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    chunks = [(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")]
    optics = [f"S{s}_D{d} {w}" for s, d in ((1, 1), (1, 2)) for w in (760, 850)]
    streams = [
        (1, "Amp_EEG", "EEG", CHANNELS, 64.0, "microvolts", 20 * rng.standard_normal((384, 3))),
        (2, "Cap_NIRS", "NIRS", optics, 10.0, "V", np.exp(0.05 * rng.standard_normal((60, 4)))),
        (3, "Amp_ACC", "Accelerometer", ["X", "Y", "Z"], 20.0, "g", rng.standard_normal((120, 3))),
    ]
    for number, name, kind, labels, rate, unit, _ in streams:
        chunks.append((2, _stream_header(number, name, kind, labels, rate, "float32", unit)))
    chunks.append((2, _stream_header(4, "Marks", "Markers", ["mark"], 0.0, "string", "")))
    start = 1000.0
    for number, _, _, labels, rate, _, data in streams:
        for first in range(0, len(data), 64):
            block = data[first : first + 64].astype("<f4")
            body = struct.pack("<IBI", number, 4, len(block))
            for i, row in enumerate(block):
                stamp = start + (first + i) / rate
                body += b"\x08" + struct.pack("<d", stamp) + row.tobytes()
            chunks.append((3, body))
        assert len(labels) == data.shape[1]
    body = struct.pack("<IBB", 4, 1, 3)
    for at, word in ((1.0, "go"), (2.0, "stop"), (4.0, "go")):
        text = word.encode()
        body += b"\x08" + struct.pack("<d", start + at) + bytes([1, len(text)]) + text
    chunks.append((3, body))
    for number in (1, 2, 3, 4):
        for at in (0.0, 2.5, 5.0):
            chunks.append((4, struct.pack("<Idd", number, start + at, 0.001 * number)))
        chunks.append((5, bytes.fromhex("43a546dccbf5410fb30ed546738 3cbe4".replace(" ", ""))))
    for number, name, *_ in [*streams, (4, "Marks")]:
        footer = f"<?xml version='1.0'?><info><name>{name}</name><first_timestamp>{start}"
        footer += "</first_timestamp></info>"
        chunks.append((6, struct.pack("<I", number) + footer.encode()))
    parts = [b"XDF:"]
    for tag, content in chunks:
        whole = struct.pack("<H", tag) + content
        parts.append(b"\x04" + struct.pack("<I", len(whole)) + whole)
    (folder / "a.xdf").write_bytes(b"".join(parts))
    return [(folder, "a.xdf")]


def _stream_header(
    number: int, name: str, kind: str, labels: list[str], rate: float, dtype: str, unit: str
) -> bytes:
    channels = "".join(
        f"<channel><label>{escape(label)}</label><unit>{unit}</unit><type>{kind}</type></channel>"
        for label in labels
    )
    text = (
        f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type>"
        f"<channel_count>{len(labels)}</channel_count><nominal_srate>{rate:g}</nominal_srate>"
        f"<channel_format>{dtype}</channel_format><source_id>{name}</source_id>"
        f"<created_at>990.0</created_at><hostname>lab</hostname>"
        f"<desc><channels>{channels}</channels></desc></info>"
    )
    return struct.pack("<I", number) + text.encode()


def homer_file(folder: Path) -> list[Seed]:
    """Homer's .nirs: d, t, s, aux, ml and SD in a MATLAB 5 file."""
    from scipy.io import savemat

    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    pairs = [(1, 1), (1, 2), (2, 2)]
    pulses = np.zeros((60, 2))
    pulses[[10, 30], [0, 1]] = 1
    plan = np.array([[s, d, 1, w] for w in (1, 2) for s, d in pairs], float)
    probe = {
        "Lambda": np.array([[760.0, 850.0]]),
        "SrcPos": np.array([[0.0, 0, 0], [30, 30, 0]]),
        "DetPos": np.array([[30.0, 0, 0], [0, 30, 0]]),
        "nSrcs": 2.0,
        "nDets": 2.0,
        "MeasList": plan,
        "SpatialUnit": "mm",
    }
    content = {
        "d": np.exp(0.05 * rng.standard_normal((60, 6))),
        "t": np.arange(60)[:, None] / 10.0,
        "s": pulses,
        "aux": rng.standard_normal((60, 1)),
        "ml": plan,
        "SD": probe,
        "CondNames": np.array([["go", "stop"]], object),
    }
    savemat(folder / "a.nirs", content, format="5")
    return [(folder, "a.nirs")]


def boxy_file(folder: Path) -> list[Seed]:
    """ISS BOXY text: two detectors, four multiplexed sources, not parsed."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    head = [
        "BOXY.EXE: ISS Oximeter R&D Program Version 0.40", "Ascii Record File", "",
        "#ACQ INFORMATION", "2  Detector Channels ", "4  External MUX Channels ",
        "0  Auxiliary Channels ", "10.0000  Updata Rate (Hz) ", "", "#FILE INFORMATION",
        "FALSE -- External MUX Channel results are NOT parsed.", "Tab delimiters", "",
        "#DATA BEGINS", "exmux\tA-AC\tA-DC\tA-Ph\tB-AC\tB-DC\tB-Ph\tdigaux", "",
    ]  # fmt: skip
    rows = []
    for sample in range(60):
        for source in range(4):
            values = 100 + 5 * rng.standard_normal(6)
            mark = 1 if sample in (20, 21) else 0
            rows.append("\t".join([str(source), *(f"{v:.4f}" for v in values), str(mark)]))
    (folder / "a.txt").write_text("\n".join([*head, *rows, "#DATA ENDS", ""]), encoding="utf-8")
    return [(folder, "a.txt")]


def hitachi_file(folder: Path) -> list[Seed]:
    """Hitachi ETG-4000 export of a 3 x 3 plan: 12 pairs twice over, two wavelengths."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(6)
    labels = [f"CH{c}({w})" for c in range(1, 25) for w in ("703.6", "829.0")]
    head = [
        "Header", "File Version,6.01", "", "Patient Information", "ID,one", "Name,", "Comment,",
        "Age,25y", "Sex,Female", "", "Analyze Information", "AnalyzeMode,Continuous", "",
        "Measure Information", "Date,2024/05/17 09:30", "Mode,3x3", "Wave[nm],695,830",
        "Wave Length," + ",".join(labels), "Sampling Period[s],0.1", "StimType,STIM",
        "Repeat Count,1", "Exception Ch", "", "Data",
        ",".join(["Probe1", *labels, "Mark", "Time", "BodyMovement", "RemovalMark", "PreScan"]),
    ]  # fmt: skip
    rows = []
    head.remove("Exception Ch")
    for i in range(40):
        values = ",".join(f"{v:.6f}" for v in np.exp(0.05 * rng.standard_normal(len(labels))))
        rows.append(f"{i + 1},{values},{int(i in (10, 20))},09:30:{i / 10:05.2f},0,0,1")
    (folder / "a.csv").write_text("\n".join([*head, *rows, ""]), encoding="latin-1")
    return [(folder, "a.csv")]


def bids_folder(folder: Path) -> list[Seed]:
    """EEG and fNIRS of one subject and task, with sidecars and a start date."""
    eeg, nirs = folder / "sub-01" / "eeg", folder / "sub-01" / "nirs"
    eeg.mkdir(parents=True)
    nirs.mkdir(parents=True)
    start = "sub-01_task-rest"
    io.write_eeg(eeg_recording(), eeg / f"{start}_eeg.edf")
    io.write_nirs(nirs_recording(), nirs / f"{start}_nirs.snirf")
    texts = {
        folder / "dataset_description.json": {"Name": "a", "BIDSVersion": "1.9.0"},
        eeg / f"{start}_eeg.json": {
            "TaskName": "rest",
            "SamplingFrequency": RATE,
            "PowerLineFrequency": 50,
            "EEGReference": "n/a",
        },
        nirs / f"{start}_nirs.json": {"TaskName": "rest", "SamplingFrequency": 10.0},
        nirs / "sub-01_coordsystem.json": {
            "NIRSCoordinateSystem": "Other",
            "NIRSCoordinateUnits": "m",
            "NIRSCoordinateSystemDescription": "head",
        },
    }
    for path, content in texts.items():
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    tables = {
        folder / "participants.tsv": ["participant_id\tage", "sub-01\t30"],
        eeg / f"{start}_channels.tsv": [
            "name\ttype\tunits\tstatus",
            *(f"{n}\t{'ECG' if n == 'ECG' else 'EEG'}\tuV\tgood" for n in CHANNELS),
        ],
        eeg / f"{start}_events.tsv": ["onset\tduration\ttrial_type", "1.0\t0.5\tgo"],
        nirs / f"{start}_events.tsv": ["onset\tduration\ttrial_type", "1.0\t0.5\tgo"],
        nirs / f"{start}_channels.tsv": [
            "name\ttype\tsource\tdetector\twavelength_nominal\tunits",
            *(
                f"S{s}_D{d} {w}\tNIRSCWAMPLITUDE\tS{s}\tD{d}\t{w}\tV"
                for s, d in ((1, 1), (1, 2), (2, 2))
                for w in (760, 850)
            ),
        ],
        nirs / f"{start}_optodes.tsv": [
            "name\ttype\tx\ty\tz",
            "S1\tsource\t0\t0\t0.09",
            "S2\tsource\t0.03\t0.03\t0.09",
            "D1\tdetector\t0.03\t0\t0.09",
            "D2\tdetector\t0\t0.03\t0.09",
        ],
    }
    for path, lines in tables.items():
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [(folder, ".")]


SEEDS: dict[str, Callable[[Path], list[Seed]]] = {
    "EDF": eeg_files(".edf"),
    "BDF": eeg_files(".bdf"),
    "BrainVision": eeg_files(".vhdr"),
    "FIF": eeg_files(".fif"),
    "EEGLAB": eeg_files(".set"),
    "SNIRF": snirf_files,
    "NIRx": nirx_folders,
    "netCDF": netcdf_files,
    "zarr": zarr_store,
    "XDF": xdf_file,
    "Homer": homer_file,
    "BOXY": boxy_file,
    "Hitachi": hitachi_file,
    "BIDS": bids_folder,
}
