"""What `joint_gain.py` found of streams that do not move, and of channels at rest beside others."""

import numpy as np

from benchmarks.common.statistics import cell, decibel, ratio
from benchmarks.joint_gain.facts import PERSON, Facts, arms_of
from benchmarks.joint_gain.segments import VIEWS

NOTHING = -100.0  # dB, for a change of nothing at all


def quiet_change(facts: Facts, stream: str, case: str, arm: str) -> list[float]:
    """Change [dB] made to a stream without motion, by person; no less than `NOTHING`."""
    people: dict[str, list[float]] = {}
    for pair, seeds in facts.clean:
        for seed in seeds:
            told = seed.get(arm, {}).get(case, {})
            if stream in told:
                energy = 0.0 if told[stream] is None else ratio(told[stream])
                people.setdefault(pair.split("+")[PERSON[stream]], []).append(energy)
    return [max(decibel(float(np.mean(v)), 1.0), NOTHING) for v in people.values()]


def beside(facts: Facts, stream: str, arm: str) -> list[float]:
    """Change [dB] made to channels at rest while others move, by person."""
    people: dict[str, list[list[float]]] = {}
    for setting in facts.settings:
        if setting["stream"] == stream:
            for seed in setting["seeds"]:
                if arm in seed:
                    people.setdefault(setting["person"], []).append(seed[arm]["beside"])
    sums = [np.sum(v, axis=0) for v in people.values()]
    return [max(decibel(a, b), NOTHING) for a, b in sums if b > 0]


def rest_table(facts: Facts) -> list[str]:
    """Change made to streams without motion, and to channels at rest while others move."""
    rows = ["| stream | case | arm | change [dB] | median |", "|---|---|---|---|---|"]
    arms = dict.fromkeys(arm for _, seeds in facts.clean for s in seeds for arm in s)
    for stream in VIEWS:
        found = {
            (case, arm): quiet_change(facts, stream, case, arm)
            for case in ("nobody moves", "partner moves")
            for arm in arms
        }
        found |= {
            ("others move, the channel rests", arm): beside(facts, stream, arm)
            for arm in arms_of(facts, stream)
        }
        for (case, arm), values in found.items():
            if values:
                shown = [cell(values), f"{np.median(values):.1f}"]
                if max(values) <= NOTHING:
                    shown = ["none", "none"]
                rows.append(f"| {stream} | {case} | {arm} | " + " | ".join(shown) + " |")
    return rows
