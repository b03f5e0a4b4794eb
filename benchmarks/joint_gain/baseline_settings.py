"""Each baseline method's best setting, chosen on validation participants.

    python -m benchmarks.joint_gain.baseline_settings --page docs/measured/baseline_settings.md

All combinations of a method's `choices`, for each modality by itself. Error in motion as in
`joint_gain`: segments whose artifact is -5 to 20 dB of the signal, pooled for each participant,
mean over participants in dB; for fNIRS the mean of that in 0.01-0.7 Hz and unfiltered. Of settings
within 0.2 dB of the least error, which so few participants do not distinguish, the one that changes
quiet parts least is best. Resumable: one JSON a setting.
"""

import argparse
import hashlib
import json
import logging
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr
from rich.progress import track

from benchmarks.common.clean_pairs import pairs
from benchmarks.common.keys import method_key
from benchmarks.common.methods import baselines, get_method
from benchmarks.common.page import Page, Table, stacked
from benchmarks.common.paths import ROOT, write
from benchmarks.joint_gain import segments
from benchmarks.joint_gain.arms import pairs_key
from benchmarks.joint_gain.facts import PARTICIPANT, TARGETED, sizes
from neurofuse.fusion.metrics.errors import score
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import MODALITIES, NIRS
from neurofuse.io.recording import without_stream
from neurofuse.synth import inject

SEVERITIES = (0.15, 0.5)
FIRST_SEED = 1000
TIE = 0.2  # dB


@dataclass(frozen=True)
class Case:
    """A contaminated recording with its truth, and the segments that count."""

    participant: str
    original: xr.DataTree
    contaminated: xr.DataTree
    data: segments.Material
    counted: list[int]  # segments
    truth: dict[str, list[list[float]]]  # energies by view


def cases(stream: str) -> list[Case]:
    """All validation recordings at all severities."""
    made = []
    for number, (name, recording) in enumerate(pairs("validation")):
        for severity in SEVERITIES:
            truth, contaminated = inject(
                recording, seed=FIRST_SEED + number, severity=severity, share="timing"
            )
            data = segments.material(truth, contaminated, stream)
            energy = segments.energies(data.truth, data)
            artifact = segments.energies(data.contaminated - data.truth, data)
            size = sizes(artifact, energy, stream)
            counted = [k for k, v in enumerate(size) if TARGETED[0] <= v < TARGETED[1]]
            participant = name.split("+")[PARTICIPANT[stream]]
            made.append(Case(participant, truth, contaminated, data, counted, energy))
    return made


def combinations(name: str, stream: str) -> list[dict]:
    """Every setting that is tried; the method's own one if there is no choice."""
    one = baselines()[name].treatments[stream]
    own = dict(one.settings)
    made = [
        own | dict(zip(one.choices, values, strict=True))
        for values in product(*one.choices.values())
    ]
    return made if own in made else [own, *made]


def facts(name: str, stream: str, setting: dict, tried: list[Case]) -> dict:
    """Energies in counted segments and change of quiet parts, or why the method did not run."""
    view_names = segments.VIEWS[stream]
    rows = []
    for case in tried:
        given = case.contaminated
        if "partner" not in baselines()[name].treatments[stream].references:
            given = without_stream(given, MODALITIES[stream].other.name)
        try:
            cleaned = get_method(name, **setting).transform(given)
        except NeurofuseError as error:
            return {"failure": str(error)}
        values = segments.samples(cleaned, stream, case.data.channel) - case.data.truth
        harm = score(case.original, given, cleaned).value.loc[stream, "clean_change_db"]
        error = segments.energies(values, case.data)
        sums = {
            key: {v: sum(map(sum, (energy[v][k] for k in case.counted))) for v in view_names}
            for key, energy in (("error", error), ("truth", case.truth))
        }
        rows.append({"participant": case.participant, **sums, "quiet": float(harm)})
    return {"rows": rows}


def decibels(results: dict, view: str) -> float:
    """Pooled for each participant, mean over participants."""
    participants = dict.fromkeys(r["participant"] for r in results["rows"])
    errors = []
    for participant in participants:
        own = [r for r in results["rows"] if r["participant"] == participant]
        error, truth = (sum(r[k][view] for r in own) for k in ("error", "truth"))
        errors.append(10 * np.log10((error + 1e-30) / truth))
    return float(np.mean(errors))


def best_of(errors: list[float], changes: list[float]) -> int:
    """Which setting is best: the most harmless of those whose errors [dB] are within `TIE`.

    Examples
    --------
    >>> best_of([-2.0, -1.9, -1.0], [-5.0, -10.0, -20.0])
    1
    """
    near = [k for k, error in enumerate(errors) if error <= min(errors) + TIE]
    return min(near, key=lambda k: (changes[k], errors[k]))


def table(folder: Path, stream: str, only: set[str]) -> Table:
    """Errors and change of quiet parts [dB] of every setting of a modality's methods."""
    view_names, tried = segments.VIEWS[stream], cases(stream)
    columns = ["method", "setting", *(f"{v} [dB]" for v in view_names), "quiet [dB]", "mark"]
    rows = []
    chosen = [n for n in baselines(stream, networks=False) if not only or n in only]
    for name in track(chosen, description=stream):
        results = []
        for setting in combinations(name, stream):
            key = hashlib.sha256(json.dumps(setting, sort_keys=True).encode()).hexdigest()[:8]
            target = folder / f"{stream}_{name}_{method_key(name)}_{key}.json"
            if not target.exists():
                write(target, facts(name, stream, setting, tried))
            one = json.loads(target.read_text())
            if "failure" in one:
                blank = [""] * (len(columns) - 2)
                rows.append([name, f"did not run: {one['failure']}", *blank])
                break
            harm = float(np.mean([row["quiet"] for row in one["rows"]]))
            results.append((setting, [*(decibels(one, v) for v in view_names), harm]))
        judged = len(view_names) if stream == NIRS.name else 1  # views that choose
        errors = [float(np.mean(values[:judged])) for _, values in results]
        best = best_of(errors, [values[-1] for _, values in results]) if results else None
        for number, (setting, values) in enumerate(results):
            words = ", ".join(f"{k} {v}" for k, v in setting.items()) or "–"
            own = setting == dict(baselines()[name].treatments[stream].settings)
            marks = " ".join([*["best"] * (number == best), *["default"] * own])
            rows.append([name, words, *(f"{v:.1f}" for v in values), marks])
    return Table(columns, rows)


QUESTION = """At which setting is each baseline method best? All settings that are worth trying, on
validation participants only ({count} recordings, severity {severities}, shared timing). The best of
each is the method's default, so that comparisons are ones that its authors would accept. Error in
motion over the truth's energy there, segments of −5 to 20 dB, pooled for each participant, mean
over participants. `quiet` is the change of parts without motion (`clean_change_db`)."""
LIMITS = """Errors are of EEG whole / below 5 Hz and fNIRS 0.01-0.7 Hz / unfiltered. EEG is judged
by the whole band, fNIRS by the mean of both. Zeros have 0 dB (quiet too); nothing done has −inf. Of
settings within {tie} dB of the least error the one with the least change is best. With so few
participants, neighbouring settings are hardly distinguished."""


def page(tables: dict[str, Table], count: int) -> Page:
    """The best setting of each method on the page, all settings in the file."""
    shown = []
    for modality, table_ in tables.items():
        for name, setting, *errors, quiet, mark in table_.rows:
            if mark.startswith("best") and setting != "–":
                shown.append([modality, name, setting, " / ".join(errors), quiet])
    return Page(
        title="Best settings of the baseline methods",
        question=QUESTION.format(count=count, severities=" and ".join(map(str, SEVERITIES))),
        table=Table(["modality", "method", "setting", "error [dB]", "quiet [dB]"], shown),
        limits=LIMITS.format(tie=TIE),
        command="python -m benchmarks.joint_gain.baseline_settings "
        "--page docs/measured/baseline_settings.md",
        data={"": stacked(tables, "modality")},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/baseline_settings")
    parser.add_argument("--methods", default="", help="only these, separated by commas")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    only = {n for n in options.methods.split(",") if n}
    folder = options.out / pairs_key()
    tables = {one.display: table(folder, name, only) for name, one in MODALITIES.items()}
    results = page(tables, len(list(pairs("validation"))))
    print(results.markdown("baseline_settings"))
    if options.page:
        results.write(options.page)


if __name__ == "__main__":
    main()
