"""Data blocks that continue one another are one recording with a gap between them."""

import h5py
import numpy as np
import pytest

import neurofuse.io as io


def continued(*starts, count=100, rate=10.0, wavelength=None, spaced=False):
    """A change of the file: the first block has `count` samples, further ones begin at `starts`."""

    def change(nirs):
        rng = np.random.default_rng(4)
        for number, start in enumerate((0.0, *starts), 1):
            if number > 1:
                nirs.copy("data1", f"data{number}")
                if wavelength is not None:
                    del nirs[f"data{number}/measurementList1/wavelengthIndex"]
                    nirs[f"data{number}/measurementList1/wavelengthIndex"] = np.int32(wavelength)
            block = nirs[f"data{number}"]
            for name in ("time", "dataTimeSeries"):
                del block[name]
            step = 1 / (10.0 if number == 1 else rate)
            block["time"] = [start, step] if spaced else start + np.arange(count) * step
            block["dataTimeSeries"] = rng.uniform(0.5, 2, (count, 6))

    return change


def stored(path, number) -> np.ndarray:
    with h5py.File(path) as file:
        return np.asarray(file[f"nirs/data{number}/dataTimeSeries"]).T


def in_file_order(recording) -> np.ndarray:
    raw = io.to_mne(recording)[1]
    assert raw is not None
    return np.asarray(raw.get_data())


@pytest.mark.parametrize("spaced", [False, True])
def test_a_second_block_is_read_behind_a_gap(snirf, caplog, spaced):
    path = snirf(continued(30.0, spaced=spaced))
    recording = io.read(path)
    light = in_file_order(recording)
    assert float(recording["nirs"].time[-1]) == pytest.approx(39.9)
    np.testing.assert_array_equal(light[:, :100], stored(path, 1))
    np.testing.assert_array_equal(light[:, 300:], stored(path, 2))
    gap = recording["events"].to_dataset().isel(event=0)
    assert gap.description.item() == "BAD_gap"
    assert (gap.onset.item(), gap.duration.item()) == pytest.approx((9.9, 20.1))
    assert "only /nirs/data1 is read" not in caplog.text


def test_three_blocks_in_any_order_without_a_pause(snirf, caplog):
    path = snirf(continued(20.0, 10.0))
    light = in_file_order(io.read(path))
    np.testing.assert_array_equal(light, np.hstack([stored(path, n) for n in (1, 3, 2)]))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("start", "more"),
    [(0.0, {}), (5.0, {}), (30.0, {"rate": 5.0}), (30.0, {"wavelength": 2})],
)
def test_blocks_that_do_not_continue_the_first_are_named(snirf, caplog, start, more):
    path = snirf(continued(start, **more))
    np.testing.assert_array_equal(in_file_order(io.read(path)), stored(path, 1))
    assert "only /nirs/data1 is read, not /nirs/data2" in caplog.text
