"""Tables of errors in motion: strata, joint against each arm, joint against its controls.

An error is the energy of (output - truth) in motion over the truth's there. Sums are taken for each
participant, then the mean over participants in dB (seeds averaged inside a participant) with a 95 %
bootstrap interval by participant.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.common.methods import JOINT
from benchmarks.common.page import Table, stacked
from benchmarks.common.statistics import cell, decibel, ratio
from benchmarks.joint_gain.facts import (
    LEARNED,
    NEAR,
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
Figure = Callable[[list[Segment], int], float]  # of a participant's segments and a seed


def by_participant(
    own_segments: list[Segment], figure: Figure, seeds: range | list[int]
) -> list[float]:
    """A figure of each participant's segments, averaged over seeds; those without it left out."""
    own: dict[str, list[Segment]] = {}
    for segment in own_segments:
        own.setdefault(segment.participant, []).append(segment)
    values = [np.mean([figure(each, seed) for seed in seeds]) for each in own.values()]
    return [float(v) for v in values if np.isfinite(v)]


def pooled(arm: str, view: str) -> Figure:
    """Error [dB] of a participant: summed over segments and channels, over the truth's sum."""

    def figure(own: list[Segment], seed: int) -> float:
        if any(arm not in s.error[seed] for s in own):
            return np.nan
        error = sum(s.error[seed][arm][view].sum() for s in own)
        return decibel(error, sum(s.truth[view].sum() for s in own))

    return figure


def median(arm: str, view: str) -> Figure:
    """Median error [dB] over a participant's segments and the channels in motion in them."""

    def figure(own: list[Segment], seed: int) -> float:
        if any(arm not in s.error[seed] for s in own):
            return np.nan
        error = np.concatenate([s.error[seed][arm][view] for s in own])
        truth = np.concatenate([s.truth[view] for s in own])
        in_motion = truth > 0
        return float(np.median(10 * np.log10((error[in_motion] + 1e-30) / truth[in_motion])))

    return figure


def against(arm: str, other: str, view: str) -> Figure:
    """Ratio [dB] of two arms' errors, summed over a participant's segments."""
    one, two = pooled(arm, view), pooled(other, view)
    return lambda own, seed: one(own, seed) - two(own, seed)


def strata_table(facts: Facts) -> Table:
    """Every arm's error in every stratum and view: pooled, median, and joint over it."""
    parts = {}
    for (stream, view), title in TITLES.items():
        parts[title] = stacked(
            {
                "segments": _counts(facts, stream),
                "error pooled [dB]": _errors(facts, stream, view, pooled),
                "error, median of channels [dB]": _errors(facts, stream, view, median),
                "error of joint / error of method": _ratios(facts, stream, view),
            },
            "figure",
        )
    return stacked(parts, "view")


def _columns(facts: Facts, stream: str) -> dict[str, list[Segment]]:
    return {n: within(facts.segments[stream], *edges) for n, edges in strata().items()}


def _counts(facts: Facts, stream: str) -> Table:
    columns = _columns(facts, stream)
    return Table(["method", *columns], [["", *(str(len(own)) for own in columns.values())]])


def _errors(facts: Facts, stream: str, view: str, kind: Callable[[str, str], Figure]) -> Table:
    columns, seeds = _columns(facts, stream), range(facts.seeds)
    rows = [
        [arm, *(cell(by_participant(own, kind(arm, view), seeds)) for own in columns.values())]
        for arm in arms_of(facts, stream)
    ]
    return Table(["method", *columns], rows)


def _ratios(facts: Facts, stream: str, view: str) -> Table:
    columns, seeds = _columns(facts, stream), range(facts.seeds)
    rows = []
    for arm in arms_of(facts, stream):
        if arm != JOINT:
            figure = against(JOINT, arm, view)
            values = [by_participant(own, figure, seeds) for own in columns.values()]
            rows.append([arm, *(cell(v, ratio, 2) for v in values)])
    return Table(["method", *columns], rows)


def setting_table(facts: Facts, everything: Facts) -> Table:
    """Every arm's error in all motion, whatever its size, by what is shared and by severity."""
    seeds = range(facts.seeds)
    keys = list(dict.fromkeys((s["share"], s["severity"]) for s in facts.settings))
    rows = []
    for (stream, view), title in TITLES.items():
        for share, severity in keys:
            own, unspared = (
                of_setting(f.segments[stream], (share,), severity) for f in (facts, everything)
            )
            for arm in arms_of(facts, stream):
                kinds = (own, pooled), (own, median), (unspared, pooled)
                cells = [cell(by_participant(s, kind(arm, view), seeds)) for s, kind in kinds]
                rows.append([title, share, f"{severity:g}", arm, *cells])
    columns = ["view", "share", "severity", "method", "error pooled [dB]"]
    columns += ["error, median of channels [dB]", "error pooled, nothing left out [dB]"]
    return Table(columns, rows)


def of_setting(
    own_segments: list[Segment], shares: tuple[str, ...], severity: float
) -> list[Segment]:
    """Segments of some shares and one severity."""
    return [s for s in own_segments if s.share in shares and s.severity == severity]


def gain_table(facts: Facts) -> Table:
    """Joint over the single-modality models and controls for each share, and each seed."""
    measures = {
        "EEG below 5 Hz": (facts.segments["eeg"], "eeg", "slow"),
        "EEG": (facts.segments["eeg"], "eeg", "whole"),
        "EEG within ±5 dB": (within(facts.segments["eeg"], *NEAR), "eeg", "whole"),
        "fNIRS, 0.01-0.7 Hz": (facts.segments["nirs"], "nirs", "band"),
        "fNIRS within ±5 dB": (within(facts.segments["nirs"], *NEAR), "nirs", "band"),
    }
    rows = []
    shares = list(dict.fromkeys(s["share"] for s in facts.settings))
    for title, (own_segments, stream, view) in measures.items():
        others = [a for a in arms_of(facts, stream) if a in LEARNED and a != JOINT]
        others += [a for a in arms_of(facts, stream) if a.startswith("joint_")]
        for share in shares:
            own = [s for s in own_segments if s.share == share]
            for other in others:
                figure = against(JOINT, other, view)
                alone = [by_participant(own, figure, [k]) for k in range(facts.seeds)]
                each = ", ".join(f"{ratio(float(np.mean(v))):.2f}" for v in alone if v)
                value = cell(by_participant(own, figure, range(facts.seeds)), ratio, 2)
                rows.append([title, share, other, value, each])
    return Table(["measure", "share", "joint /", "ratio", "each seed"], rows)
