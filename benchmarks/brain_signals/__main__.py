"""Do brain signals survive cleaning, and is coupling between streams never made up?

    python -m benchmarks.brain_signals --surrogates 200 --page docs/neural_features.md

Simulated people with movement, whose truth is known to the sample. Features: alpha power, an added
ERP, the response to tapping, correlations between channels, coupling of rhythms' power to HbO.
Surrogates: people at rest without coupling, whose streams share the timing of movement; how often
a test at 5 % finds coupling in truth, disturbed and cleaned recordings. Resumable: one JSON each.
"""

import argparse
import json
import logging
import os
from pathlib import Path

import numpy as np
import xarray as xr
from rich.progress import track
from scipy.stats import binomtest

from benchmarks.brain_signals.measures import FEATURES, PEAK, Trials, coupling_p, features, with_erp
from benchmarks.common.keys import result_key, weights
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import interval
from neurofuse.fusion.clean import clean
from neurofuse.io import stream_dataset
from neurofuse.io.recording import with_stream
from neurofuse.synth import inject, simulate

DURATION = {"feature": 330.0, "surrogate": 120.0}  # s
SEVERITIES = (0.15, 0.5, 1.5)
COUPLED = 3.0  # `coupling` of feature recordings: strong enough to be measured in 5 minutes
TRIALS = 40
NOMINAL = 0.05
TARGETS = {"coupling at its lag": 0.10}
TARGET = 0.05  # of the other features
NOISY = ("ERP amplitude", "coupling at its lag")  # small in some people, whose ratios are wild


def cleaned_by(recording: xr.DataTree, folder: Path) -> dict[str, xr.DataTree]:
    """The recording itself, cleaned by the joint model, and by both twins."""
    twins = recording
    for stream in ("eeg", "nirs"):
        alone = clean(recording, str(folder / f"{stream}.safetensors"))
        twins = with_stream(twins, stream, stream_dataset(alone, stream))
    joint = clean(recording, str(folder / "joint.safetensors"))
    return {"untouched": recording, "joint": joint, "twins": twins}


def feature_facts(seed: int, severity: float, folder: Path) -> dict:
    """Features of one person in truth, disturbed and cleaned recordings."""
    rest, _ = simulate(DURATION["feature"], seed=seed, coupling=COUPLED, severity=0.0)
    rng = np.random.default_rng([seed, 7])
    onsets = 5.0 + 8.0 * np.arange(TRIALS) + rng.uniform(0, 4, TRIALS)
    truth, contaminated = inject(with_erp(rest, onsets), seed=seed, severity=severity)
    tapped = stream_dataset(truth, "events")
    taps = tapped.onset.values[tapped.description.values == "task"]
    trials = Trials(onsets, taps)
    base = features(truth, truth, trials)
    found = {"truth": base}
    for arm, recording in cleaned_by(contaminated, folder).items():
        found[arm] = features(recording, truth, trials)
    return {"seed": seed, "severity": severity, "features": found}


def surrogate_facts(seed: int, folder: Path) -> dict:
    """p of the test of coupling in one person's recordings, none of which holds any."""
    truth, contaminated = simulate(DURATION["surrogate"], seed=seed, task=None, coupling=0.0)
    joint = clean(contaminated, str(folder / "joint.safetensors"))
    cases = {"truth": truth, "untouched": contaminated, "joint": joint}
    return {"seed": seed, "p": {name: coupling_p(r) for name, r in cases.items()}}


def change(facts: list[dict], arm: str, feature: str) -> list[float]:
    """Feature over truth of each person; of a distance between matrices the distance itself."""
    if FEATURES[feature]:
        return [f["features"][arm][feature] for f in facts]
    return [f["features"][arm][feature] / f["features"]["truth"][feature] for f in facts]


def feature_table(facts: list[dict]) -> list[str]:
    """Every feature after cleaning against truth, by severity."""
    severities = sorted({f["severity"] for f in facts})
    rows = [
        "| feature | arm | " + " | ".join(f"severity {s:g}" for s in severities) + " | target |",
        "|---|---|" + "---|" * (len(severities) + 1),
    ]
    for feature, distance in FEATURES.items():
        limit = TARGETS.get(feature, TARGET)
        target = f"≤ {limit:.2f}" if distance else f"{1 - limit:.2f} to {1 + limit:.2f}"
        for arm in ("untouched", "joint", "twins"):
            cells = []
            for severity in severities:
                own = [f for f in facts if f["severity"] == severity]
                values = change(own, arm, feature)
                if feature in NOISY:
                    truth = np.mean([f["features"]["truth"][feature] for f in own])
                    pairs = [(f["features"][arm], f["features"]["truth"]) for f in own]
                    values = [1 + (a[feature] - b[feature]) / truth for a, b in pairs]
                cells.append("{:.2f} [{:.2f}, {:.2f}]".format(*interval(values)))
            rows.append(f"| {feature} | {arm} | " + " | ".join(cells) + f" | {target} |")
    return rows


def surrogate_table(facts: list[dict]) -> list[str]:
    """How often the test finds coupling where there is none."""
    rows = ["| recording | found | rate [95 % interval] | nominal inside |", "|---|---|---|---|"]
    for name in facts[0]["p"]:
        hits = sum(f["p"][name] < NOMINAL for f in facts)
        low, high = binomtest(hits, len(facts)).proportion_ci(method="wilson")
        inside = "yes" if low <= NOMINAL <= high else "no"
        share = f"{hits / len(facts):.3f} [{low:.3f}, {high:.3f}]"
        rows.append(f"| {name} | {hits} of {len(facts)} | {share} | {inside} |")
    return rows


PAGE = """# Brain signals after cleaning

Made by `python -m benchmarks.brain_signals --surrogates {surrogates} --people {people}`; weights
`{weights}`. Simulated people, 19 EEG and 24 fNIRS channels, motion of shared timing.

## Features

{people} people of {seconds:g} s each who tap, with coupling {coupled:g}; feature after cleaning
over the same in the truth (alpha: median of channels), mean over people with a 95 % bootstrap
interval. ERP: {peak:g} µV over Pz, 0.35 s after {trials} onsets, no trial rejected; difference
over the mean of the truths. HRF: response
of HbO to tapping where it is largest, by regression. Connectivity: mean absolute difference of
correlations between channels over their mean absolute size in the truth. Coupling: correlation of
minus the log power in 8-30 Hz with HbO nearby, 5 s later; difference over the mean of the truths.

{features}

## Coupling that is not there

{surrogates} people at rest without coupling, {short:g} s, severity 1. Test: largest absolute
correlation at 0-15 s of power in 8-30 Hz with HbO nearby, of all electrodes, against the same with
random phases; p < {nominal:g}.

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surrogates", type=int, default=200)
    parser.add_argument("--people", type=int, default=8, help="recordings of features a severity")
    parser.add_argument("--weights", type=Path, default=ROOT / "models/pretrained")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/neural_features")
    parser.add_argument("--page", type=Path, help="write the tables to this Markdown file")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    key = result_key("brain signals", files=weights(options.weights))
    folder = options.out / key
    todo = [(f"feature_{k}_{s}", k, s) for k in range(options.people) for s in SEVERITIES]
    todo += [(f"surrogate_{k}", k, None) for k in range(options.surrogates)]
    found: dict[str, list[dict]] = {"feature": [], "surrogate": []}
    for name, number, severity in track(todo, description="people"):
        target = folder / f"{name}.json"
        if not target.exists():
            if severity is None:
                facts = surrogate_facts(50_000 + number, options.weights)
            else:
                facts = feature_facts(40_000 + number, severity, options.weights)
            write(target, facts)
        found[name.split("_")[0]].append(json.loads(target.read_text()))
    text = PAGE.format(
        surrogates=options.surrogates,
        people=options.people,
        weights=os.path.relpath(options.weights, ROOT),
        seconds=DURATION["feature"],
        short=DURATION["surrogate"],
        coupled=COUPLED,
        peak=1e6 * PEAK,
        trials=TRIALS,
        nominal=NOMINAL,
        features="\n".join(feature_table(found["feature"])) if options.people else "not run",
        table="\n".join(surrogate_table(found["surrogate"])) if options.surrogates else "not run",
    )
    print(text)
    if options.page:
        options.page.write_text(text)


if __name__ == "__main__":
    main()
