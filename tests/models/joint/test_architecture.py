"""Settings that shape a result: defaults for old files, bounds, and that each is used."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

import neurofuse as nf
from neurofuse.io import stream_dataset, with_stream
from neurofuse.models.inference.apply import estimate_artifacts
from neurofuse.models.joint.architecture import Architecture, BaselineLevel
from neurofuse.models.joint.baseline_level import baseline_level_error
from neurofuse.models.weights import load_model

OLD = {  # as version 0.1.0 wrote it
    "streams": ["eeg", "nirs"],
    "width": 40,
    "eeg_window": 2.0,
    "eeg_lags": [-0.032, -0.012, 0.0, 0.012, 0.032],
    "nirs_window": 12.0,
    "gated": True,
    "filtered": True,
}


def test_a_file_of_an_older_version_takes_the_defaults():
    assert Architecture.model_validate(OLD) == Architecture()


def test_what_is_written_is_read_again():
    one = Architecture(streams=("nirs",), latent_rate=8.0)
    assert Architecture.model_validate(json.loads(one.model_dump_json())) == one


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"latent_rate": 0}, "latent_rate"),
        ({"latent_rate": float("nan")}, "latent_rate"),
        ({"width": -1}, "width"),
        ({"depth": 3}, "depth"),
        ({"streams": []}, "streams"),
        ({"streams": ["eeg", "eeg"]}, "twice"),
        ({"streams": ["emg"]}, "streams"),
        ({"eeg_lags": [0.1]}, r"without 0\.0"),
        ({"eeg_lags": [0.0, 5.0]}, "eeg_lags"),
        ({"bands": {"eeg": [4.0, 2.0]}}, "do not ascend"),
        ({"bands": {"nirs": [0.1, 0.5]}}, "for each fNIRS band"),
        ({"motion_mask": {"eeg": [0.5, 0.5]}}, "motion mask"),
        ({"motion_mask": {"eeg": [0.5, 1.5]}}, "motion_mask"),
        ({"quiet": {"quantile": 2.0}}, "quantile"),
        ({"windows": {"overlap": 5.0}}, "two edges must be shorter"),
        ({"windows": {"length": 10.0}}, "that than a window"),
        ({"baseline_level": {"drift": 0.0}}, "drift"),
        ({"electrode_drift": {"window": 0.0}}, "window"),
    ],
)
def test_values_out_of_bounds_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Architecture.model_validate(OLD | wrong)


@pytest.fixture(scope="module")
def contaminated():
    """Two windows of three EEG channels and two fNIRS channels at a high rate."""
    _, whole = nf.simulate(duration=70, seed=4, eeg_montage=["C3", "C4", "Pz"], nirs_rate=25.0)
    fnirs = stream_dataset(whole, "nirs").isel(channel=slice(2))
    return with_stream(whole, "nirs", fnirs)


def estimated(contaminated, modality, change):
    """What the single-modality model estimates with other settings, by group and name."""
    model = load_model(modality)
    settings = model.architecture.model_dump()
    for name, value in change.items():
        settings[name] = settings[name] | value if isinstance(value, dict) else value
    model.architecture = Architecture.model_validate(settings)
    return estimate_artifacts(contaminated, model, uncertainty=True)[modality]


@pytest.fixture(scope="module")
def default(contaminated):
    return {m: estimated(contaminated, m, {}) for m in ("eeg", "nirs")}


# what each changes is known, so that an unused field is noticed
@pytest.mark.parametrize(
    ("modality", "part", "change"),
    [
        ("eeg", "gate", {"motion_mask": {"eeg": (0.2, 0.8)}}),
        ("eeg", "gate", {"latent_rate": 8.0}),
        ("eeg", "gate", {"neighbourhood": 0.2}),
        ("eeg", "gate", {"windows": {"edge": 0.0}}),
        ("eeg", "artifact", {"bands": {"eeg": (2.5, 4.0, 8.0, 13.0, 30.0)}}),
        ("eeg", "artifact", {"quiet": {"margin": 0.6}}),
        ("eeg", "artifact", {"eeg_filter_size": 3}),
        ("eeg", "artifact", {"electrode_drift": {"window": 3.0}}),
        ("nirs", "gate", {"motion_mask": {"nirs": (0.2, 0.8)}}),
        ("nirs", "gate", {"windows": {"length": 50.0}}),
        ("nirs", "artifact", {"bands": {"nirs": (0.1, 0.6, 2.0)}}),
        ("nirs", "artifact", {"nirs_rate": 5.0}),
        ("nirs", "artifact", {"baseline_level": {"error": 2.0}}),
        ("nirs", "deviation", {"quiet": {"quantile": 0.4}}),
    ],
)
def test_changing_a_setting_changes_the_result(contaminated, default, modality, part, change):
    estimate = estimated(contaminated, modality, change)
    before, after = (np.asarray(getattr(e, part)) for e in (default[modality], estimate))
    assert before.shape == after.shape
    assert not np.array_equal(before, after)
    assert np.isfinite(after).all()


@pytest.mark.parametrize(
    "change",
    [
        {"block": 2.0},
        {"return_time": 5.0},
        {"drift": 1.0},
        {"error": 2.0},
        {"missed": 1.0},
        {"error_at_rest": 1e-2},
        {"motion_above": 0.9},
    ],
)
def test_changing_how_baseline_levels_are_estimated_changes_them(change):
    rng = np.random.default_rng(0)
    density = np.cumsum(rng.normal(0, 1e-3, (1, 1200)), axis=-1)
    artifact = np.where(np.arange(1200) < 600, 0.0, 0.3)[None]
    gate = np.zeros((1, 1200))
    gate[:, 590:610] = 1.0
    gate[:, 900:950] = 0.5
    default, other = (
        baseline_level_error(density + artifact, artifact, gate, 10.0, settings)
        for settings in (BaselineLevel(), BaselineLevel(**change))
    )
    assert not np.allclose(default, other, rtol=1e-3, atol=0)
