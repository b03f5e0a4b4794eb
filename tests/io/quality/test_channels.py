"""Channel quality as users see it: one table per stream, and the channels that `mark_bad` marks."""

import dask.array as da
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.quality.channels import MASKS
from neurofuse.io.recording import stream_dataset, with_stream


def both(eeg_raw, nirs_raw):
    return io.from_mne(eeg_raw(), nirs_raw(), offset=0)


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_every_value_has_a_mask(eeg_raw, nirs_raw, stream):
    table = io.channel_quality(both(eeg_raw, nirs_raw), stream)
    values = {value for judged in MASKS[stream].values() for value in judged}
    further = {"usable", "reason"} | ({"amplitude", "bridged_to"} if stream == "eeg" else set())
    assert set(table.data_vars) == values | set(MASKS[stream]) | further
    for mask in MASKS[stream]:
        assert table[mask].dtype == bool
        assert table[mask].dims == ("channel",)
    for value in values:
        assert table[value].dtype.kind == "f", value


def test_mark_bad_names_reasons_and_keeps_samples(eeg_raw, nirs_raw, caplog):
    eeg, nirs = eeg_raw(), nirs_raw()
    eeg._data[0] = 0
    nirs._data[1, 3] = 0
    read = io.from_mne(eeg, nirs, offset=0)
    recording = io.mark_bad(read)
    assert not read["eeg"].bad.any()
    assert recording["eeg"].bad.values.tolist() == [True, False, False]
    assert recording["nirs"].bad.values.tolist() == [True, False, False]
    np.testing.assert_array_equal(recording["eeg"].eeg, eeg.get_data())
    np.testing.assert_array_equal(recording["nirs"].intensity[0], nirs.get_data()[:2])
    last = io.provenance(recording)[-1]
    assert last["step"] == "mark_bad"
    assert last["parameters"]["eeg"] == {"C3": "flat"}
    assert "zero or negative" in last["parameters"]["nirs"]["S1-D1"]
    assert "C3 (flat)" in caplog.text
    again = io.mark_bad(recording)
    assert len(io.provenance(again)) == len(io.provenance(recording))
    od = io.mark_bad(io.to_optical_density(recording))
    assert od["nirs"].bad.values.tolist() == [True, False, False]


def test_what_was_bad_stays_bad(eeg_raw):
    raw = eeg_raw()
    raw.info["bads"] = ["C4"]
    assert io.mark_bad(io.from_mne(raw))["eeg"].bad.values.tolist() == [False, True, False]


@pytest.mark.parametrize(("value", "word"), [(np.nan, "all samples missing"), (1e-6, "flat")])
def test_no_usable_channel_is_refused(eeg_raw, nirs_raw, value, word):
    eeg = eeg_raw()
    eeg._data[:] = value
    with pytest.raises(io.ReadError, match=f"no usable EEG channel .*{word}"):
        io.mark_bad(io.from_mne(eeg))
    nirs = nirs_raw()
    nirs._data[:] = value
    with pytest.raises(io.ReadError, match=f"no usable fNIRS channel .*{word}"):
        io.mark_bad(io.from_mne(None, nirs))


def test_negative_everywhere_is_refused(nirs_raw):
    raw = nirs_raw()
    raw._data[:, 3] *= -1
    with pytest.raises(io.ReadError, match=r"no usable fNIRS channel .*zero or negative"):
        io.mark_bad(io.from_mne(None, raw))


def test_a_flat_trigger_is_no_fault(eeg_raw):
    raw = eeg_raw(["C3", "Status"])
    raw._data[1] = 0
    assert not io.mark_bad(io.from_mne(raw))["eeg"].bad.any()


def test_microvolts_taken_for_volts_are_reported(eeg_raw, caplog):
    raw = eeg_raw()
    raw._data[:] *= 1e6
    io.mark_bad(io.from_mne(raw))
    assert "check the unit in the file" in caplog.text


def test_unknown_stream(eeg_raw):
    with pytest.raises(io.SchemaError, match="the stream 'nirs'"):
        io.channel_quality(io.from_mne(eeg_raw()), "nirs")


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_permuted_channels_have_the_same_quality(eeg_raw, nirs_raw, stream):
    eeg, nirs = eeg_raw(["C3", "C4", "Cz", "Pz", "Oz"], seconds=30.0), nirs_raw(seconds=40.0)
    eeg._data[1, :2000] = 1e-4
    eeg._data[3] = eeg._data[2] + 1e-7
    nirs._data[2] *= np.exp(0.1 * np.sin(7 * nirs.times))
    recording = io.from_mne(eeg, nirs, offset=0)
    node = stream_dataset(recording, stream)
    order = np.random.default_rng(5).permutation(node.sizes["channel"])
    turned = with_stream(recording, stream, node.isel(channel=order))
    table = io.channel_quality(recording, stream).isel(channel=order)
    other = io.channel_quality(turned, stream)
    for name in table.data_vars:
        if table[name].dtype.kind == "f":
            np.testing.assert_allclose(other[name], table[name], rtol=1e-6, err_msg=str(name))
        else:
            np.testing.assert_array_equal(other[name], table[name], err_msg=str(name))


@pytest.mark.parametrize("chunks", [(6, 15_000), (2, 7_777)])
def test_samples_in_a_file_have_the_same_quality(chunks):
    rng = np.random.default_rng(2)
    data = rng.normal(0, 2e-5, (6, 300_000))  # 20 min at 250 Hz
    data[1] = np.clip(data[1] * 100, -1e-3, 1e-3)
    data[2, 1000:200_000] = 3e-5
    data[3, 70_000:80_000] = np.nan
    data[4] = data[5] + 1e-7 * rng.standard_normal(300_000)
    names = ["C3", "C4", "Cz", "Pz", "Oz", "Fz"]
    table = io.channel_quality(io.build(io.eeg_dataset(data, 250.0, names)), "eeg")
    lazy = da.from_array(data, chunks=chunks)
    other = io.build(io.eeg_dataset(lazy, 250.0, names))
    assert io.channel_quality(other, "eeg").identical(table)
    assert table.reason.values.tolist()[1:3] == ["62 % at the rail", "flat for 66 % of the time"]
    assert table.bridged_to.values.tolist() == ["", "", "", "", "Fz", "Oz"]
    assert table.missing.values.tolist() == [False, False, False, True, False, False]
    marked = io.mark_bad(other)["eeg"]
    assert marked.bad.values.tolist() == [False, True, True, False, False, False]
    assert marked.eeg.chunks is not None
