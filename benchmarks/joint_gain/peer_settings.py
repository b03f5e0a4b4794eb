"""Each peer's best setting, chosen on validation people: docs/peer_settings.md.

    python -m benchmarks.joint_gain.peer_settings --page docs/peer_settings.md

All combinations of a peer's `choices`, for each stream by itself. Error in motion as in
`joint_gain.py`: segments whose artifact is -5 to 20 dB of the signal, pooled for each person, mean
over people in dB; for fNIRS the mean of that in 0.01-0.7 Hz and unfiltered. Of settings within 0.2
dB of the least error, which so few people do not tell apart, the one that changes quiet parts least
is best. Resumable: one JSON a setting.
"""

import argparse
import hashlib
import json
import logging
from itertools import product
from pathlib import Path

import numpy as np
from rich.progress import track

import benchmarks.joint_gain.segments as segments
from benchmarks.common.clean_pairs import pairs
from benchmarks.common.keys import OTHER, method_key
from benchmarks.common.paths import ROOT, write
from benchmarks.joint_gain.arms import pairs_key
from benchmarks.joint_gain.facts import ASKED
from neurofuse.fusion.methods.registry import LEARNED, PEERS, get
from neurofuse.fusion.metrics.errors import score
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import without_stream
from neurofuse.synth import inject

SEVERITIES = (0.15, 0.5)
FIRST_SEED = 1000
TIE = 0.2  # dB


def combinations(name: str, stream: str) -> list[dict]:
    """Every setting that is tried; the peer's own one if there is no choice."""
    one = PEERS[name].treatments[stream]
    own = dict(one.settings)
    made = [
        own | dict(zip(one.choices, values, strict=True))
        for values in product(*one.choices.values())
    ]
    return made if own in made else [own, *made]


def facts(name: str, stream: str, setting: dict, cases: list) -> dict:
    """Energies in asked segments and change of quiet parts of each case, or why it did not run."""
    view_names = segments.VIEWS[stream]
    rows = []
    for person, original, contaminated, found, level, truth in cases:
        alone = contaminated
        if "partner" not in PEERS[name].treatments[stream].references:
            alone = without_stream(contaminated, OTHER[stream])
        try:
            cleaned = get(name, **setting).transform(alone)
        except NeurofuseError as error:
            return {"failure": str(error)}
        values = segments.samples(cleaned, stream, found.channel) - found.truth
        harm = score(original, alone, cleaned).value.loc[stream, "clean_change_db"]
        error = segments.energies(values, found)
        asked = [k for k, v in enumerate(level) if ASKED[0] <= v < ASKED[1]]
        rows.append(
            {
                "person": person,
                "error": {v: sum(map(sum, (error[v][k] for k in asked))) for v in view_names},
                "truth": {v: sum(map(sum, (truth[v][k] for k in asked))) for v in view_names},
                "quiet": float(harm),
            }
        )
    return {"rows": rows}


def decibels(found: dict, view: str) -> float:
    """Pooled for each person, mean over people."""
    people = dict.fromkeys(r["person"] for r in found["rows"])
    per = []
    for person in people:
        own = [r for r in found["rows"] if r["person"] == person]
        error, truth = (sum(r[k][view] for r in own) for k in ("error", "truth"))
        per.append(10 * np.log10((error + 1e-30) / truth))
    return float(np.mean(per))


def best_of(errors: list[float], changes: list[float]) -> int:
    """Which setting is best: the most harmless of those whose error [dB] cannot be told apart.

    Examples
    --------
    >>> best_of([-2.0, -1.9, -1.0], [-5.0, -10.0, -20.0])
    1
    """
    near = [k for k, error in enumerate(errors) if error <= min(errors) + TIE]
    return min(near, key=lambda k: (changes[k], errors[k]))


def prepared(stream: str) -> list:
    made = []
    for number, (name, recording) in enumerate(pairs("validation")):
        person = name.split("+")[0 if stream == "eeg" else 1]
        for severity in SEVERITIES:
            truth, contaminated = inject(
                recording, seed=FIRST_SEED + number, severity=severity, share="timing"
            )
            found = segments.material(truth, contaminated, stream)
            energy = segments.energies(found.truth, found)
            artifact = segments.energies(found.contaminated - found.truth, found)
            first = segments.VIEWS[stream][0]
            level = [
                10 * np.log10((sum(a) + 1e-30) / (sum(t) + 1e-30))
                for a, t in zip(artifact[first], energy[first], strict=True)
            ]
            made.append((person, truth, contaminated, found, level, energy))
    return made


def tables(folder: Path, only: set[str]) -> list[str]:
    lines = []
    for stream, view_names in segments.VIEWS.items():
        cases = prepared(stream)
        head = [*(f"{v} [dB]" for v in view_names), "quiet [dB]"]
        lines += [
            f"\n## {'EEG' if stream == 'eeg' else 'fNIRS'}\n",
            f"| method | setting | {' | '.join(head)} | |",
        ]
        lines.append("|---|---|" + "---|" * (len(head) + 1))
        names = [n for n, p in PEERS.items() if stream in p.streams and p not in LEARNED]
        names = [n for n in names if not only or n in only]
        for name in track(names, description=stream):
            found = []
            for setting in combinations(name, stream):
                key = hashlib.sha256(json.dumps(setting, sort_keys=True).encode()).hexdigest()[:8]
                target = folder / f"{stream}_{name}_{method_key(name)}_{key}.json"
                if not target.exists():
                    write(target, facts(name, stream, setting, cases))
                one = json.loads(target.read_text())
                if "failure" in one:
                    lines.append(
                        f"| {name} | did not run: {one['failure']} |" + " |" * (len(head) + 1)
                    )
                    break
                harm = float(np.mean([row["quiet"] for row in one["rows"]]))
                found.append((setting, [*(decibels(one, v) for v in view_names), harm]))
            weigh = slice(0, len(view_names) if stream == "nirs" else 1)
            errors = [float(np.mean(values[weigh])) for _, values in found]
            best = best_of(errors, [values[-1] for _, values in found]) if found else None
            for number, (setting, values) in enumerate(found):
                told = ", ".join(f"{k} {v}" for k, v in setting.items()) or "–"
                own = setting == dict(PEERS[name].treatments[stream].settings)
                marks = " ".join([*["best"] * (number == best), *["default"] * own])
                lines.append(
                    f"| {name} | {told} | "
                    + " | ".join(f"{v:.1f}" for v in values)
                    + f" | {marks} |"
                )
    return lines


PAGE = """# Settings of the peers

Made by `python -m benchmarks.joint_gain.peer_settings`: all methods at all settings that are worth trying, on
validation people only ({people} recordings, severity {severities}, sharing timing). The best of
each is the method's default, so that comparisons are ones that its authors would accept. Error in
motion over the truth's energy there, of segments of -5 to 20 dB, pooled for each person, mean over
people; EEG is judged by `whole`, fNIRS by the mean of both. Zeros have 0 dB. `quiet` is
`clean_change_db`, what is done to parts without motion (zeros: 0 dB, nothing: -inf): of settings
within {tie} dB of the least error the one with the least change is best.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/peer_settings")
    parser.add_argument("--methods", default="", help="only these, separated by commas")
    parser.add_argument("--page", type=Path, help="write the tables to this Markdown file")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    only = {n for n in options.methods.split(",") if n}
    rows = tables(options.out / pairs_key(), only)
    count = len(list(pairs("validation")))
    text = (
        PAGE.format(people=count, severities=" and ".join(map(str, SEVERITIES)), tie=TIE)
        + "\n".join(rows)
        + "\n"
    )
    print(text)
    if options.page:
        options.page.write_text(text)


if __name__ == "__main__":
    main()
