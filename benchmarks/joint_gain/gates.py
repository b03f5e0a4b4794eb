"""Missed and false motion in `joint_gain`, at thresholds that validation participants set."""

import numpy as np

from benchmarks.common.methods import JOINT
from benchmarks.common.page import Table
from benchmarks.common.statistics import cell, ratio
from benchmarks.joint_gain.facts import NEAR, Facts, arms_of
from benchmarks.joint_gain.segments import THRESHOLDS, VIEWS
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import GATE_OPEN


def mistakes(setting: dict, seed: int, arm: str, near: bool) -> np.ndarray | None:
    """Missed and false channel-seconds by threshold, and those judged, of one recording.

    With `near`, of segments whose artifact is about as large as the signal and of the time between
    segments; otherwise of everything. None where the arm has no motion mask or nothing is near.
    """
    gate = setting["seeds"][seed].get(arm, {}).get("gate")
    size = np.array(setting["size"])
    chosen = (size >= NEAR[0]) & (size < NEAR[1]) if near else np.ones(len(size), bool)
    if gate is None or not chosen.any():
        return None
    missed = np.array(gate["missed"])[:, chosen].sum(1)
    false = np.array(gate["false"])[:, chosen].sum(1) + np.array(gate["false_outside"])
    seconds = np.array(gate["seconds"])[chosen].sum() + gate["seconds_outside"]
    return np.array([missed, false, np.full(len(missed), seconds)])


def rates(
    facts: Facts, stream: str, arm: str, near: bool, share: str | None
) -> dict[str, list[np.ndarray]]:
    """Sums over a participant's recordings: (missed, false, judged; threshold) for each seed."""
    counts: dict[str, list[np.ndarray]] = {}
    for setting in facts.settings:
        if setting["stream"] != stream or (share and setting["share"] != share):
            continue
        parts = [mistakes(setting, seed, arm, near) for seed in range(facts.seeds)]
        judged = [p for p in parts if p is not None]
        if len(judged) == facts.seeds:
            participant = setting["participant"]
            sums = counts.get(participant, [np.zeros(())] * facts.seeds)
            counts[participant] = [a + b for a, b in zip(sums, judged, strict=True)]
    return counts


def best_threshold(facts: Facts, stream: str, arm: str) -> float | None:
    """The threshold with the least missed plus false motion where artifact and signal are alike."""
    counts = rates(facts, stream, arm, True, None) or rates(facts, stream, arm, False, None)
    if not counts:
        return None
    total = sum(sum(own) for own in counts.values())
    assert isinstance(total, np.ndarray)
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
    """Percent of each participant's channel-seconds that are missed (0), false (1) or either."""
    at = THRESHOLDS.index(thresholds.get(f"{stream}/{arm}", GATE_OPEN))
    counts = rates(facts, stream, arm, near, share)
    return {
        participant: float(
            np.mean([100 * p[list(which), at].sum() / max(p[2, at], 1e-9) for p in own])
        )
        for participant, own in counts.items()
    }


def against_joint(
    facts: Facts, stream: str, arm: str, thresholds: dict[str, float], share: str
) -> list[float]:
    """Mistakes of the joint model over an arm's [dB], artifacts near the signal's size."""
    joint, other = (mistaken(facts, stream, a, thresholds, share) for a in (JOINT, arm))
    common = [p for p in other if joint.get(p, 0) > 0 and other[p] > 0]
    return [float(10 * np.log10(joint[p] / other[p])) for p in common]


def gate_table(facts: Facts, thresholds: dict[str, float]) -> Table:
    """Missed and false motion [% of channel-seconds] of each arm with a motion mask."""
    columns = ["modality", "share", "method", "threshold", "missed, ±5 dB", "false, ±5 dB"]
    columns += ["missed + false, ±5 dB", "missed + false, all", "joint / method, ±5 dB"]
    rows = []
    shares = list(dict.fromkeys(s["share"] for s in facts.settings))
    for stream in VIEWS:
        for share in shares:
            for arm in arms_of(facts, stream):
                given = (facts, stream, arm, thresholds, share)
                near = [mistaken(*given, which=w) for w in ((0,), (1,), (0, 1))]
                whole = mistaken(*given, near=False)
                if not whole:
                    continue
                cells = [cell(list(v.values()), digits=2) for v in (*near, whole)]
                over = against_joint(facts, stream, arm, thresholds, share)
                cells.append(cell(over, ratio, 2) if arm != JOINT else "")
                at = thresholds.get(f"{stream}/{arm}", GATE_OPEN)
                rows.append([MODALITIES[stream].display, share, arm, f"{at:g}", *cells])
    return Table(columns, rows)
