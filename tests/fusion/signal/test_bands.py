"""Band-pass, spectra and decibels: known values, and scipy as a reference."""

import numpy as np
import pytest
from scipy.signal import welch

from neurofuse.fusion.signal.bands import EEG_BANDS, bandpass, decibel, spectrum, windows
from neurofuse.io.errors import ParameterError


def test_spectrum_is_welchs():
    series = np.random.default_rng(0).standard_normal(2000)
    count = len(windows(series, 100.0, 2.0))
    frequency, density = spectrum(series, 100.0, 2.0, np.ones(count, bool))
    expected = welch(series, 100.0, nperseg=200)
    np.testing.assert_allclose(frequency, expected[0])
    np.testing.assert_allclose(density, expected[1], rtol=1e-10)


def test_bandpass_refuses_a_band_above_nyquist():
    with pytest.raises(ParameterError, match="a rate above"):
        bandpass(np.zeros(100), 2.0, 1.0, 40.0)


def test_bandpass_keeps_what_lies_inside_and_shifts_nothing():
    time = np.arange(6000) / 100
    inside, below, above = (np.sin(2 * np.pi * f * time) for f in (10.0, 0.2, 45.0))
    left = bandpass(np.stack([inside + below + above, inside]), 100.0, 8.0, 13.0)
    middle = slice(1000, 5000)
    np.testing.assert_allclose(left[:, middle], np.stack([inside, inside])[:, middle], atol=0.01)


def test_an_edge_above_nyquist_is_lowered():
    noise = np.random.default_rng(0).standard_normal(500)
    np.testing.assert_array_equal(
        bandpass(noise, 50.0, 1.0, 40.0), bandpass(noise, 50.0, 1.0, 0.9 * 25.0)
    )


def test_classical_bands_meet():
    edges = [edge for band in EEG_BANDS.values() for edge in band]
    assert edges == [1.0, 4.0, 4.0, 8.0, 8.0, 13.0, 13.0, 30.0]


def test_decibels_without_energy_or_reference():
    assert decibel(0.0, 1.0) == -np.inf
    assert np.isnan(decibel(1.0, 0.0))
    assert np.isnan(decibel(np.nan, 1.0))
