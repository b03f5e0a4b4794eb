"""Intensity, optical density, haemoglobin: MNE's numbers, undone exactly."""

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import neurofuse.io as io


def test_density_is_that_of_mne(nirs_raw):
    raw = nirs_raw(waves=(660, 730, 850))
    node = io.to_optical_density(io.from_mne(None, raw))["nirs"]
    theirs = mne.preprocessing.nirs.optical_density(raw).get_data()
    np.testing.assert_allclose(node.od.values.reshape(theirs.shape), theirs, rtol=0, atol=1e-15)
    assert node.od.attrs["units"] == "1"


def test_density_is_undone_to_float_precision(nirs_raw):
    recording = io.from_mne(None, nirs_raw(seconds=60.0))
    there = io.to_optical_density(recording)
    back = io.to_intensity(there)
    np.testing.assert_allclose(
        back["nirs"].intensity.values, recording["nirs"].intensity.values, rtol=4e-16 * 4
    )
    assert back["nirs"].intensity.attrs == recording["nirs"].intensity.attrs
    assert set(back["nirs"].coords) == set(recording["nirs"].coords)
    assert "intensity" in recording["nirs"]  # nothing changed in place
    assert [p["step"] for p in io.provenance(back)][-2:] == ["to_optical_density", "to_intensity"]


@pytest.mark.parametrize("value", [0.0, -0.3, np.nan])
def test_channel_without_logarithm_comes_back_bit_for_bit(nirs_raw, value):
    raw = nirs_raw()
    raw._data[3, 5:9] = value
    raw._data[2] = raw._data[2] * 1e4
    recording = io.mark_bad(io.from_mne(None, raw))
    assert recording["nirs"].bad.values.tolist() == [False, True, False]
    there = io.to_optical_density(recording)
    od = there["nirs"].od.sel(channel="S1-D2", wavelength=850)
    assert np.isnan(od[5:9]).all()
    assert np.isfinite(od[9:]).all()
    assert there["nirs"].kept.sizes["kept_channel"] == 1
    back = io.to_intensity(there)["nirs"].intensity
    np.testing.assert_array_equal(back.sel(channel="S1-D2"), recording["nirs"].intensity[1])
    np.testing.assert_allclose(back, recording["nirs"].intensity, rtol=2e-15)
    cut = io.to_intensity(there.sel(time=slice(0.2, 0.8)))["nirs"].intensity
    np.testing.assert_array_equal(cut.sel(channel="S1-D2"), back[1].sel(time=slice(0.2, 0.8)))


@given(
    arrays(
        np.float64,
        (3, 2, 5),
        elements=st.one_of(
            st.floats(1e-9, 1e9), st.floats(-1e3, 0), st.just(np.nan), st.just(np.inf)
        ),
    )
)
def test_whatever_the_samples_intensity_comes_back(light):
    node = io.nirs_dataset(light, 10.0, [760, 850], ["S1", "S2", "S3"], ["D1", "D1", "D1"])
    recording = io.build(nirs=node)
    back = io.to_intensity(io.to_optical_density(recording))["nirs"].intensity.values
    proper = (np.isfinite(light) & (light > 0)).all(axis=(1, 2))
    np.testing.assert_array_equal(back[~proper], light[~proper])
    np.testing.assert_allclose(back[proper], light[proper], rtol=1e-13)


def test_one_wavelength_has_a_density_and_no_haemoglobin():
    light = np.exp(np.random.default_rng(0).normal(size=(2, 1, 90)) * 0.1)
    recording = io.build(nirs=io.nirs_dataset(light, 10.0, [760], ["S1", "S1"], ["D1", "D2"]))
    back = io.to_intensity(io.to_optical_density(recording))
    np.testing.assert_allclose(back["nirs"].intensity, light, rtol=1e-14)
    with pytest.raises(io.SchemaError, match="one wavelength"):
        io.to_haemoglobin(recording)


@pytest.mark.parametrize("factor", [6.0, 0.1, (5.5, 4.7)])
def test_haemoglobin_is_that_of_mne(nirs_raw, factor):
    raw = nirs_raw()
    node = io.to_haemoglobin(io.from_mne(None, raw), partial_pathlength=factor)["nirs"]
    od = mne.preprocessing.nirs.optical_density(raw)
    theirs = mne.preprocessing.nirs.beer_lambert_law(od, ppf=factor)
    for channel in node.channel.values:
        for kind in ("hbo", "hbr"):
            name = f"{str(channel).replace('-', '_')} {kind}"
            np.testing.assert_allclose(
                node[kind].sel(channel=channel), theirs.get_data(picks=name)[0], rtol=1e-9
            )
    assert node.hbo.attrs["units"] == "mol/L"


def test_haemoglobin_of_three_wavelengths_and_odd_names():
    rng = np.random.default_rng(0)
    places = np.array([[0, 0, 0.09], [0, 0.03, 0.09], [0, 0.06, 0.09]])
    node = io.nirs_dataset(
        np.exp(0.02 * rng.standard_normal((2, 3, 80))),
        8.0,
        [660, 730, 850],
        ["left", "left"],
        ["front", "back"],
        source_position=places[[0, 0]],
        detector_position=places[[1, 2]],
    )
    result = io.to_haemoglobin(io.build(nirs=node))["nirs"]
    assert np.isfinite(result.hbo).all()
    assert np.isfinite(result.hbr).all()


def test_haemoglobin_is_missing_where_the_density_is(nirs_raw):
    raw = nirs_raw()
    raw._data[0, 0] = -1
    node = io.to_haemoglobin(io.from_mne(None, raw))["nirs"]
    assert np.isnan(node.hbo[0]).all()
    assert np.isfinite(node.hbo[1:]).all()


def test_refused(nirs_raw, eeg_raw):
    recording = io.from_mne(None, nirs_raw())
    for wrong in (0.0, -1.0, (6.0, 6.0, 6.0)):
        with pytest.raises(io.ParameterError, match="one positive number, or 2"):
            io.to_haemoglobin(recording, partial_pathlength=wrong)
    with pytest.raises(io.SchemaError, match="without an fNIRS stream"):
        io.to_optical_density(io.from_mne(eeg_raw()))
    flat = io.nirs_dataset(np.ones((1, 2, 30)), 10.0, [760, 850], ["S1"], ["D1"])
    with pytest.raises(io.SchemaError, match="without positions"):
        io.to_haemoglobin(io.build(nirs=flat))
