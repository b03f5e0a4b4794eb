"""EEG quality: faults from one walk, noise from pieces."""

import mne
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.quality.eeg import bursts, eeg_faults, extremes
from neurofuse.io.quality.noise import pieces
from neurofuse.io.recording import stream_dataset


def quality(raw):
    return io.channel_quality(io.build(io.eeg_from_raw(raw)), "eeg")


def test_faults_are_distinguished(eeg_raw):
    raw = eeg_raw(["C3", "C4", "Cz", "Pz", "Fz", "Oz", "O1"], seconds=20.0)
    raw._data[1] = 3e-4
    raw._data[2] = np.nan
    raw._data[3, 10:20] = np.nan
    raw._data[4, 100:400] = 1e-3  # 6 % at the upper rail
    raw._data[5, :4000] = -1e-3  # 80 % at the lower rail
    raw._data[6, :4000] = 1e-6  # unplugged
    table = quality(raw)
    no = [False] * 7
    assert table.flat.values.tolist() == [False, True, False, False, False, False, True]
    assert table.railed.values.tolist() == [*no[:4], True, True, False]
    assert table.missing_share.values.tolist() == pytest.approx([0, 0, 1, 0.002, 0, 0, 0])
    assert table.missing.values.tolist() == [False, False, True, True, False, False, False]
    assert table.usable.values.tolist() == [True, False, False, True, True, False, False]
    reasons = ["", "flat", "all samples missing", "", "", "80 % at the rail"]
    assert table.reason.values.tolist() == [*reasons, "flat for 80 % of the time"]
    assert table.rail_share.values[4:6] == pytest.approx([0.06, 0.8], abs=1e-3)
    assert float(table.amplitude[0]) == pytest.approx(2e-5, rel=0.05)
    assert float(table.flat_share[6]) == pytest.approx(0.8)


def test_jumping_from_rail_to_rail_is_railed(eeg_raw):
    raw = eeg_raw(["C3"])
    raw._data[0, :500] = np.where(np.arange(500) % 2, 1e-3, -1e-3)
    assert float(quality(raw).rail_share[0]) == pytest.approx(0.2)


def test_clipped_hum_is_railed_though_it_touches_one_sample_at_a_time(eeg_raw):
    raw = eeg_raw(["C3"], seconds=20.0)
    hum = 1.2e-3 * np.sin(2 * np.pi * 50 * raw.times + 0.3) + 3 * raw.get_data()[0]
    hum[100:110] = 1e-3
    raw._data[0] = np.clip(hum, -1e-3, 1e-3)
    near = np.abs(raw.get_data()[0]) >= 0.99e-3  # half a percent of the range
    assert float(quality(raw).rail_share[0]) == pytest.approx(near.mean())
    assert near.mean() > 0.1


def test_hovering_beside_a_rail_counts_but_a_signal_near_its_extreme_does_not(eeg_raw):
    raw = eeg_raw(["C3", "C4"], seconds=20.0)
    rng = np.random.default_rng(0)
    raw._data[:] = 1e-4 * np.sin(raw.times)
    raw._data[0, :2000] = 1e-3 - 4e-6 * rng.random(2000)  # 40 % of the time
    raw._data[0, 500:510] = 1e-3
    raw._data[0, 3000] = -1e-3
    table = quality(raw)
    assert table.rail_share.values.tolist() == pytest.approx([0.4, 0.0], abs=1e-3)
    assert table.reason.values.tolist() == ["40 % at the rail", ""]


def test_single_extreme_samples_are_no_rail(eeg_raw):
    raw = eeg_raw(["C3"])
    raw._data[0, ::20] = 1e-3  # 5 % at one value, never three in a row
    assert not quality(raw).railed.any()


def test_fractions_of_long_recordings_are_estimated_from_bursts():
    rng = np.random.default_rng(1)
    rate, data = 500.0, rng.normal(0, 2e-5, (2, 600_000))
    time = np.arange(600_000) / rate
    data[0] += 2e-3 * np.sin(2 * np.pi * 50 * time)  # bursts must not beat with the hum
    data[0] = np.clip(data[0], -1.8e-3, 1.8e-3)
    near = (np.abs(data[0]) >= 1.782e-3).mean()
    table = eeg_faults(io.eeg_dataset(data, rate, ["C3", "C4"]))
    assert float(table.rail_share[0]) == pytest.approx(near, abs=0.01)
    assert near > 0.25
    assert float(table.rail_share[1]) == 0
    assert float(table.amplitude[1]) == pytest.approx(2e-5, rel=0.02)


def test_bursts_lie_inside_and_do_not_overlap():
    samples, burst = bursts(1_000_003, 4096)
    assert burst == 8
    assert len(samples) == 4096
    assert (np.diff(samples) >= 1).all()
    assert samples[0] >= 0
    assert samples[-1] < 1_000_003
    assert samples[-1] > 990_000


@pytest.mark.parametrize("length", [1, 2, 7, 100, 249, 250, 251, 760])
def test_extremes_are_those_of_the_samples(length):
    rng = np.random.default_rng(length)
    block = rng.standard_normal((3, length))
    block[1, rng.random(length) < 0.5] = np.nan
    block[2, 0] = np.inf
    top, bottom, finite = extremes(block, 250)
    for row, high, low, count in zip(block, top, bottom, finite, strict=True):
        known = row[np.isfinite(row)]
        assert count == len(known)
        if len(known):
            assert (high.max(), low.min()) == (known.max(), known.min())


def test_noisy_channels_stand_out_among_others(eeg_raw):
    raw = eeg_raw([f"E{i}" for i in range(8)], rate=500.0, seconds=30.0)
    slow = np.cumsum(raw.get_data(), axis=1) * 0.1
    high = raw.get_data()[::-1] - raw.get_data()
    raw._data[:] = slow - slow.mean(1, keepdims=True)
    raw._data[2] *= 5
    raw._data[5] += 0.5 * high[5]
    table = quality(raw)
    assert np.flatnonzero(table.noisy).tolist() == [2, 5]
    assert int(table.deviation.argmax("channel")) == 2
    assert int(table.high_ratio.argmax("channel")) == 5
    assert table.usable.all()


def test_few_channels_are_noisy_beyond_a_fixed_limit(eeg_raw):
    raw = eeg_raw(["C3", "C4"], rate=125.0, seconds=30.0)
    raw._data[1] *= 6
    table = quality(raw)
    assert table.noisy.values.tolist() == [False, True]
    white = (47 / 62.5) ** 0.5 * np.array([2e-5, 1.2e-4])  # 1-48 Hz of 0-62.5 Hz
    np.testing.assert_allclose(table.deviation, white, rtol=0.03)


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_line_noise_has_its_frequency(eeg_raw, mains):
    raw = eeg_raw(["C3", "C4", "Cz"], seconds=30.0)
    raw._data[1] += 1e-5 * np.sin(2 * np.pi * mains * raw.times)
    table = quality(raw)
    assert table.line_noisy.values.tolist() == [False, True, False]
    assert table.attrs["line_frequency"] == mains
    white = 4e-10 / 125  # V²/Hz, and ln 2 of it as the median; 11 lines share the sine's 5e-11 V²
    expected = 10 * np.log10((5e-11 / 1.1 + white) / (np.log(2) * white))
    assert float(table.line_noise[1]) == pytest.approx(expected, abs=0.7)
    assert np.isnan(quality(eeg_raw(["C3"], seconds=30.0)).attrs["line_frequency"])


def test_low_rates_leave_out_what_they_do_not_hold(eeg_raw):
    table = quality(eeg_raw(["C3", "C4"], rate=100.0, seconds=30.0))
    assert table.line_noise.isnull().all()
    assert table.high_ratio.isnull().all()
    assert table.deviation.notnull().all()
    assert not table.noisy.any()


def test_bridges_are_those_of_mne(eeg_raw):
    raw = eeg_raw(["C3", "C4", "Cz", "Pz"], rate=240.0, seconds=60.0)
    raw._data[1] = raw._data[0] + 1e-6 * np.random.default_rng(3).standard_normal(raw.n_times)
    table = quality(raw)
    assert table.bridged.values.tolist() == [True, True, False, False]
    assert table.bridged_to.values.tolist() == ["C4", "C3", "", ""]
    assert table.usable.all()
    pairs, distance = mne.preprocessing.compute_bridged_electrodes(raw)
    assert [tuple(map(int, pair)) for pair in pairs] == [(0, 1)]
    theirs = np.median(distance[:, 0, 1]) ** 0.5 * 1e-6
    assert float(table.bridge_distance[0]) == pytest.approx(theirs, rel=0.1)


def test_copies_are_bridged_and_unusable_channels_are_not(eeg_raw):
    raw = eeg_raw(["C3", "C4", "Cz", "Pz", "Oz"], seconds=60.0)
    raw._data[1] = raw._data[0]
    raw._data[2:4] = 0
    table = quality(raw)
    assert table.bridged.values.tolist() == [True, True, False, False, False]
    assert table.bridge_distance.values[:2].tolist() == [0, 0]
    assert np.isnan(table.bridge_distance.values[2:4]).all()


def test_gaps_do_not_hide_other_measures(eeg_raw):
    raw = eeg_raw(["C3", "C4", "Cz"], seconds=60.0)
    raw._data[0, ::50] = np.nan  # in every piece
    raw._data[:, 2500:2600] = np.nan
    table = quality(raw)
    assert np.isnan(table.deviation[0])
    assert np.isfinite(table.deviation[1:]).all()
    assert np.isfinite(table.bridge_distance[1:]).all()


@pytest.mark.parametrize(("channels", "seconds"), [(1, 1.0), (100, 2.0), (1, 0.004), (3, 0.02)])
def test_any_size(eeg_raw, channels, seconds):
    table = quality(eeg_raw([f"E{i}" for i in range(channels)], seconds=seconds))
    assert table.usable.all()
    assert table.sizes["channel"] == channels


def test_pieces_are_spread_over_everything():
    parts = pieces(500 * 3600 * 8, 500.0)
    assert len(parts) == 36
    assert parts[0].start == 0
    assert parts[-1].stop == 500 * 3600 * 8
    assert {p.stop - p.start for p in parts} == {5000}


def test_muse_tp9_at_its_rails_is_bad_and_its_neighbours_are_not(data_dir):
    folder = data_dir / "simultaneous" / "openmuse_worn" / "own_zero"
    recording = io.read(folder / "test_eeg_quality_eeg.edf")
    worn = io.mark_bad(recording.sel(time=slice(0, 62)))
    node = stream_dataset(worn, "eeg")
    assert node.channel.values[node.bad.values].tolist() == ["TP9"]
    table = io.channel_quality(recording, "eeg").sel(channel=["TP9", "AF7", "AF8"])
    assert table.rail_share.values.tolist() == pytest.approx([0.33, 0.13, 0.13], abs=0.01)
    assert table.noisy.values.tolist() == [True, False, False]
    assert table.usable.values.tolist() == [False, True, True]


def test_clipped_samples_of_a_real_ecg_are_counted(data_dir):
    recording = io.read(data_dir / "eeg_clean" / "sub-11_task-rest_eeg.edf")
    table = io.channel_quality(recording, "eeg")
    ecg = recording["eeg"].eeg.sel(channel="ECG").values
    clipped = (ecg == ecg.max()).sum() + (ecg == ecg.min()).sum()
    assert clipped >= 47
    assert float(table.rail_share.sel(channel="ECG")) * ecg.size == pytest.approx(clipped, abs=5)
    assert table.usable.all()
    assert not table[["flat", "missing", "noisy", "line_noisy"]].to_array().any()


def test_loose_electrodes_have_line_noise(data_dir):
    recording = io.read(data_dir / "eeg_motion" / "porr" / "sub-04_task-jaw_eeg.vhdr")
    table = io.channel_quality(recording, "eeg")
    assert table.line_noisy.all()
    assert table.attrs["line_frequency"] == 50
