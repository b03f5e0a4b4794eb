"""The page of `joint_gain.py`: tables of errors, of gates, of the change to streams at rest."""

import json
from pathlib import Path

from benchmarks.joint_gain.facts import Facts, arms_of
from benchmarks.joint_gain.gates import best_threshold, gate_table
from benchmarks.joint_gain.overview import overview
from benchmarks.joint_gain.rest import rest_table
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.joint_gain.tables import (
    TITLES,
    difference_table,
    gain_table,
    median,
    pooled,
    strata_table,
)
from benchmarks.joint_gain.targets import NETS, target_table

DRAWN = ("share", "severity")  # what each setting of a recording is drawn with

INTRODUCTION = """# What the joint model gains{title}

Made by `python -m benchmarks.joint_gain --part {part}`: {eeg} people's resting EEG with {nirs}
other people's fNIRS, none of them used in training{unseen} (`models/training/split.json`), 150 s
each; of fNIRS the stretch with the least movement of its own (GVTD) and channels with a scalp
coupling index of 0.4 or more. The streams of a pair share nothing but the injected movement:
sharing {share}; severity {severity}. {seeds} training seed(s):
{weights}.

A segment is a stretch in which any channel moves (fNIRS: widened by 2 s). A channel's samples count
where it moves itself. An error is the energy of (output - truth) over the truth's, medians of
whole channels removed: zeros have 0 dB. Strata by a segment's artifact over its truth (fNIRS: in
0.01-0.7 Hz), channels pooled, all settings of sharing and all severities together. Sums for each
person, then the mean over people in dB, seeds averaged within a person, with a 95 % bootstrap
interval by person ({few}). Ratios are geometric means.

Five earlier models, no longer packaged, were scored on the same people; the last had the same
weights and another `FREE` in `models/joint/baseline_level.py`. FineMI sub-06 was one of four people on whom the
fNIRS stage was sketched, before the split was written. ICA's rule was written with some of these
people in view, in ICA's favour; its threshold is now chosen on validation people, as are all
settings of peers.
"""


def page(facts: Facts, part: str, kept: Path, weights: str, figure: Path | None = None) -> str:
    """Markdown of everything; `weights` says which; a picture goes to `figure`.

    Thresholds are set on validation people and kept in a JSON for the test.
    """
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
    every_arm = {arm for s in VIEWS for arm in arms_of(facts, s)}
    settings = {k: ", ".join(dict.fromkeys(str(s[k]) for s in facts.settings)) for k in DRAWN}
    few = "intervals of so few people are too narrow" if len(people["nirs"]) < 6 else "by person"
    peers = ", beside its peers" if "asr" in every_arm else ""
    beside = ", beside the zoo" if NETS & every_arm else peers
    title = " over seeds" if facts.seeds > 1 else beside
    unseen = " or in choosing a checkpoint" if part == "test" else ""
    counts = {s: len(p) for s, p in people.items()} | {"seeds": facts.seeds}
    text = [
        INTRODUCTION.format(
            part=part,
            title=title,
            weights=weights,
            unseen=unseen,
            few=few,
            **settings,
            **counts,
        ),
        "## All methods\n",
        "Segments of -5 to 20 dB, pooled. p: Wilcoxon's signed-rank test by person against joint, "
        "corrected for the number of methods (Holm); with five people none can be below 0.06, with "
        "nine below 0.004 before correction.\n",
        *overview(facts, figure),
        "\n## Targets\n",
        *target_table(facts, thresholds),
        "\n## Joint against its twin and controls\n",
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
