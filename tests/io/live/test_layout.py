"""Headers of live streams: which column is what, in which unit."""

import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.live.header import described, stream_of
from neurofuse.io.live.layout import kind_of, layout_of, montage
from neurofuse.io.live.lsl import lsl


def header(kind, channels, *, rate=250.0, form="float32", name="device", more=""):
    """A stream's XML from its channels' fields."""
    rows = "".join(
        f"<channel>{''.join(f'<{k}>{v}</{k}>' for k, v in fields.items())}</channel>"
        for fields in channels
    )
    return (
        f"<info><name>{name}</name><type>{kind}</type><channel_count>{len(channels)}"
        f"</channel_count><nominal_srate>{rate}</nominal_srate><channel_format>{form}"
        f"</channel_format><source_id>x</source_id><desc><channels>{rows}</channels>{more}</desc>"
        "</info>"
    )


def layout(*args, **settings):
    stream = stream_of(header(*args, **settings))
    return layout_of(stream, kind_of(stream))


EEG = [
    {"label": "C3", "unit": "microvolts"},
    {"label": "Cz", "unit": "mV"},
    {"label": "ECG", "unit": "V"},
    {"label": "Status", "type": "stim"},
]
LIGHT = [{"label": f"S{s}_D1 {wave}"} for s in (1, 2) for wave in (850, 760)]


def test_eeg_is_in_volts_whatever_the_unit_and_goes_back():
    found = layout("EEG", EEG)
    samples = np.arange(12.0).reshape(4, 3)
    volts = found.shaped(samples)
    np.testing.assert_allclose(volts[:2], samples[:2] * [[1e-6], [1e-3]])
    np.testing.assert_allclose(found.flat(volts), samples.T)
    assert found.node.ch_type.values.tolist() == ["eeg", "eeg", "ecg", "stim"]


def test_light_is_sorted_into_pairs_and_wavelengths_and_goes_back():
    found = layout("NIRS", [{"label": "temperature"}, *LIGHT], rate=10.0)
    samples = np.arange(15.0).reshape(5, 3)
    light = found.shaped(samples)
    assert found.node.channel.values.tolist() == ["S1-D1", "S2-D1"]
    assert found.node.wavelength.values.tolist() == [760.0, 850.0]
    np.testing.assert_array_equal(light[0], samples[[2, 1]])
    np.testing.assert_array_equal(found.flat(light), samples[1:].T)  # the other column stays away


def test_a_pair_that_lacks_a_wavelength_is_missing_there():
    found = layout("NIRS", LIGHT[:3], rate=10.0)
    light = found.shaped(np.ones((3, 2)))
    assert np.isnan(light).sum() == 2
    assert found.flat(light).shape == (2, 3)


def test_positions_of_optodes_come_along():
    optode = "<optode><label>{}</label><location><X>{}</X><Y>0</Y><Z>90</Z></location></optode>"
    more = f"<optodes>{optode.format('S1', 30)}{optode.format('D1', 0)}</optodes>"
    found = layout("NIRS", LIGHT[:2], rate=10.0, more=more)
    assert float(found.node.distance[0]) == pytest.approx(0.03)


def test_an_imu_is_in_si_units():
    axes = [{"label": f"ACC_{a}", "unit": "g"} for a in "xyz"]
    axes += [{"label": f"GYRO_{a}", "unit": "deg/s"} for a in "xyz"] + [{"label": "battery"}]
    found = layout("IMU", axes, rate=50.0)
    assert found.columns.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(found.shaped(np.ones((7, 1)))[[0, 3], 0], [9.80665, np.pi / 180])


def test_the_montage_is_a_recording_without_samples():
    found = montage([layout("EEG", EEG), layout("NIRS", LIGHT, rate=10.0)])
    assert (found["eeg"].sizes["time"], found["eeg"].attrs["rate"]) == (0, 250.0)
    assert (found["nirs"].sizes["time"], found["nirs"].attrs["rate"]) == (0, 10.0)


@pytest.mark.parametrize(
    ("args", "settings", "message"),
    [
        (("EEG", EEG), {"rate": 0.0}, "announces no sampling rate"),
        (("EEG", [{"label": "C3", "unit": "ohm"}]), {}, "in ohm; wanted EEG in volts"),
        (("NIRS", [{"label": "HbO 1"}]), {"rate": 10.0}, "derived values such as HbO"),
    ],
)
def test_what_cannot_be_used_is_refused(args, settings, message):
    with pytest.raises(ReadError, match=message):
        layout(*args, **settings)


def test_a_motion_mask_is_no_eeg():
    assert kind_of(stream_of(header("Mask", [{"label": "C3"}], name="EEG motion mask"))) == "other"


def test_text_is_no_signal():
    stream = stream_of(header("Markers", [{"label": "x"}], rate=0.0, form="string"))
    assert kind_of(stream) == "other"
    with pytest.raises(ReadError, match="holds text"):
        layout_of(stream, "eeg")


def test_what_goes_out_is_described_as_what_came_in():
    desc = described(header("NIRS", [{"label": "t"}, *LIGHT]), [1, 2], {"lookahead": 1.0})
    labels = [node.text for node in desc.iter("label")]
    assert labels == ["S1_D1 850", "S1_D1 760"]
    assert desc.findtext("neurofuse/lookahead") == "1.0"
    assert ElementTree.tostring(desc).count(b"<channels>") == 1


def test_without_the_package_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "mne_lsl", None)
    with pytest.raises(ParameterError, match=r"pip install 'neurofuse\[stream\]'"):
        lsl()
