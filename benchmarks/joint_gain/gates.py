"""Missed and false motion in `joint_gain.py`, at thresholds that validation people set."""

import numpy as np

from benchmarks.common.statistics import cell, ratio
from benchmarks.joint_gain.facts import JOINT, LEVEL, Facts, arms_of
from benchmarks.joint_gain.segments import THRESHOLDS, VIEWS


def mistakes(setting: dict, seed: int, arm: str, near: bool) -> np.ndarray | None:
    """Missed and false channel-seconds by threshold, and those judged, of one recording.

    With `near`, of segments near the signal's level and of the time between segments; otherwise of
    everything. None where the arm has no gate or nothing is near the level.
    """
    gate = setting["seeds"][seed].get(arm, {}).get("gate")
    level = np.array(setting["level"])
    chosen = (level >= LEVEL[0]) & (level < LEVEL[1]) if near else np.ones(len(level), bool)
    if gate is None or not chosen.any():
        return None
    missed = np.array(gate["missed"])[:, chosen].sum(1)
    false = np.array(gate["false"])[:, chosen].sum(1) + np.array(gate["false_outside"])
    seconds = np.array(gate["seconds"])[chosen].sum() + gate["seconds_outside"]
    return np.array([missed, false, np.full(len(missed), seconds)])


def rates(
    facts: Facts, stream: str, arm: str, near: bool, share: str | None
) -> dict[str, list[np.ndarray]]:
    """Sums over a person's recordings: (missed, false, judged; threshold) for each seed."""
    found: dict[str, list[np.ndarray]] = {}
    for setting in facts.settings:
        if setting["stream"] != stream or (share and setting["share"] != share):
            continue
        parts = [mistakes(setting, seed, arm, near) for seed in range(facts.seeds)]
        kept = [p for p in parts if p is not None]
        if len(kept) == facts.seeds:
            person = setting["person"]
            old = found.get(person, [0.0] * facts.seeds)
            found[person] = [a + b for a, b in zip(old, kept, strict=True)]
    return found


def best_threshold(facts: Facts, stream: str, arm: str) -> float | None:
    """The threshold with the least missed plus false motion near the signal's level."""
    found = rates(facts, stream, arm, True, None) or rates(facts, stream, arm, False, None)
    if not found:
        return None
    total = sum(sum(own) for own in found.values())
    return THRESHOLDS[int(np.argmin(total[0] + total[1]))]


def mistaken(
    facts: Facts,
    stream: str,
    arm: str,
    thresholds: dict[str, float],
    share: str,
    *,
    near: bool = True,
    which: tuple[int, ...] = (0, 1),
) -> dict[str, float]:
    """Percent of each person's channel-seconds that are missed (0), false (1) or either."""
    at = THRESHOLDS.index(thresholds.get(f"{stream}/{arm}", 0.5))
    found = rates(facts, stream, arm, near, share)
    return {
        person: float(np.mean([100 * p[list(which), at].sum() / max(p[2, at], 1e-9) for p in own]))
        for person, own in found.items()
    }


def against_joint(
    facts: Facts, stream: str, arm: str, thresholds: dict[str, float], share: str
) -> list[float]:
    """Mistakes of the joint model over an arm's [dB], near the signal's level, by person."""
    joint, other = (mistaken(facts, stream, a, thresholds, share) for a in (JOINT, arm))
    common = [p for p in other if joint.get(p, 0) > 0 and other[p] > 0]
    return [float(10 * np.log10(joint[p] / other[p])) for p in common]


def gate_table(facts: Facts, thresholds: dict[str, float]) -> list[str]:
    """Missed and false motion of each arm with a gate."""
    rows = [
        "| stream | share | arm | threshold | missed, ±5 dB | false, ±5 dB | missed + false, ±5 dB "
        "| missed + false, all | joint / arm, ±5 dB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    shares = list(dict.fromkeys(s["share"] for s in facts.settings))
    for stream in VIEWS:
        for share in shares:
            for arm in arms_of(facts, stream):
                told = (facts, stream, arm, thresholds, share)
                near = [mistaken(*told, which=w) for w in ((0,), (1,), (0, 1))]
                whole = mistaken(*told, near=False)
                if not whole:
                    continue
                over = against_joint(facts, stream, arm, thresholds, share)
                cells = [cell(list(v.values()), digits=2) for v in (*near, whole)]
                at = thresholds.get(f"{stream}/{arm}", 0.5)
                cells.append(cell(over, ratio, 2) if arm != JOINT else "")
                rows.append(f"| {stream} | {share} | {arm} | {at:g} | " + " | ".join(cells) + " |")
    return rows
