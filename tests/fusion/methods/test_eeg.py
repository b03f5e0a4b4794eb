"""Classical EEG methods: each does what its paper says, to something whose answer is known."""

import sys

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.methods.gedai import mean_of
from neurofuse.fusion.methods.registry import BASELINES, get_method
from neurofuse.fusion.methods.wiener import SHRINKAGE, excess
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import build, eeg_dataset, stream_dataset, with_stream, without_stream

RATE = 100.0


def eeg_of(recording):
    return recording["eeg"].eeg.values


def cut(recording, seconds):
    return recording.sel(time=slice(0, seconds))


def missing(monkeypatch, *packages):
    for package in packages:
        for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.parametrize(
    ("name", "package"), [("asr", "mne_denoise"), ("iclabel", "mne_icalabel"), ("gedai", "gedai")]
)
def test_a_package_that_is_not_there_is_named(pair, monkeypatch, name, package):
    missing(monkeypatch, package)
    with pytest.raises(ParameterError, match=rf"'{name}' without the package .*pip install"):
        get_method(name).transform(pair[1])


def test_asr_learns_from_a_calm_recording(pair):
    truth, contaminated = pair
    asr = get_method("asr", cutoff=20.0).fit(truth)
    assert np.linalg.norm(eeg_of(asr.transform(truth)) - eeg_of(truth)) < 0.1 * np.linalg.norm(
        eeg_of(truth)
    )
    cleaned = eeg_of(asr.transform(contaminated))
    left = np.linalg.norm(cleaned - eeg_of(truth))
    assert left < 0.1 * np.linalg.norm(eeg_of(contaminated) - eeg_of(truth))
    strict, lax = (
        get_method("asr", cutoff=k).fit(truth).transform(contaminated) for k in (5.0, 500.0)
    )
    sizes = [np.linalg.norm(eeg_of(r) - eeg_of(contaminated)) for r in (strict, lax)]
    assert sizes[0] > sizes[1]


def test_asr_says_how_long_it_must_be(pair):
    with pytest.raises(ParameterError, match=r"found 9\.9\d* s.*at least 15 s for 'asr'"):
        get_method("asr").transform(cut(pair[1], 9.99))


def test_what_was_fitted_to_another_montage_is_refused(pair):
    eeg = stream_dataset(pair[0], "eeg")
    fewer = with_stream(pair[0], "eeg", eeg.isel(channel=slice(0, 5)))
    for name in ("asr", "ica"):
        with pytest.raises(ParameterError, match=rf"6 usable channels.*{name}.*5 channels"):
            get_method(name).fit(fewer).transform(pair[1])


def test_fit_learns_what_transform_would(pair):
    alone = get_method("ica").transform(pair[1])
    fitted = get_method("ica").fit(pair[1]).transform(pair[1])
    np.testing.assert_array_equal(eeg_of(alone), eeg_of(fitted))
    assert BASELINES["tddr"].fit(pair[1]).learned is None


@pytest.mark.slow
def test_iclabel_takes_blinks_out_and_leaves_the_back_of_the_head():
    rest = {"duration": 60, "seed": 3, "task": None, "severity": 0.0, "nirs_montage": None}
    plain, blinking = (nf.simulate(blinks=b, **rest)[0] for b in (False, True))
    cleaned = get_method("iclabel", least=0.5).transform(blinking)
    names = plain["eeg"].channel.values.tolist()
    before, after = (((eeg_of(r) - eeg_of(plain)) ** 2).mean(-1) for r in (blinking, cleaned))
    front, back = [names.index(n) for n in ("Fp1", "Fp2")], names.index("O1")
    assert (after[front] < 0.3 * before[front]).all()
    change = eeg_of(cleaned)[back] - eeg_of(plain)[back]
    assert change.var() < 0.1 * eeg_of(plain)[back].var()


@pytest.mark.slow
def test_only_the_judgement_of_iclabel_depends_on_size(monkeypatch, simulated):
    """With the same labels, a louder recording loses the same, louder."""
    from mne_icalabel import iclabel

    monkeypatch.setattr(
        iclabel,
        "iclabel_label_components",
        lambda raw, ica, **_: np.eye(7)[[3] + (ica.n_components_ - 1) * [0]],
    )
    recording = without_stream(simulated[0], "nirs")
    eeg = stream_dataset(recording, "eeg")
    louder = with_stream(recording, "eeg", eeg.assign(eeg=eeg.eeg.copy(data=1000 * eeg.eeg.values)))
    wanted = 1000 * eeg_of(get_method("iclabel").transform(recording))
    assert np.abs(wanted - eeg_of(louder)).max() > 0.1 * np.abs(wanted).max()
    np.testing.assert_allclose(
        eeg_of(get_method("iclabel").transform(louder)), wanted, atol=1e-3 * np.abs(wanted).max()
    )


def test_iclabel_keeps_what_is_brain_for_sure(pair, monkeypatch):
    """Whatever else a component may be, and movement has no label, brain alone decides."""
    from mne_icalabel import iclabel as labels

    from neurofuse.fusion.methods import iclabel

    brain = np.linspace(0.7, 1.0, 6)[:, None]
    chance = np.hstack([brain, (1 - brain) / 2, np.zeros((6, 4)), (1 - brain) / 2])
    monkeypatch.setattr(
        labels, "iclabel_label_components", lambda raw, ica, **_: chance[-ica.n_components_ :]
    )
    node = stream_dataset(pair[1], "eeg")
    removed = [len(iclabel.learn(node, least=least)[0]) for least in (0.5, 0.83, 0.95)]
    assert removed == [0, 2, 4]


def test_iclabel_wants_positions(pair):
    eeg = stream_dataset(pair[1], "eeg")
    nowhere = eeg.assign_coords(position=eeg.position * np.nan)
    with pytest.raises(ParameterError, match="channels without positions"):
        get_method("iclabel").transform(with_stream(pair[1], "eeg", nowhere))


def test_wiener_of_one_channel_is_the_ratio_of_variances():
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((1, 6000))
    loud = slice(2000, 2600)
    data[:, loud] *= 20
    data -= data.mean()  # a level passes the filter by
    recording = build(eeg_dataset(data, RATE, ["Cz"]))
    cleaned = eeg_of(get_method("wiener").transform(recording))
    changed = np.flatnonzero((cleaned != data)[0])
    assert changed[0] >= 2000 - 3 * RATE
    assert changed[-1] <= 2600 + 3 * RATE
    quiet = np.delete(data[0], changed).var()
    wanted = quiet / data[0, changed].var()
    kept = np.linalg.norm(cleaned[:, loud]) / np.linalg.norm(data[:, loud])
    assert kept == pytest.approx(wanted, rel=0.1)


def test_wiener_takes_out_a_direction_that_only_movement_has():
    rng = np.random.default_rng(1)
    brain = rng.standard_normal((4, 500))
    artifact = np.outer([3.0, 1.0, 0.0, -2.0], 30 * rng.standard_normal(500))
    quiet, both = brain @ brain.T / 500, (brain + artifact) @ (brain + artifact).T / 500
    found = excess(both, quiet) @ (brain + artifact)
    # with one direction moving, the loss is about one of four channels' worth of brain
    assert np.sum((found - artifact) ** 2) < 1.5 * np.sum(brain**2) / 4
    assert SHRINKAGE < 0.1


def test_wiener_needs_quiet_samples(pair):
    with pytest.raises(ParameterError, match=r"s without movement.*at least 10 s for 'wiener'"):
        get_method("wiener").transform(
            without_stream(cut(pair[1], 28).sel(time=slice(18, 28)), "nirs")
        )


def with_eog(recording, spread):
    """The recording with an EOG of its own, which reaches all channels 20 ms later."""
    rng = np.random.default_rng(2)
    eeg = stream_dataset(recording, "eeg")
    lift = np.convolve(rng.standard_normal(eeg.sizes["time"]), np.ones(25) / 5, "same") * 1e-4
    late = np.concatenate([np.zeros(5), lift[:-5]])
    data = np.concatenate([eeg.eeg.values + np.outer(spread, late), lift[None]])
    names = [*eeg.channel.values, "EOG"]
    node = eeg_dataset(data, 250.0, names, ch_type=["eeg"] * len(spread) + ["eog"])
    return build(node)


def test_regression_takes_the_eog_out_with_its_lag(pair):
    truth = without_stream(pair[0], "nirs")
    spread = np.array([1.0, 1.0, 0.4, 0.4, 0.1, 0.1])
    recording = with_eog(truth, spread)
    cleaned = eeg_of(get_method("regression", reach=0.1).transform(recording))
    before = np.linalg.norm(eeg_of(recording)[:6] - eeg_of(truth))
    assert np.linalg.norm(cleaned[:6] - eeg_of(truth)) < 0.15 * before
    np.testing.assert_array_equal(cleaned[6], eeg_of(recording)[6])
    without_lags = eeg_of(get_method("regression", reach=0.1, taps=0).transform(recording))
    assert np.linalg.norm(without_lags[:6] - eeg_of(truth)) > 0.3 * before


@pytest.fixture(scope="module")
def eeg_and_sensors():
    return nf.simulate(60, seed=3, sensors=True, nirs_montage=None)


def test_regression_uses_an_accelerometer(eeg_and_sensors):
    truth, contaminated = eeg_and_sensors
    cleaned = get_method("regression").transform(contaminated)
    before, after = (np.linalg.norm(eeg_of(r) - eeg_of(truth)) for r in (contaminated, cleaned))
    assert after < before


def test_regression_wants_references(pair):
    with pytest.raises(ParameterError, match=r"no reference: no EOG.*set channel types") as refused:
        get_method("regression").transform(pair[1])
    assert "modality" not in str(refused.value)  # which it would not use


def test_gedai_where_it_is_installed(eeg_and_sensors):
    pytest.importorskip("gedai", reason="gedai is not installed: its licence is noncommercial")
    truth, contaminated = eeg_and_sensors
    cleaned = get_method("gedai").transform(contaminated)
    before, after = (np.linalg.norm(eeg_of(r) - eeg_of(truth)) for r in (contaminated, cleaned))
    assert after < before


def test_iclabel_removes_what_mne_would_on_average_reference(pair):
    """And what it removes is seen in any other reference as well."""
    from neurofuse.fusion.methods import iclabel

    eeg = stream_dataset(pair[1], "eeg")
    average = eeg.eeg.values - eeg.eeg.values.mean(0)
    node = eeg.assign(eeg=eeg.eeg.copy(data=average))
    unmixing, mixing = iclabel.learn(node, least=1.0)
    np.testing.assert_allclose(unmixing @ mixing, np.eye(len(unmixing)), atol=1e-6)
    np.testing.assert_allclose(mixing.mean(0), 0, atol=1e-6 * np.abs(mixing).max())
    lifted = eeg.assign(eeg=eeg.eeg.copy(data=average - average[0]))  # the first is the reference
    cleaned = iclabel.apply(lifted, iclabel.learn(lifted, least=1.0))
    np.testing.assert_allclose(cleaned[0], 0, atol=1e-9 * np.abs(average).max())


def test_asr_gives_the_drift_back(pair):
    eeg = stream_dataset(pair[0], "eeg")
    drift = 1e-3 * np.linspace(-1, 1, eeg.sizes["time"]) * np.arange(1, 7)[:, None]
    asr = get_method("asr", cutoff=20.0)
    calm, drifting = (
        eeg_of(asr.transform(with_stream(pair[0], "eeg", eeg.assign(eeg=eeg.eeg + d))))
        for d in (0.0, drift)
    )
    middle = slice(4000, -4000)  # a running median bends a slope at its ends
    left = (drifting - calm - drift)[:, middle]
    assert np.linalg.norm(left) < 0.1 * np.linalg.norm(eeg.eeg.values[:, middle])


def test_gedai_knows_only_names_of_its_lead_field(pair):
    pytest.importorskip("gedai", reason="gedai is not installed: its licence is noncommercial")
    eeg = stream_dataset(pair[1], "eeg")
    renamed = eeg.assign_coords(channel=["A-1", *eeg.channel.values[1:]])
    with pytest.raises(ParameterError, match=r"channels called A-1; .*rename these channels"):
        get_method("gedai").transform(with_stream(pair[1], "eeg", renamed))


def test_gedai_works_at_any_scale(pair):
    """Not to the last digit: its search for a threshold ends elsewhere after other roundings."""
    pytest.importorskip("gedai", reason="gedai is not installed: its licence is noncommercial")
    eeg = stream_dataset(pair[1], "eeg")
    louder = with_stream(pair[1], "eeg", eeg.assign(eeg=eeg.eeg.copy(data=1e3 * eeg.eeg.values)))
    left = eeg_of(get_method("gedai").transform(louder)) / 1e3 - eeg_of(pair[0])
    assert np.linalg.norm(left) < 0.5 * np.linalg.norm(eeg_of(pair[1]) - eeg_of(pair[0]))


def test_gedai_leaves_no_mean_that_moves():
    """The mean over channels is predicted from the channels, not from what is common to them."""
    rng = np.random.default_rng(0)
    brain = rng.standard_normal((4, 2000))
    brain[3] = 0.0  # the reference
    moved = brain + 50.0 * (np.arange(2000) > 1500)
    found = mean_of(brain - brain.mean(0), moved, np.arange(2000) < 1500)
    np.testing.assert_allclose(found - found.mean(), brain.mean(0) - brain.mean(), atol=0.05)


def test_settings_are_checked_and_used():
    with pytest.raises(ParameterError, match=r"the setting 'cutof' for 'asr'.*cutoff"):
        get_method("asr", cutof=3)
    with pytest.raises(ParameterError, match=r"for 'tddr'.*no setting"):
        get_method("tddr", cutoff=3)
    assert BASELINES["asr"].set(cutoff=3.0).treatments["eeg"].settings == {"cutoff": 3.0}
    assert BASELINES["asr"].treatments["eeg"].settings != {"cutoff": 3.0}
