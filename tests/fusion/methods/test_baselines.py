"""Baseline methods: every registered one is held to the same promises."""

import numpy as np
import pytest

from neurofuse.fusion.methods.registry import BASELINES, get_method
from neurofuse.fusion.metrics.errors import score
from neurofuse.fusion.signal.motion import eeg_in_motion
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import (
    provenance,
    stream_dataset,
    streams,
    with_stream,
    without_stream,
)
from tests.marks import slow

# What each method must leave of the artifact energy here at most, and of quiet parts change [dB].
# A new method needs a row: `test_every_method_is_tested` fails without one.
EXPECTED = {
    "uncorrected": {"eeg": (1.0, -np.inf), "nirs": (1.0, -np.inf)},
    "zero": {"eeg": (0.05, 0.1), "nirs": (0.2, 0.1)},
    "bandpass": {"eeg": (0.9, -2.0), "nirs": (1.0, 1.0)},
    "tddr": {"nirs": (0.2, -3.0)},
    "wavelet": {"eeg": (0.03, -3.0), "nirs": (0.3, -15.0)},
    "spline": {"nirs": (0.03, -10.0)},
    "spline_sg": {"nirs": (0.02, 0.1)},
    "tpca": {"nirs": (0.03, -10.0)},
    "cbsi": {"nirs": (0.03, 0.1)},
    "short": {"nirs": (0.5, -2.0)},
    "pca": {"eeg": (0.1, -10.0)},
    "ica": {"eeg": (0.2, -1.0)},
    "iclabel": {"eeg": (1.0, 0.1)},  # six channels of noise are no brain to it
    "asr": {"eeg": (0.02, -20.0)},
    "gedai": {"eeg": (0.5, -1.0)},
    "regression": {"eeg": (0.5, 1.0)},
    "wiener": {"eeg": (0.01, -15.0), "nirs": (0.01, -15.0)},
    "linear": {"eeg": (0.9, 5.0), "nirs": (0.9, -2.0)},
    "tcca": {"eeg": (1.0, -1.0), "nirs": (0.5, -1.0)},  # by the short channel
    "cnn": {"eeg": (0.02, -8.0), "nirs": (0.3, -15.0)},
    "unet": {"eeg": (0.02, -13.0), "nirs": (0.3, -15.0)},
    "lstm": {"eeg": (0.02, -10.0), "nirs": (0.05, -15.0)},
    "cnn_lstm": {"eeg": (0.02, -10.0), "nirs": (0.1, -15.0)},
    "dae": {"eeg": (0.02, -3.0), "nirs": (0.05, 1.0)},
    "vae": {"eeg": (0.02, -7.0), "nirs": (0.05, -10.0)},
    "gan": {"eeg": (0.02, -7.0), "nirs": (0.1, -15.0)},
    "transformer": {"eeg": (0.02, -7.0), "nirs": (0.6, -20.0)},
}
# What a method cannot do to the pair as it is, and why; its own tests are elsewhere.
APART = {
    "regression": "needs references: tests/fusion/methods/test_eeg.py",
    "gedai": "a package that may not be installed: tests/fusion/methods/test_eeg.py",
}
ALONE = [name for name in EXPECTED if name not in APART]
# ICA stops iterating at a tolerance, so its components differ in their last digits, as do solutions
# near a boundary of what is removed; ASR adds a fixed floor to its covariances.
TOLERANCE = {"ica": 1e-3, "asr": 1e-6}
# What judges EEG by its size in µV, as it was trained: tests/fusion/methods/test_eeg.py.
IN_MICROVOLT = {"iclabel"}


def cleaned_by(name, recording):
    return get_method(name).transform(recording)


def with_odd_channels(recording):
    """The first channel of each stream bad, the last EEG channel an EOG."""
    eeg = stream_dataset(recording, "eeg").copy(deep=True)
    eeg["bad"][0] = True
    eeg.eeg[0] = np.nan
    eeg["ch_type"] = "channel", ["eeg"] * 5 + ["eog"]
    nirs = stream_dataset(recording, "nirs").copy(deep=True)
    nirs["bad"][0] = True
    nirs.intensity[0] = -1.0
    return with_stream(with_stream(recording, "eeg", eeg), "nirs", nirs)


def test_every_method_is_tested():
    assert set(EXPECTED) == set(BASELINES)
    for name, method in BASELINES.items():
        assert method.name == name
        assert set(method.streams) == set(EXPECTED[name])
        assert method.citation


@pytest.mark.parametrize("name", slow(ALONE))
def test_what_it_gains_and_costs(pair, name):
    truth, contaminated = pair
    table = score(truth, contaminated, cleaned_by(name, contaminated)).value
    for stream, (residual, change) in EXPECTED[name].items():
        assert table.loc[stream, "residual"] <= residual, stream
        assert table.loc[stream, "clean_change_db"] <= change, stream


@pytest.mark.parametrize("name", slow(ALONE))
def test_the_other_stream_and_odd_channels_pass_through(pair, name):
    recording = with_odd_channels(pair[1])
    cleaned = cleaned_by(name, recording)
    eeg, nirs = cleaned["eeg"], cleaned["nirs"]
    np.testing.assert_array_equal(eeg.eeg.values[[0, 5]], recording["eeg"].eeg.values[[0, 5]])
    np.testing.assert_array_equal(nirs.intensity.values[0], recording["nirs"].intensity.values[0])
    for stream in set(streams(recording)) - set(get_method(name).streams):
        assert cleaned[stream].to_dataset().identical(recording[stream].to_dataset())


@pytest.mark.parametrize("name", slow(ALONE))
def test_form_and_input_are_kept(pair, name):
    contaminated = pair[1]
    copy = contaminated.copy(deep=True)
    cleaned = cleaned_by(name, contaminated)
    assert contaminated.identical(copy)
    for stream, variable in (("eeg", "eeg"), ("nirs", "intensity")):
        before, after = contaminated[stream], cleaned[stream]
        assert set(after.data_vars) == set(before.data_vars)
        assert set(after.coords) == set(before.coords)
        assert after[variable].dims == before[variable].dims
        assert after[variable].dtype == before[variable].dtype
        assert after[variable].attrs == before[variable].attrs
        assert np.isfinite(after[variable]).all()
    assert provenance(cleaned)[-1]["parameters"]["method"] == name


@pytest.mark.parametrize("name", slow(n for n in ALONE if "nirs" in BASELINES[n].streams))
def test_intensity_and_optical_density_are_cleaned_alike(pair, name):
    contaminated = pair[1]
    od = to_optical_density(contaminated)
    one = to_optical_density(cleaned_by(name, contaminated))["nirs"].od
    other = cleaned_by(name, od)["nirs"].od
    assert other.attrs == od["nirs"].od.attrs
    level = (one - other).mean("time")
    np.testing.assert_allclose(one - level, other, atol=1e-9)


@pytest.mark.parametrize("name", slow(sorted(set(ALONE) - IN_MICROVOLT)))
def test_scale_in_scale_out(pair, name):
    contaminated = pair[1]
    scaled = contaminated
    for stream, variable in (("eeg", "eeg"), ("nirs", "intensity")):
        node = stream_dataset(contaminated, stream)
        louder = node[variable].copy(data=1000 * node[variable].values)
        scaled = with_stream(scaled, stream, node.assign({variable: louder}))
    expected, got = cleaned_by(name, contaminated), cleaned_by(name, scaled)
    for stream, variable in (("eeg", "eeg"), ("nirs", "intensity")):
        wanted = 1000 * stream_dataset(expected, stream)[variable].values
        tolerance = TOLERANCE.get(name, 1e-9) * np.abs(wanted).max()
        np.testing.assert_allclose(
            stream_dataset(got, stream)[variable].values, wanted, atol=tolerance
        )


def test_uncorrected_is_bit_for_bit(pair):
    cleaned = cleaned_by("uncorrected", pair[1])
    for stream in ("eeg", "nirs"):
        assert cleaned[stream].to_dataset().identical(pair[1][stream].to_dataset())


def test_zero_is_zero_and_mean_intensity(pair):
    cleaned = cleaned_by("zero", pair[1])
    assert not cleaned["eeg"].eeg.values.any()
    np.testing.assert_allclose(
        cleaned["nirs"].intensity.values,
        np.broadcast_to(
            pair[1]["nirs"].intensity.values.mean(-1, keepdims=True),
            cleaned["nirs"].intensity.shape,
        ),
    )


def test_pca_leaves_quiet_samples_bit_for_bit(pair):
    eeg = pair[1]["eeg"].eeg.values
    quiet = ~eeg_in_motion(eeg, 250.0)
    assert 0.5 < quiet.mean() < 0.95
    np.testing.assert_array_equal(
        cleaned_by("pca", pair[1])["eeg"].eeg.values[:, quiet], eeg[:, quiet]
    )


def test_bandpass_keeps_the_band_and_drops_the_rest(pair):
    recording = pair[0]
    eeg = stream_dataset(recording, "eeg")
    time = eeg.time.values
    for frequency, gain in ((0.1, 0.0), (10.0, 1.0), (60.0, 0.0)):
        wave = np.broadcast_to(np.sin(2 * np.pi * frequency * time), eeg.eeg.shape)
        cleaned = cleaned_by(
            "bandpass", with_stream(recording, "eeg", eeg.assign(eeg=eeg.eeg.copy(data=wave)))
        )
        middle = slice(2500, -2500)
        np.testing.assert_allclose(
            cleaned["eeg"].eeg.values[:, middle], gain * wave[:, middle], atol=0.02
        )


def test_ica_is_repeatable(pair):
    one, other = (cleaned_by("ica", pair[1])["eeg"].eeg.values for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_haemoglobin_from_before_is_dropped(pair):
    nirs = stream_dataset(pair[1], "nirs")
    stale = nirs.assign(hbo=nirs.intensity.isel(wavelength=0, drop=True))
    cleaned = cleaned_by("tddr", with_stream(pair[1], "nirs", stale))
    assert "hbo" not in cleaned["nirs"].data_vars
    assert "motion" in cleaned["nirs"].data_vars


@pytest.mark.parametrize("name", ["pca", "ica"])
def test_one_channel_is_too_few(pair, name):
    alone = with_stream(pair[1], "eeg", stream_dataset(pair[1], "eeg").isel(channel=[0]))
    with pytest.raises(ParameterError, match=f"1 usable EEG channel.*at least 2 for '{name}'"):
        cleaned_by(name, alone)


def test_ica_refuses_what_it_cannot_separate(pair):
    blink = stream_dataset(pair[1], "eeg").isel(time=slice(5))
    with pytest.raises(ParameterError, match=r"cannot separate.*mark flat"):
        cleaned_by("ica", with_stream(pair[1], "eeg", blink))


@pytest.mark.parametrize("name", [name for name in ALONE if name != "uncorrected"])
def test_a_stream_without_a_signal_is_refused(pair, name):
    eeg = stream_dataset(pair[1], "eeg")
    flat = eeg.eeg.copy(data=np.zeros(eeg.eeg.shape))
    with pytest.raises(ReadError, match="no usable EEG channel"):
        cleaned_by(name, with_stream(pair[1], "eeg", eeg.assign(eeg=flat)))


def test_what_has_no_logarithm_passes_through(pair):
    nirs = stream_dataset(pair[1], "nirs").copy(deep=True)
    nirs.intensity[1, 0, 7] = 0.0
    recording = with_stream(pair[1], "nirs", nirs)
    cleaned = cleaned_by("tddr", recording)["nirs"].intensity.values
    np.testing.assert_array_equal(cleaned[1], nirs.intensity.values[1])
    np.testing.assert_array_equal(
        cleaned[[0, 2, 3]], cleaned_by("tddr", pair[1])["nirs"].intensity.values[[0, 2, 3]]
    )
    table = score(pair[0], recording, cleaned_by("tddr", recording))
    assert np.isfinite(table.value.loc["nirs", "error_db"])


def test_one_wavelength_is_too_few_for_tddr(pair):
    nirs = stream_dataset(pair[1], "nirs").isel(wavelength=[0])
    with pytest.raises(ParameterError, match="at least two for 'tddr'"):
        cleaned_by("tddr", with_stream(pair[1], "nirs", nirs))


def test_tddr_is_mnes(pair):
    import mne

    od = to_optical_density(pair[1])["nirs"].od.values
    info = mne.create_info(["S1_D1 760", "S1_D1 850"], 10.0, "fnirs_od")
    for channel, wavelength in zip(info["chs"], (760, 850), strict=True):
        channel["loc"][9] = wavelength
    raw = mne.io.RawArray(od[2], info, verbose="error")
    expected = mne.preprocessing.nirs.tddr(raw, verbose="error").get_data()
    cleaned = to_optical_density(cleaned_by("tddr", to_optical_density(pair[1])))
    np.testing.assert_allclose(cleaned["nirs"].od.values[2], expected, atol=1e-12)


def test_gaps_are_refused(pair):
    eeg = stream_dataset(pair[1], "eeg").copy(deep=True)
    eeg.eeg[2, 100] = np.nan
    with pytest.raises(ParameterError, match=r"not numbers in C3.*set `bad`"):
        cleaned_by("bandpass", with_stream(pair[1], "eeg", eeg))


def test_gaps_do_not_matter_to_zeros(pair):
    """So that the row of zeros is in every comparison."""
    eeg = stream_dataset(pair[1], "eeg").copy(deep=True)
    eeg.eeg[2, 100] = np.nan
    assert not cleaned_by("zero", with_stream(pair[1], "eeg", eeg))["eeg"].eeg.values.any()


def test_a_stream_that_is_not_there_is_refused(pair):
    with pytest.raises(ParameterError, match=r"eeg only.*nirs, which 'tddr' treats"):
        cleaned_by("tddr", without_stream(pair[1], "nirs"))


def test_unknown_names_list_the_known():
    with pytest.raises(ParameterError, match=r"'miracle'.*uncorrected, zero, bandpass, tddr"):
        get_method("miracle")
