"""EEG files that other programs than the device's wrote: usable, so they are read."""

import numpy as np
import pytest
from scipy.io import savemat

import neurofuse as nf
import neurofuse.io as io
from neurofuse.io.integrity.matlab import check_matlab

RATE, COUNT = 250.0, 2500
HEADER = """Brain Vision Data Exchange Header File Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile={data}
MarkerFile=$b.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels=2
SamplingInterval={interval}

[Binary Infos]
BinaryFormat=INT_16

[Channel Infos]
Ch1=Fp1,Cz,{resolution},µV
Ch2=C3,,{resolution}
"""


def save_set(path, events=(), **fields):
    """An EEGLAB file of noise, as EEGLAB stores it; `fields` replace those of the struct."""
    rng = np.random.default_rng(0)
    made = {
        **{"setname": "x", "nbchan": 2, "trials": 1, "pnts": COUNT, "srate": RATE, "xmin": 0.0},
        "xmax": (COUNT - 1) / RATE,
        "data": (20 * rng.standard_normal((2, COUNT))).astype("f4"),
        "chanlocs": np.array([("Fp1",), ("C3",)], [("labels", "O")]),
        "chaninfo": {"nosedir": "+X"},
        "event": np.array(list(events), [("type", "O"), ("latency", "O"), ("duration", "O")]),
        **{"icaweights": [], "icawinv": [], "icasphere": [], "epoch": [], "etc": []},
    }
    savemat(path, {"EEG": {**made, **fields}}, appendmat=False)
    return path


def rows(path):
    found = nf.read(path)["events"]
    columns = (found.onset, found.duration, found.description)
    return list(zip(*(c.values.tolist() for c in columns), strict=True))


@pytest.mark.parametrize("chaninfo", [{"nosedir": "+X"}, [], {}])
@pytest.mark.parametrize("etc", [[], {}, {"inner": {}}, np.array([{}, {}], object)])
def test_empty_fields_and_structs_of_eeglab(tmp_path, chaninfo, etc):
    path = save_set(tmp_path / "a.set", [("go", 1251.0, 0.0)], chaninfo=chaninfo, etc=etc)
    assert rows(path) == [(5.0, 0.0, "go")]


def test_structs_without_fields_stay_within_bounds(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"reject": {}}, appendmat=False)
    check_matlab(path)
    head = path.read_bytes()
    place = head.index(np.array([1, 1], "<i4").tobytes(), 128)
    huge = np.array([2**15, 2**15], "<i4").tobytes()
    path.write_bytes(head[:place] + huge + head[place + 8 :])
    with pytest.raises(io.ReadError, match="damaged"):
        check_matlab(path)


def test_impossible_events_of_eeglab_cost_themselves_only(tmp_path, caplog):
    events = [("a", 0.0, 0.0), ("b", -20.0, 0.0), ("c", 2600.0, 0.0), ("d", 400.0, -5.0)]
    path = save_set(tmp_path / "a.set", [*events, ("e", 501.0, 25.0)])
    assert rows(path) == [(0.0, 0.0, "a"), (1.596, 0.0, "d"), (2.0, 0.1, "e")]
    assert "1 of its events last less than 0 s" in caplog.text
    assert "3 of its events lie outside the samples" in caplog.text
    assert rows(save_set(tmp_path / "b.set", events[3:])) == [(1.596, 0.0, "d")]


@pytest.mark.parametrize("interval", ["4000", "4000.0", "4000,0"])
@pytest.mark.parametrize("resolution", ["0.5", "0,5", "5E-1", "5,0E-1"])
@pytest.mark.parametrize("data", ["a.eeg", "$b.eeg"])
def test_decimal_commas_of_brainvision(tmp_path, interval, resolution, data):
    counts = np.arange(2000, dtype="<i2").reshape(-1, 2)
    (tmp_path / "a.eeg").write_bytes(counts.tobytes())
    markers = "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Marker Infos]\n"
    (tmp_path / "a.vmrk").write_text(f"{markers}Mk1=Stimulus,S  1,251,1,0\n", "utf-8")
    header = HEADER.format(data=data, interval=interval, resolution=resolution)
    (tmp_path / "a.vhdr").write_text(header, "utf-8")
    recording = nf.read(tmp_path / "a.vhdr")
    np.testing.assert_allclose(recording["eeg"].eeg.values, counts.T * 0.5e-6, rtol=1e-9)
    assert recording["eeg"].attrs["rate"] == 250
    assert recording["eeg"].channel.values.tolist() == ["Fp1", "C3"]
    assert recording["events"].onset.values.tolist() == [1.0]
    assert recording["eeg"].attrs["file"] == "a.eeg"
