"""XDF files of the lab streaming layer, written chunk by chunk."""

import json
import struct

import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.xdf.optode_labels import header_lights
from neurofuse.io.xdf.stream import load_streams

ZERO = 5000.0  # s on the recorder's clock
FORMATS = {"float32": "<f4", "int16": "<i2", "double64": "<f8"}


class Writer:
    """An XDF file in the making; streams keep the order in which they are added."""

    def __init__(self, date="2025-03-04T10:20:30+0100"):
        self.parts = [b"XDF:", chunk(1, f"<info><version>1.0</version>{date_tag(date)}</info>")]
        self.count = 0

    def stream(
        self,
        name,
        kind,
        stamps,
        values,
        *,
        rate=0.0,
        desc="",
        host="lab",
        form="float32",
        offset=0.0,
        source="",
    ):
        """Add a stream whose sender's clock is `offset` behind the recorder's."""
        self.count += 1
        values = np.asarray(values, object if form == "string" else FORMATS[form])
        values = values.reshape(len(stamps), -1) if len(stamps) else values
        number = struct.pack("<I", self.count)
        width = values.shape[1] if len(stamps) else 1
        header = (
            f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type>"
            f"<channel_count>{width}</channel_count><nominal_srate>{rate}</nominal_srate>"
            f"<channel_format>{form}</channel_format><hostname>{host}</hostname>"
            f"<source_id>{source}</source_id>"
            f"<desc>{desc}</desc></info>"
        )
        self.parts.append(chunk(2, number + header.encode()))
        for first in range(0, len(stamps), 50):
            some = range(first, min(first + 50, len(stamps)))
            body = b"".join(self._sample(stamps[i] - offset, values[i], form) for i in some)
            self.parts.append(chunk(3, number + b"\x04" + struct.pack("<I", len(some)) + body))
        if len(stamps):
            for at in np.arange(stamps[0], stamps[-1] + 5, 5.0):
                self.parts.append(chunk(4, number + struct.pack("<dd", at - offset, offset)))
        self.parts.append(chunk(6, number + b"<info><x>0</x></info>"))
        return self

    @staticmethod
    def _sample(stamp, row, form):
        head = b"\x08" + struct.pack("<d", stamp)
        if form != "string":
            return head + row.tobytes()
        texts = [str(text).encode() for text in row]
        return head + b"".join(b"\x04" + struct.pack("<I", len(t)) + t for t in texts)

    def save(self, path):
        path.write_bytes(b"".join(self.parts))
        return path


def date_tag(date):
    return f"<datetime>{date}</datetime>" if date else ""


def chunk(tag, content):
    content = content.encode() if isinstance(content, str) else content
    return b"\x04" + struct.pack("<I", len(content) + 2) + struct.pack("<H", tag) + content


def channels(*fields):
    """The <channels> of a header; each channel a dict of fields."""
    rows = ["".join(f"<{k}>{v}</{k}>" for k, v in field.items()) for field in fields]
    return "<channels>" + "".join(f"<channel>{row}</channel>" for row in rows) + "</channels>"


def eeg_channels(*labels, unit="microvolts"):
    return channels(*({"label": label, "unit": unit, "type": "EEG"} for label in labels))


LIGHTS = [
    {"label": f"S{s}-D{d}:{w}", "source": f"S{s}", "detector": f"D{d}", "wavelen": w, "unit": "V"}
    for s, d in ((1, 1), (2, 1))
    for w in (760, 850)
]
OPTODES = (
    "<optodes>"
    + "".join(
        f"<optode><label>{label}</label><location><X>{x}</X><Y>{y}</Y><Z>80</Z></location></optode>"
        for label, x, y in (("S1", 0, 0), ("S2", 10, 0), ("D1", 0, 30))
    )
    + "</optodes>"
)


def even(count, rate, start=0.0):
    return ZERO + start + np.arange(count) / rate


@pytest.fixture
def both():
    """A writer with EEG, fNIRS, accelerometer and markers, and what the samples are."""
    rng = np.random.default_rng(0)
    eeg = 20 * rng.standard_normal((2500, 3))
    light = np.exp(0.05 * rng.standard_normal((100, 4)))
    moves = rng.standard_normal((520, 6))
    writer = Writer()
    writer.stream(
        "Amp", "EEG", even(2500, 250), eeg, rate=250, desc=eeg_channels("C3", "Cz", "ECG")
    )
    writer.stream(
        "Cap", "NIRS", even(100, 10, 0.3), light, rate=10, desc=channels(*LIGHTS) + OPTODES
    )
    sensors = [
        {"label": f"{k}_{a}", "unit": u}
        for k, u in (("ACC", "g"), ("GYRO", "deg/s"))
        for a in "XYZ"
    ]
    writer.stream("Band", "Motion", even(520, 52, -0.1), moves, rate=52, desc=channels(*sensors))
    writer.stream("Task", "Markers", ZERO + np.array([1.0, 4.5]), [["go"], ["stop"]], form="string")
    return writer, eeg.astype("f4"), light.astype("f4"), moves.astype("f4")


def test_one_file_holds_everything_on_one_clock(tmp_path, both):
    writer, eeg, light, moves = both
    recording = nf.read(writer.save(tmp_path / "sub-01_recording.xdf"))
    node = recording["eeg"].to_dataset()
    np.testing.assert_allclose(node.eeg.values, eeg.T * 1e-6, rtol=1e-6)
    assert node.ch_type.values.tolist() == ["eeg", "eeg", "ecg"]
    assert node.attrs["rate"] == pytest.approx(250)
    assert np.isfinite(node.position.sel(channel="Cz")).all()
    optics = recording["nirs"].to_dataset()
    assert optics.channel.values.tolist() == ["S1-D1", "S2-D1"]
    np.testing.assert_array_equal(optics.intensity.values.reshape(4, -1), light.T)
    np.testing.assert_allclose(optics.distance, [0.03, np.hypot(0.03, 0.01)])
    assert optics.time.values[0] == pytest.approx(0.3, abs=1e-6)
    assert optics.attrs["positions"] == "file"
    aux = recording["aux"]
    assert set(aux.children) == {"Band ACC", "Band GYRO"}
    gyro = aux["Band GYRO"]["Band GYRO"]
    assert gyro.attrs["units"] == "deg/s"
    assert gyro.time.values[0] == pytest.approx(-0.1, abs=1e-6)
    np.testing.assert_array_equal(gyro.values, moves[:, 3:].T)
    events = recording["events"].to_dataset()
    assert events.description.values.tolist() == ["go", "stop"]
    np.testing.assert_allclose(events.onset.values, [1.0, 4.5], atol=1e-6)
    assert events.stream.values.tolist() == ["", ""]
    clock = recording["clock"].to_dataset()
    assert clock.stream.values.tolist() == ["eeg", "nirs", "aux/Band ACC", "aux/Band GYRO"]
    assert set(clock.method.values.tolist()) == {"stamps"}
    assert clock.anchors.sel(stream="nirs") == 3
    assert recording.attrs["measured_at"] == "2025-03-04T09:20:30+00:00"
    assert io.provenance(recording)[0]["step"] == "read_xdf"
    assert io.stem_of(recording) == "sub-01"


def test_what_was_read_can_be_saved_and_given_to_mne(tmp_path, both):
    recording = nf.read(both[0].save(tmp_path / "a.xdf"))
    io.write_netcdf(recording, tmp_path / "a.nc")
    assert nf.read(tmp_path / "a.nc").identical(recording)
    raw_eeg, raw_nirs = nf.to_mne(recording)
    assert raw_eeg is not None
    assert raw_nirs is not None
    assert raw_nirs.ch_names == ["S1_D1 760", "S1_D1 850", "S2_D1 760", "S2_D1 850"]
    late = raw_nirs.info["meas_date"] - raw_eeg.info["meas_date"]
    assert late.total_seconds() == pytest.approx(0.3, abs=1e-5)


def test_streams_of_two_computers_meet_through_clock_offsets(tmp_path):
    stamps = even(1000, 100) + 1e-3 * np.random.default_rng(0).standard_normal(1000)
    writer = Writer()
    writer.stream("Amp", "EEG", stamps, np.ones((1000, 1)), rate=100, desc=eeg_channels("Cz"))
    writer.stream(
        "Cap", "NIRS", even(100, 10.01, 2.0), np.ones((100, 4)), rate=10,
        desc=channels(*LIGHTS), host="other", offset=-4321.5,
    )  # fmt: skip
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    clock = recording["clock"].to_dataset().sel(stream="nirs")
    assert clock.offset.item() == pytest.approx(2.0, abs=5e-4)
    assert clock.drift.item() == pytest.approx(-999, abs=5)
    assert recording["nirs"].attrs["rate"] == pytest.approx(10.01, rel=1e-5)
    assert recording["clock"].residual.sel(stream="eeg").item() == pytest.approx(1e-3, rel=0.1)


def test_lost_samples_are_interpolated_and_annotated(tmp_path, caplog):
    stamps = np.delete(even(1000, 100), np.s_[300:350])
    values = np.arange(1000.0)[np.r_[0:300, 350:1000]]
    writer = Writer().stream("Amp", "EEG", stamps, values, rate=100, desc=eeg_channels("Cz"))
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    np.testing.assert_allclose(recording["eeg"].eeg.values[0], np.arange(1000) * 1e-6, atol=1e-12)
    events = recording["events"].to_dataset()
    assert events.description.values.tolist() == ["BAD_gap"]
    assert events.stream.values.tolist() == ["eeg"]
    assert events.onset.values[0] == pytest.approx(2.99, abs=1e-4)
    assert events.duration.values[0] == pytest.approx(0.51, abs=1e-4)
    assert "1 gap (0.5 s in total) was interpolated" in caplog.text


def test_a_list_beside_the_file_defines_the_columns(tmp_path, caplog):
    light = np.random.default_rng(1).uniform(1, 2, (100, 6))
    raw = even(100, 9.13)
    writer = Writer()
    writer.stream("Cap_RAW", "NIRS", raw, light, rate=7.88)
    writer.stream("Cap_STATS", "NIRS", raw, light[:, :4], rate=7.88)
    path = writer.save(tmp_path / "sub-1_recording.xdf")
    rows = [
        {"channel_idx": i, "source": s, "detector": "D1_C1", "wavelength": w, "type": kind}
        for i, s, w, kind in (
            (0, "S1_FCC3h", 760, "Long"), (1, "S1_FCC3h", 850, "Long"),
            (2, "S2_Short", 760, "Short"), (3, "S2_Short", 850, "Short"),
        )
    ]  # fmt: skip
    with pytest.raises(io.ReadError, match=r"describe the fNIRS columns in STEM_nirs\.json"):
        nf.read(path)
    (tmp_path / "Sub-1_nirs.json").write_text(json.dumps({"ChMontage": rows}), "utf-8")
    recording = nf.read(path)
    node = recording["nirs"].to_dataset()
    assert node.channel.values.tolist() == ["S1-D1", "S2-D1"]
    assert node.short.values.tolist() == [False, True]
    assert 0.02 < node.distance.values[0] < 0.035
    assert node.attrs["positions"] == "template standard_1005"
    np.testing.assert_array_equal(node.intensity.values[0, 1], light[:, 1].astype("f4"))
    assert recording["aux"]["Cap_RAW"].sizes["channel"] == 2
    assert recording["aux"]["Cap_STATS"].sizes["channel"] == 4
    assert "announces 7.88 Hz, but its stamps show 9.13 Hz" in caplog.text
    (tmp_path / "Sub-1_nirs.json").write_text("[{}]", "utf-8")
    with pytest.raises(io.ReadError, match=r"an entry that cannot be used \(KeyError"):
        nf.read(path)


def test_columns_of_unknown_optodes_go_to_aux_with_a_warning(tmp_path, caplog):
    writer = Writer()
    writer.stream(
        "Amp", "EEG", even(500, 100), np.ones((500, 1)), rate=100, desc=eeg_channels("Cz")
    )
    labels = channels(*({"label": f"OPTICS_{n}", "unit": "a.u."} for n in ("LO_NIR", "RO_NIR")))
    writer.stream("Muse", "OPTICS", even(300, 60), np.ones((300, 2)), rate=60, desc=labels)
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert io.streams(recording) == ("eeg",)
    assert recording["aux"]["Muse"]["Muse"].attrs["units"] == "a.u."
    assert "source, detector and wavelength of the columns of OPTICS are unknown" in caplog.text


def test_haemoglobin_is_not_taken_for_light(tmp_path):
    rows = [row | {"type": kind} for row, kind in zip(LIGHTS, ["HbO", "HbR"] * 2, strict=True)]
    writer = Writer().stream(
        "Cap", "NIRS", even(100, 10), np.ones((100, 4)), rate=10, desc=channels(*rows)
    )
    assert header_lights(load_streams(writer.save(tmp_path / "a.xdf"))[0][0]) == []


def test_two_eeg_streams_are_refused_unless_one_is_empty(tmp_path):
    def write(count):
        writer = Writer()
        for name, samples in (("Amp", 500), ("Muse", count)):
            desc = eeg_channels("Cz")
            writer.stream(
                name, "EEG", even(samples, 100), np.ones((samples, 1)), rate=100, desc=desc
            )
        return writer.save(tmp_path / "a.xdf")

    with pytest.raises(
        io.ReadError, match=r"2 EEG streams .*: EEG \(1 channels.*EEG .*use neurofuse\.from"
    ):
        nf.read(write(300))
    assert nf.read(write(0))["eeg"].sizes["time"] == 500


@pytest.mark.parametrize(
    ("unit", "scale"), [("uV", 1e-6), ("µV", 1e-6), ("millivolts", 1e-3), ("V", 1.0), ("nV", 1e-9)]
)
def test_units_become_volts(tmp_path, unit, scale):
    writer = Writer().stream(
        "Amp", "EEG", even(100, 100), np.full((100, 1), 3, "i2"), rate=100, form="int16",
        desc=eeg_channels("Cz", unit=unit),
    )  # fmt: skip
    assert nf.read(writer.save(tmp_path / "a.xdf"))["eeg"].eeg.values == pytest.approx(3 * scale)


def test_a_missing_unit_is_microvolts_with_a_warning(tmp_path, caplog):
    writer = Writer().stream("Amp", "EEG", even(100, 100), np.ones((100, 2)), rate=100)
    node = nf.read(writer.save(tmp_path / "a.xdf"))["eeg"].to_dataset()
    assert node.channel.values.tolist() == ["EEG 1", "EEG 2"]
    assert node.eeg.values == pytest.approx(1e-6)
    assert "unit of EEG 1, EEG 2 taken as microvolts" in caplog.text


def test_mirrored_markers_count_once(tmp_path):
    at = ZERO + np.array([0.5, 1.5, 2.5])
    words = [["a"], [""], ["b"]]
    writer = Writer()
    writer.stream(
        "Amp", "EEG", even(500, 100), np.ones((500, 1)), rate=100, desc=eeg_channels("Cz")
    )
    writer.stream("One", "Markers", at, words, form="string")
    writer.stream("Two", "Markers", at + 0.001, words, form="string")
    writer.stream("Codes", "Markers", at, [[7], [8], [9]], form="int16")
    events = nf.read(writer.save(tmp_path / "a.xdf"))["events"].to_dataset()
    assert sorted(events.description.values.tolist()) == ["7", "8", "9", "a", "b"]


def test_streams_that_never_overlap_are_refused(tmp_path):
    writer = Writer()
    writer.stream(
        "Amp", "EEG", even(500, 100), np.ones((500, 1)), rate=100, desc=eeg_channels("Cz")
    )
    desc = channels(*LIGHTS)
    writer.stream("Cap", "NIRS", even(100, 10, 900), np.ones((100, 4)), rate=10, desc=desc)
    with pytest.raises(io.AlignmentError, match=r"EEG from 0 to 5\.0 s and fNIRS from 900\.0"):
        nf.read(writer.save(tmp_path / "a.xdf"))


def test_a_file_without_a_usable_stream_is_refused(tmp_path):
    path = (
        Writer()
        .stream("Beat", "PPG", even(50, 10), np.ones((50, 1)), rate=10)
        .save(tmp_path / "a.xdf")
    )
    with pytest.raises(io.ReadError, match=r"with PPG \(1 channels\); wanted a stream of EEG"):
        nf.read(path)


def test_sensors_without_a_rate_keep_their_stamps(tmp_path):
    at = ZERO + np.array([0.1, 0.5, 2.0, 3.1])
    writer = Writer()
    writer.stream(
        "Amp", "EEG", even(500, 100), np.ones((500, 1)), rate=100, desc=eeg_channels("Cz")
    )
    writer.stream("Gaze", "Gaze", at, np.ones((4, 2)))
    writer.stream("Lone", "Gaze", at[:1], np.ones((1, 2)))
    aux = nf.read(writer.save(tmp_path / "a.xdf"))["aux"]
    np.testing.assert_allclose(aux["Gaze"].time.values, [0.1, 0.5, 2.0, 3.1], atol=1e-6)
    assert set(aux.children) == {"Gaze"}


def test_a_file_cut_off_at_its_end_is_read_up_to_there(tmp_path, both, caplog):
    path = both[0].save(tmp_path / "a.xdf")
    whole = path.read_bytes()
    path.write_bytes(whole[:-3000])
    assert io.streams(nf.read(path)) == ("eeg", "nirs")
    assert "is cut off: read up to byte" in caplog.text


@pytest.mark.parametrize("at", [100, 5000])
def test_a_file_damaged_within_is_refused(tmp_path, both, at):
    boundary = chunk(5, bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4"))
    content = bytearray(b"".join(both[0].parts) + boundary)
    place = content.index(b"\x04", at)
    while content[place + 5 : place + 7] != b"\x03\x00":  # the length of a chunk of samples
        place = content.index(b"\x04", place + 1)
    content[place + 1 : place + 5] = b"\xff\xff\xff\x7f"
    path = tmp_path / "a.xdf"
    path.write_bytes(content)
    with pytest.raises(io.ReadError, match=rf"a\.xdf, damaged at byte {place} of {len(content)}"):
        nf.read(path)


def test_misnamed_file_is_called_what_it_is(tmp_path, both):
    path = both[0].save(tmp_path / "a.edf")
    with pytest.raises(io.ReadError, match=r"whose content is XDF; .*rename it to \.xdf"):
        nf.read(path)


def test_real_fnirs_with_a_list_beside_it(data_dir, caplog):
    folder = data_dir / "fnirs_clean" / "cortivision_tapping"
    recording = nf.read(next(folder.glob("*.xdf")))
    node = recording["nirs"].to_dataset()
    assert dict(node.intensity.sizes) == {"channel": 18, "wavelength": 2, "time": 10079}
    assert node.channel.values[node.short.values].tolist() == ["S13-D3", "S14-D4"]
    assert node.attrs["rate"] == pytest.approx(9.13, abs=0.01)
    words = recording["events"].description.values
    assert len(words) == 36
    assert set(words) == {"LEFT", "RIGHT", "NOTHING"}
    assert recording["clock"].drift.sel(stream="nirs").item() == pytest.approx(-136_700, abs=200)
    assert "stamps scatter by 0.215 s" in caplog.text


def test_real_bench_run_with_five_streams(data_dir):
    recording = nf.read(data_dir / "simultaneous" / "openmuse_xdf_bench" / "test-13-dev.xdf")
    assert recording["eeg"].sizes["channel"] == 8
    assert recording["eeg"].attrs["rate"] == pytest.approx(256, rel=1e-6)
    aux = recording["aux"]
    assert aux["Muse_ACCGYRO ACC"].channel.values.tolist() == ["ACC_X", "ACC_Y", "ACC_Z"]
    assert aux["OpenSignals ECGBIT1"]["OpenSignals ECGBIT1"].attrs["units"] == "mV"
    clock = recording["clock"].to_dataset()
    assert clock.anchors.sel(stream="eeg") == 8
    assert clock.offset.sel(stream="aux/Muse_BATTERY").item() == pytest.approx(-1.031, abs=1e-3)
    assert recording["events"].sizes["event"] == 0


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Impedance", "Amp EEG impedance"),
        ("ContactQuality", "EEG"),
        ("", "EEG impedances"),
        ("Quality", "fNIRS optode quality"),
        ("Accelerometer", "EEG headset"),
        ("Gaze", "EEG lab glasses"),
    ],
)
def test_a_stream_about_eeg_is_no_eeg(tmp_path, kind, name):
    stamps, values = even(500, 100), np.ones((500, 2))
    writer = Writer().stream(name, kind, stamps, values, rate=100)
    with pytest.raises(io.ReadError, match="a stream of EEG, or of fNIRS"):
        nf.read(writer.save(tmp_path / "alone.xdf"))
    writer = Writer().stream(name, kind, stamps, values, rate=100)
    writer.stream("Amp", "EEG", stamps, 2 * values, rate=100, desc=eeg_channels("C3", "Cz"))
    recording = nf.read(writer.save(tmp_path / "both.xdf"))
    np.testing.assert_allclose(recording["eeg"].eeg, 2e-6)
    assert list(recording["aux"].children) == [name]


def test_a_trigger_column_becomes_events_beside_markers(tmp_path):
    """Codes of a column stay codes where samples are lost, and no pulse arises there."""
    codes = np.zeros(1000)
    codes[[100, 101, 400, 401, 700]] = 1, 1, 2, 2, 300
    kept = np.r_[0:500, 600:1000]
    columns = np.column_stack([np.sin(np.arange(1000)), codes])[kept]
    desc = channels({"label": "C3", "type": "EEG", "unit": "microvolts"}, {"label": "Trigger"})
    writer = Writer()
    writer.stream("Amp", "EEG", even(1000, 100)[kept], columns, rate=100, desc=desc)
    writer.stream("Task", "Markers", ZERO + np.array([1.0, 5.5]), [["1"], ["x"]], form="string")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert recording["eeg"].ch_type.values.tolist() == ["eeg", "stim"]
    np.testing.assert_array_equal(recording["eeg"].eeg.values[1, 500:600], 0)
    events = recording["events"]
    rows = zip(events.onset.values, events.description.values, events.stream.values, strict=True)
    assert [(round(at, 3), text, owner) for at, text, owner in rows] == [
        (1.0, "1", ""),
        (4.0, "2", "eeg"),
        (4.99, "BAD_gap", "eeg"),
        (5.5, "x", ""),
        (7.0, "300", "eeg"),
    ]


@pytest.mark.parametrize("announced", [0.0, 500.0, 10_000.0])
def test_numbers_that_come_one_at_a_time_are_markers_whatever_their_rate(tmp_path, announced):
    writer = Writer()
    writer.stream("Amp", "EEG", even(3000, 100), np.zeros((3000, 1)), rate=100)
    marks = ZERO + np.array([3.0, 9.5, 20.0])
    writer.stream("Trig", "Markers", marks, [1, 2, 1], rate=announced, form="int16")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert "aux" not in recording.children
    assert recording["events"].description.values.tolist() == ["1", "2", "1"]
    np.testing.assert_allclose(recording["events"].onset.values, [3.0, 9.5, 20.0], atol=1e-6)


def test_a_trigger_line_with_a_rate_of_its_own_gives_pulses(tmp_path):
    line = np.zeros(6000)
    line[1000:1010], line[2000:2010] = 4, 7
    writer = Writer()
    writer.stream("Amp", "EEG", even(3000, 100), np.zeros((3000, 1)), rate=100)
    writer.stream("Parallel port", "Trigger", even(6000, 200), line, rate=200, form="int16")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert list(recording["aux"].children) == ["Parallel port"]
    assert recording["events"].description.values.tolist() == ["4", "7"]
    np.testing.assert_allclose(recording["events"].onset.values, [5.0, 10.0], atol=1e-6)


def _restarted(first, second, source="amp-7", other=None):
    data = np.arange(3000.0).reshape(-1, 1)
    names = {"rate": 100, "desc": eeg_channels("Cz")}
    writer = Writer()
    for part, name in ((first, source), (second, source if other is None else other)):
        writer.stream("Amp", "EEG", even(3000, 100)[part], data[part], source=name, **names)
    return writer


@pytest.mark.parametrize("turn", [1, -1])
def test_a_device_connected_anew_is_one_stream_with_a_gap(tmp_path, caplog, turn):
    first, second = [slice(0, 1000), slice(1500, 3000)][::turn]
    recording = nf.read(_restarted(first, second).save(tmp_path / "a.xdf"))
    node = recording["eeg"]
    assert node.time.values[-1] == pytest.approx(29.99, abs=1e-6)
    np.testing.assert_allclose(node.eeg.values[0, 1500:], 1e-6 * np.arange(1500, 3000), rtol=1e-6)
    gap = recording["events"].to_dataset().isel(event=0)
    assert gap.description.item() == "BAD_gap"
    assert (gap.onset.item(), gap.duration.item()) == pytest.approx((9.99, 5.01), abs=1e-6)
    assert "stream EEG was interrupted for 5.01 s" in caplog.text


@pytest.mark.parametrize(
    ("second", "names"),
    [
        (slice(900, 3000), {}),
        (slice(1500, 3000), {"other": "amp-8"}),
        (slice(1500, 3000), {"source": ""}),
    ],
)
def test_two_devices_are_not_taken_for_one(tmp_path, second, names):
    writer = _restarted(slice(0, 1000), second, **names)
    with pytest.raises(io.ReadError, match="2 EEG streams"):
        nf.read(writer.save(tmp_path / "a.xdf"))


UNIX = 1_715_845_217.0  # s; a clock that no stream of these files has


@pytest.mark.parametrize("clock", [UNIX, 0.0])
def test_markers_of_another_clock_are_left_out_with_a_word(tmp_path, both, clock, caplog):
    writer = both[0]
    stamps = clock + np.array([1.0, 4.5, 9.0])
    writer.stream("Keys", "Markers", stamps, [["a"], ["b"], ["c"]], form="string")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert recording["events"].description.values.tolist() == ["go", "stop"]
    assert "3 of 3 markers of stream Markers lie outside EEG and fNIRS" in caplog.text
    assert f"'a', at {stamps[0] - ZERO:.10g} s" in caplog.text


def test_markers_stamped_zero_among_others_are_left_out(tmp_path, both, caplog):
    writer = both[0]
    writer.stream("Keys", "Markers", [0.0, ZERO + 2], [["a"], ["b"]], form="string")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert recording["events"].description.values.tolist() == ["go", "b", "stop"]
    assert "1 of 2 markers of stream Markers" in caplog.text


def test_signals_of_another_clock_than_the_markers(tmp_path, caplog):
    writer = Writer()
    stamps = UNIX + np.arange(1000) / 100
    writer.stream("Amp", "EEG", stamps, np.ones((1000, 1)), rate=100, desc=eeg_channels("Cz"))
    writer.stream("Keys", "Markers", even(2, 1.0), [["a"], ["b"]], form="string")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert recording["events"].sizes["event"] == 0
    assert "2 of 2 markers of stream Markers" in caplog.text


def test_a_marker_shortly_before_the_signals_is_kept_with_a_word(tmp_path, both, caplog):
    writer = both[0]
    writer.stream("Keys", "Markers", [ZERO - 5, ZERO - 0.5], [["a"], ["b"]], form="string")
    recording = nf.read(writer.save(tmp_path / "a.xdf"))
    assert recording["events"].onset.values.tolist() == pytest.approx([-5, -0.5, 1, 4.5])
    assert "1 of 2 markers of stream Markers" in caplog.text


def test_a_sensor_of_another_clock_is_left_out_with_a_word(tmp_path, both, caplog):
    writer = both[0]
    stamps = UNIX + np.arange(100) / 10
    writer.stream("Ring", "Pulse", stamps, np.ones((100, 1)), rate=10)
    assert set(nf.read(writer.save(tmp_path / "a.xdf"))["aux"].children) == {
        "Band ACC",
        "Band GYRO",
    }
    assert "stream Pulse left out: it lasts from 1.71584e+09" in caplog.text
