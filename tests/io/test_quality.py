"""Channel quality: what is unusable, what is only reported."""

import mne
import numpy as np
import pytest

import neurofuse.io as io


def test_eeg_faults_are_told_apart(eeg_raw):
    raw = eeg_raw(["C3", "C4", "Cz", "Pz", "Fz", "Oz"], seconds=20.0)
    raw._data[1] = 3e-4
    raw._data[2] = np.nan
    raw._data[3, 10:20] = np.nan
    raw._data[4, 100:400] = 1e-3  # 6 % at the upper rail
    raw._data[5, :4000] = -1e-3  # 80 % at the lower rail
    table = io.channel_quality(io.build(io.eeg_from_raw(raw)), "eeg")
    assert table.flat.values.tolist() == [False, True, False, False, False, False]
    assert table.railed.values.tolist() == [False, False, False, False, True, True]
    assert table.missing.values.tolist() == pytest.approx([0, 0, 1, 0.002, 0, 0])
    assert table.usable.values.tolist() == [True, False, False, True, True, False]
    assert table.reason.values.tolist()[1:3] == ["flat", "all samples missing"]
    assert table.rail_share.values[4:] == pytest.approx([0.06, 0.8], abs=3e-4)
    assert float(table.amplitude[0]) == pytest.approx(2e-5, rel=0.05)


def test_jumping_from_rail_to_rail_is_railed(eeg_raw):
    raw = eeg_raw(["C3"])
    raw._data[0, :500] = np.where(np.arange(500) % 2, 1e-3, -1e-3)
    table = io.channel_quality(io.build(io.eeg_from_raw(raw)), "eeg")
    assert float(table.rail_share[0]) == pytest.approx(0.2)


def test_clipped_hum_is_railed_though_it_touches_one_sample_at_a_time(eeg_raw):
    raw = eeg_raw(["C3"], seconds=20.0)
    hum = 1.2e-3 * np.sin(2 * np.pi * 50 * raw.times + 0.3) + 3 * raw.get_data()[0]
    hum[100:110] = 1e-3
    raw._data[0] = np.clip(hum, -1e-3, 1e-3)
    table = io.channel_quality(io.build(io.eeg_from_raw(raw)), "eeg")
    at = np.abs(raw.get_data()[0]) == 1e-3
    assert float(table.rail_share[0]) == pytest.approx(at.mean())
    assert at.mean() > 0.1


def test_single_extreme_samples_are_no_rail(eeg_raw):
    raw = eeg_raw(["C3"])
    raw._data[0, ::20] = 1e-3  # 5 % at one value, never three in a row
    assert not io.channel_quality(io.build(io.eeg_from_raw(raw)), "eeg").railed.any()


def test_nirs_faults_are_told_apart(nirs_raw):
    raw = nirs_raw(pairs=tuple((1, d) for d in range(1, 7)), seconds=40.0)
    raw._data[3] = 0.7
    raw._data[5, 7] = -0.1
    raw._data[6, 7] = np.nan
    raw._data[8, :100] = 9.0
    raw._data[10, :300] = 9.0
    table = io.channel_quality(io.build(nirs=io.nirs_from_raw(raw)), "nirs")
    assert table.flat.values.tolist() == [False, True, False, False, False, False]
    assert table.saturated.values.tolist() == [False, False, False, False, True, True]
    assert table.usable.values.tolist() == [True, False, False, False, True, False]
    assert table.non_positive.values.tolist() == pytest.approx([0, 0, 1 / 400, 0, 0, 0])
    assert float(table.distance[0]) == pytest.approx(0.03)
    assert float(table.distance[3]) == pytest.approx(0.03 * 2**0.5)


def test_coupling_is_that_of_mne_and_needs_a_heart_beat(nirs_raw):
    raw = nirs_raw(seconds=60.0, seed=3)
    beat = 0.2 * np.sin(2 * np.pi * 1.1 * raw.times)
    raw._data[:2] *= np.exp(beat)
    recording = io.from_mne(None, raw)
    table = io.channel_quality(recording, "nirs")
    theirs = mne.preprocessing.nirs.scalp_coupling_index(
        mne.preprocessing.nirs.optical_density(raw), verbose="error"
    )
    np.testing.assert_allclose(table.sci, theirs[::2], atol=1e-9)
    assert table.sci[0] > 0.9
    assert (table.sci[1:] < 0.5).all()
    assert table.usable.all()  # poor contact is told, not refused
    od = io.channel_quality(io.to_optical_density(recording), "nirs")
    np.testing.assert_allclose(od.sci, table.sci, atol=1e-9)


@pytest.mark.parametrize(("rate", "seconds"), [(3.0, 60.0), (10.0, 5.0)])
def test_coupling_is_missing_where_it_cannot_be_told(nirs_raw, rate, seconds):
    raw = nirs_raw(rate=rate, seconds=seconds)
    assert np.isnan(io.channel_quality(io.from_mne(None, raw), "nirs").sci).all()


def test_mark_bad_names_reasons_and_keeps_samples(eeg_raw, nirs_raw, caplog):
    eeg, nirs = eeg_raw(), nirs_raw()
    eeg._data[0] = 0
    nirs._data[1, 3] = 0
    recording = io.from_mne(eeg, nirs, offset=0)
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


@pytest.mark.parametrize(("value", "word"), [(np.nan, "all samples missing"), (1e-6, "flat")])
def test_no_usable_channel_is_refused(eeg_raw, nirs_raw, value, word):
    eeg = eeg_raw()
    eeg._data[:] = value
    with pytest.raises(io.ReadError, match=f"no usable EEG channel .*{word}"):
        io.from_mne(eeg)
    nirs = nirs_raw()
    nirs._data[:] = value
    with pytest.raises(io.ReadError, match=f"no usable fNIRS channel .*{word}"):
        io.from_mne(None, nirs)


def test_negative_everywhere_is_refused(nirs_raw):
    raw = nirs_raw()
    raw._data[:, 3] *= -1
    with pytest.raises(io.ReadError, match=r"no usable fNIRS channel .*zero or negative"):
        io.from_mne(None, raw)


def test_a_flat_trigger_is_no_fault(eeg_raw):
    raw = eeg_raw(["C3", "Status"])
    raw._data[1] = 0
    assert not io.from_mne(raw)["eeg"].bad.any()


def test_microvolts_taken_for_volts_are_told(eeg_raw, caplog):
    raw = eeg_raw()
    raw._data[:] *= 1e6
    io.from_mne(raw)
    assert "check the unit in the file" in caplog.text


def test_unknown_stream(eeg_raw):
    with pytest.raises(io.SchemaError, match="the stream 'nirs'"):
        io.channel_quality(io.from_mne(eeg_raw()), "nirs")


@pytest.mark.parametrize(("channels", "seconds"), [(1, 1.0), (300, 2.0), (1, 0.004)])
def test_any_size(eeg_raw, channels, seconds):
    raw = eeg_raw([f"E{i}" for i in range(channels)], seconds=seconds)
    table = io.channel_quality(io.build(io.eeg_from_raw(raw)), "eeg")
    assert table.usable.all()
    assert table.sizes["channel"] == channels
