"""Settings that shape a result: defaults for old files, bounds, and that each is used."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

import neurofuse as nf
from neurofuse.models.inference.apply import estimate_artifacts
from neurofuse.models.joint.architecture import Architecture
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
    return nf.simulate(duration=80, seed=4, eeg_montage=["C3", "C4", "Pz"], nirs_rate=25.0)[1]


@pytest.fixture(scope="module")
def default(contaminated):
    return estimate_artifacts(contaminated, "joint", uncertainty=True)


# what each changes is known, so that a field that nobody reads any more is noticed
@pytest.mark.parametrize(
    ("modality", "part", "change"),
    [
        ("eeg", "artifact", {"bands": {"eeg": (2.5, 4.0, 8.0, 13.0, 30.0)}}),
        ("nirs", "artifact", {"bands": {"nirs": (0.1, 0.6, 2.0)}}),
        ("eeg", "gate", {"motion_mask": {"eeg": (0.2, 0.8)}}),
        ("nirs", "gate", {"motion_mask": {"nirs": (0.2, 0.8)}}),
        ("eeg", "gate", {"latent_rate": 8.0}),
        ("eeg", "gate", {"neighbourhood": 0.2}),
        ("eeg", "artifact", {"quiet": {"margin": 0.6}}),
        ("eeg", "artifact", {"quiet": {"excess": 8.0}}),
        ("nirs", "deviation", {"quiet": {"quantile": 0.4}}),
        ("eeg", "artifact", {"eeg_filter_size": 3}),
        ("nirs", "artifact", {"nirs_rate": 5.0}),
        ("nirs", "artifact", {"baseline_level": {"block": 2.0}}),
        ("nirs", "artifact", {"baseline_level": {"return_time": 5.0}}),
        ("nirs", "artifact", {"baseline_level": {"drift": 1.0}}),
        ("nirs", "artifact", {"baseline_level": {"error": 2.0}}),
        ("nirs", "artifact", {"baseline_level": {"missed": 1.0}}),
        ("nirs", "artifact", {"baseline_level": {"motion_above": 0.9}}),
        ("eeg", "artifact", {"electrode_drift": {"window": 3.0}}),
        ("eeg", "gate", {"windows": {"length": 30.0}}),
        ("eeg", "gate", {"windows": {"overlap": 30.0}}),
        ("eeg", "gate", {"windows": {"edge": 0.0}}),
    ],
)
def test_changing_a_setting_changes_the_result(contaminated, default, modality, part, change):
    model = load_model("joint")
    settings = model.architecture.model_dump()
    for name, value in change.items():
        settings[name] = settings[name] | value if isinstance(value, dict) else value
    model.architecture = Architecture.model_validate(settings)
    estimate = estimate_artifacts(contaminated, model, uncertainty=True)[modality]
    before, after = (np.asarray(getattr(e, part)) for e in (default[modality], estimate))
    assert before.shape == after.shape
    assert not np.array_equal(before, after)
    assert np.isfinite(after).all()
