"""What the joint model is to reach, beside what `joint_gain.py` found."""

from collections.abc import Callable, Iterator

from benchmarks.common.statistics import interval, ratio
from benchmarks.joint_gain.facts import (
    ASKED,
    BLIND,
    FLOORS,
    JOINT,
    LEVEL,
    SHUFFLED,
    SILENT,
    TWIN,
    Facts,
    arms_of,
    strata,
    within,
)
from benchmarks.joint_gain.gates import against_joint
from benchmarks.joint_gain.rest import quiet_change
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.joint_gain.tables import TITLES, against, by_person, median, pooled
from neurofuse.fusion.methods.registry import LEARNED

Row = tuple[str, Callable[[float], float], list[float], float]  # what, its unit, people, at most

NETS = {peer.name for peer in LEARNED}
OVER_ZERO = -5.5  # dB
OVER_PEER = 0.4
UNCHANGED = {"eeg": -35.0, "nirs": -30.0}  # dB
OVER_TWIN = {  # by share
    ("eeg", "slow"): {"full": 0.75, "partial": 0.85, "timing": 0.95, "none": 1.01},
    ("nirs", "band"): {"full": 0.75, "partial": 0.80, "timing": 0.85, "none": 1.01},
}
NEAR_TIMING = 0.80  # EEG near the signal's level, shared timing
MISTAKES = 0.4


def target_table(facts: Facts, thresholds: dict[str, float]) -> list[str]:
    """Each target, what was found, and whether the interval lies below it."""
    rows = ["| what | found | target | met |", "|---|---|---|---|"]
    for what, unit, values, most in targets(facts, thresholds):
        if values:
            middle, low, high = (unit(v) for v in interval(values))
            met = "yes" if high <= most else "on average" if middle <= most else "no"
            digits = 1 if unit is float else 2
            found = f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
            rows.append(f"| {what} | {found} | ≤ {most:g} | {met} |")
    return rows


def targets(facts: Facts, thresholds: dict[str, float]) -> Iterator[Row]:
    """All targets: dB or, as ratios, dB with the function that makes them ratios."""
    seeds = range(facts.seeds)
    eeg = facts.segments["eeg"]
    for name, edges in strata().items():
        if ASKED[0] <= edges[0] and edges[1] <= ASKED[1]:
            own = within(eeg, *edges)
            for kind, title in ((pooled, "pooled"), (median, "median")):
                values = by_person(own, kind(JOINT, "whole"), seeds)
                yield f"EEG {name} dB, {title} [dB]", float, values, OVER_ZERO
            values = by_person(own, against(JOINT, BLIND, "whole"), seeds)
            yield f"EEG {name} dB / {BLIND}", ratio, values, 1.0
    for stream, view in TITLES:
        if view != "slow":
            own = within(facts.segments[stream], *ASKED)
            for kind, nets, most in (("peer", False, OVER_PEER), ("net of the zoo", True, 1.0)):
                best = best_peer(facts, stream, view, nets)
                if best:
                    values = by_person(own, against(JOINT, best, view), seeds)
                    yield f"{TITLES[stream, view]} / best {kind} ({best})", ratio, values, most
    for (stream, view), by_share in OVER_TWIN.items():
        for share, most in by_share.items():
            own = [s for s in facts.segments[stream] if s.share == share]
            values = by_person(own, against(JOINT, TWIN, view), seeds)
            yield f"{TITLES[stream, view]}, {share}: joint / twin", ratio, values, most
    own = [s for s in within(eeg, *LEVEL) if s.share == "timing"]
    values = by_person(own, against(JOINT, TWIN, "whole"), seeds)
    yield "EEG within ±5 dB, timing: joint / twin", ratio, values, NEAR_TIMING
    for stream in VIEWS:
        values = against_joint(facts, stream, TWIN, thresholds, "timing")
        yield f"{stream}: missed + false, ±5 dB, timing: joint / twin", ratio, values, MISTAKES
    for stream, most in UNCHANGED.items():
        for case in ("nobody moves", "partner moves"):
            yield (
                f"{stream}: change when {case} [dB]",
                float,
                quiet_change(facts, stream, case, JOINT),
                most,
            )


def best_peer(facts: Facts, stream: str, view: str, nets: bool = False) -> str | None:
    """The single-modality method (in use, or a net of the zoo) with the least error, on these."""
    own = within(facts.segments[stream], *ASKED)
    learned = (JOINT, TWIN, SHUFFLED, SILENT)
    peers = [
        a
        for a in arms_of(facts, stream)
        if a not in (*learned, *FLOORS) and not a.startswith("joint_") and (a in NETS) == nets
    ]
    errors = {a: by_person(own, pooled(a, view), range(facts.seeds)) for a in peers}
    means = {a: interval(v)[0] for a, v in errors.items() if v}
    return min(means, key=lambda a: means[a]) if means else None
