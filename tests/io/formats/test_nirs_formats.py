"""fNIRS in other devices' tables: Hitachi ETG (CSV) and ISS BOXY (text)."""

import re
import shutil

import mne
import numpy as np
import pytest

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.detect.format import find_format


@pytest.fixture
def hitachi(tmp_path):
    """A function that writes an ETG export: a 3x5 probe, 22 pairs at 10 Hz, two marks."""

    def write(
        name="sub-01_nirs.csv", samples=60, date="2020/02/02 11:20", mode="Continuous", times=None
    ):
        waves = [
            f"CH{pair}({wave})"
            for pair in range(1, 23)
            for wave in (f"{703.1 + pair / 10:.1f}", 829.0)
        ]
        light = np.random.default_rng(0).uniform(0.5, 2, (samples, 44)).round(6)
        lines = [
            "Header",
            "File Version,1.25",
            "Patient Information",
            "ID,P7",
            "Name,",
            "Comment,",
            "Age, 30y",
            "Sex,Female",
            "Analyze Information",
            f"AnalyzeMode,{mode}",
            "HPF[Hz],No Filter",
            "LPF[Hz],No Filter",
            "Measure Information",
            f"Date,{date}",
            "Mode,3x5",
            "Wave[nm],695,830",
            "Wave Length," + ",".join(waves),
            "Analog Gain," + ",".join(["6"] * 44),
            "Digital Gain," + ",".join(["1"] * 44),
            "Sampling Period[s],0.1",
            "StimType,EVENT",
            "Data",
            "Probe1," + ",".join(waves) + ",Mark,Time,BodyMovement,RemovalMark,PreScan",
        ]
        for i, row in enumerate(light.tolist(), 1):
            mark = {20: 1, 21: 1, 40: 2}.get(i, 0)
            values = ",".join(map(str, row))
            time = f"11:20:{i / 10:05.2f}" if times is None else times[i - 1]
            lines.append(f"{i},{values},{mark},{time},0,0,1")
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", "latin-1")
        return path, light

    return write


def test_hitachi_export_becomes_a_recording(hitachi):
    path, light = hitachi()
    assert find_format(path) == "Hitachi"
    recording = nf.read(path)
    node = recording["nirs"].to_dataset()
    assert dict(node.intensity.sizes) == {"channel": 22, "wavelength": 2, "time": 60}
    assert node.wavelength.values.tolist() == [695, 830]
    assert node.attrs["rate"] == pytest.approx(10)
    np.testing.assert_array_equal(node.intensity.values.reshape(44, -1), light.T)
    assert np.isnan(node.distance.values).all()
    assert node.attrs["measured_at"].startswith("2020-02-02T11:20")
    assert node.attrs["subject"] == "P7"
    events = recording["events"].to_dataset()
    assert events.description.values.tolist() == ["1", "2"]
    np.testing.assert_allclose(events.onset, [1.9, 3.9])


def clock(seconds):
    """Times of day, as the export writes them."""
    return [
        f"{int(s // 3600) % 24:02d}:{int(s // 60) % 60:02d}:{s % 60:05.2f}"
        for s in np.round(seconds, 2)
    ]


def test_time_that_a_hitachi_export_skips_is_a_gap(hitachi, caplog):
    seconds = np.arange(60) / 10 + np.where(np.arange(60) < 30, 0, 12.5)
    path, light = hitachi(times=clock(86_398 + seconds))  # midnight passes within the gap
    recording = nf.read(path)
    node, events = recording["nirs"].to_dataset(), recording["events"].to_dataset()
    assert node.time.values[-1] == pytest.approx(5.9 + 12.5)
    np.testing.assert_array_equal(node.intensity.values.reshape(44, -1)[:, -30:], light.T[:, 30:])
    at = dict(zip(events.description.values, events.onset.values, strict=True))
    assert at == pytest.approx({"1": 1.9, "2": 3.9 + 12.5, "BAD_gap": 2.9})
    assert "1 pause (12.5 s in total)" in caplog.text


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (clock(np.floor(86_398 + np.arange(60) / 10)), ""),  # whole seconds, and midnight
        (clock(100 + np.arange(60) / 10 + 0.04 * (np.arange(60) % 2)), ""),  # jitter
        (clock(100 + np.arange(60) / 10 * 1.003), ""),  # a clock that drifts
        (["112000"] * 60, ""),
        (clock(100 + np.arange(60) / 10 - 3 * (np.arange(60) > 30)), "go back by 3 s after sample"),
        (
            clock(100 + np.arange(60) / 10 * 1.1),
            "the samples last 6.59 s, by its rate of 10 Hz 6 s",
        ),
    ],
)
def test_hitachi_samples_without_time_between_them_stay_as_they_are(hitachi, times, words, caplog):
    path, light = hitachi(times=times)
    node = nf.read(path)["nirs"].to_dataset()
    np.testing.assert_array_equal(node.intensity.values.reshape(44, -1), light.T)
    assert words in caplog.text
    assert bool(words) == bool(caplog.text)


def test_unknown_hitachi_date_is_none(hitachi):
    path, _ = hitachi(date="yesterday")
    assert nf.read(path).attrs["measured_at"] == ""


@pytest.mark.parametrize("options", [{"mode": "Trial"}, {"samples": 0}])
def test_hitachi_export_of_something_else_is_refused(hitachi, options):
    path, _ = hitachi(**options)
    with pytest.raises(io.ReadError, match=r"sub-01_nirs\.csv.*Hitachi ETG export of raw light"):
        nf.read(path)


def test_cut_off_hitachi_header_is_refused(hitachi):
    path, _ = hitachi()
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(io.ReadError, match=r"which cannot be read"):
        nf.read(path)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.csv", "time,Fp1\n0,1\n", "a Hitachi ETG export"),
        ("a.txt", "0.1 0.2\n0.3 0.4\n", "a BOXY text file"),
    ],
)
def test_any_other_table_is_refused(tmp_path, name, text, wanted):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(io.ReadError) as caught:
        nf.read(path)
    assert f"wanted {wanted}; make an MNE Raw of it" in str(caught.value)


@pytest.fixture
def boxy(tmp_path):
    """A parsed BOXY file of two detectors and three sources, 20 samples at 25 Hz."""
    kinds = [f"{d}-{k}{s}" for d in "AB" for s in (1, 2, 3) for k in ("AC", "DC", "Ph")]
    values = np.random.default_rng(0).uniform(1, 9, (20, len(kinds))).round(4)
    head = [
        "BOXY.EXE: ISS Oximeter R&D Program Version 0.84",
        "Ascii Record File",
        "2  Detector Channels ",
        "3  External MUX Channels ",
        "25.0000  Update Rate (Hz) ",
        "TRUE -- External MUX Channel results are PARSED.",
        "#DATA BEGINS",
        "",
        "\t".join(["time", *kinds]),
        "",
    ]
    rows = ["\t".join(map(str, [i / 25, *row])) for i, row in enumerate(values.tolist())]
    path = tmp_path / "sub-02_nirs.txt"
    path.write_text(
        "\n".join([*head[:6], "#DATA BEGINS", head[8], "", *rows, "#DATA ENDS", ""]), "utf-8"
    )
    light = values[:, [i for i, k in enumerate(kinds) if "DC" in k]]
    return path, light


def test_boxy_gives_its_steady_light_and_says_what_it_left(boxy, caplog):
    path, light = boxy
    assert find_format(path) == "BOXY"
    node = nf.read(path)["nirs"].to_dataset()
    assert node.channel.values.tolist() == ["S1-D1", "S2-D1", "S3-D1", "S1-D2", "S2-D2", "S3-D2"]
    assert node.wavelength.values.tolist() == [0]
    np.testing.assert_array_equal(node.intensity.values[:, 0].T, light)
    assert "AC and phase left out; BOXY stores no wavelengths" in caplog.text


@pytest.mark.parametrize("multiplexed", [False, True])
def test_time_that_a_boxy_file_skips_is_a_gap(tmp_path, multiplexed, caplog):
    """Where sources follow each other line by line, the first line of a sample has the time."""
    values = np.random.default_rng(0).uniform(1, 9, (20, 3, 3)).round(4)
    times = 5546.19 + np.arange(20) / 25 + np.where(np.arange(20) < 8, 0, 2.0)
    names = (
        ["A-AC", "A-DC", "A-Ph"]
        if multiplexed
        else [f"A-{kind}{s}" for s in (1, 2, 3) for kind in ("AC", "DC", "Ph")]
    )
    rows = []
    for number, (block, at) in enumerate(zip(values.tolist(), times, strict=True), 1):
        if multiplexed:
            lines = [[number, source, *row] for source, row in enumerate(block, 1)]
            lines[0].append(f"{at:.3f}")
        else:
            lines = [[number, *np.ravel(block).tolist(), f"{at:.3f}"]]
        rows += ["\t".join(map(str, line)) + "\t" for line in lines]
    head = [
        "BOXY.EXE: ISS Oximeter R&D Program Version 0.84",
        "Ascii Record File",
        "1  Detector Channels ",
        "3  External MUX Channels ",
        "25.0000  Update Rate (Hz) ",
        "#DATA BEGINS",
        "\t".join(["record", *["exmux"] * multiplexed, *names, "time"]),
        "",
    ]
    path = tmp_path / "a.txt"
    path.write_text("\n".join([*head, *rows, "#DATA ENDS", ""]), "utf-8")
    recording = nf.read(path)
    node = recording["nirs"].to_dataset()
    light = node.intensity.values[:, 0]
    assert node.time.values[-1] == pytest.approx(19 / 25 + 2)
    np.testing.assert_array_equal(light[:, :8], values[:8, :, 1].T)
    np.testing.assert_array_equal(light[:, -12:], values[8:, :, 1].T)
    assert recording["events"].description.values.tolist() == ["BAD_gap"]
    assert "1 pause (2 s in total)" in caplog.text


def test_boxy_light_is_written_and_read_again(tmp_path, boxy):
    recording = nf.read(boxy[0])
    io.write_netcdf(recording, tmp_path / "a.nc")
    assert nf.read(tmp_path / "a.nc").identical(recording)
    _, raw = nf.to_mne(recording)
    assert raw is not None
    assert raw.ch_names[:2] == ["S1_D1 0", "S2_D1 0"]


def test_cut_off_boxy_file_is_refused(boxy):
    path, _ = boxy
    path.write_text("\n".join(path.read_text("utf-8").splitlines()[:12]), "utf-8")
    with pytest.raises(io.ReadError, match=r"which cannot be read"):
        nf.read(path)


def test_real_boxy_file(data_dir):
    path = next(data_dir.rglob("boxy_0_40_notriggers_unparsed.txt"))
    node = nf.read(path)["nirs"].to_dataset()
    assert dict(node.intensity.sizes) == {"channel": 80, "wavelength": 1, "time": 188}
    assert node.attrs["rate"] == pytest.approx(62.5)
    raw = mne.io.read_raw_boxy(path, verbose="error")
    light = raw.get_data(picks="S3_D2 DC")
    np.testing.assert_array_equal(node.intensity.sel(channel="S3-D2").values, light)


def test_fnir_devices_and_matlab_files_are_refused_with_a_remedy(data_dir):
    folder = data_dir / "formats" / "fnir_devices"
    with pytest.raises(io.ReadError, match=r"export SNIRF with the device's software"):
        nf.read(folder / "sampleNIR.nir")
    with pytest.raises(io.ReadError, match=r"a \.mat file may hold anything"):
        nf.read(folder / "sampleNIR_CH.mat")


@pytest.mark.parametrize("device", ["nirsport_v2", "nirscout"])
def test_frames_that_a_nirx_recording_lost_are_a_seam(data_dir, tmp_path, device, eeg_raw, caplog):
    """Times of triggers say that there was more time than there are frames, but not where."""
    suffix = {"nirsport_v2": "tri", "nirscout": "hdr"}[device]
    source = next((data_dir / "formats/mne_testing_data/NIRx" / device).rglob(f"*.{suffix}")).parent
    folder = shutil.copytree(source, tmp_path / "nirx")
    for path in folder.iterdir():
        path.chmod(0o644)
    whole = nf.read(folder)
    assert "were lost" not in caplog.text
    path = next(folder.glob(f"*.{suffix}"))
    text = path.read_text("latin-1")
    if suffix == "tri":
        text = text.replace("08:06:12.710751", "08:06:22.710751")
    else:
        events = re.search('Events="#(.*?)#"', text, re.DOTALL)
        assert events is not None
        *_, last = events[1].strip().splitlines()
        time, rest = last.split(maxsplit=1)
        text = text.replace(last, f"{float(time) + 10}\t{rest}")
    path.write_text(text, "latin-1")
    torn = nf.read(folder)
    assert "s more passed between the triggers at frames" in caplog.text
    assert torn["nirs"].sizes == whole["nirs"].sizes
    eeg = io.from_mne(eeg_raw(seconds=30))
    nf.io.join(eeg, whole, offset=0)
    with pytest.raises(io.AlignmentError, match=r"fNIRS that was put together of pieces"):
        nf.io.join(eeg, torn, offset=0)
