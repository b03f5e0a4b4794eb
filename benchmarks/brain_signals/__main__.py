"""Do brain signals survive cleaning, and is neurovascular coupling never created?

    python -m benchmarks.brain_signals --surrogates 200 --page docs/measured/neural_features.md

Simulated participants with motion, whose truth is known to the sample. Features: alpha power, an
added ERP, the response to tapping, correlations between channels, neurovascular coupling.
Surrogates: participants at rest without coupling, whose modalities share the timing of motion; how
often a test at 5 % finds coupling in truth, contaminated and cleaned recordings. Resumable: one
JSON each.
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

from benchmarks.brain_signals.measures import FEATURES, PEAK, Trials, features, with_erp
from benchmarks.common.keys import result_key, weights
from benchmarks.common.methods import JOINT, UNCORRECTED
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import cell
from neurofuse.fusion.clean import clean
from neurofuse.fusion.metrics.neurovascular import neurovascular_coupling_p
from neurofuse.io import stream_dataset
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import with_stream
from neurofuse.synth import inject, simulate

DURATION = {"feature": 330.0, "surrogate": 120.0}  # s
SEVERITIES = (0.15, 0.5, 1.5)
COUPLED = 3.0  # `coupling` of feature recordings: strong enough to be measured in 5 minutes
TRIALS = 40
NOMINAL = 0.05
TARGETS = {"neurovascular coupling": 0.10}
TARGET = 0.05  # of the other features
NOISY = ("ERP amplitude", "neurovascular coupling")  # small in some: their ratios are wild
ALONE = "single-modality models"


def cleaned_by(recording: xr.DataTree, folder: Path) -> dict[str, xr.DataTree]:
    """The recording itself, cleaned by the joint model, and by both single-modality models."""
    alone = recording
    for stream in MODALITIES:
        cleaned = clean(recording, folder / f"{stream}.safetensors")
        alone = with_stream(alone, stream, stream_dataset(cleaned, stream))
    joint = clean(recording, folder / "joint.safetensors")
    return {UNCORRECTED: recording, JOINT: joint, ALONE: alone}


def feature_facts(seed: int, severity: float, folder: Path) -> dict:
    """Features of one participant in truth, contaminated and cleaned recordings."""
    rest, _ = simulate(DURATION["feature"], seed=seed, coupling=COUPLED, severity=0.0)
    rng = np.random.default_rng([seed, 7])
    onsets = 5.0 + 8.0 * np.arange(TRIALS) + rng.uniform(0, 4, TRIALS)
    truth, contaminated = inject(with_erp(rest, onsets), seed=seed, severity=severity)
    tapped = stream_dataset(truth, "events")
    taps = tapped.onset.values[tapped.description.values == "task"]
    trials = Trials(onsets, taps)
    base = features(truth, truth, trials)
    results = {"truth": base}
    for arm, recording in cleaned_by(contaminated, folder).items():
        results[arm] = features(recording, truth, trials)
    return {"seed": seed, "severity": severity, "features": results}


def surrogate_facts(seed: int, folder: Path) -> dict:
    """p of the test of coupling in one participant's recordings, none of which holds any."""
    truth, contaminated = simulate(DURATION["surrogate"], seed=seed, task=None, coupling=0.0)
    joint = clean(contaminated, folder / "joint.safetensors")
    cases = {"truth": truth, UNCORRECTED: contaminated, JOINT: joint}
    return {"seed": seed, "p": {name: neurovascular_coupling_p(r) for name, r in cases.items()}}


def change(facts: list[dict], arm: str, feature: str) -> list[float]:
    """Feature over truth of each participant; of a distance between matrices the distance."""
    if FEATURES[feature]:
        return [f["features"][arm][feature] for f in facts]
    return [f["features"][arm][feature] / f["features"]["truth"][feature] for f in facts]


def feature_table(facts: list[dict]) -> Table:
    """Every feature after cleaning against truth, by severity."""
    severities = sorted({f["severity"] for f in facts})
    columns = ["feature", "method", *(f"severity {s:g}" for s in severities), "target"]
    rows = []
    for feature, distance in FEATURES.items():
        limit = TARGETS.get(feature, TARGET)
        target = f"≤ {limit:.2f}" if distance else f"{1 - limit:.2f} to {1 + limit:.2f}"
        for arm in (UNCORRECTED, JOINT, ALONE):
            cells = []
            for severity in severities:
                own = [f for f in facts if f["severity"] == severity]
                values = change(own, arm, feature)
                if feature in NOISY:
                    truth = np.mean([f["features"]["truth"][feature] for f in own])
                    pairs = [(f["features"][arm], f["features"]["truth"]) for f in own]
                    values = [1 + (a[feature] - b[feature]) / truth for a, b in pairs]
                cells.append(cell(values, digits=2))
            rows.append([feature, arm, *cells, target])
    return Table(columns, rows)


def surrogate_table(facts: list[dict]) -> Table:
    """How often the test finds coupling where there is none."""
    rows = []
    for name in facts[0]["p"] if facts else ():
        hits = sum(f["p"][name] < NOMINAL for f in facts)
        low, high = binomtest(hits, len(facts)).proportion_ci(method="wilson")
        inside = "yes" if low <= NOMINAL <= high else "no"
        rate = f"{hits / len(facts):.3f} [{low:.3f}, {high:.3f}]"
        rows.append([name, f"{hits} of {len(facts)}", rate, inside])
    return Table(["recording", "found", "rate", "nominal rate inside"], rows)


TITLE = "Brain signals after cleaning"
QUESTION = """Do brain signals survive cleaning, and is neurovascular coupling never created?
{participants} simulated participants ({seconds:g} s, 19 EEG and 24 fNIRS channels, tapping,
neurovascular coupling {coupled:g}; motion of shared timing at three severities), weights
`{weights}`. Each feature over its value in the truth, mean over participants with its 95 %
bootstrap interval. Alpha: median of channels. ERP: {peak:g} µV over Pz, 0.35 s after {trials}
onsets, no trial rejected. HRF: response of HbO to tapping where it is largest, by regression.
Connectivity: mean absolute difference of correlations between channels over their mean absolute
size in the truth (0 is best). Neurovascular coupling: correlation of minus the log power in 8-30 Hz
with HbO nearby, 5 s later."""
LIMITS = """Simulated brain signals. ERP and coupling are small in some participants, so their
difference stands over the mean of the truths. Coupling that is not there: {surrogates} participants
at rest without coupling, {short:g} s, severity 1, largest absolute correlation at 0-15 s against
the same with random phases, p < {nominal:g}: {rates} (second file)."""
COMMAND = "python -m benchmarks.brain_signals --surrogates {surrogates} "
COMMAND += "--participants {participants} \\\n    --page docs/measured/neural_features.md"


def page(
    features: Table, coupling: Table, participants: int, surrogates: int, folder: Path
) -> Page:
    """The page of both tables."""
    values = {
        "participants": participants,
        "surrogates": surrogates,
        "weights": os.path.relpath(folder, ROOT),
        "seconds": DURATION["feature"],
        "short": DURATION["surrogate"],
        "coupled": COUPLED,
        "peak": 1e6 * PEAK,
        "trials": TRIALS,
        "nominal": NOMINAL,
        "rates": "; ".join(f"{name} {rate}" for name, _, rate, _ in coupling.rows) or "not run",
    }
    return Page(
        title=TITLE,
        question=QUESTION.format(**values),
        table=features,
        limits=LIMITS.format(**values),
        command=COMMAND.format(**values),
        data={"": features, "coupling": coupling},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--surrogates", type=int, default=200)
    parser.add_argument(
        "--participants", type=int, default=8, help="simulated participants of features"
    )
    parser.add_argument("--weights", type=Path, default=ROOT / "models/pretrained")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/neural_features")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    key = result_key("brain signals", files=weights(options.weights))
    folder = options.out / key
    todo = [(f"feature_{k}_{s}", k, s) for k in range(options.participants) for s in SEVERITIES]
    todo += [(f"surrogate_{k}", k, None) for k in range(options.surrogates)]
    results: dict[str, list[dict]] = {"feature": [], "surrogate": []}
    for name, number, severity in track(todo, description="participants"):
        target = folder / f"{name}.json"
        if not target.exists():
            if severity is None:
                facts = surrogate_facts(50_000 + number, options.weights)
            else:
                facts = feature_facts(40_000 + number, severity, options.weights)
            write(target, facts)
        results[name.split("_")[0]].append(json.loads(target.read_text()))
    made = page(
        feature_table(results["feature"]),
        surrogate_table(results["surrogate"]),
        options.participants,
        options.surrogates,
        options.weights,
    )
    print(made.markdown("neural_features"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
