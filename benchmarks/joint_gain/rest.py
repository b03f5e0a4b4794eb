"""Changes of modalities without motion, and of channels at rest while others are in motion."""

import numpy as np

from benchmarks.common.methods import row_name
from benchmarks.common.page import Table
from benchmarks.common.statistics import cell, decibel, ratio
from benchmarks.joint_gain.facts import PARTICIPANT, Facts, arms_of
from benchmarks.joint_gain.segments import VIEWS
from neurofuse.io.modality import MODALITIES

NOTHING = -100.0  # dB, for a change of nothing at all
NO_MOTION, PARTNER_ONLY = "no motion", "motion in the partner only"
OTHER_CHANNELS = "motion in other channels only"


def quiet_change(facts: Facts, stream: str, case: str, arm: str) -> list[float]:
    """Change [dB] made to a stream without motion, by participant; no less than `NOTHING`."""
    energies: dict[str, list[float]] = {}
    for pair, seeds in facts.clean:
        for seed in seeds:
            changes = seed.get(arm, {}).get(case, {})
            if stream in changes:
                energy = 0.0 if changes[stream] is None else ratio(changes[stream])
                energies.setdefault(pair.split("+")[PARTICIPANT[stream]], []).append(energy)
    return [max(decibel(float(np.mean(v)), 1.0), NOTHING) for v in energies.values()]


def beside(facts: Facts, stream: str, arm: str) -> list[float]:
    """Change [dB] made to channels at rest while others are in motion, by participant."""
    energies: dict[str, list[list[float]]] = {}
    for setting in facts.settings:
        if setting["stream"] == stream:
            for seed in setting["seeds"]:
                if arm in seed:
                    energies.setdefault(setting["participant"], []).append(seed[arm]["beside"])
    sums = [np.sum(v, axis=0) for v in energies.values()]
    return [max(decibel(a, b), NOTHING) for a, b in sums if b > 0]


def rest_table(facts: Facts) -> Table:
    """Change [dB] to modalities without motion, and to channels at rest beside others."""
    rows = []
    arms = dict.fromkeys(arm for _, seeds in facts.clean for s in seeds for arm in s)
    for stream in VIEWS:
        values_of = {
            (case, arm): quiet_change(facts, stream, case, arm)
            for case in (NO_MOTION, PARTNER_ONLY)
            for arm in arms
        }
        values_of |= {
            (OTHER_CHANNELS, arm): beside(facts, stream, arm) for arm in arms_of(facts, stream)
        }
        for (case, arm), values in values_of.items():
            if values:
                cells = [cell(values), f"{np.median(values):.1f}"]
                if max(values) <= NOTHING:
                    cells = ["none", "none"]
                rows.append([MODALITIES[stream].display, case, row_name(arm), *cells])
    return Table(["modality", "case", "method", "change [dB]", "median [dB]"], rows)
