"""The simulated participant: amplitudes, rhythms and responses in their measured ranges."""

import numpy as np
import pytest
from scipy import signal

from neurofuse.io import to_haemoglobin, to_optical_density
from neurofuse.io.errors import ParameterError
from neurofuse.synth import simulate


@pytest.fixture(scope="module")
def calm():
    return simulate(240.0, seed=11, severity=0.0, nirs_montage="motor+short")[0]


@pytest.fixture(scope="module")
def brief():
    return simulate(20.0, seed=4, severity=0.0)[0]


def around(values, onsets, rate, first, last):
    """Mean over `first` to `last` seconds from each onset."""
    return np.mean([values[..., int((o + first) * rate) : int((o + last) * rate)] for o in onsets])


def task_onsets(recording):
    events = recording["events"]
    return events.onset.values[events.description.values == "task"]


def test_eeg_amplitude_and_alpha(calm):
    eeg = calm["eeg"].eeg.values
    assert 5e-6 < np.median(eeg.std(axis=1)) < 20e-6
    frequency, power = signal.welch(eeg[-1], 250, nperseg=1000)  # O2
    band = (frequency > 7) & (frequency < 13)
    sides = ((frequency > 5) & (frequency < 6.5)) | ((frequency > 14) & (frequency < 16))
    assert power[band].max() > 3 * power[sides].mean()


def test_eeg_correlation_falls_with_distance(calm):
    place = calm["eeg"].position.values
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    alike = np.corrcoef(calm["eeg"].eeg.values)
    near, far = alike[(apart > 0) & (apart < 0.07)].mean(), alike[apart > 0.14].mean()
    assert near > far + 0.2


def test_optical_density_size_and_pulse(calm):
    node = to_optical_density(calm)["nirs"]
    od = node.od.values[~node.short.values]
    assert 0.003 < np.median(od.std(axis=-1)) < 0.05
    frequency, power = signal.welch(od[:, 1], 10, nperseg=300)
    pulse = (frequency > 0.75) & (frequency < 1.5)
    beside = (frequency > 1.6) & (frequency < 1.75)
    assert np.median(power[:, pulse].max(axis=1) / power[:, beside].mean(axis=1)) > 5


@pytest.mark.slow
def test_task_raises_hbo_and_lowers_hbr_in_long_channels_only():
    change = {"hbo": [], "hbr": [], "short": []}
    for seed in range(4):
        truth = simulate(400.0, seed=seed, severity=0, eeg_montage=None, nirs_montage="motor+short")
        node, onsets = to_haemoglobin(truth[0])["nirs"], task_onsets(truth[0])
        at_left = (node.source_position.values[:, 0] < 0) & ~node.short.values
        for name, rows, variable in (
            ("hbo", at_left, "hbo"),
            ("hbr", at_left, "hbr"),
            ("short", node.short.values, "hbo"),
        ):
            series = node.to_dataset()[variable].values[rows].mean(axis=0)
            rise = around(series, onsets, 10, 5, 10) - around(series, onsets, 10, -2, 0)
            change[name].append(rise)
    hbo, hbr, short = (np.mean(change[name]) for name in ("hbo", "hbr", "short"))
    assert hbo > 1e-7 > 0 > hbr
    assert abs(short) < 0.5 * hbo


@pytest.mark.slow
def test_evoked_response_is_largest_at_the_vertex():
    longer = simulate(900.0, seed=5, severity=0.0, nirs_montage=None)[0]
    eeg, onsets = longer["eeg"].eeg, task_onsets(longer)

    def evoked(name):
        row = signal.sosfiltfilt(
            signal.butter(2, [0.5, 8], "bandpass", fs=250, output="sos"), eeg.sel(channel=name)
        )
        return around(row, onsets, 250, 0.3, 0.42) - around(row, onsets, 250, -0.2, 0)

    assert evoked("Pz") > 2e-6
    assert evoked("Pz") > max(evoked("O1"), evoked("F8"))


@pytest.mark.slow
def test_alpha_and_beta_fall_over_the_left_motor_area():
    beside = {"C3": ["FC3", "CP3", "C1", "C5"], "C4": ["FC4", "CP4", "C2", "C6"]}
    names = [name for place, near in beside.items() for name in (place, *near)]
    lost = {"C3": [], "C4": []}
    for seed in range(5):
        settings = {"severity": 0.0, "nirs_montage": None, "eeg_montage": names}
        truth = simulate(600.0, seed=seed, **settings)[0]
        for place, near in beside.items():
            eeg, onsets = truth["eeg"].eeg, task_onsets(truth)
            # what the place has that its neighbours lack
            row = eeg.sel(channel=place).values - eeg.sel(channel=near).values.mean(axis=0)
            sos = signal.butter(3, [8, 25], "bandpass", fs=250, output="sos")
            power = signal.sosfiltfilt(sos, row) ** 2
            busy, calm = around(power, onsets, 250, 1, 5), around(power, onsets, 250, -4, -1)
            lost[place].append(np.log(busy / calm))
    assert np.mean(lost["C3"]) < -0.1
    assert np.mean(lost["C3"]) < np.mean(lost["C4"]) - 0.05


def test_rest_has_no_task(at_rest):
    assert not len(task_onsets(at_rest))


def test_seeds():
    first, again, other = (simulate(20.0, seed=s)[1]["nirs"].intensity.values for s in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()
    assert simulate(20.0, seed=7)[0].attrs["seed"] == 7


def test_leaving_a_stream_out_does_not_change_the_other(brief):
    eeg = simulate(20.0, seed=4, severity=0.0, nirs_montage=None)[0]
    nirs = simulate(20.0, seed=4, severity=0.0, eeg_montage=None)[0]
    assert not {"nirs", "eeg"} & (set(eeg.children) - {"eeg"} | set(nirs.children) - {"nirs"})
    assert (brief["eeg"].eeg.values == eeg["eeg"].eeg.values).all()
    assert (brief["nirs"].intensity.values == nirs["nirs"].intensity.values).all()


def test_an_electrode_records_the_same_in_any_montage_and_order(brief):
    whole = brief["eeg"].eeg
    names = ["O2", "Cz", "Fp1"]
    some = simulate(20.0, seed=4, severity=0.0, nirs_montage=None, eeg_montage=names)[0]["eeg"].eeg
    np.testing.assert_allclose(some.values, whole.sel(channel=names).values, rtol=0, atol=1e-10)


def test_permuted_optodes_permute_the_light(brief):
    node = brief["nirs"].to_dataset()
    order = np.random.default_rng(0).permutation(node.sizes["channel"])
    turned = simulate(20.0, seed=4, severity=0.0, nirs_montage=node.isel(channel=order))[0]["nirs"]
    same = turned.intensity.values, node.intensity.values[order]
    np.testing.assert_allclose(*same, rtol=1e-9)


@pytest.mark.parametrize("electrodes", [1, 130, ["Cz"], "biosemi64"])
def test_any_number_of_electrodes(electrodes):
    eeg = simulate(20.0, eeg_montage=electrodes, nirs_montage=None)[0]["eeg"].eeg.values
    assert np.isfinite(eeg).all()
    assert 3e-6 < np.median(eeg.std(axis=1)) < 40e-6


@pytest.mark.parametrize("waves", [(800,), (760, 850), (690, 760, 850), (690, 730, 780, 850)])
@pytest.mark.parametrize("probe", ["prefrontal+short", "whole-head"])
def test_any_number_of_wavelengths(waves, probe):
    truth, moved = simulate(20.0, wavelengths=waves, nirs_montage=probe, eeg_montage=None)
    for recording in (truth, moved):
        light = recording["nirs"].intensity
        assert light.sizes["wavelength"] == len(waves)
        assert np.isfinite(light.values).all()


def test_montages_of_recordings_with_and_without_places(brief):
    node = brief["eeg"].to_dataset()
    lost = node.assign_coords(position=node.position * np.nan)
    eeg = simulate(60.0, eeg_montage=lost, nirs_montage=None, severity=0.0)[0]["eeg"].eeg.values
    alike = np.corrcoef(eeg)[np.triu_indices(len(eeg), 1)]
    assert 5e-6 < np.median(eeg.std(axis=1)) < 20e-6
    assert 0.1 < np.median(alike) < 0.95


def test_slow_light_shows_no_pulse():
    truth = simulate(120.0, seed=3, nirs_rate=2.0, severity=0.0, eeg_montage=None)[0]
    assert np.isfinite(truth["nirs"].intensity.values).all()


@pytest.mark.parametrize(
    ("impossible", "message"),
    [
        ({"duration": 5}, "duration=5"),
        ({"duration": float("nan")}, "duration=nan"),
        ({"eeg_rate": 0}, "eeg_rate=0"),
        ({"eeg_rate": 1e9}, "at most 20000"),
        ({"nirs_rate": -3}, "nirs_rate=-3"),
        ({"wavelengths": (400, 850)}, "650 to 950 nm"),
        ({"wavelengths": (850, 850)}, "different wavelengths"),
        ({"wavelengths": ()}, "650 to 950 nm"),
        ({"eeg_montage": "biosemi65"}, "biosemi64"),
        ({"eeg_montage": ["C3", "C9x"]}, "C9x"),
        ({"eeg_montage": ["C3", "C3"]}, "each once"),
        ({"eeg_montage": 0}, "1 to"),
        ({"eeg_montage": 5000}, "1 to"),
        ({"nirs_montage": "moter"}, "motor"),
        ({"nirs_montage": "motor+long"}, r"motor\+short"),
        ({"eeg_montage": None, "nirs_montage": None}, "neither EEG nor fNIRS"),
        ({"task": "nap"}, "task='nap'"),
        ({"coupling": -1}, "coupling=-1"),
        ({"coupling": float("inf")}, "coupling=inf"),
        ({"coupling_lag": 60}, "coupling_lag=60"),
        ({"line": 55}, "50 or 60 Hz"),
        ({"line": 50.0, "eeg_rate": 100.0}, "above 100 Hz"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"severity": -1}, "severity"),
        ({"types": ["dance"]}, "dance"),
    ],
)
def test_impossible_parameters_are_refused(impossible, message):
    with pytest.raises(ParameterError, match=message):
        simulate(**({"duration": 20.0} | impossible))


def test_optodes_without_positions_are_refused(calm):
    node = calm["nirs"].to_dataset()
    lost = node.assign_coords(source_position=node.source_position * np.nan)
    with pytest.raises(ParameterError, match="positions"):
        simulate(20.0, nirs_montage=lost)
