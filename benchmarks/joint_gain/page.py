"""The page of `joint_gain`: its text around the tables, and the thresholds of motion masks."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.methods import JOINT, NETWORKS
from benchmarks.common.page import Page, Table
from benchmarks.joint_gain.facts import UNTOLD, Facts, arms_of
from benchmarks.joint_gain.gates import best_threshold, gate_table
from benchmarks.joint_gain.overview import overview, shown, summaries
from benchmarks.joint_gain.rest import rest_table
from benchmarks.joint_gain.segments import VIEWS
from benchmarks.joint_gain.tables import TITLES, gain_table, setting_table, strata_table
from benchmarks.joint_gain.targets import target_table
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import GATE_OPEN

TITLE = "What the joint model gains on injected motion"
QUESTION = """How much error is left in motion after each method, and how much of the gain comes
from the other modality? Resting EEG of {eeg} participants, each beside the fNIRS of one of {nirs}
others, 150 s{unseen} (`models/training/split.json`): both modalities share nothing but the
injected motion. What it shares: {share}; severity {severity}. {weights}.

Error: energy of (output − truth) in motion over the truth's energy there, segments whose artifact
is −5 to 20 dB of the signal, pooled for each participant; mean over participants with its 95 %
bootstrap interval; an output of zeros has 0 dB. The mismatched partner is the contaminated other
modality of another participant; the silent one is withheld. Left out for every method alike are
samples that the verdict of the packaged joint model calls lost: {lost} of channel-time in motion.
Every method is scored by what it made, before verdicts return lost samples as recorded."""
LIMITS = """{targets} Intervals of {nirs} participants are too narrow. {thresholds} {unspared}
This is the {opening} time that these test participants are opened, and the limit beyond which a
mask means lost contact was set with them in sight. FineMI sub-06 is not independent: the fNIRS
stage was first designed on it and three others, before the split. ICA's rule was designed on some
of the test participants, in ICA's favour. p values (Wilcoxon by participant against joint, Holm)
are in the CSV."""
COMMAND = "python -m benchmarks.joint_gain --part {part}{options} --page docs/measured/{name}.md"
CAPTION = "Error of every method with its 95 % interval, EEG and fNIRS"


@dataclass(frozen=True)
class Described:
    """What the page says of a run beside its tables."""

    part: str
    weights: str
    eeg: int  # participants
    nirs: int
    share: str
    severity: str
    thresholds: str  # how those of motion masks were set
    lost: str  # how much of motion is left out
    seeds: int = 1  # of training
    options: str = ""  # of the command

    @property
    def opening(self) -> str:
        """How often the test participants were opened, with this page: the seeds came last."""
        return "eighth" if self.seeds > 1 else "seventh"


def described(facts: Facts, part: str, weights: str, thresholds: str, options: str) -> Described:
    """The description of a run from what it computed."""
    counts = {s: len({g.participant for g in facts.segments[s]}) for s in VIEWS}
    settings = {
        k: ", ".join(dict.fromkeys(str(s[k]) for s in facts.settings))
        for k in ("share", "severity")
    }
    return Described(
        part, weights, counts["eeg"], counts["nirs"], **settings,
        thresholds=thresholds, lost=" and ".join(lost_share(facts, s) for s in VIEWS),
        seeds=facts.seeds, options=options,
    )  # fmt: skip


def lost_share(facts: Facts, stream: str) -> str:
    """How much of the channel-time in motion of a modality is lost, in all and at most."""
    seconds = np.array([s["lost"] for s in facts.settings if s["stream"] == stream])
    shares = 100 * seconds[:, 0] / np.maximum(seconds[:, 1], 1e-9)
    mean = 100 * seconds[:, 0].sum() / max(seconds[:, 1].sum(), 1e-9)
    name = MODALITIES[stream].display
    return f"{mean:.1f} % ({name}; at most {shares.max():.1f} % in a recording)"


def tables(facts: Facts, everything: Facts, thresholds: dict[str, float]) -> dict[str, Table]:
    """All tables, by the ending of their file."""
    all_tables = {
        "": overview(summaries(facts)),
        "nothing_left_out": overview(summaries(everything)),
        "targets": target_table(facts, thresholds),
        "controls": gain_table(facts),
        "strata": strata_table(facts),
        "settings": setting_table(facts, everything),
        "motion_masks": gate_table(facts, thresholds),
        "rest": rest_table(facts),
    }
    if facts.failures:
        all_tables["failures"] = Table(["did not run"], [[why] for why in sorted(facts.failures)])
    return all_tables


def page(data: dict[str, Table], run: Described, name: str, *, figure: bool = False) -> Page:
    """The page of a run's tables."""
    unseen = ", none of them used in training or in choosing a checkpoint"
    verdicts = [row[-1] for row in data["targets"].rows]
    met = f"Of {len(verdicts)} targets set beforehand {verdicts.count('yes')} are met."
    has_networks = any(row[0] in NETWORKS for row in data[""].rows)
    values = {**vars(run), "name": name, "unseen": unseen if run.part == "test" else ""}
    return Page(
        title=TITLE
        + (", over training seeds" if run.seeds > 1 else "")
        + (", beside single-channel baseline networks" if has_networks else ""),
        question=QUESTION.format(**values),
        table=shown(data[""], data["nothing_left_out"]),
        limits=LIMITS.format(
            targets=met, unspared=unspared(data["settings"]), opening=run.opening, **values
        ),
        command=COMMAND.format(**values),
        data=data,
        figure=CAPTION if figure else "",
    )


def unspared(settings: Table) -> str:
    """EEG in all motion, that of more than the table's size too: joint with nothing left out."""
    at = settings.columns.index("error pooled, nothing left out [dB]")
    eeg = settings.only("view", [TITLES["eeg", "whole"]])

    def errors(arm: str) -> list[str]:
        """Mean errors with nothing left out."""
        return [row[at].split()[0] for row in eeg.only("method", [arm]).rows]

    if not errors(UNTOLD):
        return ""
    places = [f"{row[1]} {row[2]}" for row in eeg.only("method", [UNTOLD]).rows]
    return (
        "In all EEG in motion, with nothing left out, joint has "
        f"{', '.join(errors(UNTOLD))} dB ({', '.join(places)}) if told that nothing is lost, as in "
        f"its row above, {', '.join(errors(JOINT))} dB as it is: it returns lost EEG as recorded."
    )


def mask_thresholds(facts: Facts, part: str, file: Path) -> tuple[dict[str, float], str]:
    """Thresholds of motion masks, set on validation participants and stored in a JSON for the test.

    Returns them and a sentence that says how they were set.
    """
    best = {f"{s}/{a}": best_threshold(facts, s, a) for s in VIEWS for a in arms_of(facts, s)}
    chosen = {name: at for name, at in best.items() if at is not None}
    if part == "validation":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(chosen, indent=1) + "\n")
        return chosen, "Thresholds of motion masks were set on these participants."
    if not file.exists():
        return {}, f"Thresholds of motion masks are {GATE_OPEN:g}: no validation run set any."
    stored = json.loads(file.read_text())
    how = "Thresholds of motion masks were set on validation participants"
    lacking = sorted(set(chosen) - set(stored))
    more = f" ({GATE_OPEN:g} for {', '.join(lacking)}, which were not run there)" if lacking else ""
    return stored, f"{how}{more}."
