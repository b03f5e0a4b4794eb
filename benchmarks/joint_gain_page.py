"""The page of `joint_gain.py`: tables of errors, of gates, of the change to streams at rest."""

import json
from pathlib import Path

import numpy as np
from joint_gain_facts import JOINT, LEVEL, PERSON, Facts, arms_of
from joint_gain_segments import THRESHOLDS, VIEWS
from joint_gain_tables import (
    cell,
    decibel,
    difference_table,
    gain_table,
    median,
    pooled,
    ratio,
    strata_table,
)

NOTHING = -100.0  # dB, for a change of nothing at all
TITLES = {
    ("eeg", "whole"): "EEG",
    ("eeg", "slow"): "EEG below 5 Hz",
    ("nirs", "band"): "fNIRS, 0.01-0.7 Hz",
    ("nirs", "unfiltered"): "fNIRS, unfiltered",
}


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


def gate_table(facts: Facts, thresholds: dict[str, float]) -> list[str]:
    """Missed and false motion of each arm with a gate."""
    rows = [
        "| stream | share | arm | threshold | missed, ±5 dB | false, ±5 dB | missed + false, ±5 dB "
        "| missed + false, all | joint / arm, ±5 dB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    shares = list(dict.fromkeys(s["share"] for s in facts.settings))

    def values(stream: str, arm: str, near: bool, share: str, which: list[int]) -> dict[str, float]:
        at = THRESHOLDS.index(thresholds.get(f"{stream}/{arm}", 0.5))
        found = rates(facts, stream, arm, near, share)
        return {
            person: float(np.mean([100 * p[which, at].sum() / max(p[2, at], 1e-9) for p in own]))
            for person, own in found.items()
        }

    for stream in VIEWS:
        for share in shares:
            base = values(stream, JOINT, True, share, [0, 1])
            for arm in arms_of(facts, stream):
                near = [values(stream, arm, True, share, w) for w in ([0], [1], [0, 1])]
                whole = values(stream, arm, False, share, [0, 1])
                if not whole:
                    continue
                common = [p for p in near[2] if p in base and base[p] > 0 and near[2][p] > 0]
                over = [10 * np.log10(base[p] / near[2][p]) for p in common]
                cells = [cell(list(v.values()), digits=2) for v in (*near, whole)]
                told = thresholds.get(f"{stream}/{arm}", 0.5)
                cells.append(cell(over, ratio, 2) if arm != JOINT else "")
                rows.append(
                    f"| {stream} | {share} | {arm} | {told:g} | " + " | ".join(cells) + " |"
                )
    return rows


def rest_table(facts: Facts) -> list[str]:
    """Change made to streams without motion, and to channels at rest while others move."""
    rows = ["| stream | case | arm | change [dB] |", "|---|---|---|---|"]
    for stream in VIEWS:
        for case in ("nobody moves", "partner moves"):
            arms = dict.fromkeys(arm for _, seeds in facts.clean for s in seeds for arm in s)
            for arm in arms:
                people: dict[str, list[float]] = {}
                for pair, seeds in facts.clean:
                    for seed in seeds:
                        told = seed.get(arm, {}).get(case, {})
                        if stream in told:
                            level = told[stream]
                            energy = 0.0 if level is None else ratio(level)
                            people.setdefault(pair.split("+")[PERSON[stream]], []).append(energy)
                if people:
                    values = [
                        max(decibel(float(np.mean(v)), 1.0), NOTHING) for v in people.values()
                    ]
                    shown = cell(values) if max(values) > NOTHING else "none"
                    rows.append(f"| {stream} | {case} | {arm} | {shown} |")
        for arm in arms_of(facts, stream):
            people = {}
            for setting in facts.settings:
                if setting["stream"] == stream:
                    for seed in setting["seeds"]:
                        if arm in seed:
                            people.setdefault(setting["person"], []).append(seed[arm]["beside"])
            sums = [np.sum(v, axis=0) for v in people.values()]
            values = [max(decibel(a, b), NOTHING) for a, b in sums if b > 0]
            if values and max(values) > NOTHING:
                rows.append(
                    f"| {stream} | others move, the channel rests | {arm} | {cell(values)} |"
                )
    return rows


INTRODUCTION = """# What the joint model gains

Made by `python benchmarks/joint_gain.py --part {part}` from recordings of {eeg} people's EEG and
{nirs} other people's fNIRS with injected motion, {seeds} training seed(s). The people are those of
`models/split.json` and the recordings those of `benchmarks/injected_motion.py`; sharing {shares}.

A segment is a stretch in which any channel moves (fNIRS: widened by 2 s). A channel's samples count
where it moves itself. An error is the energy of (output - truth) over the truth's, constants of
whole channels removed: zeros have 0 dB. Strata by a segment's artifact over its truth (fNIRS: in
0.01-0.7 Hz), channels pooled, all settings of sharing and all severities together. Sums for each
person, then the mean over people in dB, seeds averaged within a person, with a 95 % bootstrap
interval by person ({few}). Ratios are geometric means.
"""


def page(facts: Facts, part: str, kept: Path) -> str:
    """Markdown of everything; thresholds are set on validation and kept in a JSON for the test."""
    people = {s: {g.person for g in facts.segments[s]} for s in VIEWS}
    names = {f"{s}/{a}": best_threshold(facts, s, a) for s in VIEWS for a in arms_of(facts, s)}
    found = {n: t for n, t in names.items() if t is not None}
    told = "set here, on validation people, to the least missed plus false motion within ±5 dB"
    if part == "validation":
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found, indent=1) + "\n")
        thresholds = found
    else:
        thresholds = json.loads(kept.read_text()) if kept.exists() else {}
        lacking = sorted(set(found) - set(thresholds))
        told = "set on validation people" if thresholds else "0.5, since no validation run set any"
        if thresholds and lacking:
            told += f"; 0.5 for {', '.join(lacking)}, which were not run there"
    shares = ", ".join(dict.fromkeys(s["share"] for s in facts.settings))
    few = "intervals of so few people are too narrow" if len(people["nirs"]) < 6 else "by person"
    counts = {s: len(p) for s, p in people.items()}
    text = [
        INTRODUCTION.format(part=part, seeds=facts.seeds, shares=shares, few=few, **counts),
        "## Joint against its twin and controls\n",
        "A shuffled partner is somebody else's disturbed stream; a silent one is withheld.\n",
        *gain_table(facts),
    ]
    for stream, both in VIEWS.items():
        for view in both:
            title = TITLES[stream, view]
            text += [f"\n## {title}: pooled over segments and channels\n"]
            text += strata_table(facts, stream, view, pooled)
            text += [f"\n## {title}: median over segments and channels\n"]
            text += strata_table(facts, stream, view, median)
            text += [f"\n## {title}: joint against each, pooled\n"]
            text += difference_table(facts, stream, view)
    text += [
        "\n## Missed and false motion\n",
        f"Percent of channel-seconds; thresholds {told}. Missed: moving, with an artifact whose "
        "energy within 0.5 s exceeds a fifth of the channel's (fNIRS: of changes), gate below the "
        "threshold. False: not moving, gate at or above it. Smaller motion counts neither way. "
        "±5 dB: segments of that size and the time between segments.\n",
        *gate_table(facts, thresholds),
        "\n## Change to what does not move\n",
        "Energy of the change over the truth's, fNIRS of sample-to-sample changes.\n",
        *rest_table(facts),
    ]
    if facts.failures:
        text += ["\n## Did not run\n", *(f"- {why}" for why in sorted(facts.failures))]
    return "\n".join(text).rstrip() + "\n"
