"""Sample times of every kind: the rate is that of the times, and nothing is lost."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

import neurofuse.io as io
from neurofuse.io.snirf.read import read_snirf_raw
from tests.io.snirf.stored import put, samples, stimulus

DATE = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)


@pytest.mark.parametrize(("unit", "scale"), [("s", 1.0), ("ms", 1e3), ("us", 1e6), ("unknown", 1)])
def test_time_unit_counts_and_stimuli_are_in_seconds_all_the_same(snirf, unit, scale):
    def alter(nirs):
        put(nirs, "data1/time", (0.5 + np.arange(200) / 10) * scale)
        stimulus(nirs, 1, "tap", [[2.5, 1.0, 1.0]])

    raw = read_snirf_raw(snirf(alter, TimeUnit=unit))
    assert raw.info["sfreq"] == 10.0
    assert raw.annotations.onset == pytest.approx([2.0])
    assert raw.annotations.duration == pytest.approx([1.0])
    assert raw.info["meas_date"] == DATE + timedelta(seconds=0.5)


def test_strange_or_impossible_time_unit_is_refused(snirf):
    with pytest.raises(io.ReadError, match=r"TimeUnit 'min'; wanted one of s, ms, us"):
        read_snirf_raw(snirf(TimeUnit="min"))
    with pytest.raises(io.ReadError, match=r"0\.01 samples a second.*correct .*TimeUnit"):
        read_snirf_raw(snirf(rate=0.01))


@pytest.mark.parametrize("count", [2, 200])
def test_start_and_spacing_stand_for_all_times(snirf, count):
    path = snirf(lambda nirs: put(nirs, "data1/time", [0.3, 0.128]), count=count)
    raw = read_snirf_raw(path)
    assert (raw.n_times, raw.info["sfreq"]) == (count, 7.8125)
    assert raw.info["meas_date"] == DATE + timedelta(seconds=0.3)
    np.testing.assert_array_equal(raw.get_data(), samples(path))


@pytest.mark.parametrize(
    "stamp",
    [
        lambda t, rng: t.astype("f4"),
        lambda t, rng: np.round(t, 3),
        lambda t, rng: np.sort(t + rng.normal(0, 0.005, len(t))),
        lambda t, rng: np.repeat(t[3::4], 4) + np.tile([0, 0.001, 0.002, 0.003], len(t) // 4),
    ],
    ids=["float32", "whole ms", "5 ms jitter", "in packets of 4"],
)
@pytest.mark.parametrize("rate", [7.8125, 10.17, 50.0])
def test_rate_is_that_of_the_times_however_they_scatter(snirf, stamp, rate, caplog):
    stored = stamp(np.arange(3000) / rate, np.random.default_rng(5))
    path = snirf(lambda nirs: put(nirs, "data1/time", stored), count=3000)
    raw = read_snirf_raw(path)
    truth = np.polyfit(np.arange(3000), stored.astype(float), 1)[0] ** -1
    assert raw.info["sfreq"] == pytest.approx(truth, rel=1e-6)
    assert raw.info["sfreq"] == pytest.approx(rate, rel=1e-4)
    np.testing.assert_array_equal(raw.get_data(), samples(path))
    assert len(raw.annotations) == 0
    assert caplog.text == ""


def test_lost_samples_are_interpolated_where_they_were_in_spite_of_jitter(snirf):
    rng = np.random.default_rng(0)
    kept = np.delete(np.arange(2000), [500, *range(900, 1000)])
    stamps = np.sort(kept / 10 + rng.normal(0, 0.005, len(kept)))
    path = snirf(lambda nirs: put(nirs, "data1/time", stamps), count=len(kept))
    raw = read_snirf_raw(path)
    assert raw.n_times == 2000
    assert raw.info["sfreq"] == pytest.approx(10, rel=1e-4)
    np.testing.assert_array_equal(np.asarray(raw.get_data())[:, kept], samples(path))
    assert raw.annotations.onset == pytest.approx([49.9, 89.9], abs=0.02)
    assert set(raw.annotations.description) == {"BAD_gap"}


def test_clock_that_wanders_is_followed_and_reported(snirf, caplog):
    even = np.arange(6000) / 10
    stamps = even + 0.3 * np.sin(2 * np.pi * even / 600)

    def alter(nirs):
        put(nirs, "data1/time", stamps)
        put(nirs, "data1/dataTimeSeries", np.repeat(stamps[:, None], 6, axis=1))

    raw = read_snirf_raw(snirf(alter, count=6000))
    axis = stamps[0] + raw.times[10:-10]
    late = np.asarray(raw.get_data())[0, 10:-10] - axis  # samples hold their own time
    assert np.abs(late - late.mean()).max() < 5e-3
    assert "uneven sample times" in caplog.text


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (np.arange(199) / 10, "200 samples and 199 sample times"),
        (np.empty(0), "200 samples and 0 sample times"),
        (np.zeros(200), "do not ascend"),
        (np.full(200, np.nan), "do not ascend"),
        (np.r_[np.arange(199) / 10, 1e9], "more samples than gaps"),
    ],
)
def test_times_that_cannot_be_are_refused(snirf, time, message):
    with pytest.raises(io.ReadError, match=message):
        read_snirf_raw(snirf(lambda nirs: put(nirs, "data1/time", time)))


@pytest.mark.parametrize("repeated", [[120], [199], [60, 61, 130]])
def test_single_times_given_twice_are_read_with_a_word(snirf, repeated, caplog):
    stamps = np.arange(200) / 10
    for sample in repeated:
        stamps[sample] = stamps[sample - 1]
    path = snirf(lambda nirs: put(nirs, "data1/time", stamps))
    raw = read_snirf_raw(path)
    assert (raw.n_times, raw.info["sfreq"]) == (200, 10.0)
    np.testing.assert_array_equal(raw.get_data(), samples(path))
    assert f"at sample {repeated[0]}); placed between" in caplog.text


@pytest.mark.parametrize(("rate", "true"), [(100.0, 100), (50.0, 50), (1000 / 3, 333.3)])
def test_milliseconds_declared_as_seconds_are_refused(snirf, rate, true):
    with pytest.raises(io.ReadError, match=rf"in milliseconds, not seconds, it is {true} Hz"):
        io.read(snirf(rate=rate / 1e3))


@pytest.mark.parametrize("rate", [7.8125, 50.0])
def test_seconds_declared_as_milliseconds_are_refused(snirf, rate):
    with pytest.raises(io.ReadError, match=rf"in seconds, not milliseconds, it is {rate:.4g} Hz"):
        io.read(snirf(rate=rate, TimeUnit="ms"))


def test_empty_and_single_sample_files_are_refused(snirf):
    with pytest.raises(io.ReadError, match=r"without samples in nirs/data1"):
        io.read(snirf(count=0))
    with pytest.raises(io.ReadError, match=r"1 sample times.*at least two"):
        io.read(snirf(count=1))


def test_cutting_the_file_equals_cutting_the_recording(snirf):
    path = snirf(lambda nirs: stimulus(nirs, 1, "tap", [[3.0, 1, 1], [8.0, 1, 1]]))

    def cut(nirs):
        for name in ("time", "dataTimeSeries"):
            put(nirs, f"data1/{name}", nirs[f"data1/{name}"][50:150])
        stimulus(nirs, 1, "tap", [[8.0, 1, 1]])

    short, whole = io.read(snirf(cut)), io.read(path)
    raw = io.to_mne(whole)[1]
    assert raw is not None
    part = io.from_mne(None, raw.crop(5.0, 14.9))
    xr.testing.assert_allclose(short["events"].to_dataset(), part["events"].to_dataset())
    xr.testing.assert_identical(
        short["nirs"].to_dataset().drop_attrs(), part["nirs"].to_dataset().drop_attrs()
    )
    assert short["nirs"].attrs["measured_at"] == part["nirs"].attrs["measured_at"]
