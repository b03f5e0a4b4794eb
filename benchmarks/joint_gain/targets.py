"""Targets of the joint model, compared with the results of `joint_gain`."""

from collections.abc import Callable, Iterator

from benchmarks.common.methods import JOINT, NETWORKS
from benchmarks.common.page import Table
from benchmarks.common.statistics import interval, ratio
from benchmarks.joint_gain.facts import (
    ALONE,
    FLOORS,
    LEARNED,
    NEAR,
    NO_REFERENCE,
    TARGETED,
    Facts,
    arms_of,
    strata,
    within,
)
from benchmarks.joint_gain.gates import against_joint
from benchmarks.joint_gain.rest import NO_MOTION, PARTNER_ONLY, quiet_change
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.joint_gain.tables import TITLES, against, by_participant, median, of_setting, pooled
from neurofuse.io.modality import MODALITIES

Row = tuple[str, Callable[[float], float], list[float], float]  # what, unit, values, at most

OVER_ZERO = -5.5  # dB
OVER_BASELINE, OVER_NETWORK = 0.4, 1.0  # ratios of errors
UNCHANGED = {"eeg": -35.0, "nirs": -30.0}  # dB
OVER_ALONE = {  # ratios of errors, by share
    ("eeg", "slow"): {"full": 0.75, "partial": 0.85, "timing": 0.95, "none": 1.01},
    ("nirs", "band"): {"full": 0.75, "partial": 0.80, "timing": 0.85, "none": 1.01},
}
WEAK, STRONG = 0.2, 1.0  # severities
BY_SEVERITY = (  # dB in all motion, whatever its size
    ("eeg", "whole", ("timing",), WEAK, -8.5),
    ("eeg", "whole", ("timing",), STRONG, -7.5),
    ("eeg", "whole", ("full",), STRONG, -5.0),
    ("nirs", "band", ("timing", "full"), WEAK, -9.5),
    ("nirs", "band", ("timing", "full"), STRONG, -6.5),
    ("nirs", "unfiltered", ("timing", "full"), STRONG, -4.0),
)
NEAR_TIMING = 0.80  # EEG, artifacts near the signal's size, shared timing
MISTAKES = 0.4


def target_table(facts: Facts, thresholds: dict[str, float]) -> Table:
    """Each target, its measured value, and whether the interval lies below the target."""
    rows = []
    for what, unit, values, most in targets(facts, thresholds):
        if values:
            middle, low, high = (unit(v) for v in interval(values))
            met = "yes" if high <= most else "on average" if middle <= most else "no"
            digits = 1 if unit is float else 2
            value = f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
            rows.append([what, value, f"≤ {most:g}", met])
    return Table(["what", "found", "target", "met"], rows)


def targets(facts: Facts, thresholds: dict[str, float]) -> Iterator[Row]:
    """All targets: dB or, as ratios, dB with the function that makes them ratios."""
    seeds = range(facts.seeds)
    eeg = facts.segments["eeg"]
    for name, edges in strata().items():
        if TARGETED[0] <= edges[0] and edges[1] <= TARGETED[1]:
            own = within(eeg, *edges)
            for kind, title in ((pooled, "pooled"), (median, "median")):
                values = by_participant(own, kind(JOINT, "whole"), seeds)
                yield f"EEG {name} dB, {title} [dB]", float, values, OVER_ZERO
            values = by_participant(own, against(JOINT, NO_REFERENCE, "whole"), seeds)
            yield f"EEG {name} dB / {NO_REFERENCE}", ratio, values, 1.0
    for (stream, view), title in TITLES.items():
        if view != "slow":
            own = within(facts.segments[stream], *TARGETED)
            for kind, most in (("method", OVER_BASELINE), ("network", OVER_NETWORK)):
                best = best_baseline(facts, stream, view, networks=kind == "network")
                if best:
                    values = by_participant(own, against(JOINT, best, view), seeds)
                    yield f"{title} / best baseline {kind} ({best})", ratio, values, most
    for (stream, view), by_share in OVER_ALONE.items():
        for share, most in by_share.items():
            own = [s for s in facts.segments[stream] if s.share == share]
            values = by_participant(own, against(JOINT, ALONE, view), seeds)
            yield f"{TITLES[stream, view]}, {share}: joint / {ALONE}", ratio, values, most
    for stream, view, some, severity, most in BY_SEVERITY:
        own = of_setting(facts.segments[stream], some, severity)
        values = by_participant(own, pooled(JOINT, view), seeds)
        title = f"{TITLES[stream, view]}, {' and '.join(some)}, severity {severity:g} [dB]"
        yield title, float, values, most
    own = [s for s in within(eeg, *NEAR) if s.share == "timing"]
    values = by_participant(own, against(JOINT, ALONE, "whole"), seeds)
    yield f"EEG within ±5 dB, timing: joint / {ALONE}", ratio, values, NEAR_TIMING
    for stream in VIEWS:
        values = against_joint(facts, stream, ALONE, thresholds, "timing")
        what = f"{MODALITIES[stream].display}: missed + false, ±5 dB, timing: joint / {ALONE}"
        yield what, ratio, values, MISTAKES
    for stream, most in UNCHANGED.items():
        for case in (NO_MOTION, PARTNER_ONLY):
            values = quiet_change(facts, stream, case, JOINT)
            yield f"{MODALITIES[stream].display}: change, {case} [dB]", float, values, most


def best_baseline(facts: Facts, stream: str, view: str, *, networks: bool = False) -> str | None:
    """The baseline method, or the baseline network, with the least error on these recordings."""
    errors = errors_of_baselines(facts, stream, view)
    means = {arm: mean for arm, mean in errors.items() if (arm in NETWORKS) == networks}
    return min(means, key=lambda arm: means[arm]) if means else None


def errors_of_baselines(facts: Facts, stream: str, view: str) -> dict[str, float]:
    """Mean error [dB] of every baseline method that ran."""
    own = within(facts.segments[stream], *TARGETED)
    arms = [
        arm
        for arm in arms_of(facts, stream)
        if arm not in (*LEARNED, *FLOORS) and not arm.startswith("joint_")
    ]
    errors = {a: by_participant(own, pooled(a, view), range(facts.seeds)) for a in arms}
    return {a: interval(v)[0] for a, v in errors.items() if v}
