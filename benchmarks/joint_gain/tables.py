"""Tables of errors in motion: strata, joint against each arm, joint against its controls.

An error is the energy of (output - truth) in motion over the truth's there. Sums are taken for each
person, then the mean over people in dB (seeds averaged inside a person) with a 95 % bootstrap
interval by person.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.common.statistics import cell, decibel, ratio
from benchmarks.joint_gain.facts import (
    JOINT,
    LEVEL,
    SHUFFLED,
    SILENT,
    TWIN,
    Facts,
    Segment,
    arms_of,
    strata,
    within,
)

TITLES = {
    ("eeg", "whole"): "EEG",
    ("eeg", "slow"): "EEG below 5 Hz",
    ("nirs", "band"): "fNIRS, 0.01-0.7 Hz",
    ("nirs", "unfiltered"): "fNIRS, unfiltered",
}


def by_person(
    found: list[Segment], figure: Callable[[list[Segment], int], float], seeds: range | list[int]
) -> list[float]:
    """A figure of each person's segments, averaged over seeds; people without it are left out."""
    people: dict[str, list[Segment]] = {}
    for segment in found:
        people.setdefault(segment.person, []).append(segment)
    values = [np.mean([figure(own, seed) for seed in seeds]) for own in people.values()]
    return [float(v) for v in values if np.isfinite(v)]


def pooled(arm: str, view: str) -> Callable[[list[Segment], int], float]:
    """Error [dB] of a person: summed over segments and channels, over the truth's sum."""

    def figure(own: list[Segment], seed: int) -> float:
        if any(arm not in s.error[seed] for s in own):
            return np.nan
        error = sum(s.error[seed][arm][view].sum() for s in own)
        return decibel(error, sum(s.truth[view].sum() for s in own))

    return figure


def median(arm: str, view: str) -> Callable[[list[Segment], int], float]:
    """Median error [dB] over a person's segments and the channels that move in them."""

    def figure(own: list[Segment], seed: int) -> float:
        if any(arm not in s.error[seed] for s in own):
            return np.nan
        error = np.concatenate([s.error[seed][arm][view] for s in own])
        truth = np.concatenate([s.truth[view] for s in own])
        moved = truth > 0
        return float(np.median(10 * np.log10((error[moved] + 1e-30) / truth[moved])))

    return figure


def against(arm: str, other: str, view: str) -> Callable[[list[Segment], int], float]:
    """Ratio [dB] of two arms' errors, summed over a person's segments."""
    one, two = pooled(arm, view), pooled(other, view)
    return lambda own, seed: one(own, seed) - two(own, seed)


def strata_table(facts: Facts, stream: str, view: str, kind: Callable) -> list[str]:
    """Every arm's error in every stratum."""
    found = facts.segments[stream]
    columns = {n: within(found, *edges) for n, edges in strata().items()}
    rows = [
        "| error [dB]; artifact/truth [dB] | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
        "| segments | " + " | ".join(str(len(own)) for own in columns.values()) + " |",
    ]
    for arm in arms_of(facts, stream):
        cells = [
            cell(by_person(own, kind(arm, view), range(facts.seeds))) for own in columns.values()
        ]
        rows.append(f"| {'**joint**' if arm == JOINT else arm} | " + " | ".join(cells) + " |")
    return rows


def difference_table(facts: Facts, stream: str, view: str) -> list[str]:
    """Joint over each other arm (ratio of errors), paired by person, by stratum."""
    found = facts.segments[stream]
    columns = {n: within(found, *edges) for n, edges in strata().items()}
    rows = [
        "| joint / other (ratio of error energies) | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for arm in arms_of(facts, stream):
        if arm != JOINT:
            cells = [
                cell(by_person(own, against(JOINT, arm, view), range(facts.seeds)), ratio, 2)
                for own in columns.values()
            ]
            rows.append(f"| {arm} | " + " | ".join(cells) + " |")
    return rows


def gain_table(facts: Facts) -> list[str]:
    """Joint over twin and controls for each share, people and each seed."""
    measures = {
        "EEG below 5 Hz": (facts.segments["eeg"], "eeg", "slow"),
        "EEG": (facts.segments["eeg"], "eeg", "whole"),
        "EEG within ±5 dB": (within(facts.segments["eeg"], *LEVEL), "eeg", "whole"),
        "fNIRS, 0.01-0.7 Hz": (facts.segments["nirs"], "nirs", "band"),
        "fNIRS within ±5 dB": (within(facts.segments["nirs"], *LEVEL), "nirs", "band"),
    }
    rows = [
        "| measure | share | joint / | ratio | each seed |",
        "|---|---|---|---|---|",
    ]
    shares = list(dict.fromkeys(s["share"] for s in facts.settings))
    for title, (found, stream, view) in measures.items():
        others = [a for a in arms_of(facts, stream) if a in (TWIN, SHUFFLED, SILENT)]
        others += [a for a in arms_of(facts, stream) if a.startswith("joint_")]
        for share in shares:
            own = [s for s in found if s.share == share]
            for other in others:
                figure = against(JOINT, other, view)
                alone = [by_person(own, figure, [k]) for k in range(facts.seeds)]
                each = ", ".join(f"{ratio(np.mean(v)):.2f}" for v in alone if v)
                value = cell(by_person(own, figure, range(facts.seeds)), ratio, 2)
                rows.append(f"| {title} | {share} | {other} | {value} | {each} |")
    return rows
