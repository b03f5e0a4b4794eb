"""fNIRS quality: light, heart beat, steadiness; any number and order of wavelengths, any rate."""

import csv

import mne
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

import neurofuse.io as io
from neurofuse.io.optics.conversion import plain_raw
from neurofuse.io.optics.gvtd import global_variance
from neurofuse.io.recording import stream_dataset, with_stream


def quality(raw):
    return io.channel_quality(io.build(nirs=io.nirs_from_raw(raw)), "nirs")


def with_beat(raw, rows, size=0.2):
    raw._data[rows] *= np.exp(size * np.sin(2 * np.pi * 1.1 * raw.times))
    return raw


def test_faults_are_distinguished(nirs_raw):
    raw = nirs_raw(pairs=tuple((1, d) for d in range(1, 7)), seconds=40.0)
    raw._data[3] = 0.7
    raw._data[5, 7] = -0.1
    raw._data[6, 7] = np.nan
    raw._data[8, :100] = 9.0
    raw._data[10, :300] = 9.0
    table = quality(raw)
    assert table.flat.values.tolist() == [False, True, False, False, False, False]
    assert table.saturated.values.tolist() == [False, False, False, False, True, True]
    assert table.usable.values.tolist() == [True, False, False, False, True, False]
    assert table.non_positive_share.values.tolist() == pytest.approx([0, 0, 1 / 400, 0, 0, 0])
    assert table.non_positive.values.tolist() == [False, False, True, False, False, False]
    assert table.missing_share.values.tolist() == pytest.approx([0, 0, 0, 1 / 400, 0, 0])
    assert table.rail_share.values[4:].tolist() == pytest.approx([0.25, 0.75])
    assert float(table.distance[0]) == pytest.approx(0.03)
    assert float(table.distance[3]) == pytest.approx(0.03 * 2**0.5)
    assert not table.short.any()


def test_optical_density_is_judged_as_the_light_it_stands_for(nirs_raw):
    raw = nirs_raw(pairs=tuple((1, d) for d in range(1, 7)), seconds=40.0)
    raw._data[3] = 0.7
    raw._data[5, 7] = -0.1
    raw._data[8, :100] = 9.0
    raw._data[10] = 0.02 * np.random.default_rng(0).standard_normal(400) + 0.05
    recording = io.build(nirs=io.nirs_from_raw(raw))
    light = io.channel_quality(recording, "nirs")
    od = io.channel_quality(io.to_optical_density(recording), "nirs")
    for name in light.data_vars:
        if light[name].dtype.kind == "f":
            np.testing.assert_allclose(od[name], light[name], rtol=1e-6, atol=1e-12)
        else:
            np.testing.assert_array_equal(od[name], light[name], err_msg=str(name))


def test_dark_channels_are_those_where_noise_hides_the_light(nirs_raw):
    raw = nirs_raw(seconds=60.0)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((6, raw.n_times))
    raw._data[:] = 2.0 + 0.02 * noise
    raw._data[2:4] = 0.02 + 0.001 * noise[2:4]
    raw._data[5] = 0.02 + 0.004 * np.clip(noise[5] * 2, -4.9, None)
    table = quality(raw)
    assert table.dark.values.tolist() == [False, True, True]
    assert table.noise.values.tolist() == pytest.approx([0.01, 0.05, 0.4], rel=0.15)
    assert table.reason.values[:2].tolist() == ["", ""]
    assert table.reason.values[2].startswith("dark: noise is ")


def test_movement_makes_no_channel_dark(nirs_raw):
    raw = nirs_raw(seconds=60.0)
    raw._data[:] = 1 + 0.01 * np.random.default_rng(0).standard_normal(raw._data.shape)
    raw._data[:, 200:300] *= 4
    assert not quality(raw).dark.any()


def test_a_saturated_detector_hovers_beside_living_channels(nirs_raw):
    raw = with_beat(nirs_raw(seconds=60.0), slice(None), 0.01)
    rng = np.random.default_rng(0)
    raw._data[3] = 10.4 * (1 + 2e-5 * rng.standard_normal(raw.n_times))
    raw._data[3, 500:520] *= 1.5  # no rail: it was once brighter
    table = quality(raw)
    assert table.still.values.tolist() == [False, True, False]
    assert table.usable.values.tolist() == [True, False, True]
    assert "saturated or off the head" in table.reason.values[1]
    raw._data[:] = 1 + 2e-5 * rng.standard_normal(raw._data.shape)
    table = quality(raw)  # nothing was on a head: all alike
    assert table.still.all()
    assert table.usable.all()


def test_scalp_coupling_index_is_that_of_mne(nirs_raw):
    raw = with_beat(nirs_raw(seconds=60.0, seed=3), slice(0, 2))
    recording = io.from_mne(None, raw)
    table = io.channel_quality(recording, "nirs")
    theirs = mne.preprocessing.nirs.scalp_coupling_index(
        mne.preprocessing.nirs.optical_density(raw), verbose="error"
    )
    np.testing.assert_allclose(table.sci, theirs[::2], atol=1e-9)
    assert table.uncoupled.values.tolist() == [False, True, True]
    assert table.usable.all()  # poor contact is reported, not refused
    od = io.channel_quality(io.to_optical_density(recording), "nirs")
    np.testing.assert_allclose(od.sci, table.sci, atol=1e-9)


def test_peak_power_is_that_of_mne_nirs(nirs_raw):
    pairs = tuple((1, d) for d in range(1, 13))  # more than are filtered at once
    raw = with_beat(nirs_raw(pairs=pairs, seconds=65.0, rate=7.8125), slice(0, 10), 0.1)
    recording = io.to_optical_density(io.from_mne(None, raw))
    table = io.channel_quality(recording, "nirs")
    from mne_nirs.preprocessing import peak_power

    plain = plain_raw(stream_dataset(recording, "nirs"))
    _, scores, _ = peak_power(plain, threshold=0, verbose=False)
    np.testing.assert_allclose(table.peak_power, np.median(scores, axis=1)[::2], rtol=1e-9)
    assert table.peak_power[:5].min() > table.peak_power[5:].max()
    assert not table.pulseless[:5].any()


@pytest.mark.parametrize("waves", [(660, 730, 850), (690, 760, 808, 850)])
def test_of_all_wavelengths_the_worst_counts(nirs_raw, waves):
    count = len(waves)
    raw = with_beat(nirs_raw(waves=waves, seconds=60.0), slice(None), 0.2)
    raw._data[count + 1] = nirs_raw(waves=waves, seconds=60.0, seed=9)._data[count + 1]
    table = quality(raw)
    assert table.uncoupled.values.tolist() == [False, True, False]
    assert int(table.peak_power.argmin("channel")) == 1


def test_scrambled_rows_and_wavelengths_change_nothing(nirs_raw):
    raw = with_beat(nirs_raw(pairs=((1, 1), (1, 2), (2, 2), (2, 1)), seconds=60.0), [0, 1, 4, 5])
    raw._data[3] *= 1 + 0.3 * np.random.default_rng(1).standard_normal(raw.n_times).clip(-2, 2)
    table = quality(raw)
    order = [6, 1, 3, 0, 5, 7, 2, 4]
    data, names = raw.get_data()[order], [raw.ch_names[i] for i in order]
    info = mne.create_info(names, raw.info["sfreq"], "fnirs_cw_amplitude")
    for channel, i in zip(info["chs"], order, strict=True):
        channel["loc"][:] = raw.info["chs"][i]["loc"]
    other = quality(mne.io.RawArray(data, info, verbose="error")).sel(channel=table.channel)
    for name in table.data_vars:
        np.testing.assert_allclose(
            other[name].astype(float) if table[name].dtype != table.reason.dtype else 0,
            table[name].astype(float) if table[name].dtype != table.reason.dtype else 0,
            rtol=1e-6,
            err_msg=str(name),
        )
    np.testing.assert_array_equal(other.reason, table.reason)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"rate": 2.0, "seconds": 60.0}, "the rate of 2 Hz is below 3.6 Hz"),
        ({"seconds": 5.0}, "5 s are less than 12 s"),
        ({"waves": (760,), "seconds": 60.0}, "there is one wavelength"),
    ],
)
def test_where_the_heart_beat_cannot_be_judged_it_is_missing_with_a_reason(nirs_raw, options, why):
    table = quality(nirs_raw(**options))
    for name in ("sci", "peak_power"):
        assert table[name].isnull().all()
        assert table[name].attrs["missing_because"] == why
    assert not table.uncoupled.any()
    assert not table.pulseless.any()
    assert table.usable.all()
    assert table.noise.notnull().all()
    assert table.step_rms.notnull().all()


@pytest.mark.parametrize("samples", [1, 2, 3, 30])
def test_any_length(samples):
    light = 1 + 0.01 * np.random.default_rng(0).standard_normal((2, 2, samples))
    node = io.nirs_dataset(light, 10.0, [760, 850], ["S1", "S2"], ["D1", "D1"])
    assert io.channel_quality(io.build(nirs=node), "nirs").usable.all()


def test_short_channels_are_those_that_are_near(nirs_raw):
    raw = nirs_raw()
    for row in (2, 3):
        place = raw.info["chs"][row]["loc"]
        place[6:9] = place[3:6] + np.array([0.008, 0, 0])
    table = quality(raw)
    assert table.short.values.tolist() == [False, True, False]
    assert float(table.distance[1]) == pytest.approx(0.008)


def test_an_unsteady_channel_stands_out(nirs_raw):
    raw = nirs_raw(pairs=tuple((1, d) for d in range(1, 9)), seconds=60.0)
    raw._data[6:8] **= 4
    table = quality(raw)
    assert np.flatnonzero(table.unsteady).tolist() == [3]
    assert table.usable.all()


def test_global_variance_shows_movement_when_it_happens(nirs_raw):
    raw = nirs_raw(seconds=60.0)
    raw._data[:] = 1 + 0.002 * np.random.default_rng(0).standard_normal(raw._data.shape)
    raw._data[:, 300:320] *= 1.3
    recording = io.build(nirs=io.nirs_from_raw(raw))
    course = global_variance(recording)
    assert course.dims == ("time",)
    moving = course.time.values[course.moving.values]
    moving = moving[moving > 1]  # the filter's own beginning aside
    assert 27.9 < moving.min() < 30.5
    assert 31.5 < moving.max() < 34.1
    assert course.attrs["channels"] == 3
    table = io.channel_quality(recording, "nirs")
    assert table.attrs["gvtd_moving_share"] == course.attrs["moving_share"]
    assert table.attrs["gvtd_median"] < table.attrs["gvtd_percentile_95"]


def test_global_variance_is_the_root_mean_square_over_rows(nirs_raw):
    raw = nirs_raw(seconds=60.0)
    recording = io.to_optical_density(io.build(nirs=io.nirs_from_raw(raw)))
    od = recording["nirs"].od.values.reshape(6, -1)
    sections = butter(4, (0.01, 0.7), "bandpass", fs=10, output="sos")
    slow = sosfiltfilt(sections, od, padlen=599)
    wanted = np.sqrt((np.diff(slow) ** 2).mean(0))
    np.testing.assert_allclose(global_variance(recording)[1:], wanted, rtol=1e-9)


def test_global_variance_leaves_out_bad_channels_and_may_have_none(nirs_raw):
    recording = io.build(nirs=io.nirs_from_raw(nirs_raw(seconds=30.0)))
    node = stream_dataset(recording, "nirs")
    bad = node.assign_coords(bad=("channel", [False, True, False]))
    wild = bad.copy(deep=True)
    wild.intensity[1] = np.exp(5 * np.random.default_rng(0).standard_normal((2, 300)))
    one = global_variance(with_stream(recording, "nirs", bad))
    assert one.identical(global_variance(with_stream(recording, "nirs", wild)))
    none = node.assign_coords(bad=("channel", [True] * 3))
    assert global_variance(with_stream(recording, "nirs", none)).isnull().all()


def test_scalp_coupling_index_of_finemi_is_that_of_its_table(data_dir):
    folder = data_dir / "fnirs_clean" / "finemi"
    with open(folder / "quality.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows[::4]:
        table = io.channel_quality(io.read(folder / row["file"]), "nirs")
        assert float(table.sci.median()) == pytest.approx(float(row["sci_median"]), abs=0.006)
        assert float((table.sci > 0.5).mean()) == pytest.approx(
            float(row["sci_frac_gt_0.5"]), abs=0.006
        )
        assert int(table.non_positive.sum()) == int(row["n_pairs_above_2.5V"]) == 0


def test_channels_without_light_in_twni_are_bad(data_dir):
    path = data_dir / "fnirs_motion" / "homer3_twni" / "s1_neuro_run03.snirf"
    table = io.channel_quality(io.read(path), "nirs")
    dark = ["S1-D1", "S1-D2", "S2-D4", "S3-D6"]
    assert table.channel.values[~table.usable.values].tolist() == dark
    assert table.channel.values[table.non_positive.values].tolist() == dark


def test_saturated_and_dark_light_of_muse_is_reported(data_dir):
    folder = data_dir / "simultaneous" / "openmuse_worn" / "own_zero"
    recording = io.read(folder / "test_eeg_quality_optics.snirf")
    table = io.channel_quality(recording, "nirs")
    assert table.still.values.tolist() == [False, True, True, False]  # inner sites: 10.4 V
    assert table.usable.values.tolist() == [True, False, False, True]
    assert table.dark.values.tolist() == [True, False, False, True]  # outer sites: 850 nm
