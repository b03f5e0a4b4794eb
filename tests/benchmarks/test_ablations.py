"""Ablations: differences of the same seed, every arm a configuration that training accepts."""

import argparse

import pandas as pd
import pytest

from benchmarks.ablations.__main__ import page
from benchmarks.ablations.arms import ARMS, NAMES, SETTINGS, WHOLE, changes
from benchmarks.ablations.figures import FIGURES, by_person
from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.training.config import read_config
from neurofuse.models.training.windows import WindowSampling


def test_a_row_is_the_difference_from_the_whole_model_of_the_same_seed():
    rows = [
        {"arm": arm, "seed": seed} | dict.fromkeys(FIGURES, value)
        for arm, values in ((WHOLE, (1.0, 5.0)), ("no_imu", (2.0, 5.5)))
        for seed, value in enumerate(values)
    ]
    options = argparse.Namespace(start="joint", steps=3)
    whole, without = page(pd.DataFrame(rows), options).table.rows
    assert whole[1] == "3.00 [1.00, 5.00]"
    assert without[:2] == [NAMES["no_imu"], "0.75 [0.50, 1.00]"]


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_can_be_trained_from_the_packaged_weights(arm):
    plan = read_config({"start": "joint"} | changes(arm, "joint"))
    assert WindowSampling().with_probabilities(plan.windows)
    assert plan.architecture.streams == ("eeg", "nirs")


def test_settings_and_names_are_of_the_architecture_and_of_all_arms():
    for settings in SETTINGS.values():
        changed = Architecture().model_copy(update=settings)
        assert changed != Architecture()
    assert set(NAMES) == set(ARMS) | set(SETTINGS)


def test_people_count_alike():
    table = pd.DataFrame({"person": ["a", "a", "b"], "error": [0.0, 2.0, 5.0]})
    assert by_person(table, "person", "error") == 3.0
