"""Adaptation to a recording and a lab, and drift: what is a gain, and what counts as told."""

import numpy as np
import pytest
import xarray as xr

from benchmarks.adaptation import drift, recording, transfer
from neurofuse.models.training.corpus import Clean
from neurofuse.synth.real_movement import RealMovement


def one(modality: str, without: float, few: float) -> dict:
    arms = {"few": {"error": few, "change": -30.0, "seconds": 1.0, "own_loss": 0.1}}
    rest = {"error": without, "change": -30.0, "seconds": 0.0, "own_loss": 0.2, "movements": 3}
    names = {"recording": f"{modality}/sub-{without}_task-x.edf", "modality": modality}
    others = {arm: rest for arm in recording.ARMS if arm != "few"}
    return names | {"without": rest} | others | arms


@pytest.mark.parametrize(
    ("few", "end"),
    [
        ((-5.5, -6.4), "few reach it"),
        ((-5.1, -6.1), "it is no option"),  # a gain of 0.1 dB
        ((-7.0, -5.8), "it is no option"),  # somebody is worse
    ],
)
def test_adaptation_pays_where_it_gains_and_harms_nobody(few, end):
    known = [one("eeg", -5.0, few[0]), one("nirs", -6.0, few[1])]
    assert end in recording.verdict(known)
    assert recording.gains(known, "few") == pytest.approx([-5.0 - few[0], -6.0 - few[1]])
    assert recording.table(known).rows[0][3] == f"{few[0]:.2f}"


def test_windows_hold_a_recordings_own_movements_where_it_was_calm():
    rng = np.random.default_rng(0)
    signal = 1e-5 * rng.standard_normal((2, 12_000))
    rest = np.ones(signal.shape, bool)
    names, place = np.array(["AF7", "AF8"]), np.zeros((2, 3))
    clean = Clean("anna", signal, 250.0, place, names, rest)
    bump = np.hanning(500)[None] * np.array([[4e-4], [2e-4]])
    own = [RealMovement(bump, 0 * bump, 250.0, donor="own")]
    given = recording.Material("anna", "eeg", clean, xr.Dataset(), rest, own)
    piece, artifact, mask, _ = recording.window(given, rng)
    assert piece.shape == artifact.shape == (2, 7500)
    assert mask.any()
    assert not artifact[~mask].any()


def test_a_lab_starts_without_its_own_people_before_it_starts_with_them():
    plans = list(transfer.plans())
    assert len(set(plans)) == len(plans)
    assert len({transfer.key_of(*plan) for plan in plans}) == len(plans)
    assert {count for lab, _, count, arm in plans if lab == "Muse" and arm == transfer.OWN} == {
        *(3, 6, 12)
    }
    assert transfer.start_of("FineMI", met=False).parent.name == "nirs-without-finemi"
    assert transfer.start_of("FineMI", met=True).parent.name == "pretrained"


def test_what_was_told_is_counted_by_channel_and_stretch():
    still = {"who": "anna", "modality": "eeg", "compared": 8, "every": 60.0}
    quiet = still | {"told": {"level": [], "correlation": [], "recall": []}}
    noisy = still | {"told": {"level": [2, 1], "correlation": [4], "recall": [4]}}
    known = {"still validation/a": quiet, "still validation/b": noisy}
    assert drift.quiet_table(known).rows == [
        ["EEG, every 60 s", "validation", "1", "2", "16", "3", "4", "1", "1"]
    ]


def test_a_simulated_channel_changes_after_six_minutes(monkeypatch):
    monkeypatch.setattr(drift, "LENGTH", 12.0)
    monkeypatch.setattr(drift, "CHANGE", 6.0)
    before, _ = drift.changed("nothing")
    after, at = drift.changed("EEG, gain x 0.1")
    x, y = (r["eeg"].eeg.values for r in (before, after))
    assert np.array_equal(x[:, :1500], y[:, :1500])
    assert y[at, 2000:].std() == pytest.approx(0.1 * x[at, 2000:].std())
    others = np.arange(len(x)) != at
    assert np.array_equal(x[others], y[others])
    light, at = drift.changed("fNIRS, light with 2 % of noise")
    assert np.diff(np.log(light["nirs"].intensity.values[at, :, 70:])).std() > 0.01
